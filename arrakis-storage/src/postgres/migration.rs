//! The fixed tables, and how a database of an earlier format becomes one of this: forward only, in one transaction.

use std::collections::HashMap;

use arrakis_core::{Env, Error, Result, Timestamp};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

use super::connection::{Fence, Purpose, Settings};
use super::error::{corrupt, postgres};
use super::module::Module;
use super::reading::answered;
use super::statement;
use super::value::{Binder, RowReader};
use crate::sql::archive::moving;

/// The oldest server, as it numbers itself: PostgreSQL 15.
const SERVER_VERSION_MIN: u32 = 150_000;
/// What processes that migrate the same database at the same time wait for: the letters `ark`.
pub(super) const LOCK: i64 = 0x61_72_6b;
/// What is appended to the name of a namespace that is to hold a store when it is filled.
const MOVING_SUFFIX: &str = "_moving";
/// What every store has, under the name that the whole had while it was one.
const LOG: &str = "store";

/// What each format of a part adds to the one before it, the first to a namespace without the part.
type Steps = &'static [&'static [&'static str]];

/// The log, spaces, tenants and relays. The third format keeps the log's readers to a tenant, which names a role and so is done where rights
/// are given; with the fourth the other parts have formats of their own.
const LOG_STEPS: Steps = &[
    &[
        include_str!("migrations/0001_meta.sql"),
        include_str!("migrations/0001_head.sql"),
        include_str!("migrations/0001_commit_log.sql"),
        include_str!("migrations/0001_commit_log_by_tenant.sql"),
        include_str!("migrations/0001_space.sql"),
        include_str!("migrations/0001_tenant.sql"),
        include_str!("migrations/0001_relay.sql"),
    ],
    &[],
    &[],
    &[],
];
/// The format of [`LOG_STEPS`] from which the other parts have their own.
const PARTED: usize = 4;

/// Schemas, and which typed tables and indexes follow from them.
const ONTOLOGY_STEPS: Steps = &[
    &[
        include_str!("migrations/0001_schema_version.sql"),
        include_str!("migrations/0001_object_table.sql"),
        include_str!("migrations/0001_link_table.sql"),
    ],
    &[include_str!("migrations/0002_pending_index.sql")],
];

/// What reads of objects compute with; their tables are made with their first rows.
const KERNEL_STEPS: Steps = &[&[
    include_str!("migrations/0001_within_circle.sql"),
    include_str!("migrations/0001_array_contains.sql"),
    include_str!("migrations/0001_start_of_date.sql"),
    include_str!("migrations/0001_start_of_timestamp.sql"),
    include_str!("migrations/0001_point.sql"),
]];

/// The parts a store is to have, each after those it needs.
fn parts(settings: &Settings) -> Vec<(&'static str, Steps)> {
    let mut parts = vec![(LOG, LOG_STEPS)];
    for module in Module::ALL.into_iter().filter(|module| settings.options.modules.contains(module)) {
        let steps = match module {
            Module::Ontology => ONTOLOGY_STEPS,
            Module::Kernel => KERNEL_STEPS,
        };
        parts.push((module.name(), steps));
    }
    parts
}

/// The formats of the parts of a database; none of one that is not there.
#[derive(Debug, Default)]
struct Formats(HashMap<String, usize>);

impl Formats {
    fn of(&self, part: &str) -> usize {
        self.0.get(part).copied().unwrap_or_default()
    }

    fn is_store(&self) -> bool {
        self.of(LOG) > 0
    }

    fn lack(&self, parts: &[(&str, Steps)]) -> bool {
        parts.iter().any(|(part, steps)| self.of(part) < steps.len())
    }
}

/// Brings a database to this format; answers the key its cursors are authenticated with. Another process may do the same at the same time:
/// the one that comes second finds it done.
pub(super) async fn run(settings: &Settings, env: &Env) -> Result<[u8; 32]> {
    let mut connection = settings.connect(Purpose::Write).await?;
    let mut migration = Migration { settings, connection: &mut connection, parts: parts(settings) };
    migration.check_server().await?;
    if migration.formats().await?.lack(&migration.parts) {
        migration.bring(env).await.map_err(|error| migration.lacking(error, Lack::Namespace))?;
    }
    let row = migration.connection.fetch_optional(sqlx::query(statement::META)).await.map_err(postgres)?;
    let row = row.ok_or_else(corrupt)?;
    <[u8; 32]>::try_from(RowReader::new(&row).bytes()?).map_err(|_| corrupt())
}

/// What a user has no right to.
#[derive(Clone, Copy, Debug)]
enum Lack {
    /// To make the role that reads, or to take part in it.
    Role,
    /// To make the namespace.
    Database,
    /// To make tables in it.
    Namespace,
}

struct Migration<'s> {
    settings: &'s Settings,
    connection: &'s mut PgConnection,
    parts: Vec<(&'static str, Steps)>,
}

impl Migration<'_> {
    async fn check_server(&mut self) -> Result<()> {
        check_version(self.connection.server_version_num())?;
        let row = self.connection.fetch_one(statement::ENCODING).await.map_err(postgres)?;
        let encoding: String = row.try_get(0).map_err(postgres)?;
        if encoding != "UTF8" {
            return Err(Error::unavailable("store.encoding", "the database is not in UTF-8")
                .retryable_is(false)
                .with("setting", "url")
                .with("database", self.settings.database())
                .with("encoding", encoding));
        }
        Ok(())
    }

    /// The formats of the database.
    async fn formats(&mut self) -> Result<Formats> {
        let row = self.connection.fetch_one(statement::MIGRATION_MADE).await.map_err(postgres)?;
        if !row.try_get::<bool, _>(0).map_err(postgres)? {
            return Ok(Formats::default());
        }
        let mut formats = Formats::default();
        for row in &self.connection.fetch_all(statement::MIGRATIONS).await.map_err(postgres)? {
            let part = row.try_get::<&str, _>(0).map_err(postgres)?.to_owned();
            let format = usize::try_from(row.try_get::<i32, _>(1).map_err(postgres)?).unwrap_or(usize::MAX);
            formats.0.insert(part, format);
        }
        let whole = formats.of(LOG);
        if (1..PARTED).contains(&whole) {
            formats.0.insert(Module::Ontology.name().to_owned(), whole.min(ONTOLOGY_STEPS.len()));
            formats.0.insert(Module::Kernel.name().to_owned(), KERNEL_STEPS.len());
        }
        for (part, steps) in &self.parts {
            if formats.of(part) > steps.len() {
                return Err(Error::unavailable("store.newer", "the store was written by newer code")
                    .retryable_is(false)
                    .with("setting", "url")
                    .with("database", self.settings.database())
                    .with("module", part)
                    .with("format", formats.of(part))
                    .with("format_max", steps.len()));
            }
        }
        Ok(formats)
    }

    async fn bring(&mut self, env: &Env) -> Result<()> {
        if !self.settings.options.create && !self.formats().await?.is_store() {
            let absent = Error::not_found("store.absent", "the database holds no store");
            return Err(absent.with("database", self.settings.database()).with("setting", "create"));
        }
        self.make_role().await.map_err(|error| self.lacking(error, Lack::Role))?;
        self.execute("BEGIN").await?;
        // Another process that migrates is waited for as long as a statement may take.
        self.execute("SET LOCAL lock_timeout = 0").await?;
        let lock = Binder::default().bind(LOCK)?.done();
        let locked = self.connection.execute(sqlx::query_with(statement::MIGRATION_LOCK, lock));
        answered(self.settings, Purpose::Write, locked).await?;
        let namespace = &self.settings.options.namespace;
        if !self.formats().await?.is_store()
            && self.holds(statement::NAMESPACE_EXISTS, &moving_namespace(namespace)).await?
        {
            return Err(moving().with("namespace", namespace));
        }
        // Not `IF NOT EXISTS`, which takes the right to make one even where there is one.
        if !self.holds(statement::NAMESPACE_EXISTS, namespace).await? {
            let made = self.run(format!("CREATE SCHEMA \"{namespace}\"")).await;
            made.map_err(|error| self.lacking(error, Lack::Database))?;
        }
        self.execute("CREATE TABLE IF NOT EXISTS migration (module text PRIMARY KEY, version integer NOT NULL)")
            .await?;
        let mut found = self.formats().await?;
        let is_new = !found.is_store();
        for (part, steps) in self.parts.clone() {
            for sql in steps.iter().skip(found.of(part)).flat_map(|step| step.iter()) {
                self.execute(sql).await?;
            }
            found.0.insert(part.to_owned(), steps.len());
        }
        if is_new {
            self.start(env).await?;
        }
        self.grant().await?;
        for (part, format) in found.0 {
            let format = i32::try_from(format).unwrap_or(i32::MAX);
            let set = Binder::default().bind(part.as_str())?.bind(format)?.done();
            self.connection.execute(sqlx::query_with(statement::MIGRATION_SET, set)).await.map_err(postgres)?;
        }
        self.execute(statement::COMMIT).await
    }

    async fn start(&mut self, env: &Env) -> Result<()> {
        let mut cursor_key = [0_u8; 32];
        env.random(&mut cursor_key);
        let beginning = Timestamp::from_micros_saturating(i64::MIN).micros();
        let meta = Binder::default().bind(env.uuid())?.bind(cursor_key.as_slice())?.done();
        self.connection.execute(sqlx::query_with(statement::META_INSERT, meta)).await.map_err(postgres)?;
        let head = Binder::default().bind(beginning)?.done();
        self.connection.execute(sqlx::query_with(statement::HEAD_INSERT, head)).await.map_err(postgres)?;
        Ok(())
    }

    /// Makes the role that reads, where there is none, and takes part in it.
    async fn make_role(&mut self) -> Result<()> {
        let Fence::Role(role) = &self.settings.options.fence else { return Ok(()) };
        if !self.holds(statement::ROLE_EXISTS, role).await? {
            let made = self.run(format!("CREATE ROLE \"{role}\" NOLOGIN")).await;
            // Another process may have made it meanwhile.
            if !self.holds(statement::ROLE_EXISTS, role).await? {
                return made;
            }
        }
        if self.holds(statement::ROLE_MEMBER, role).await? {
            return Ok(());
        }
        let granted = self.run(format!("GRANT \"{role}\" TO CURRENT_USER")).await;
        // And have granted it.
        if self.holds(statement::ROLE_MEMBER, role).await? { Ok(()) } else { granted }
    }

    async fn grant(&mut self) -> Result<()> {
        let Fence::Role(role) = &self.settings.options.fence else { return Ok(()) };
        let namespace = &self.settings.options.namespace;
        self.run(format!("GRANT USAGE ON SCHEMA \"{namespace}\" TO \"{role}\"")).await?;
        self.run(format!("GRANT SELECT ON ALL TABLES IN SCHEMA \"{namespace}\" TO \"{role}\"")).await?;
        // It holds a key.
        self.run(format!("REVOKE SELECT ON meta FROM \"{role}\"")).await?;
        self.run(format!(
            "ALTER TABLE commit_log ENABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS tenant ON commit_log; \
             CREATE POLICY tenant ON commit_log FOR SELECT TO \"{role}\" USING (tenant = \
             (SELECT o.id FROM tenant AS o WHERE o.t = NULLIF(current_setting('arrakis.tenant', true), '')::bigint))"
        ))
        .await
    }

    async fn holds(&mut self, sql: &'static str, role: &str) -> Result<bool> {
        let bound = Binder::default().bind(role)?.done();
        let row = self.connection.fetch_one(sqlx::query_with(sql, bound)).await.map_err(postgres)?;
        row.try_get(0).map_err(postgres)
    }

    /// Tells whose right is missing which statements give it.
    fn lacking(&self, error: Error, what: Lack) -> Error {
        if error.code() != "store.permission" || error.param("needed").is_some() {
            return error;
        }
        let (user, namespace) = (self.settings.user(), &self.settings.options.namespace);
        let (setting, needed) = match (what, &self.settings.options.fence) {
            (Lack::Role, Fence::Role(role)) => {
                ("fence", format!("CREATE ROLE \"{role}\" NOLOGIN; GRANT \"{role}\" TO {user}"))
            }
            (Lack::Database, _) => {
                ("namespace", format!("GRANT CREATE ON DATABASE \"{}\" TO {user}", self.settings.database()))
            }
            _ => ("namespace", format!("GRANT USAGE, CREATE ON SCHEMA \"{namespace}\" TO {user}")),
        };
        error.with("setting", setting).with("needed", needed)
    }

    async fn execute(&mut self, sql: &'static str) -> Result<()> {
        self.connection.execute(sqlx::raw_sql(sql)).await.map(drop).map_err(postgres)
    }

    /// Runs a statement with names in it, which were checked to be nothing but names.
    async fn run(&mut self, sql: String) -> Result<()> {
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop).map_err(postgres)
    }
}

/// The namespace that is filled when a store is moved to one.
pub(super) fn moving_namespace(namespace: &str) -> String {
    format!("{namespace}{MOVING_SUFFIX}")
}

fn check_version(server: Option<u32>) -> Result<()> {
    let version = server.unwrap_or_default();
    if version >= SERVER_VERSION_MIN {
        return Ok(());
    }
    Err(Error::unavailable("store.server_too_old", "the database server is older than PostgreSQL 15")
        .retryable_is(false)
        .with("setting", "url")
        .with("server_version", version)
        .with("server_version_min", SERVER_VERSION_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_of_version_15_or_later() {
        for version in [150_000, 150_018, 160_004, 180_000] {
            check_version(Some(version)).unwrap();
        }
        for version in [None, Some(90_624), Some(140_099), Some(149_999)] {
            let error = check_version(version).unwrap_err();
            assert_eq!((error.code(), error.param("setting")), ("store.server_too_old", Some("url")));
            assert_eq!(error.param("server_version"), Some(&*version.unwrap_or_default().to_string()));
            assert!(!error.is_retryable());
        }
    }
}

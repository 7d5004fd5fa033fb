//! The fixed tables, and how a database of an earlier format becomes one of this: forward only, in one transaction.

use arrakis_core::{Env, Error, Result, Timestamp};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

use super::connection::{Fence, Purpose, Settings};
use super::error::{corrupt, postgres};
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
/// The name of the one module there is a format of so far.
const MODULE: &str = "store";

/// What each format adds to the one before it, the first to an empty namespace. The third keeps the log's readers to a tenant, which
/// names a role and so is done where rights are given.
const STEPS: [&[&str]; 3] = [FIRST, &[include_str!("migrations/0002_pending_index.sql")], &[]];

const FIRST: &[&str] = &[
    include_str!("migrations/0001_meta.sql"),
    include_str!("migrations/0001_head.sql"),
    include_str!("migrations/0001_commit_log.sql"),
    include_str!("migrations/0001_commit_log_by_tenant.sql"),
    include_str!("migrations/0001_space.sql"),
    include_str!("migrations/0001_tenant.sql"),
    include_str!("migrations/0001_schema_version.sql"),
    include_str!("migrations/0001_object_table.sql"),
    include_str!("migrations/0001_link_table.sql"),
    include_str!("migrations/0001_relay.sql"),
    include_str!("migrations/0001_within_circle.sql"),
    include_str!("migrations/0001_array_contains.sql"),
    include_str!("migrations/0001_start_of_date.sql"),
    include_str!("migrations/0001_start_of_timestamp.sql"),
    include_str!("migrations/0001_point.sql"),
];

/// Brings a database to this format; answers the key its cursors are authenticated with. Another process may do the same at the same time:
/// the one that comes second finds it done.
pub(super) async fn run(settings: &Settings, env: &Env) -> Result<[u8; 32]> {
    let mut connection = settings.connect(Purpose::Write).await?;
    let mut migration = Migration { settings, connection: &mut connection };
    migration.check_server().await?;
    if migration.version().await? < STEPS.len() {
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

    /// The format of the database, 0 for none.
    async fn version(&mut self) -> Result<usize> {
        let row = self.connection.fetch_one(statement::MIGRATION_MADE).await.map_err(postgres)?;
        if !row.try_get::<bool, _>(0).map_err(postgres)? {
            return Ok(0);
        }
        let rows = self.connection.fetch_all(statement::MIGRATIONS).await.map_err(postgres)?;
        let mut version = 0;
        for row in &rows {
            if row.try_get::<&str, _>(0).map_err(postgres)? == MODULE {
                version = usize::try_from(row.try_get::<i32, _>(1).map_err(postgres)?).unwrap_or(usize::MAX);
            }
        }
        if version > STEPS.len() {
            return Err(Error::unavailable("store.newer", "the store was written by newer code")
                .retryable_is(false)
                .with("setting", "url")
                .with("database", self.settings.database())
                .with("format", version)
                .with("format_max", STEPS.len()));
        }
        Ok(version)
    }

    async fn bring(&mut self, env: &Env) -> Result<()> {
        if !self.settings.options.create && self.version().await? == 0 {
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
        if self.version().await? == 0 && self.holds(statement::NAMESPACE_EXISTS, &moving_namespace(namespace)).await? {
            return Err(moving().with("namespace", namespace));
        }
        // Not `IF NOT EXISTS`, which takes the right to make one even where there is one.
        if !self.holds(statement::NAMESPACE_EXISTS, namespace).await? {
            let made = self.run(format!("CREATE SCHEMA \"{namespace}\"")).await;
            made.map_err(|error| self.lacking(error, Lack::Database))?;
        }
        self.execute("CREATE TABLE IF NOT EXISTS migration (module text PRIMARY KEY, version integer NOT NULL)")
            .await?;
        let found = self.version().await?;
        for sql in STEPS.iter().skip(found).flat_map(|step| step.iter()) {
            self.execute(sql).await?;
        }
        if found == 0 {
            self.start(env).await?;
        }
        self.grant().await?;
        let version = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
        let set = Binder::default().bind(MODULE)?.bind(version)?.done();
        self.connection.execute(sqlx::query_with(statement::MIGRATION_SET, set)).await.map_err(postgres)?;
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

//! Connections: where to, as whom, and what each is told when it is new.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use arrakis_core::{Error, Result};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::error::{postgres, silent};
use super::module::Module;

/// The connections for reads, unless stated otherwise.
const READERS_MAX_DEFAULT: usize = 8;
/// How long a connection may take to be made, in milliseconds, unless stated otherwise.
const CONNECT_TIMEOUT_DEFAULT_MS: u64 = 5_000;
/// How long a statement of a read may take, in milliseconds, unless stated otherwise.
const STATEMENT_TIMEOUT_DEFAULT_MS: u64 = 30_000;
/// How long a statement of a commit may take, in milliseconds, unless stated otherwise.
const COMMIT_TIMEOUT_DEFAULT_MS: u64 = 60_000;
/// How long a change of tables waits for reads that are under way, in milliseconds, unless stated otherwise.
const LOCK_TIMEOUT_DEFAULT_MS: u64 = 2_000;
/// The role that reads, unless another is named.
const READER_ROLE_DEFAULT: &str = "arrakis_reader";

/// How long the building of an index may take, in milliseconds: a day.
const INDEX_TIMEOUT_MS: u64 = 86_400_000;
/// How long a transaction may wait for its own process, in milliseconds: one that was left alone holds back cleaning up.
const IDLE_TRANSACTION_TIMEOUT_MS: u64 = 60_000;
/// How often the server looks whether who asked is still there, in milliseconds.
const PRESENCE_INTERVAL_MS: u64 = 1_000;
/// The statements a connection keeps prepared.
const STATEMENTS_KEPT_MAX: usize = 512;
/// The longest name of a namespace or role (PostgreSQL's `NAMEDATALEN` less one).
const NAME_LEN_MAX: usize = 63;
/// How much longer the way to the server and back may take than the statement, before the connection is taken for dead.
pub(super) const ANSWER_GRACE: Duration = Duration::from_secs(1);

/// What keeps a read to its tenant besides the statement's own condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fence {
    /// Reads run as this role, which may only select, and only rows of the tenant that is read (row-level security). It is made with the
    /// store where it does not exist; a user that may not make roles is told what to ask for.
    Role(String),
    /// Nothing else.
    Off,
}

/// How a [`super::PgStore`] is opened.
#[derive(Clone, Debug)]
pub struct PgOptions {
    /// The namespace (`CREATE SCHEMA`) that holds the store's tables: lower-case letters, digits and `_`.
    pub namespace: String,
    /// Whether a store that does not exist is made; the database must exist.
    pub create: bool,
    /// What keeps a read to its tenant besides the statement's own condition.
    pub fence: Fence,
    /// The parts the store has: all unless stated otherwise. Only their migrations are run; what is asked of another answers `store.module`. One
    /// that is not there yet is added when the store is opened with it.
    pub modules: Vec<Module>,
    /// The most connections for reads; at least one. One more writes, one listens, one keeps the leases of relays, and two read the log.
    pub readers_max: usize,
    /// How long a connection may take to be made, and a read may wait for one, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long a statement of a read may take, in milliseconds, before `store.timeout`.
    pub statement_timeout_ms: u64,
    /// How long a statement of a commit may take, in milliseconds, before it is undone.
    pub commit_timeout_ms: u64,
    /// How long a change of tables waits for reads that are under way, in milliseconds, before it is tried again.
    pub lock_timeout_ms: u64,
    /// Whether the namespace is dropped with the store, as a test's is.
    pub temporary: bool,
}

impl Default for PgOptions {
    fn default() -> Self {
        Self {
            namespace: "arrakis".to_owned(),
            create: true,
            fence: Fence::Role(READER_ROLE_DEFAULT.to_owned()),
            modules: Module::ALL.to_vec(),
            readers_max: READERS_MAX_DEFAULT,
            connect_timeout_ms: CONNECT_TIMEOUT_DEFAULT_MS,
            statement_timeout_ms: STATEMENT_TIMEOUT_DEFAULT_MS,
            commit_timeout_ms: COMMIT_TIMEOUT_DEFAULT_MS,
            lock_timeout_ms: LOCK_TIMEOUT_DEFAULT_MS,
            temporary: false,
        }
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reads of one tenant at a time.
    Read,
    /// Reads of what belongs to no single tenant: the log as relays read it, and who published schemas.
    Whole,
    /// Commits, and whatever else sees the whole store.
    Write,
    /// Indexes that are built beside commits, which wait for whoever is before them.
    Index,
}

impl Purpose {
    /// The stable name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Whole => "whole",
            Self::Write => "write",
            Self::Index => "index",
        }
    }
}

/// Options that were checked, and where they lead.
pub(super) struct Settings {
    pub(super) options: PgOptions,
    target: PgConnectOptions,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Settings");
        debug.field("host", &self.target.get_host()).field("port", &self.target.get_port());
        debug.field("database", &self.database()).field("options", &self.options).finish_non_exhaustive()
    }
}

impl Settings {
    pub(super) fn new(url: &str, options: &PgOptions) -> Result<Self> {
        check_name("namespace", &options.namespace)?;
        if let Fence::Role(role) = &options.fence {
            check_name("fence", role)?;
        }
        if options.modules.contains(&Module::Kernel) && !options.modules.contains(&Module::Ontology) {
            return Err(Error::invalid("store.option.malformed", "objects and links need the ontology beside them")
                .with("setting", "modules")
                .with("module", Module::Kernel.name())
                .with("needed", Module::Ontology.name()));
        }
        let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let target = PgConnectOptions::from_str(url).ok().filter(|_| is_postgres);
        let target = target.ok_or_else(|| {
            let form = "postgres://user:password@host:port/database";
            Error::invalid("store.url.malformed", "the URL of the database cannot be read")
                .with("setting", "url")
                .with("form", form)
        })?;
        let target = target.disable_statement_logging().statement_cache_capacity(STATEMENTS_KEPT_MAX);
        Ok(Self { options: options.clone(), target: target.application_name("arrakis") })
    }

    pub(super) fn database(&self) -> &str {
        // A URL without a database leads to the one called like the user.
        self.target.get_database().unwrap_or_else(|| self.target.get_username())
    }

    /// The user of the database, as a statement names it.
    pub(super) fn user(&self) -> String {
        format!("\"{}\"", self.target.get_username().replace('"', "\"\""))
    }

    /// The longest a statement may take.
    pub(super) fn statement_timeout(&self, purpose: Purpose) -> Duration {
        Duration::from_millis(match purpose {
            Purpose::Read | Purpose::Whole => self.options.statement_timeout_ms,
            Purpose::Write => self.options.commit_timeout_ms,
            Purpose::Index => INDEX_TIMEOUT_MS,
        })
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.options.connect_timeout_ms)
    }

    /// The channel processes tell each other of commits on.
    pub(super) fn channel(&self) -> String {
        format!("{}_commit", self.options.namespace)
    }

    /// Where a connection that only listens leads to.
    pub(super) fn listening(&self) -> PgConnectOptions {
        self.target.clone()
    }

    /// Makes a connection.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<PgConnection> {
        let timeout = self.statement_timeout(purpose).as_millis().to_string();
        let idle = IDLE_TRANSACTION_TIMEOUT_MS.to_string();
        let presence = PRESENCE_INTERVAL_MS.to_string();
        let lock = self.options.lock_timeout_ms.to_string();
        let mut told = vec![
            ("search_path", self.options.namespace.as_str()),
            ("statement_timeout", &timeout),
            ("idle_in_transaction_session_timeout", &idle),
            ("client_connection_check_interval", &presence),
            // Compiling a statement takes longer than running it.
            ("jit", "off"),
        ];
        if purpose == Purpose::Write {
            // Rows are found by their keys, whatever the statistics of a table that has just been filled say.
            told.extend([("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("enable_seqscan", "off")]);
            told.push(("lock_timeout", &lock));
        }
        if purpose == Purpose::Whole {
            told.push(("default_transaction_read_only", "on"));
        }
        let target = self.target.clone().options(told);
        let mut connection = self.in_time(target.connect()).await?;
        if let (Purpose::Read, Fence::Role(role)) = (purpose, &self.options.fence) {
            let set = format!("SET ROLE \"{role}\"");
            self.in_time(connection.execute(AssertSqlSafe(set))).await.map_err(|e| e.with("setting", "fence"))?;
        }
        Ok(connection)
    }

    async fn in_time<T>(&self, connecting: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
        let connected = tokio::time::timeout(self.connect_timeout(), connecting).await;
        connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|error| {
            let error = if matches!(error, sqlx::Error::PoolTimedOut) { silent() } else { postgres(error) };
            error
                .with("setting", "url")
                .with("host", self.target.get_host())
                .with("port", self.target.get_port())
                .with("database", self.database())
                .with("user", self.target.get_username())
        })
    }
}

fn check_name(setting: &'static str, name: &str) -> Result<()> {
    let is_letter = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_named = name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit());
    if is_named && name.len() <= NAME_LEN_MAX {
        return Ok(());
    }
    Err(Error::invalid("store.option.malformed", "a name of the database is lower-case letters, digits and `_`")
        .with("setting", setting)
        .with("length_max", NAME_LEN_MAX))
}

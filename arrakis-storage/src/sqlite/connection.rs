//! Opening the file: what it must be, and how connections are set up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrakis_core::{Env, Error, ErrorKind, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{corrupt, is_busy, sqlite};
use super::header::{self, Header};
use super::{Durability, SqliteOptions, function, migration};

/// The first SQLite without the bug that could corrupt a file when its write-ahead log was reset (3.7.0 to 3.51.2).
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// Marks a file as a store of Arrakis: `arks`.
pub(super) const APPLICATION_ID: i32 = 0x6172_6b73;
/// The page cache of the writing connection.
const WRITER_CACHE_MAX_KIB: i64 = 65_536;
/// The page cache of a reading connection.
const READER_CACHE_MAX_KIB: i64 = 16_384;
/// Pages in the write-ahead log before a commit moves them to the file.
const CHECKPOINT_PAGES: i64 = 4_000;
/// What is kept of the write-ahead log's file once it was moved.
const WAL_LEN_MAX: i64 = 67_108_864;
/// Prepared statements a connection keeps.
const STATEMENTS_MAX: usize = 512;
/// Rows of an index that are looked at to estimate how selective it is.
const ANALYSIS_ROWS_MAX: i64 = 1_000;

/// What is appended to the name of a file that is to be a store when it is filled.
const MOVING_SUFFIX: &str = ".moving";

/// Where a store is and how it is opened.
#[derive(Clone, Debug)]
pub(super) struct Location {
    pub(super) path: PathBuf,
    pub(super) options: SqliteOptions,
}

impl Location {
    pub(super) fn new(path: &Path, options: &SqliteOptions) -> Result<Self> {
        // An absolute path is a path: SQLite reads others as URIs or as `:memory:`.
        let path = std::path::absolute(path).map_err(|e| cannot_open(path).caused_by(e))?;
        Ok(Self { path, options: options.clone() })
    }

    /// Checks that the file is a store this code can open, or may become one, and leaves it untouched.
    pub(super) fn check(&self) -> Result<()> {
        let version = rusqlite::version_number();
        if version < SQLITE_VERSION_MIN {
            return Err(Error::new(ErrorKind::Unsupported, "store.sqlite_too_old", "this SQLite can corrupt a store")
                .with("version", rusqlite::version())
                .with("version_min", SQLITE_VERSION_MIN));
        }
        match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.options.create => {
                return self.check_moving();
            }
            Err(error) => return self.check_moving().and(Err(self.cannot_open().caused_by(error))),
            Ok(found) if !found.is_file() => {
                return Err(Error::invalid("store.not_a_file", "a store is a file").with("file", self.path.display()));
            }
            Ok(found) if found.len() == 0 => return self.check_moving(),
            Ok(_) => {}
        }
        // A connection, even one that only reads, may leave files beside a database in the mode of the write-ahead log: whose this
        // one is its first page tells.
        let logged = self.is_logged();
        let header = Header::read(&self.path).map_err(|e| cannot_open(&self.path).caused_by(e))?;
        let checked = check_header(header.as_ref(), logged || self.is_logged());
        checked.map_err(|e| e.with("file", self.path.display()))
    }

    /// The file that is filled when a store is moved to this place.
    pub(super) fn moving(&self) -> PathBuf {
        self.beside(MOVING_SUFFIX)
    }

    /// Refuses to make a store where one is being moved to.
    fn check_moving(&self) -> Result<()> {
        let moving = self.moving();
        if moving.exists() { Err(crate::sql::archive::moving().with("file", moving.display())) } else { Ok(()) }
    }

    pub(super) fn cannot_open(&self) -> Error {
        cannot_open(&self.path)
    }

    /// Whether pages of the file wait beside it.
    pub(super) fn is_logged(&self) -> bool {
        ["-wal", "-journal"]
            .into_iter()
            .any(|suffix| std::fs::metadata(self.beside(suffix)).is_ok_and(|found| found.len() > 0))
    }

    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Tells which file an error is of, and how long its lock was waited for.
    pub(super) fn name(&self, error: Error) -> Error {
        let waited = is_busy(&error).then_some(self.options.busy_timeout_ms);
        let error = error.with("file", self.path.display());
        match waited {
            Some(busy_timeout_ms) => error.with("busy_timeout_ms", busy_timeout_ms),
            None => error,
        }
    }

    /// The connection that writes; makes or migrates the file.
    pub(super) fn writer(&self, env: &Env) -> Result<Connection> {
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        if connection.is_readonly(rusqlite::MAIN_DB).map_err(sqlite)? {
            return Err(Error::new(ErrorKind::Unavailable, "store.read_only", "the store cannot be written to")
                .retryable_is(false)
                .with("file", self.path.display()));
        }
        // Before the write-ahead log, so that the file's own first page tells whose it is from the first moment on.
        if check_ours(&connection)? < migration::VERSION {
            migration::run(&connection, env)?;
        }
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(sqlite)?;
        if mode != "wal" {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "store.no_wal",
                "the file system does not offer what a write-ahead log needs",
            ));
        }
        let synchronous = match self.options.durability {
            Durability::Full => "FULL",
            Durability::Normal => "NORMAL",
        };
        set(&connection, "synchronous", synchronous)?;
        set(&connection, "cache_size", -WRITER_CACHE_MAX_KIB)?;
        set(&connection, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        set(&connection, "journal_size_limit", WAL_LEN_MAX)?;
        set(&connection, "analysis_limit", ANALYSIS_ROWS_MAX)?;
        Ok(connection)
    }

    /// A connection that only reads.
    pub(super) fn reader(&self) -> Result<Connection> {
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        set(&connection, "query_only", true)?;
        set(&connection, "cache_size", -READER_CACHE_MAX_KIB)?;
        Ok(connection)
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection> {
        // Each connection is used by one thread at a time.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&self.path, flags).map_err(|e| sqlite(e).with("file", self.path.display()))?;
        connection.busy_timeout(Duration::from_millis(self.options.busy_timeout_ms)).map_err(sqlite)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // Else SQLite plans by the value of a bound `LIMIT`, and prepares a cached statement anew each time one is bound.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(sqlite)?;
        set(&connection, "foreign_keys", true)?;
        set(&connection, "mmap_size", 0)?;
        function::register(&connection).map_err(sqlite)?;
        Ok(connection)
    }
}

impl Location {
    /// Deletes the file and what SQLite keeps beside it.
    pub(super) fn delete(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // What is not there needs no deleting.
            let _ = std::fs::remove_file(self.beside(suffix));
        }
    }
}

fn set(connection: &Connection, pragma: &str, value: impl rusqlite::ToSql) -> Result<()> {
    connection.pragma_update(None, pragma, value).map_err(sqlite)
}

/// Refuses by its first page a file that is not a store of this code and may not become one. A file with pages in a log has them in
/// the file as well once the log is moved; until then SQLite alone can tell how long it is to be.
fn check_header(header: Option<&Header>, logged: bool) -> Result<()> {
    let Some(header) = header else {
        return Err(Error::invalid("store.not_a_database", "the file is not a SQLite database"));
    };
    let Some(identity) = &header.identity else {
        return Err(corrupt().with("length", header.length).with("length_min", header::LEN));
    };
    if identity.application_id == APPLICATION_ID {
        ours(identity.user_version)?;
    } else if *identity != header::Identity::default() || logged {
        return Err(foreign(identity.application_id));
    }
    match header.whole {
        Some(whole) if header.length < whole && !logged => {
            Err(corrupt().with("length", header.length).with("length_min", whole))
        }
        _ => Ok(()),
    }
}

/// The format version of a store, 0 for an empty database; refuses what belongs to someone else or to newer code.
fn check_ours(connection: &Connection) -> Result<u32> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application_id, version) =
        pragma("application_id").and_then(|id| Ok((id, pragma("user_version")?))).map_err(sqlite)?;
    if application_id == APPLICATION_ID {
        return ours(version);
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sqlite)?;
    if application_id == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    Err(foreign(application_id))
}

/// The format version of a store, which this code must know. A store has one from the transaction on that makes it.
fn ours(version: i32) -> Result<u32> {
    let version = u32::try_from(version).unwrap_or(u32::MAX);
    match version {
        0 => Err(corrupt()),
        1..=migration::VERSION => Ok(version),
        _ => Err(Error::new(ErrorKind::Unsupported, "store.newer", "the store was written by newer code")
            .with("version", version)
            .with("version_max", migration::VERSION)),
    }
}

fn foreign(application_id: i32) -> Error {
    Error::invalid("store.foreign", "the file is a SQLite database of another application")
        .with("application_id", application_id)
}

fn cannot_open(path: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, "store.cannot_open", "the store's file cannot be opened")
        .retryable_is(false)
        .with("file", path.display())
}

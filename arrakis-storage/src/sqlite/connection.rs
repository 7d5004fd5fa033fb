//! Opening the file: what it must be, and how connections are set up.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrakis_core::{Env, Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};

use super::error::sqlite;
use super::{Durability, SqliteOptions, function, migration};

/// The first SQLite without the bug that could corrupt a file when its write-ahead log was reset (3.7.0 to 3.51.2).
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// Marks a file as a store of Arrakis: `arks`.
pub(super) const APPLICATION_ID: i32 = 0x6172_6b73;
/// What every SQLite file begins with.
const FILE_MAGIC: &[u8; 16] = b"SQLite format 3\0";
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
        let length = match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.options.create => return Ok(()),
            Err(error) => return Err(cannot_open(&self.path).caused_by(error)),
            Ok(found) if !found.is_file() => {
                return Err(Error::invalid("store.not_a_file", "a store is a file").with("file", self.path.display()));
            }
            Ok(found) => found.len(),
        };
        if length == 0 {
            return Ok(());
        }
        check_magic(&self.path)?;
        let probe = self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let result = check_ours(&probe);
        drop(probe);
        result.map(drop).map_err(|e| e.with("file", self.path.display()))
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
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            // What is not there needs no deleting.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn set(connection: &Connection, pragma: &str, value: impl rusqlite::ToSql) -> Result<()> {
    connection.pragma_update(None, pragma, value).map_err(sqlite)
}

fn check_magic(path: &Path) -> Result<()> {
    let mut start = Vec::with_capacity(FILE_MAGIC.len());
    let limit = u64::try_from(FILE_MAGIC.len()).unwrap_or(u64::MAX);
    let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut start));
    read.map_err(|e| cannot_open(path).caused_by(e))?;
    if start == FILE_MAGIC {
        return Ok(());
    }
    Err(Error::invalid("store.not_a_database", "the file is not a SQLite database").with("file", path.display()))
}

/// The format version of a store, 0 for an empty database; refuses what belongs to someone else or to newer code.
fn check_ours(connection: &Connection) -> Result<u32> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) =
        pragma("application_id").and_then(|id| Ok((id, pragma("user_version")?))).map_err(sqlite)?;
    if application == i64::from(APPLICATION_ID) {
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        if version > migration::VERSION {
            return Err(Error::new(ErrorKind::Unsupported, "store.newer", "the store was written by newer code")
                .with("version", version)
                .with("version_max", migration::VERSION));
        }
        return Ok(version);
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sqlite)?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    Err(Error::invalid("store.foreign", "the file is a SQLite database of another application")
        .with("application_id", application))
}

fn cannot_open(path: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, "store.cannot_open", "the store's file cannot be opened")
        .retryable_is(false)
        .with("file", path.display())
}

//! SQLite: one file, one thread that writes, connections that read at the same time.

mod access;
mod aggregate;
mod archive;
mod archive_writer;
mod catalog;
mod commit_log;
mod connection;
mod creation;
mod dialect;
mod error;
mod function;
mod header;
mod history;
mod index;
mod link;
mod migration;
mod object;
mod ontology;
mod query;
#[cfg(test)]
mod query_plan;
mod reader;
mod reading;
mod relay;
mod row;
mod statement;
mod statistics;
mod table;
mod txn;
mod value;
mod watch;
mod writer;

use std::path::Path;
use std::sync::Arc;

use arrakis_core::archive::ArchiveWriter;
use arrakis_core::{Capability, Env, Result, Store};

use self::connection::Location;
use self::error::missing;
use self::reader::Readers;
use self::writer::Writer;

/// The connections for short reads, unless stated otherwise.
pub const READERS_MAX_DEFAULT: usize = 8;
/// How long to wait for another process's lock, unless stated otherwise.
pub const BUSY_TIMEOUT_DEFAULT_MS: u64 = 5_000;

/// When an acknowledged commit is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// From a loss of power (`synchronous = FULL`): each batch waits for the disk.
    #[default]
    Full,
    /// From a crash of the process only (`synchronous = NORMAL`): a loss of power may take the newest commits, never consistency.
    Normal,
}

/// How a [`SqliteStore`] is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// When an acknowledged commit is safe.
    pub durability: Durability,
    /// Whether a file that does not exist is made.
    pub create: bool,
    /// The most connections for short reads; at least one.
    pub readers_max: usize,
    /// How long to wait for another process's lock, in milliseconds, before `store.busy`.
    pub busy_timeout_ms: u64,
    /// Whether the file is deleted when the store is dropped, as a test's is.
    pub temporary: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            create: true,
            readers_max: READERS_MAX_DEFAULT,
            busy_timeout_ms: BUSY_TIMEOUT_DEFAULT_MS,
            temporary: false,
        }
    }
}

/// A store in one SQLite file. Other processes on the same machine may open it at the same time.
///
/// Every method needs a tokio runtime: reads that turn out long move to its blocking threads.
pub struct SqliteStore {
    location: Location,
    readers: Arc<Readers>,
    writer: Writer,
    cursor_key: [u8; 32],
    env: Env,
}

impl SqliteStore {
    /// Opens a store, or makes one. The environment times budgets and makes the store's keys.
    ///
    /// # Errors
    /// `store.not_a_file`, `store.not_a_database`, `store.foreign` (another application's database), `store.newer` (written by newer
    /// code), `store.corrupt`, `store.read_only`, `store.cannot_open`, `store.no_wal`, `store.sqlite_too_old`; `store.busy` when another
    /// process holds its lock for longer than `busy_timeout_ms`. Each names the file, which is left as it was with nothing beside it.
    pub fn open(path: impl AsRef<Path>, env: Env, options: &SqliteOptions) -> Result<Self> {
        let location = Location::new(path.as_ref(), options)?;
        location.check()?;
        let connection = location.writer(&env).map_err(|e| location.name(e))?;
        let cursor_key = connection.query_row(statement::META, [], |row| row.get(0)).map_err(missing);
        let cursor_key = cursor_key.map_err(|e| location.name(e))?;
        let readers = Arc::new(Readers::new(location.clone(), env.clone()));
        let writer = Writer::start(connection, Arc::clone(&readers), env.clone())?;
        Ok(Self { location, readers, writer, cursor_key, env })
    }
}

impl SqliteStore {
    /// Fills a file with a store that is moved there: beside its place, in a file whose name ends in `.moving`, until it is whole.
    ///
    /// # Errors
    /// `store.cannot_open` for a path that none can be at.
    pub fn archive_writer(path: impl AsRef<Path>, env: Env) -> Result<Box<dyn ArchiveWriter>> {
        Ok(Box::new(archive_writer::SqliteArchiveWriter::new(path.as_ref(), env)?))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.writer.close();
        self.readers.close();
        if self.location.options.temporary {
            self.location.delete();
        }
    }
}

impl Store for SqliteStore {
    fn capability(&self) -> Capability {
        Capability { durable: true, shared: true, as_of: true, budget: true }
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("location", &self.location).finish_non_exhaustive()
    }
}

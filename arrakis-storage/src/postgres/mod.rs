//! PostgreSQL: one thread that writes, a pool of connections that read at the same time, any number of processes on one database.

mod access;
mod aggregate;
mod archive;
mod archive_writer;
mod catalog;
mod cell;
mod commit_log;
mod connection;
mod creation;
mod dialect;
mod error;
mod flush;
mod history;
mod index;
mod keeper;
mod link;
mod migration;
mod module;
mod object;
mod ontology;
mod overlay;
mod pool;
mod prefetch;
mod query;
mod reading;
mod relay;
mod retry;
mod row;
mod scan;
mod session;
mod statement;
mod table;
#[cfg(feature = "testing")]
mod temporary;
mod txn;
mod value;
mod wake;
mod writer;

use std::sync::Arc;

use arrakis_core::archive::ArchiveWriter;
use arrakis_core::{Capability, Env, Result, Store};

use self::connection::Settings;
pub use self::connection::{Fence, PgOptions};
use self::index::IndexBuilder;
pub use self::index::PendingIndex;
use self::keeper::Keeper;
pub use self::module::Module;
use self::reading::Readers;
use self::wake::Wake;
use self::writer::Writer;

/// A store in one PostgreSQL database, in a namespace of its own. Other processes may open it at the same time.
///
/// Connections belong to the runtime the store is opened in: every method is to be called from tasks of it.
pub struct PgStore {
    settings: Arc<Settings>,
    readers: Arc<Readers>,
    writer: Writer,
    keeper: Keeper,
    wake: Wake,
    /// Ends with the store.
    _indexes: Option<IndexBuilder>,
    cursor_key: [u8; 32],
}

impl PgStore {
    /// Opens a store, or makes one in a database that is there. The URL is `postgres://user:password@host:port/database`; the
    /// environment times budgets and makes the store's keys.
    ///
    /// # Errors
    /// Each names the setting that is wrong and none shows a password. `store.url.malformed`; `store.unreachable`;
    /// `store.credentials`; `store.no_database`; `store.permission`, with what is missing; `store.encoding` where the database is not in
    /// UTF-8; `store.server_too_old`; `store.newer` (written by newer code); `store.absent` where it is not to be made; `store.moving` while a
    /// store is being moved there.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn open(url: &str, env: Env, options: &PgOptions) -> Result<Self> {
        let settings = Arc::new(Settings::new(url, options)?);
        let cursor_key = migration::run(&settings, &env).await?;
        let readers = Arc::new(Readers::new(Arc::clone(&settings), env));
        let writer = Writer::start(Arc::clone(&settings), Arc::clone(&readers))?;
        let (keeper, wake) = (Keeper::new(Arc::clone(&settings)), Wake::start(Arc::clone(&settings), writer.newest()));
        let start = || IndexBuilder::start(Arc::clone(&settings), Arc::clone(&readers.index_wanted));
        let indexes = settings.need(Module::Ontology).is_ok().then(start);
        Ok(Self { settings, readers, writer, keeper, wake, _indexes: indexes, cursor_key })
    }

    /// The indexes that are not built yet. A publication that wants an index of a large table (16 MiB or more) leaves it to the stores that
    /// have the database open: one of them builds it beside commits and reads, and goes on with it where another was interrupted. Queries
    /// give the same answers meanwhile, only later; a further change of that table waits, and is refused as `store.busy`, while it is built.
    ///
    /// # Errors
    /// When the database cannot be read; `store.module` without [`Module::Ontology`].
    pub async fn pending_indexes(&self) -> Result<Vec<PendingIndex>> {
        self.settings.need(Module::Ontology)?;
        index::pending(&self.readers).await
    }
}

impl PgStore {
    /// Fills a namespace of a database with a store that is moved there: in one whose name ends in `_moving`, until it is whole. It
    /// connects when it is begun.
    ///
    /// # Errors
    /// `store.url.malformed`; `store.option.malformed`.
    pub fn archive_writer(url: &str, env: Env, options: &PgOptions) -> Result<Box<dyn ArchiveWriter>> {
        Ok(Box::new(archive_writer::PgArchiveWriter::new(url, env, options)?))
    }
}

impl Drop for PgStore {
    fn drop(&mut self) {
        self.readers.close();
        self.writer.close();
    }
}

impl Store for PgStore {
    fn capability(&self) -> Capability {
        Capability { durable: true, shared: true, as_of: true, budget: true }
    }
}

impl std::fmt::Debug for PgStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PgStore").field("settings", &self.settings).finish_non_exhaustive()
    }
}

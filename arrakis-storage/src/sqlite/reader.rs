//! The connections that read: short reads run where they are asked, long ones on a thread that may block.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrakis_core::{Env, Error, Result};
use rusqlite::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinError;

use super::catalog::Catalog;
use super::connection::Location;
use super::error::{is_interrupted, sqlite};
use super::reading::{Reading, Request, head, run_static};
use super::statement;
use super::watch::Watch;

/// Steps of SQLite's machine between two looks at the watch.
const STEPS_PER_LOOK: i32 = 1_000;
/// Looks after which a read that runs where it was asked is stopped, to be run again on a thread that may block: about a millisecond.
const LOOKS_INLINE_MAX: u64 = 60;
/// The most long reads at a time.
const LONG_READS_MAX: usize = 4;

/// A connection that reads.
struct Reader {
    connection: Connection,
    watch: Arc<Watch>,
    generation: u64,
}

/// The connections that are not in use.
#[derive(Default)]
struct Idle {
    readers: Vec<Reader>,
    /// Connections of an earlier generation are not used again.
    generation: u64,
}

/// The connections that read.
pub(super) struct Readers {
    location: Location,
    env: Env,
    catalog: Catalog,
    idle: Mutex<Idle>,
    /// One permit per connection a short read may use.
    short: Semaphore,
    long: Semaphore,
}

/// One try at a read.
struct Try {
    request: Request,
    began: Duration,
    looks_max: u64,
}

impl Readers {
    pub(super) fn new(location: Location, env: Env) -> Self {
        let short = Semaphore::new(location.options.readers_max.max(1));
        let long = Semaphore::new(LONG_READS_MAX);
        Self { location, env, catalog: Catalog::default(), idle: Mutex::default(), short, long }
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Closes the connections that are not in use.
    pub(super) fn close(&self) {
        self.idle().readers.clear();
    }

    /// Runs a read that is certainly short, outside a transaction: one statement.
    pub(super) async fn statement<T>(&self, read: impl FnOnce(&Connection) -> Result<T> + Send) -> Result<T> {
        let _permit = permit(&self.short).await?;
        let reader = self.take()?;
        reader.watch.set(u64::MAX, None);
        let result = read(&reader.connection);
        self.put(reader);
        result
    }

    /// Runs a read that may be long for another reason than its statement, on a thread that may block.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _permit = permit(&self.long).await?;
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || {
            let reader = readers.take()?;
            reader.watch.set(u64::MAX, None);
            let result = read(&reader.connection);
            readers.put(reader);
            result
        });
        task.await.map_err(panicked)?
    }

    /// Runs a read within one snapshot: where it was asked when it turns out short, else on a thread that may block. The read is
    /// refused at its time budget, and stops soon when the future is dropped.
    pub(super) async fn read<P, T>(
        self: &Arc<Self>,
        request: Request,
        plan: &P,
        read: fn(&Reading<'_>, &P) -> Result<T>,
    ) -> Result<T>
    where
        P: Clone + Send + Sync + 'static,
        T: Send + 'static,
    {
        let began = self.env.monotonic();
        {
            let _permit = permit(&self.short).await?;
            let result = self.run(self.take()?, &Try { request, began, looks_max: LOOKS_INLINE_MAX }, plan, read);
            match result {
                Err(error) if is_interrupted(&error) => {}
                result => return result,
            }
        }
        self.read_long(Try { request, began, looks_max: u64::MAX }, plan.clone(), read).await
    }

    async fn read_long<P, T>(
        self: &Arc<Self>,
        attempt: Try,
        plan: P,
        read: fn(&Reading<'_>, &P) -> Result<T>,
    ) -> Result<T>
    where
        P: Send + Sync + 'static,
        T: Send + 'static,
    {
        let _permit = permit(&self.long).await?;
        let reader = self.take()?;
        let _cancel = reader.watch.guard();
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || readers.run(reader, &attempt, &plan, read));
        task.await.map_err(panicked)?
    }

    fn run<P, T>(&self, reader: Reader, attempt: &Try, plan: &P, read: fn(&Reading<'_>, &P) -> Result<T>) -> Result<T> {
        let Try { request, began, looks_max } = attempt;
        reader.watch.set(*looks_max, request.budget.ms.map(|ms| *began + Duration::from_millis(ms)));
        let result = Reading::run(&reader.connection, &self.catalog, request, |reading| read(reading, plan));
        self.put(reader);
        request.budget.check_time(self.env.monotonic().saturating_sub(*began))?;
        result
    }

    /// Holds the idle connections at the newest commit before a change of tables. Each connection reads the whole schema of the file
    /// again after such a change; until [`Readers::renew`] has connections ready that have, reads go on with these.
    pub(super) fn hold(&self) {
        let held = |reader: &mut Reader| {
            let begun = run_static(&reader.connection, statement::BEGIN);
            // Only the first read fixes the snapshot.
            !reader.connection.is_autocommit() && begun.and_then(|()| head(&reader.connection)).is_ok()
        };
        self.idle().readers.retain_mut(|reader| !reader.connection.is_autocommit() || held(reader));
    }

    /// Replaces every connection by one that has read the file's schema and statistics anew.
    pub(super) fn renew(&self) {
        let (count, generation) = {
            let idle = self.idle();
            (idle.readers.len().max(1), idle.generation + 1)
        };
        let fresh = |_| {
            let reader = self.open(generation).ok()?;
            head(&reader.connection).ok()?;
            Some(reader)
        };
        // A connection that cannot be opened now is opened when it is needed, and says then why it cannot.
        let readers = (0..count).filter_map(fresh).collect();
        *self.idle() = Idle { readers, generation };
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Reader> {
        let generation = {
            let mut idle = self.idle();
            match idle.readers.pop() {
                Some(reader) => return Ok(reader),
                None => idle.generation,
            }
        };
        self.open(generation)
    }

    fn put(&self, reader: Reader) {
        let mut idle = self.idle();
        if reader.generation == idle.generation {
            idle.readers.push(reader);
        }
    }

    fn open(&self, generation: u64) -> Result<Reader> {
        let connection = self.location.reader()?;
        let watch = Arc::new(Watch::new(self.env.clone()));
        let watching = Arc::clone(&watch);
        connection.progress_handler(STEPS_PER_LOOK, Some(move || watching.stops())).map_err(sqlite)?;
        Ok(Reader { connection, watch, generation })
    }
}

async fn permit(semaphore: &Semaphore) -> Result<SemaphorePermit<'_>> {
    semaphore.acquire().await.map_err(|e| Error::unavailable("store.closed", "the store is shut down").caused_by(e))
}

fn panicked(error: JoinError) -> Error {
    Error::internal("store.read.panicked", "a read panicked").caused_by(error)
}

//! The connections that read: short reads run where they are asked, long ones on a thread that may block.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arrakis_core::{Env, Error, Result, Seq, metric};
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
    generation: Arc<Generation>,
    /// The newest commit of its snapshot, while it has one.
    head: Seq,
}

impl Reader {
    /// Fixes its snapshot at the newest commit, unless it is held at one.
    fn begin(&mut self) -> Result<()> {
        self.watch.begin();
        if self.connection.is_autocommit() {
            run_static(&self.connection, statement::BEGIN)?;
            // Only the first read fixes the snapshot.
            (self.head, _) = head(&self.connection)?;
        }
        Ok(())
    }

    /// Gives its snapshot back; answers whether it did.
    fn end(&self) -> bool {
        let ended = |sql| self.connection.is_autocommit() || run_static(&self.connection, sql).is_ok();
        ended(statement::COMMIT) || ended(statement::ROLLBACK)
    }

    fn is_held_at(&self, head: Seq) -> bool {
        !self.connection.is_autocommit() && self.head == head
    }
}

/// Connections that know the same tables and statistics, and are replaced together. Each counts as one more owner.
#[derive(Debug, Default)]
struct Generation;

/// Which connections reads begin on.
#[derive(Default)]
struct State {
    generation: Arc<Generation>,
    /// The commit reads begin at while a change of tables is committed: they begin on the connections held there, and no other is
    /// opened.
    held: Option<Seq>,
}

/// The connections that read.
pub(super) struct Readers {
    location: Location,
    env: Env,
    catalog: Catalog,
    /// Read while a snapshot is fixed or given back, which takes microseconds: whoever writes it knows that nobody is about to.
    state: RwLock<State>,
    /// The connections that are not in use; locked after `state`.
    idle: Mutex<Vec<Reader>>,
    /// A connection was put back while connections are held, or they are no longer held.
    freed: Condvar,
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
        Self {
            location,
            env,
            catalog: Catalog::default(),
            state: RwLock::default(),
            idle: Mutex::default(),
            freed: Condvar::new(),
            short,
            long,
        }
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Closes the connections that are not in use.
    pub(super) fn close(&self) {
        self.idle().clear();
    }

    /// Runs a read that is certainly short, outside a transaction: one statement.
    pub(super) async fn statement<T>(&self, read: impl FnOnce(&Connection) -> Result<T> + Send) -> Result<T> {
        let _permit = permit(&self.short).await?;
        let (state, reader) = self.take(None)?;
        reader.watch.begin();
        let result = read(&reader.connection);
        self.put_back(&state, reader);
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
            let reader = readers.begin(None)?;
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
            let result =
                self.run(self.begin(request.at)?, &Try { request, began, looks_max: LOOKS_INLINE_MAX }, plan, read);
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
        self.tell();
        let reader = self.begin(attempt.request.at)?;
        let _cancel = reader.watch.guard();
        let readers = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || readers.run(reader, &attempt, &plan, read));
        task.await.map_err(panicked)?
    }

    fn run<P, T>(&self, reader: Reader, attempt: &Try, plan: &P, read: fn(&Reading<'_>, &P) -> Result<T>) -> Result<T> {
        let Try { request, began, looks_max } = attempt;
        reader.watch.set(*looks_max, request.budget.ms.map(|ms| *began + Duration::from_millis(ms)));
        let result = read(&Reading::new(&reader.connection, &self.catalog, request, reader.head), plan);
        self.put(reader);
        request.budget.check_time(self.env.monotonic().saturating_sub(*began))?;
        result
    }

    /// Holds the connections at the newest commit before a change of tables is committed, of whose transaction the caller has the lock.
    /// Each connection reads the whole schema of the file again after such a change; until there are others that have, reads go on with
    /// these. Who reads began before, or reads at `head` from its beginning to its end.
    pub(super) fn hold(&self, head: Seq) -> Held<'_> {
        let mut state = self.write_state();
        self.idle().retain_mut(|reader| reader.begin().is_ok() && reader.head == head);
        state.held = Some(head);
        Held(self)
    }

    /// Replaces every connection by one that has read the file's schema and statistics anew.
    pub(super) fn renew(&self) {
        let before = Arc::clone(&self.read_state().generation);
        // Its other owners are the state and this function.
        let count = Arc::strong_count(&before).saturating_sub(2).max(1);
        let generation = Arc::default();
        // A connection that cannot be opened now is opened when it is needed, and says then why it cannot.
        let fresh = (0..count).filter_map(|_| self.open(&generation).ok()).collect();
        let mut state = self.write_state();
        *state = State { generation, held: None };
        let replaced = std::mem::replace(&mut *self.idle(), fresh);
        drop(state);
        self.freed.notify_all();
        // Closed when nobody waits for it.
        drop(replaced);
    }

    /// Tells in numbers how many reads are under way. It is told where one turns out to be long: of short ones there are no more than threads.
    fn tell(&self) {
        let short = self.location.options.readers_max.max(1).saturating_sub(self.short.available_permits());
        let long = LONG_READS_MAX.saturating_sub(self.long.available_permits());
        metric!(gauge.ark_store_connections_in_use = short as u64, pool = "short");
        metric!(gauge.ark_store_connections_in_use = long as u64, pool = "long");
    }

    fn read_state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection with its snapshot, which has the state of a commit that is asked for.
    fn begin(&self, at: Option<Seq>) -> Result<Reader> {
        let (_state, mut reader) = self.take(at)?;
        reader.begin()?;
        Ok(reader)
    }

    /// A connection, and the state that stays as it is until its snapshot is fixed.
    fn take(&self, at: Option<Seq>) -> Result<(RwLockReadGuard<'_, State>, Reader)> {
        loop {
            let state = self.read_state();
            let mut idle = self.idle();
            // Another process may have written after the commit connections are held at, and told of it.
            let too_old = state.held.is_some_and(|held| at.is_some_and(|at| at > held));
            if !too_old && let Some(reader) = idle.pop() {
                return Ok((state, reader));
            }
            if state.held.is_some() {
                drop(state);
                // No longer than one read of the schema, which a connection opened now would need as well.
                drop(self.freed.wait(idle));
                continue;
            }
            let generation = Arc::clone(&state.generation);
            drop((idle, state));
            // Others began to be held meanwhile when it is not put back.
            let reader = self.open(&generation)?;
            drop(generation);
            self.put(reader);
        }
    }

    fn put(&self, reader: Reader) {
        self.put_back(&self.read_state(), reader);
    }

    /// Puts a connection back that reads can still begin on.
    fn put_back(&self, state: &State, reader: Reader) {
        let useful = Arc::ptr_eq(&reader.generation, &state.generation)
            && match state.held {
                Some(head) => reader.is_held_at(head),
                None => reader.end(),
            };
        if useful {
            self.idle().push(reader);
            if state.held.is_some() {
                // Not each of those that wait can use it.
                self.freed.notify_all();
            }
        }
    }

    /// Opens a connection that has read the file's schema.
    fn open(&self, generation: &Arc<Generation>) -> Result<Reader> {
        let connection = self.location.reader()?;
        let watch = Arc::new(Watch::new(self.env.clone()));
        let watching = Arc::clone(&watch);
        connection.progress_handler(STEPS_PER_LOOK, Some(move || watching.stops())).map_err(sqlite)?;
        let (head, _) = head(&connection)?;
        Ok(Reader { connection, watch, generation: Arc::clone(generation), head })
    }
}

/// The connections held, until it is dropped: then others take their place.
pub(super) struct Held<'r>(&'r Readers);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.renew();
    }
}

async fn permit(semaphore: &Semaphore) -> Result<SemaphorePermit<'_>> {
    semaphore.acquire().await.map_err(|e| Error::unavailable("store.closed", "the store is shut down").caused_by(e))
}

fn panicked(error: JoinError) -> Error {
    Error::internal("store.read.panicked", "a read panicked").caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::sql::seq_value;
    use crate::sqlite::SqliteOptions;

    /// A store that changes its tables with each commit.
    struct Changing {
        readers: Readers,
        writer: Connection,
        head: Seq,
    }

    impl Changing {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("arrakis-reader-{name}-{}.db", std::process::id()));
            let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
            let location = Location::new(&path, &options).unwrap();
            location.delete();
            let writer = location.writer(&Env::system()).unwrap();
            writer.pragma_update(None, "synchronous", "OFF").unwrap();
            Self { readers: Readers::new(location, Env::system()), writer, head: Seq(0) }
        }

        fn change(&mut self) -> Seq {
            change(&self.writer, &mut self.head)
        }

        fn commit(&self) {
            run_static(&self.writer, statement::COMMIT).unwrap();
        }
    }

    /// Writes a commit that makes a table, up to its end; answers which was before.
    fn change(writer: &Connection, head: &mut Seq) -> Seq {
        let before = std::mem::replace(head, head.next());
        run_static(writer, statement::BEGIN_IMMEDIATE).unwrap();
        writer.execute_batch(&format!("CREATE TABLE t{} (a)", head.0)).unwrap();
        writer.execute(statement::HEAD_UPDATE, (seq_value(*head), 0)).unwrap();
        before
    }

    impl Drop for Changing {
        fn drop(&mut self) {
            self.readers.location.delete();
        }
    }

    #[test]
    fn while_tables_change_reads_begin_at_the_commit_before_on_connections_that_were_in_use_too() {
        let mut changing = Changing::new("held");
        let (used, old) = (changing.readers.begin(None).unwrap(), changing.readers.begin(None).unwrap());
        let before = changing.change();
        changing.commit();
        changing.readers.put(used);
        let used = changing.readers.begin(None).unwrap();
        assert_eq!((used.head, old.head), (changing.head, before), "without a hold a read is at the newest commit");
        let before = changing.change();
        let held = changing.readers.hold(before);
        changing.commit();
        changing.readers.put(old);
        assert!(changing.readers.idle().is_empty(), "its snapshot is older than what was acknowledged");
        changing.readers.put(used);
        let reader = changing.readers.begin(None).unwrap();
        assert_eq!(reader.head, before);
        changing.readers.put(reader);
        let (readers, newest) = (&changing.readers, changing.head);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| readers.begin(Some(newest)).unwrap().head);
            drop(held);
            assert_eq!(waits.join().unwrap(), newest, "a state newer than the one held is waited for");
        });
        let reader = changing.readers.begin(None).unwrap();
        assert_eq!(reader.head, changing.head);
    }

    #[tokio::test]
    async fn a_long_read_that_ended_stops_none_of_those_that_follow_on_its_connection() {
        let changing = Changing::new("ended");
        let reader = changing.readers.begin(None).unwrap();
        let cancel = reader.watch.guard();
        changing.readers.put(reader);
        drop(cancel);
        // Enough for the steps of one statement to be looked at.
        for _ in 0..STEPS_PER_LOOK {
            changing.readers.statement(head).await.unwrap();
        }
    }

    #[test]
    fn no_read_is_behind_one_that_ended_or_a_commit_acknowledged_before_it_began() {
        const CHANGES: u64 = 40;
        const READS_EACH: u64 = 30;
        let mut changing = Changing::new("monotonic");
        let (seen, reads, wrong) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let read = |readers: &Readers| {
            let least = seen.load(Ordering::SeqCst);
            let reader = readers.begin(None).unwrap();
            let found = head(&reader.connection).unwrap().0;
            readers.put(reader);
            seen.fetch_max(found.0, Ordering::SeqCst);
            reads.fetch_add(1, Ordering::SeqCst);
            wrong.fetch_add(u64::from(found.0 < least), Ordering::SeqCst);
        };
        let Changing { readers, writer, head } = &mut changing;
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while seen.load(Ordering::SeqCst) < CHANGES {
                        read(readers);
                    }
                });
            }
            for _ in 0..CHANGES {
                let before = change(writer, head);
                let one = readers.begin(None).unwrap();
                let held = readers.hold(before);
                run_static(writer, statement::COMMIT).unwrap();
                // There is one to read on at least, so they read on.
                readers.put(one);
                let enough = reads.load(Ordering::SeqCst) + READS_EACH;
                while reads.load(Ordering::SeqCst) < enough {
                    std::thread::yield_now();
                }
                wrong.fetch_add(u64::from(seen.load(Ordering::SeqCst) > before.0), Ordering::SeqCst);
                drop(held);
                seen.fetch_max(head.0, Ordering::SeqCst);
            }
        });
        assert_eq!(wrong.into_inner(), 0, "reads that went back, or saw what was not acknowledged yet");
    }
}

//! The thread that writes: it owns the one connection that does, and takes a whole batch in one hop.

use std::sync::Arc;
use std::thread::JoinHandle;

use arrakis_core::commit::{AppliedBatch, apply_batch, rehearse};
use arrakis_core::ontology::Schema;
use arrakis_core::relay::Lease;
use arrakis_core::{Atomicity, Commit, Effect, Env, Error, Outcome, Receipt, Result, Seq, SpaceId, Timestamp};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::access::Memory;
use super::error::sqlite;
use super::reader::Readers;
use super::reading::{self, run_static};
use super::relay::{self, LeaseAsk};
use super::statement;
use super::statistics::Statistics;
use super::txn::SqliteTxn;
use crate::sql::{closed, lost, published, seq_value, unreadable};

/// The most batches waiting; who comes then waits for room.
const QUEUE_MAX: usize = 1_024;

/// What the thread is asked.
enum Ask {
    Commit { commits: Vec<Commit>, atomicity: Atomicity, answer: oneshot::Sender<Vec<Result<Receipt>>> },
    Rehearse { commit: Box<Commit>, answer: oneshot::Sender<Result<Vec<Effect>>> },
    Lease { ask: LeaseAsk, answer: oneshot::Sender<Result<Option<Lease>>> },
}

/// The way to the thread that writes.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Ask>>,
    thread: Option<JoinHandle<()>>,
    newest: watch::Receiver<Seq>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection, readers: Arc<Readers>, env: Env) -> Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let (told, newest) = watch::channel(Seq(0));
        let statistics = Statistics::new(&connection);
        let work = Work { connection, readers, memory: Memory::default(), head: None, told, env, statistics };
        let work = move || work.run(waiting);
        let thread = std::thread::Builder::new().name("arrakis-sqlite-writer".to_owned()).spawn(work);
        let thread =
            thread.map_err(|e| Error::unavailable("store.thread", "no thread could be started").caused_by(e))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), newest })
    }

    /// Applies a batch. Once handed over it is applied whole or not at all, whether or not the future is polled on.
    pub(super) async fn commit_batch(&self, commits: Vec<Commit>, atomicity: Atomicity) -> Vec<Result<Receipt>> {
        let count = commits.len();
        let closed = |outcome| (0..count).map(|_| Err(closed().outcome_is(outcome))).collect();
        let (answer, answered) = oneshot::channel();
        let Some(queue) = &self.queue else { return closed(Outcome::NotApplied) };
        if queue.send(Ask::Commit { commits, atomicity, answer }).await.is_err() {
            return closed(Outcome::NotApplied);
        }
        answered.await.unwrap_or_else(|_| closed(Outcome::Unknown))
    }

    /// Applies a commit and undoes it.
    pub(super) async fn rehearse(&self, commit: Commit) -> Result<Vec<Effect>> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(Ask::Rehearse { commit: Box::new(commit), answer }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Does what is asked of a lease.
    pub(super) async fn lease(&self, ask: LeaseAsk) -> Result<Option<Lease>> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(Ask::Lease { ask, answer }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// The newest commit this process made.
    pub(super) fn newest(&self) -> watch::Receiver<Seq> {
        self.newest.clone()
    }

    /// Waits for the batches handed over, and ends the thread with its connection.
    pub(super) fn close(&mut self) {
        // The thread ends when its queue is closed and empty.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Nothing is left to do for a thread that panicked; its writers were told.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Work {
    connection: Connection,
    readers: Arc<Readers>,
    memory: Memory,
    /// The newest commit when the thread last wrote: when it is another, another process wrote since.
    head: Option<Seq>,
    /// Tells of the newest commit.
    told: watch::Sender<Seq>,
    env: Env,
    statistics: Statistics,
}

/// A batch in an open transaction.
struct Uncommitted {
    applied: AppliedBatch,
    /// The newest commit before it.
    before: Seq,
    changed_tables: bool,
}

impl Work {
    fn run(mut self, mut waiting: mpsc::Receiver<Ask>) {
        while let Some(ask) = waiting.blocking_recv() {
            // Who stopped waiting has no use for the answer.
            match ask {
                Ask::Commit { commits, atomicity, answer } => drop(answer.send(self.batch(&commits, atomicity))),
                Ask::Rehearse { commit, answer } => drop(answer.send(self.rehearse(&commit))),
                Ask::Lease { ask, answer } => drop(answer.send(self.lease(ask))),
            }
            if self.statistics.refresh_when_due(&self.connection) {
                self.readers.renew();
            }
        }
        self.statistics.refresh(&self.connection);
    }

    fn batch(&mut self, commits: &[Commit], atomicity: Atomicity) -> Vec<Result<Receipt>> {
        let refused = |error: Error| commits.iter().map(|_| Err(error.duplicate())).collect();
        if let Err(error) = run_static(&self.connection, statement::BEGIN_IMMEDIATE) {
            return refused(error);
        }
        match self.apply(commits, atomicity) {
            Ok(Uncommitted { applied, before, .. }) if applied.head == before => {
                self.undo();
                applied.results
            }
            Ok(uncommitted) => self.commit(commits, uncommitted),
            Err(error) => {
                self.undo();
                refused(error)
            }
        }
    }

    fn rehearse(&mut self, commit: &Commit) -> Result<Vec<Effect>> {
        run_static(&self.connection, statement::BEGIN_IMMEDIATE)?;
        let effects = self.newest().and_then(|(head, _)| {
            let mut txn = SqliteTxn::new(&self.connection, &mut self.memory, &self.readers.catalog().schemas);
            rehearse(&mut txn, commit, head.next())
        });
        self.undo();
        effects
    }

    fn lease(&mut self, ask: LeaseAsk) -> Result<Option<Lease>> {
        run_static(&self.connection, statement::BEGIN_IMMEDIATE)?;
        // Read under the lock, after whoever changed the row before.
        let done = relay::lease(&self.connection, ask, self.env.now());
        let ended = if done.is_ok() { statement::COMMIT } else { statement::ROLLBACK };
        run_static(&self.connection, ended).inspect_err(|_| self.undo())?;
        done
    }

    /// The newest commit and its instant. What was learned before another process wrote is forgotten.
    fn newest(&mut self) -> Result<(Seq, i64)> {
        let (head, at) = reading::head(&self.connection)?;
        if self.head != Some(head) {
            self.memory.forget();
        }
        Ok((head, at))
    }

    fn apply(&mut self, commits: &[Commit], atomicity: Atomicity) -> Result<Uncommitted> {
        let (before, at) = self.newest()?;
        let at = Timestamp::from_micros(at).map_err(|e| unreadable("head", e))?;
        let mut txn = SqliteTxn::new(&self.connection, &mut self.memory, &self.readers.catalog().schemas);
        txn.defer_indexes(commits, before.next())?;
        let applied = apply_batch(&mut txn, commits, atomicity, before, at)?;
        let changed_tables = txn.finish()?;
        if self.connection.is_autocommit() {
            return Err(Error::unavailable("store.transaction.lost", "an error undid the transaction"));
        }
        if applied.head != before {
            let mut update = self.connection.prepare_cached(statement::HEAD_UPDATE).map_err(sqlite)?;
            update.execute((seq_value(applied.head), applied.last_at.micros())).map_err(sqlite)?;
        }
        Ok(Uncommitted { applied, before, changed_tables })
    }

    fn commit(&mut self, commits: &[Commit], uncommitted: Uncommitted) -> Vec<Result<Receipt>> {
        let Uncommitted { applied, before, changed_tables } = uncommitted;
        let readers = Arc::clone(&self.readers);
        let published = published(commits, &applied.results);
        // Whoever compiles a version is waited for before reads are held, not meanwhile.
        let turn = (!published.is_empty()).then(|| readers.catalog().schemas.wait());
        // Dropped before anyone is told of the commit, whose reads are then on connections that know of it.
        let _held = changed_tables.then(|| readers.hold(before));
        let committed = self.commit_schemas(&published);
        drop(turn);
        match committed {
            Ok(()) => {
                self.head = Some(applied.head);
                self.told.send_replace(applied.head);
                applied.results
            }
            Err(error) => {
                let lost = lost(&error);
                self.undo();
                applied.results.into_iter().map(|result| result.and_then(|_| Err(lost.duplicate()))).collect()
            }
        }
    }

    /// Commits, and keeps what was published for the readers, who need not compile it again.
    fn commit_schemas(&self, published: &[(SpaceId, Arc<Schema>)]) -> Result<()> {
        run_static(&self.connection, statement::COMMIT)?;
        for (space, schema) in published {
            self.readers.catalog().schemas.set(*space, Arc::clone(schema));
        }
        Ok(())
    }

    /// Undoes the transaction and forgets what was learned in it.
    fn undo(&mut self) {
        self.memory.forget();
        self.head = None;
        if !self.connection.is_autocommit() {
            // When this fails too, the next batch cannot begin, and says so.
            let _ = run_static(&self.connection, statement::ROLLBACK);
        }
    }
}

//! The thread that writes: it owns the one connection that does, takes a whole batch in one hop, and learns what became of a commit whose
//! answer was lost.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arrakis_core::commit::{AppliedBatch, apply_batch, rehearse};
use arrakis_core::{Atomicity, Commit, Effect, Error, Outcome, Receipt, Result, Seq, Timestamp};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot, watch};

use super::access::Memory;
use super::commit_log::head_of;
use super::connection::{Purpose, Settings};
use super::error::{is_busy, is_unreachable};
use super::flush;
use super::reading::{Readers, answered};
use super::session::{Driver, Session};
use super::statement;
use super::txn::{PgTxn, is_structural};
use crate::sql::{closed, lost, published, unreadable};

/// The most batches waiting; who comes then waits for room.
const QUEUE_MAX: usize = 1_024;
/// How long is waited before each further try at a batch whose connection broke or whose lock was not to be had: about five seconds in all,
/// after which it is refused as not applied.
const TRIES: [Duration; 9] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(700),
    Duration::from_secs(1),
    Duration::from_millis(1_200),
    Duration::from_millis(1_400),
];
/// Begins a transaction and takes the turn: whoever writes to the store holds its head.
const BEGIN: &str = "BEGIN; SELECT seq, at, catalog FROM head FOR UPDATE";

/// What the thread is asked.
enum Ask {
    Commit { commits: Vec<Commit>, atomicity: Atomicity, answer: oneshot::Sender<Vec<Result<Receipt>>> },
    Rehearse { commit: Box<Commit>, answer: oneshot::Sender<Result<Vec<Effect>>> },
}

/// The way to the thread that writes.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Ask>>,
    thread: Option<JoinHandle<()>>,
    newest: watch::Receiver<Seq>,
}

impl Writer {
    /// Starts the thread, with a runtime of its own: what it waits for wakes it and nobody else.
    pub(super) fn start(settings: Arc<Settings>, readers: Arc<Readers>) -> Result<Self> {
        let failed = |e: std::io::Error| Error::unavailable("store.thread", "no thread could be started").caused_by(e);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let (committed, newest) = watch::channel(Seq(0));
        let work = Work { settings, readers, connection: None, memory: Memory::default(), committed };
        let work = move || work.run(&runtime, waiting);
        let thread =
            std::thread::Builder::new().name("arrakis-postgres-writer".to_owned()).spawn(work).map_err(failed)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), newest })
    }

    /// The newest commit of this process, to wait on; 0 before the first.
    pub(super) fn newest(&self) -> watch::Receiver<Seq> {
        self.newest.clone()
    }

    /// Applies a batch. Once handed over it is applied whole or not at all, whether or not the future is polled on.
    pub(super) async fn commit_batch(&self, commits: Vec<Commit>, atomicity: Atomicity) -> Vec<Result<Receipt>> {
        let count = commits.len();
        let closed = |outcome| (0..count).map(|_| Err(closed().outcome_is(outcome))).collect();
        let (answer, answer_to) = oneshot::channel();
        let Some(queue) = &self.queue else { return closed(Outcome::NotApplied) };
        if queue.send(Ask::Commit { commits, atomicity, answer }).await.is_err() {
            return closed(Outcome::NotApplied);
        }
        answer_to.await.unwrap_or_else(|_| closed(Outcome::Unknown))
    }

    /// Applies a commit and undoes it.
    pub(super) async fn rehearse(&self, commit: Commit) -> Result<Vec<Effect>> {
        let (answer, answer_to) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(Ask::Rehearse { commit: Box::new(commit), answer }).await.map_err(|_| closed())?;
        answer_to.await.map_err(|_| closed())?
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
    settings: Arc<Settings>,
    readers: Arc<Readers>,
    connection: Option<PgConnection>,
    memory: Memory,
    /// Tells of the newest commit.
    committed: watch::Sender<Seq>,
}

/// Why a try at a batch came to nothing.
enum Failure {
    /// Nothing of it is in the store.
    NotApplied(Error),
    /// Nobody knows: the connection broke, or no answer came, while it was committed. What is answered if it was.
    Unknown(Error, AppliedBatch),
}

impl Work {
    fn run(mut self, runtime: &Runtime, mut waiting: mpsc::Receiver<Ask>) {
        while let Some(ask) = waiting.blocking_recv() {
            // Who stopped waiting has no use for the answer.
            match ask {
                Ask::Commit { commits, atomicity, answer } => {
                    drop(answer.send(self.batch(runtime, &commits, atomicity)));
                }
                Ask::Rehearse { commit, answer } => drop(answer.send(self.rehearse(runtime, &commit))),
            }
        }
        self.end(runtime);
    }

    fn batch(&mut self, runtime: &Runtime, commits: &[Commit], atomicity: Atomicity) -> Vec<Result<Receipt>> {
        let mut last = closed();
        for pause in TRIES {
            wait(runtime, pause);
            let failure = match self.attempt(runtime, commits, atomicity) {
                Ok(results) => return results,
                Err(failure) => failure,
            };
            last = match failure {
                Failure::NotApplied(error) => error,
                Failure::Unknown(error, applied) => match self.resolve(runtime, &applied.results) {
                    Ok(true) => return self.applied(commits, applied),
                    Ok(false) => error,
                    Err(_) => {
                        let unknown = lost(&error);
                        return commits.iter().map(|_| Err(unknown.duplicate())).collect();
                    }
                },
            };
            if !is_unreachable(&last) && !is_busy(&last) {
                break;
            }
        }
        if commits.len() > 1 && atomicity == Atomicity::Each && !is_unreachable(&last) && !is_busy(&last) {
            // One of them is what the database refuses; the others are not to fail with it.
            return commits
                .iter()
                .flat_map(|commit| self.batch(runtime, std::slice::from_ref(commit), atomicity))
                .collect();
        }
        let refused = last.outcome_is(Outcome::NotApplied);
        commits.iter().map(|_| Err(refused.duplicate())).collect()
    }

    fn rehearse(&mut self, runtime: &Runtime, commit: &Commit) -> Result<Vec<Effect>> {
        let mut last = closed();
        for pause in TRIES {
            wait(runtime, pause);
            match self.rehearse_once(runtime, commit) {
                Err(error) if is_unreachable(&error) || is_busy(&error) => last = error,
                result => return result,
            }
        }
        Err(last)
    }

    fn rehearse_once(&mut self, runtime: &Runtime, commit: &Commit) -> Result<Vec<Effect>> {
        let (head, ..) = self.begin(runtime)?;
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        let session = Session { settings: &self.settings, driver: Driver::Own(runtime), connection };
        let mut txn = PgTxn::new(session, &self.readers.catalog, &mut self.memory, std::slice::from_ref(commit));
        let effects = rehearse(&mut txn, commit, head.next());
        let effects = match txn.lost.take() {
            Some(error) => Err(error),
            None => effects,
        };
        self.undo(runtime, is_structural(std::slice::from_ref(commit)));
        effects
    }

    /// Begins a transaction, on a fresh connection where there is none. What was learned before another process changed tables or schemas is
    /// forgotten.
    fn begin(&mut self, runtime: &Runtime) -> Result<(Seq, i64, Seq)> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                self.memory = Memory::default();
                none.insert(runtime.block_on(self.settings.connect(Purpose::Write))?)
            }
        };
        let begun = connection.fetch_one(sqlx::raw_sql(BEGIN));
        match runtime.block_on(answered(&self.settings, Purpose::Write, begun)).and_then(|row| head_of(&row)) {
            Ok((head, at, catalog)) => {
                if self.memory.as_of < catalog {
                    self.memory = Memory { as_of: catalog, ..Memory::default() };
                }
                Ok((head, at, catalog))
            }
            Err(error) => {
                self.give_up(runtime, &error, false);
                Err(error)
            }
        }
    }

    fn attempt(
        &mut self,
        runtime: &Runtime,
        commits: &[Commit],
        atomicity: Atomicity,
    ) -> Result<Vec<Result<Receipt>>, Failure> {
        let (before, at, _) = self.begin(runtime).map_err(Failure::NotApplied)?;
        match self.apply(runtime, commits, atomicity, (before, at)) {
            Ok((applied, _)) if applied.head == before => {
                self.undo(runtime, is_structural(commits));
                Ok(applied.results)
            }
            Ok((applied, changed_catalog)) => self.commit(runtime, commits, applied, changed_catalog),
            Err(error) => {
                self.give_up(runtime, &error, is_structural(commits));
                Err(Failure::NotApplied(error))
            }
        }
    }

    fn apply(
        &mut self,
        runtime: &Runtime,
        commits: &[Commit],
        atomicity: Atomicity,
        (before, at): (Seq, i64),
    ) -> Result<(AppliedBatch, bool)> {
        let at = Timestamp::from_micros(at).map_err(|e| unreadable("head", e))?;
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        let session = Session { settings: &self.settings, driver: Driver::Own(runtime), connection };
        let mut txn = PgTxn::new(session, &self.readers.catalog, &mut self.memory, commits);
        txn.all = atomicity == Atomicity::All;
        let applied = apply_batch(&mut txn, commits, atomicity, before, at);
        if let Some(error) = txn.lost.take() {
            return Err(error);
        }
        let applied = applied?;
        if applied.head != before {
            flush::rows(&mut txn)?;
            flush::log(&mut txn, applied.head, applied.last_at)?;
        }
        Ok((applied, txn.changed_catalog))
    }

    fn commit(
        &mut self,
        runtime: &Runtime,
        commits: &[Commit],
        applied: AppliedBatch,
        changed_catalog: bool,
    ) -> Result<Vec<Result<Receipt>>, Failure> {
        let Some(connection) = self.connection.as_mut() else { return Err(Failure::NotApplied(closed())) };
        let committed = connection.execute(sqlx::raw_sql(statement::COMMIT));
        match runtime.block_on(answered(&self.settings, Purpose::Write, committed)) {
            Ok(_) => {
                if changed_catalog {
                    self.memory.as_of = applied.head;
                }
                Ok(self.applied(commits, applied))
            }
            Err(error) => {
                self.connection = None;
                self.memory = Memory::default();
                Err(Failure::Unknown(error, applied))
            }
        }
    }

    /// Tells of a batch that is in the store; its answers.
    fn applied(&self, commits: &[Commit], applied: AppliedBatch) -> Vec<Result<Receipt>> {
        self.committed.send_replace(applied.head);
        for (space, schema) in published(commits, &applied.results) {
            self.readers.catalog.schemas.set(space, schema);
            self.readers.index_wanted.notify_one();
        }
        applied.results
    }

    /// Learns what became of a batch whose answer was lost: whether it is in the store. Whoever holds the head knows that no transaction that
    /// held it before is still under way.
    fn resolve(&mut self, runtime: &Runtime, results: &[Result<Receipt>]) -> Result<bool> {
        let mut last = closed();
        for pause in TRIES {
            wait(runtime, pause);
            match self.resolve_once(runtime, results) {
                Err(error) if is_unreachable(&error) || is_busy(&error) => last = error,
                result => return result,
            }
        }
        Err(last)
    }

    fn resolve_once(&mut self, runtime: &Runtime, results: &[Result<Receipt>]) -> Result<bool> {
        self.begin(runtime)?;
        let connection = self.connection.as_mut().ok_or_else(closed)?;
        let session = Session { settings: &self.settings, driver: Driver::Own(runtime), connection };
        let mut txn = PgTxn::new(session, &self.readers.catalog, &mut self.memory, &[]);
        // Replays were there before, and refusals never are.
        let fresh: Vec<Receipt> = results.iter().flatten().filter(|receipt| !receipt.replayed).copied().collect();
        let found = super::prefetch::receipts(&mut txn, fresh.iter().map(|receipt| receipt.commit));
        let receipts = std::mem::take(&mut txn.receipts);
        self.undo(runtime, false);
        found?;
        // All that the batch applied were in one transaction, so one of them there is all of them there, each at its place.
        let is_there = |receipt: &Receipt| {
            let found = receipts.get(&receipt.commit).copied().flatten();
            found.is_some_and(|(_, found)| found.seq == receipt.seq)
        };
        Ok(fresh.iter().all(is_there))
    }

    /// Undoes the transaction, and with a change of tables the statements that were made for them. A connection on which that fails is closed,
    /// which undoes it too.
    fn undo(&mut self, runtime: &Runtime, structural: bool) {
        self.memory = Memory::default();
        let Some(mut connection) = self.connection.take() else { return };
        let undone = async {
            connection.execute(sqlx::raw_sql(statement::ROLLBACK)).await?;
            if structural { connection.clear_cached_statements().await } else { Ok(()) }
        };
        if runtime.block_on(answered(&self.settings, Purpose::Write, undone)).is_ok() {
            self.connection = Some(connection);
        }
    }

    /// Undoes the transaction after an error. A connection that broke or answers nothing is not waited for once more, but closed.
    fn give_up(&mut self, runtime: &Runtime, error: &Error, structural: bool) {
        if is_unreachable(error) {
            self.connection = None;
        }
        self.undo(runtime, structural);
    }

    fn end(mut self, runtime: &Runtime) {
        if let Some(connection) = self.connection.take() {
            // The server notices either way.
            let _ = runtime.block_on(async { answered(&self.settings, Purpose::Read, connection.close()).await });
        }
        if self.settings.options.temporary {
            let dropped = runtime.block_on(async {
                let mut connection = self.settings.connect(Purpose::Write).await?;
                let sql = format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.settings.options.namespace);
                answered(&self.settings, Purpose::Write, connection.execute(AssertSqlSafe(sql))).await
            });
            if let Err(error) = dropped {
                tracing::warn!(error = %error.chain(), "the temporary namespace was not dropped");
            }
        }
    }
}

/// Waits before the next try.
fn wait(runtime: &Runtime, pause: Duration) {
    if !pause.is_zero() {
        runtime.block_on(async { tokio::time::sleep(pause).await });
    }
}

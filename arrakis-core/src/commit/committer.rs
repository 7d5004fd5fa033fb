//! Group commit: whatever arrives while one batch is in flight becomes the next.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::log::UNDONE;
use super::{Atomicity, Change, Commit, CommitLog, LogEntry, ObjectOp, Receipt};
use crate::metric;
use crate::{CommitId, Context, Error, Key, ObjectTypeId, Once, Outcome, Result, Scope, Seq, TenantId};

/// The most commits in one batch.
pub const COMMIT_BATCH_MAX: usize = 1_024;
/// The most commits waiting; a writer beyond it waits for room.
pub const COMMIT_QUEUE_MAX: usize = 8_192;

struct Waiting {
    commit: Commit,
    answer: oneshot::Sender<Result<Receipt>>,
}

/// Gathers commits and hands them to the store in batches. Cheap to clone; the task behind it ends with the last clone.
#[derive(Clone, Debug)]
pub struct Committer {
    queue: mpsc::Sender<Waiting>,
    log: Arc<dyn CommitLog>,
    shared: Arc<Shared>,
    task: Arc<JoinHandle<()>>,
}

/// What the clones share with the task.
#[derive(Debug)]
struct Shared {
    /// Whose turn it is to hand a batch to the store: one at a time, so that whoever comes meanwhile shares the next.
    turn: Semaphore,
    seen: watch::Sender<Seq>,
    witnesses: RwLock<Vec<Arc<dyn Witness>>>,
}

/// Hears of each commit of this process before its writer does.
pub(crate) trait Witness: std::fmt::Debug + Send + Sync {
    /// A commit was applied.
    fn committed(&self, named: &Named, seq: Seq);
}

/// The objects a commit names.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) tenant: TenantId,
    pub(crate) objects: Vec<(ObjectTypeId, Key)>,
    /// It may change other objects too, as on-delete rules and publications do.
    pub(crate) reaches_further: bool,
}

impl Named {
    fn of(commit: &Commit) -> Self {
        let mut named = Self { tenant: commit.scope.tenant, objects: Vec::new(), reaches_further: false };
        for change in &commit.changes {
            match change {
                Change::Object(change) => {
                    named.objects.push((change.object.object_type.id, change.object.key.clone()));
                    named.reaches_further |= matches!(change.op, ObjectOp::Delete);
                }
                Change::Publish(_) => named.reaches_further = true,
                Change::Link(_) | Change::Tenancy(_) => {}
            }
        }
        named
    }
}

impl Committer {
    /// Starts the task that leads batches, on the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(log: Arc<dyn CommitLog>) -> Self {
        let (queue, waiting) = mpsc::channel(COMMIT_QUEUE_MAX);
        let shared = Arc::new(Shared {
            turn: Semaphore::new(1),
            seen: watch::Sender::new(Seq(0)),
            witnesses: RwLock::default(),
        });
        let task = tokio::runtime::Handle::current().spawn(lead(Arc::clone(&log), waiting, Arc::clone(&shared)));
        Self { queue, log, shared, task: Arc::new(task) }
    }

    /// Commits one value. Dropping the future does not undo what was handed over: ask again with the same id to learn.
    ///
    /// # Errors
    /// What the store refuses; `commit.closed` when the store is shut down.
    pub async fn commit(&self, commit: Commit) -> Result<Receipt> {
        let span = tracing::info_span!("commit", changes = commit.changes.len());
        self.commit_within(commit).instrument(span).await
    }

    async fn commit_within(&self, commit: Commit) -> Result<Receipt> {
        // Alone, it goes straight to the store: two wake-ups of tasks fewer. While a batch is in flight it joins the next one.
        if let Ok(_turn) = self.shared.turn.try_acquire() {
            let mut results = self.shared.apply(&*self.log, vec![commit], Atomicity::Each).await;
            return results
                .pop()
                .unwrap_or_else(|| Err(Error::internal("commit.unanswered", "a commit has no answer")));
        }
        let (answer, receipt) = oneshot::channel();
        let closed = || Error::unavailable("commit.closed", "the store is shut down");
        self.queue.send(Waiting { commit, answer }).await.map_err(|_| closed())?;
        receipt.await.map_err(|_| closed().outcome_is(Outcome::Unknown))?
    }

    /// Commits many values in one transaction of their own, all or none, as a bulk load does.
    ///
    /// # Errors
    /// The position of the first commit refused, and why; nothing was applied then, unless the error's outcome is unknown.
    pub async fn commit_all(&self, commits: Vec<Commit>) -> Result<Vec<Receipt>, (usize, Error)> {
        let mut receipts = Vec::with_capacity(commits.len());
        let mut refused: Option<(usize, Error)> = None;
        let results = self.shared.apply(&*self.log, commits, Atomicity::All).await;
        for (index, result) in results.into_iter().enumerate() {
            match result {
                Ok(receipt) => receipts.push(receipt),
                // The one that was refused says more than those undone with it.
                Err(error) if refused.as_ref().is_none_or(|(_, first)| first.code() == UNDONE) => {
                    refused = Some((index, error));
                }
                Err(_) => {}
            }
        }
        refused.map_or(Ok(receipts), Err)
    }

    /// Commits many values in one transaction of their own, each by itself. Answers one result per commit, in order.
    pub async fn commit_each(&self, commits: Vec<Commit>) -> Vec<Result<Receipt>> {
        self.shared.apply(&*self.log, commits, Atomicity::Each).await
    }

    /// The receipt of a commit of the context's tenant that was made before, marked replayed. `None` when there is none.
    ///
    /// # Errors
    /// `request.idempotency.other_request` when the context is of a request under an idempotency key, and another one made it; what the store answers.
    pub async fn before(&self, ctx: &Context, id: CommitId) -> Result<Option<Receipt>> {
        let Some(receipt) = self.log.receipt(ctx.scope(), id).await? else { return Ok(None) };
        if let Some(once) = ctx.once() {
            let entry = self.entry(ctx.scope(), receipt.seq).await?;
            if entry.audit.request.is_some_and(|request| request != *once.request()) {
                return Err(Once::other());
            }
        }
        Ok(Some(Receipt { replayed: true, ..receipt }))
    }

    /// The entry of a commit that was made.
    pub(crate) async fn entry(&self, scope: Scope, seq: Seq) -> Result<LogEntry> {
        let page = self.log.entries(scope, Seq(seq.0.saturating_sub(1)), 1).await?;
        let entry = page.entries.into_iter().find(|entry| entry.seq == seq);
        entry.ok_or_else(|| Error::corrupt("commit.entry", "a commit has no entry in the log").with("seq", seq))
    }

    /// Gives this clone up. When it is the last, waits until every commit handed over is answered and the log is let go.
    pub async fn close(self) {
        let Self { queue, log, shared, task } = self;
        drop((queue, log, shared));
        if let Some(task) = Arc::into_inner(task) {
            // A task that panicked has nothing more to let go.
            let _ = task.await;
        }
    }

    /// The newest commit that was applied through this and its clones, to wait on; 0 before the first. Commits of other processes on
    /// the same store are not among them.
    pub fn seen(&self) -> watch::Receiver<Seq> {
        self.shared.seen.subscribe()
    }

    /// From now on a witness hears of each commit that is applied through this and its clones, before its writer does.
    pub(crate) fn witnessed_by(&self, witness: Arc<dyn Witness>) {
        self.shared.witnesses.write().unwrap_or_else(PoisonError::into_inner).push(witness);
    }

    /// The log behind it.
    pub fn log(&self) -> &Arc<dyn CommitLog> {
        &self.log
    }
}

impl Shared {
    /// Hands a batch to the store, and tells of what was applied.
    async fn apply(&self, log: &dyn CommitLog, commits: Vec<Commit>, atomicity: Atomicity) -> Vec<Result<Receipt>> {
        let is_witnessed = !self.witnesses.read().unwrap_or_else(PoisonError::into_inner).is_empty();
        let named: Vec<_> = if is_witnessed { commits.iter().map(Named::of).collect() } else { Vec::new() };
        let count = commits.len();
        let results = log.commit_batch(commits, atomicity).await;
        let applied = results.iter().filter(|result| result.is_ok()).count();
        metric!(histogram.ark_commit_batch_size = count as u64);
        metric!(monotonic_counter.ark_commits = applied as u64, result = "applied");
        metric!(monotonic_counter.ark_commits = (count - applied) as u64, result = "refused");
        if is_witnessed {
            let witnesses = self.witnesses.read().unwrap_or_else(PoisonError::into_inner);
            for (named, result) in named.iter().zip(&results) {
                if let Ok(receipt) = result {
                    witnesses.iter().for_each(|witness| witness.committed(named, receipt.seq));
                }
            }
        }
        self.note(&results);
        results
    }

    /// Tells whoever waits for commits of the newest one of a batch.
    fn note(&self, results: &[Result<Receipt>]) {
        if let Some(newest) = results.iter().flatten().map(|receipt| receipt.seq).max() {
            self.seen.send_if_modified(|seen| {
                let is_newer = newest > *seen;
                *seen = newest.max(*seen);
                is_newer
            });
        }
    }
}

async fn lead(log: Arc<dyn CommitLog>, mut waiting: mpsc::Receiver<Waiting>, shared: Arc<Shared>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, COMMIT_BATCH_MAX).await > 0 {
        // Never closed, so it is always given.
        let _turn = shared.turn.acquire().await;
        while batch.len() < COMMIT_BATCH_MAX
            && let Ok(entry) = waiting.try_recv()
        {
            batch.push(entry);
        }
        let (commits, answers): (Vec<_>, Vec<_>) = batch.drain(..).map(|entry| (entry.commit, entry.answer)).unzip();
        let results = shared.apply(&*log, commits, Atomicity::Each).await;
        for (answer, result) in answers.into_iter().zip(results) {
            // A writer that stopped waiting has no use for its answer.
            let _ = answer.send(result);
        }
    }
}

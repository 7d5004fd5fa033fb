//! Group commit: whatever arrives while one batch is in flight becomes the next.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Commit, CommitLog, Receipt};
use crate::{Error, Outcome, Result};

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
    _task: Arc<JoinHandle<()>>,
}

impl Committer {
    /// Starts the task that leads batches, on the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(log: Arc<dyn CommitLog>) -> Self {
        let (queue, waiting) = mpsc::channel(COMMIT_QUEUE_MAX);
        let task = tokio::runtime::Handle::current().spawn(lead(Arc::clone(&log), waiting));
        Self { queue, log, _task: Arc::new(task) }
    }

    /// Commits one value. Dropping the future does not undo what was handed over: ask again with the same id to learn.
    ///
    /// # Errors
    /// What the store refuses; `commit.closed` when the store is shut down.
    pub async fn commit(&self, commit: Commit) -> Result<Receipt> {
        let (answer, receipt) = oneshot::channel();
        let closed = || Error::unavailable("commit.closed", "the store is shut down");
        self.queue.send(Waiting { commit, answer }).await.map_err(|_| closed())?;
        receipt.await.map_err(|_| closed().outcome_is(Outcome::Unknown))?
    }

    /// Commits many values in one transaction of their own, as a bulk load does. One that fails does not fail the others.
    pub async fn commit_all(&self, commits: Vec<Commit>) -> Vec<Result<Receipt>> {
        self.log.commit_batch(commits).await
    }

    /// The log behind it.
    pub fn log(&self) -> &Arc<dyn CommitLog> {
        &self.log
    }
}

async fn lead(log: Arc<dyn CommitLog>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, COMMIT_BATCH_MAX).await > 0 {
        let (commits, answers): (Vec<_>, Vec<_>) = batch.drain(..).map(|entry| (entry.commit, entry.answer)).unzip();
        let results = log.commit_batch(commits).await;
        for (answer, result) in answers.into_iter().zip(results) {
            // A writer that stopped waiting has no use for its answer.
            let _ = answer.send(result);
        }
    }
}

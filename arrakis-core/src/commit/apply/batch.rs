//! Several commits in one transaction.

use super::{Applied, apply, before};
use crate::commit::{Atomicity, Commit, Receipt, Txn, undone};
use crate::{Error, ErrorKind, Result, Seq, Timestamp};

/// What became of a batch.
#[derive(Debug)]
pub struct AppliedBatch {
    /// One result per commit, in order.
    pub results: Vec<Result<Receipt>>,
    /// The newest commit of the store, this batch included.
    pub head: Seq,
    /// The instant its log entry bears.
    pub last_at: Timestamp,
}

/// Applies commits in order within an open transaction, after the commit at `head`, whose log entry bears `last_at`. The results are
/// what [`crate::CommitLog::commit_batch`] answers, once the transaction is committed.
///
/// # Errors
/// Only what a savepoint answers: the transaction itself failed.
pub fn apply_batch(
    txn: &mut dyn Txn,
    commits: &[Commit],
    atomicity: Atomicity,
    head: Seq,
    last_at: Timestamp,
) -> Result<AppliedBatch> {
    let mut batch = AppliedBatch { results: Vec::with_capacity(commits.len()), head, last_at };
    if atomicity == Atomicity::Each {
        for commit in commits {
            let result = batch.apply(txn, commit);
            batch.results.push(result);
        }
        return Ok(batch);
    }
    txn.savepoint()?;
    for commit in commits {
        match batch.apply(txn, commit) {
            Ok(receipt) => batch.results.push(Ok(receipt)),
            Err(error) => {
                let refused = batch.results.len();
                txn.release(false)?;
                let results = answer_undone(txn, commits, refused, error)?;
                return Ok(AppliedBatch { results, head, last_at });
            }
        }
    }
    txn.release(true)?;
    Ok(batch)
}

impl AppliedBatch {
    fn apply(&mut self, txn: &mut dyn Txn, commit: &Commit) -> Result<Receipt> {
        match apply(txn, commit, self.head.next(), self.last_at)? {
            Applied::Now(receipt, at) => {
                self.head = receipt.seq;
                self.last_at = at;
                Ok(receipt)
            }
            Applied::Before(receipt) => Ok(receipt),
        }
    }
}

fn answer_undone(txn: &mut dyn Txn, commits: &[Commit], refused: usize, error: Error) -> Result<Vec<Result<Receipt>>> {
    let mut results = Vec::with_capacity(commits.len());
    for commit in commits {
        results.push(match before(txn, commit) {
            Ok(Some(receipt)) => Ok(receipt),
            Err(error) if error.kind() != ErrorKind::Conflict => return Err(error),
            Ok(None) | Err(_) => Err(undone()),
        });
    }
    if let Some(slot) = results.get_mut(refused) {
        *slot = Err(error);
    }
    Ok(results)
}

//! Waiting for commits: those of this process say so, those of others are looked for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::Feed;
#[cfg(feature = "users")]
use crate::Scope;
use crate::{Error, Result, Seq};

/// How often the head of the store, which other processes may write, is looked at while someone waits, milliseconds.
pub const HEAD_POLL_MS: u64 = 250;
pub(super) const HEAD_POLL: Duration = Duration::from_millis(HEAD_POLL_MS);

impl Feed {
    /// Waits for a commit after one, but no longer than so long, and tells up to which there is none of this tenant; `None` where the next is of it. Costs
    /// one read of the log by tenant, however much others commit.
    ///
    /// # Errors
    /// As [`Feed::committed_after`].
    #[cfg(feature = "users")]
    pub(in crate::kernel) async fn quiet_until(&self, scope: Scope, after: Seq, wait: Duration) -> Result<Option<Seq>> {
        // That nothing was heard says nothing, where the store may hang: it is what is read afterwards that tells.
        tokio::time::timeout(wait, self.committed_after(after)).await.unwrap_or(Ok(()))?;
        let page = self.log.entries(scope, after, 1).await?;
        // A read may be of an older state than the one before it.
        Ok(page.entries.is_empty().then_some(page.head.max(after)))
    }

    /// Waits until there is a commit after one.
    ///
    /// # Errors
    /// What the log answers; `feed.closed` when nothing can be committed any more.
    pub(super) async fn committed_after(&self, after: Seq) -> Result<()> {
        let mut seen = self.seen.clone();
        loop {
            if *seen.borrow_and_update() > after || self.log.head().await? > after {
                return Ok(());
            }
            let changed = tokio::time::timeout(HEAD_POLL, seen.changed()).await.unwrap_or(Ok(()));
            changed.map_err(|_| closed())?;
        }
    }
}

/// Waits for the first of two futures.
pub(crate) async fn first(one: impl Future, other: impl Future) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        let ready = one.as_mut().poll(cx).is_ready() || other.as_mut().poll(cx).is_ready();
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

pub(super) fn closed() -> Error {
    Error::unavailable("feed.closed", "the kernel is shut down")
}

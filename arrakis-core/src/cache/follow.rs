//! Following the log, so that what is cached is known to be right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::window::Window;
use crate::kernel::first;
use crate::relay::RelayStore;
use crate::{Env, Error, Result, Seq};

/// How many of the newest commits are read when a process begins, and when it has fallen behind by more: what was cached before them is
/// read anew.
pub const CACHE_HISTORY_MAX: u64 = 4_096;
/// How many entries are read of the log at a time.
const PAGE: u32 = 256;
/// How often the end of the log is looked for while someone reads.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a look may take before it is given up and another begun.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether someone reads, as far as the follower is told.
#[derive(Debug, Default)]
pub(super) struct Interest {
    is_read: AtomicBool,
    bell: Notify,
}

impl Interest {
    /// Someone reads.
    pub(super) fn note(&self) {
        // Looked at first, so that readers do not take the line of the cache from each other.
        if !self.is_read.load(Ordering::Relaxed) && !self.is_read.swap(true, Ordering::AcqRel) {
            self.bell.notify_one();
        }
    }

    fn take(&self) -> bool {
        self.is_read.swap(false, Ordering::AcqRel)
    }
}

/// The task that follows the log. It is the only one that moves the watermark.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) env: Env,
    pub(super) log: Arc<dyn RelayStore>,
    pub(super) window: Arc<Window>,
    pub(super) interest: Arc<Interest>,
    pub(super) seen: watch::Receiver<Seq>,
    pub(super) has_begun: bool,
}

impl Follower {
    /// Follows until the committer is gone.
    pub(super) async fn run(mut self) {
        loop {
            self.seen.borrow_and_update();
            let is_read = self.interest.take();
            match tokio::time::timeout(LOOK_TIMEOUT, self.look()).await {
                Ok(Ok(true)) => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(Ok(false)) => {}
                Ok(Err(error)) => self.failed(&error).await,
                Err(_) => self.failed(&Error::unavailable("cache.log.slow", "the log does not answer")).await,
            }
            if self.seen.has_changed().is_err() {
                return;
            }
            self.rest(is_read).await;
        }
    }

    /// Until there is more to read, or it is time to look whether there is. While nobody reads, nobody needs to know.
    async fn rest(&mut self, is_read: bool) {
        if is_read {
            let commit = self.log.wait(self.window.watermark(), LOOK_EVERY);
            // A wait that fails, or does not end, is known by the next look.
            let _ = tokio::time::timeout(LOOK_EVERY, first(commit, self.seen.changed())).await;
        } else {
            first(self.seen.changed(), self.interest.bell.notified()).await;
        }
    }

    async fn failed(&self, error: &Error) {
        tracing::debug!(error = %error.chain(), "the log cannot be followed: reads go to the store");
        tokio::time::sleep(LOOK_EVERY).await;
    }

    /// Reads on. Answers whether there is more to read at once.
    pub(super) async fn look(&mut self) -> Result<bool> {
        let started = self.env.monotonic();
        if !self.has_begun {
            let head = self.log.log(Seq(0), 1).await?.head;
            self.window.begin(Seq(head.0.saturating_sub(CACHE_HISTORY_MAX)));
            self.has_begun = true;
        }
        let known = self.window.watermark();
        // With the last entry that is known, to see that it is still the same log.
        let has_known = self.window.mark(known).is_some();
        let after = if has_known { Seq(known.0 - 1) } else { known };
        let page = self.log.log(after, PAGE).await?;
        if page.head < known {
            return Ok(self.begin_anew());
        }
        if page.head.0 - known.0 > CACHE_HISTORY_MAX {
            self.window.begin(Seq(page.head.0 - CACHE_HISTORY_MAX));
            self.window.announce();
            return Ok(true);
        }
        let mut entries = page.entries.iter();
        if has_known && !entries.next().is_some_and(|entry| self.window.is_known(entry)) {
            return Ok(self.begin_anew());
        }
        for entry in entries {
            if entry.seq != self.window.watermark().next() {
                return Ok(self.begin_anew());
            }
            self.window.take_in(entry);
        }
        self.window.announce();
        let has_more = self.window.watermark() < page.head;
        if !has_more {
            self.window.observed(started);
        }
        Ok(has_more)
    }

    /// The log is not the one that was followed: a store was restored from a copy.
    fn begin_anew(&mut self) -> bool {
        tracing::warn!("the log is another one than before: everything cached here is forgotten");
        self.window.restart();
        self.has_begun = false;
        true
    }
}

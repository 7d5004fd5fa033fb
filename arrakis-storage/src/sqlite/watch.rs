//! Stops a read: on request, at a time, or after so many looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrakis_core::Env;

/// Watches over the reads of one connection, one at a time.
#[derive(Debug)]
pub(super) struct Watch {
    env: Env,
    looks_left: AtomicU64,
    deadline_ns: AtomicU64,
    /// Which read the connection is at, and which is to be stopped: the one may have ended when the other is set.
    read: AtomicU64,
    cancelled: AtomicU64,
}

impl Watch {
    pub(super) fn new(env: Env) -> Self {
        Self {
            env,
            looks_left: AtomicU64::new(u64::MAX),
            deadline_ns: AtomicU64::new(u64::MAX),
            read: AtomicU64::new(1),
            cancelled: AtomicU64::new(0),
        }
    }

    /// Starts another read, that nothing stops yet.
    pub(super) fn begin(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.set(u64::MAX, None);
    }

    /// Has the read stopped after so many looks, or at an instant of the environment's monotonic clock.
    pub(super) fn set(&self, looks: u64, deadline: Option<Duration>) {
        self.looks_left.store(looks, Ordering::Relaxed);
        self.deadline_ns.store(deadline.map_or(u64::MAX, nanos), Ordering::Relaxed);
    }

    /// A guard that stops the read when it is dropped before another has started.
    pub(super) fn guard(self: &Arc<Self>) -> Cancel {
        Cancel { watch: Arc::clone(self), read: self.read.load(Ordering::Relaxed) }
    }

    /// Asked once in a while during a read: whether it is to stop.
    pub(super) fn stops(&self) -> bool {
        let looks = self.looks_left.load(Ordering::Relaxed);
        self.looks_left.store(looks.saturating_sub(1), Ordering::Relaxed);
        let deadline = self.deadline_ns.load(Ordering::Relaxed);
        looks == 0
            || self.cancelled.load(Ordering::Relaxed) == self.read.load(Ordering::Relaxed)
            || deadline != u64::MAX && nanos(self.env.monotonic()) > deadline
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Stops a read when nobody waits for it any more.
pub(super) struct Cancel {
    watch: Arc<Watch>,
    read: u64,
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.watch.cancelled.store(self.read, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_stopped_by_its_own_guard_only() {
        let watch = Arc::new(Watch::new(Env::system()));
        watch.begin();
        assert!(!watch.stops());
        let guard = watch.guard();
        drop(guard);
        assert!(watch.stops());
        watch.begin();
        assert!(!watch.stops());
    }

    #[test]
    fn a_read_is_stopped_after_its_looks_and_the_next_is_not() {
        let watch = Watch::new(Env::system());
        watch.begin();
        watch.set(1, None);
        assert!(!watch.stops());
        assert!(watch.stops());
        watch.begin();
        assert!(!watch.stops());
    }
}

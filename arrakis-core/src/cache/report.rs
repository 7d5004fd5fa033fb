//! What a cache did, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What a cache did since it was started, in numbers that only grow; but for `bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheReport {
    /// Objects answered from the memory of this process.
    pub hits: u64,
    /// Objects answered from the shared cache.
    pub shared_hits: u64,
    /// Objects read from the store.
    pub misses: u64,
    /// Objects that were waited for while another request read them.
    pub joined: u64,
    /// Objects kept after they were read from the store.
    pub fills: u64,
    /// Objects handed to the shared cache.
    pub shared_fills: u64,
    /// Entries refused because their object may have changed since.
    pub stale_refused: u64,
    /// Reads that asked the store because the log was not known well enough: too long ago, or not as far as the read must see.
    pub behind: u64,
    /// Entries of the shared cache that were not of this store's own making.
    pub foreign_refused: u64,
    /// Calls of the shared cache that failed or took too long.
    pub errors: u64,
    /// Calls of the shared cache left out because it failed just before.
    pub skipped: u64,
    /// Entries that were not handed to the shared cache, because too many were waiting.
    pub dropped: u64,
    /// Objects forgotten to make room.
    pub evicted: u64,
    /// The bytes held in the memory of this process.
    pub bytes: u64,
}

/// The numbers as they are counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: Counter,
    pub(super) shared_hits: Counter,
    pub(super) misses: Counter,
    pub(super) joined: Counter,
    pub(super) fills: Counter,
    pub(super) shared_fills: Counter,
    pub(super) stale_refused: Counter,
    pub(super) behind: Counter,
    pub(super) foreign_refused: Counter,
    pub(super) errors: Counter,
    pub(super) skipped: Counter,
    pub(super) dropped: Counter,
    pub(super) evicted: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        if count > 0 {
            self.0.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn report(&self, bytes: usize) -> CacheReport {
        CacheReport {
            hits: self.hits.get(),
            shared_hits: self.shared_hits.get(),
            misses: self.misses.get(),
            joined: self.joined.get(),
            fills: self.fills.get(),
            shared_fills: self.shared_fills.get(),
            stale_refused: self.stale_refused.get(),
            behind: self.behind.get(),
            foreign_refused: self.foreign_refused.get(),
            errors: self.errors.get(),
            skipped: self.skipped.get(),
            dropped: self.dropped.get(),
            evicted: self.evicted.get(),
            bytes: bytes as u64,
        }
    }
}

//! A cache other processes use too, asked so that it never costs more than a little time.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::report::Counters;
use super::seal::{Place, Seal, Stamp};
use super::{Cache, CacheEntry, CacheKey, CacheOwner};
use crate::{Env, Error, Result};

/// How long a call of the shared cache may take, in milliseconds; after it the store is asked.
pub const CACHE_TIMEOUT_MS: u64 = 20;
const TIMEOUT: Duration = Duration::from_millis(CACHE_TIMEOUT_MS);
/// How many calls in a row fail before no more are made.
const FAILURES_MAX: u32 = 3;
/// How long no calls are made then, in milliseconds; after it one call finds out whether more are.
pub const CACHE_PAUSE_MS: u64 = 250;
const PAUSE: Duration = Duration::from_millis(CACHE_PAUSE_MS);

/// The shared cache behind a breaker, with the seal of its entries.
#[derive(Debug)]
pub(super) struct Shared {
    cache: Arc<dyn Cache>,
    env: Env,
    pub(super) seal: Seal,
    counters: Arc<Counters>,
    failures: AtomicU32,
    /// The microsecond of the monotonic clock from which on calls are made again.
    paused_until: AtomicU64,
}

impl Shared {
    pub(super) fn new(cache: Arc<dyn Cache>, env: Env, secret: [u8; 32], counters: Arc<Counters>) -> Self {
        let (failures, paused_until) = (AtomicU32::new(0), AtomicU64::new(0));
        Self { cache, env, seal: Seal::new(secret), counters, failures, paused_until }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.env.monotonic().as_micros()).unwrap_or(u64::MAX)
    }

    /// Makes a call, if it is not too soon after others failed; `None` when it was not made or has failed.
    async fn call<T>(&self, call: impl Future<Output = Result<T>>) -> Option<T> {
        if self.failures.load(Ordering::Relaxed) >= FAILURES_MAX {
            let (now, until) = (self.now(), self.paused_until.load(Ordering::Relaxed));
            let next = now.saturating_add(u64::try_from(PAUSE.as_micros()).unwrap_or(u64::MAX));
            // One call finds out whether it is over; the others wait for what it finds.
            let is_probe = now >= until
                && self.paused_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if !is_probe {
                self.counters.skipped.add(1);
                return None;
            }
        }
        let slow = |_| Error::unavailable("cache.slow", "the cache does not answer in time");
        match tokio::time::timeout(TIMEOUT, call).await.map_err(slow).flatten() {
            Ok(answer) => {
                self.failures.store(0, Ordering::Relaxed);
                Some(answer)
            }
            Err(error) => {
                self.counters.errors.add(1);
                if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES_MAX {
                    let until = self.now().saturating_add(u64::try_from(PAUSE.as_micros()).unwrap_or(u64::MAX));
                    self.paused_until.store(until, Ordering::Relaxed);
                }
                tracing::debug!(error = %error.chain(), "the shared cache is left out");
                None
            }
        }
    }

    /// What this store's processes have put at places of one owner; `None` for what they have not.
    pub(super) async fn get(&self, owner: CacheOwner, places: &[Place<'_>]) -> Vec<Option<(Stamp, Vec<u8>)>> {
        let keys: Vec<CacheKey> = places.iter().map(|place| self.seal.key(*place)).collect();
        let Some(found) = self.call(self.cache.get(owner, &keys)).await else { return vec![None; places.len()] };
        let mut foreign = Vec::new();
        let opened = places.iter().zip(keys).zip(found).map(|((place, key), entry)| {
            let entry = entry?;
            let opened = self.seal.open(*place, &entry).map(|(stamp, payload)| (stamp, payload.to_vec()));
            if opened.is_none() {
                foreign.push(key);
            }
            opened
        });
        let opened: Vec<_> = opened.collect();
        self.forget(owner, foreign).await;
        opened
    }

    /// Removes entries that are not of this log, which might stay in the way of others.
    pub(super) async fn forget(&self, owner: CacheOwner, foreign: Vec<CacheKey>) {
        if !foreign.is_empty() {
            self.counters.foreign_refused.add(foreign.len());
            self.call(self.cache.remove(owner, &foreign)).await;
        }
    }

    /// Puts entries of one owner. Answers whether they were taken.
    pub(super) async fn put(&self, owner: CacheOwner, entries: &[(CacheKey, CacheEntry)]) -> bool {
        self.call(self.cache.put(owner, entries)).await.is_some()
    }
}

//! The log of all tenants, cursors into it, and leases on them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrakis_core::archive::CursorPlace;
use arrakis_core::relay::{Lease, RELAY_PAGE_LEN_MAX, RelayCursor, RelayStore, check_lease, lease_lost};
use arrakis_core::{LogPage, Result, Seq};
use async_trait::async_trait;

use super::MemoryStore;

/// The cursors, by name.
#[derive(Debug, Default)]
pub(super) struct Cursors(Mutex<BTreeMap<Arc<str>, Cursor>>);

#[derive(Debug, Default)]
struct Cursor {
    at: Seq,
    epoch: u64,
    holder: Option<Arc<str>>,
    /// When the lease is over, by the monotonic clock: nobody else has this store.
    until: Duration,
}

impl Cursor {
    fn is_held(&self, now: Duration) -> bool {
        self.holder.is_some() && now < self.until
    }
}

impl Cursors {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Cursor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where each is, and how often it was leased.
    pub(super) fn places(&self) -> Vec<CursorPlace> {
        let place = |(name, cursor): (&Arc<str>, &Cursor)| CursorPlace {
            name: Arc::clone(name),
            at: cursor.at,
            epoch: cursor.epoch,
        };
        self.lock().iter().map(place).collect()
    }
}

impl MemoryStore {
    /// Changes the cursor of a lease that is held.
    fn under(&self, lease: &Lease, change: impl FnOnce(&mut Cursor, Duration)) -> Result<()> {
        let mut cursors = self.cursors.lock();
        let now = self.env.monotonic();
        let held = cursors.get_mut(&lease.name).filter(|cursor| cursor.epoch == lease.epoch && cursor.is_held(now));
        change(held.ok_or_else(|| lease_lost(lease))?, now);
        Ok(())
    }
}

#[async_trait]
impl RelayStore for MemoryStore {
    async fn log(&self, after: Seq, limit: u32) -> Result<LogPage> {
        let state = self.read()?;
        let skipped = usize::try_from(after.0).unwrap_or(usize::MAX);
        let entries = state.log.iter().skip(skipped).take(limit.min(RELAY_PAGE_LEN_MAX) as usize).cloned().collect();
        Ok(LogPage { entries, head: state.head() })
    }

    async fn wait(&self, after: Seq, timeout: Duration) -> Result<Seq> {
        let mut newest = self.newest.subscribe();
        // The sender lives as long as the store.
        let _ = tokio::time::timeout(timeout, newest.wait_for(|head| *head > after)).await;
        Ok(self.read()?.head())
    }

    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>> {
        check_lease(name, holder, ttl)?;
        let name: Arc<str> = name.into();
        let mut cursors = self.cursors.lock();
        let now = self.env.monotonic();
        let cursor = cursors.entry(Arc::clone(&name)).or_default();
        if cursor.is_held(now) {
            return Ok(None);
        }
        let holder: Arc<str> = holder.into();
        cursor.epoch += 1;
        cursor.holder = Some(Arc::clone(&holder));
        cursor.until = now + ttl;
        Ok(Some(Lease { name, holder, epoch: cursor.epoch, cursor: cursor.at }))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<()> {
        check_lease(&lease.name, &lease.holder, ttl)?;
        self.under(lease, |cursor, now| cursor.until = now + ttl)
    }

    async fn advance(&self, lease: &Lease, to: Seq) -> Result<()> {
        self.under(lease, |cursor, _| cursor.at = to)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        // What is lost already is given back by that.
        let _ = self.under(lease, |cursor, _| cursor.holder = None);
        Ok(())
    }

    async fn cursors(&self) -> Result<Vec<RelayCursor>> {
        let cursors = self.cursors.lock();
        let now = self.env.monotonic();
        let listed = cursors.iter().map(|(name, cursor)| RelayCursor {
            name: Arc::clone(name),
            cursor: cursor.at,
            epoch: cursor.epoch,
            holder: cursor.holder.clone().filter(|_| cursor.is_held(now)),
        });
        Ok(listed.collect())
    }
}

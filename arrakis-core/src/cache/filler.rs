//! The task that hands what was read to the shared cache.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::object::{Address, Kept};
use super::report::Counters;
use super::row;
use super::seal::{Place, Stamp};
use super::shared::Shared;
use super::window::Window;
use super::{CACHE_VALUE_LEN_MAX, CacheEntry, CacheKey, CacheOwner, key};
use crate::Seq;
use crate::ontology::ObjectType;

/// The most objects that wait to be handed to the shared cache; beyond it they are not.
pub(super) const FILLS_WAITING_MAX: usize = 1_024;
/// The most objects handed over at a time.
const BATCH: usize = 64;
/// How long an object waits for the log to be read as far as it was read at.
const LOG_WAIT: Duration = Duration::from_secs(1);
/// What a sealed value has more than its bytes, and some.
const SEAL_LEN_MAX: usize = 64;

/// An object to be put.
#[derive(Debug)]
pub(super) struct Fill {
    pub(super) address: Address,
    pub(super) object_type: Arc<ObjectType>,
    pub(super) kept: Arc<Kept>,
    /// The commit it is right at.
    pub(super) seq: Seq,
}

#[derive(Debug)]
pub(super) struct Filler {
    pub(super) window: Arc<Window>,
    pub(super) shared: Arc<Shared>,
    pub(super) counters: Arc<Counters>,
}

impl Filler {
    /// Puts what comes until nothing can come any more.
    pub(super) async fn run(self, mut fills: mpsc::Receiver<Fill>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut progress = self.window.progress();
        while fills.recv_many(&mut batch, BATCH).await > 0 {
            let newest = batch.iter().map(|fill| fill.seq).max().unwrap_or_default();
            // Only then is it known which commit of the log that is.
            let _ = tokio::time::timeout(LOG_WAIT, progress.wait_for(|reached| *reached >= newest)).await;
            let mut owners: BTreeMap<CacheOwner, Vec<(CacheKey, CacheEntry)>> = BTreeMap::new();
            for fill in batch.drain(..) {
                match self.seal(&fill) {
                    Some(sealed) => owners.entry(CacheOwner::Tenant(fill.address.tenant)).or_default().push(sealed),
                    None => self.counters.dropped.add(1),
                }
            }
            for (owner, entries) in owners {
                let was_put = self.shared.put(owner, &entries).await;
                let counter = if was_put { &self.counters.shared_fills } else { &self.counters.dropped };
                counter.add(entries.len());
            }
        }
    }

    /// An entry of what is still right and of this log.
    fn seal(&self, fill: &Fill) -> Option<(CacheKey, CacheEntry)> {
        let Fill { address, object_type, kept, seq } = fill;
        let mark = self.window.mark(*seq)?;
        self.window.span(address.slot(&self.window), *seq, *seq)?;
        if kept.epoch != self.window.epoch() {
            return None;
        }
        let payload = row::write(object_type, kept.object.as_ref());
        if payload.len() + SEAL_LEN_MAX > CACHE_VALUE_LEN_MAX {
            return None;
        }
        let text = key::object_text(&address.key);
        let place = address.place(kept.space, &text);
        let stamp = Stamp { seq: *seq, mark, version: kept.version };
        Some((self.shared.seal.key(place), self.shared.seal.seal(place, stamp, &payload)))
    }
}

impl Address {
    /// Where the shared cache keeps it.
    pub(super) fn place<'a>(&self, space: crate::SpaceId, text: &'a str) -> Place<'a> {
        let kind = super::CacheKind::Object(self.object_type);
        Place { owner: CacheOwner::Tenant(self.tenant), space, kind, text }
    }
}

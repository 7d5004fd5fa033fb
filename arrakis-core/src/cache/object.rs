//! Objects by key, from memory where they are known to be right.

use std::sync::Arc;

use super::flight::Flight;
use super::seal::Stamp;
use super::shared::Shared;
use super::window::{MARKS, SlotId, Span, Window};
use super::{CacheOwner, ReadCache, filler::Fill, key, row};
use crate::kernel::{Object, Snapshot};
use crate::ontology::ObjectType;
use crate::{Key, ObjectTypeId, Scope, Seq, SpaceId, TenantId};

/// Objects in the order asked, as of one commit.
pub(crate) type Objects = Snapshot<Vec<Option<Object>>>;

/// What an object is kept under in this process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) tenant: TenantId,
    pub(super) object_type: ObjectTypeId,
    pub(super) key: Key,
}

impl Address {
    pub(super) fn slot(&self, window: &Window) -> SlotId {
        window.slot(self.tenant, self.object_type, &self.key)
    }
}

/// An object, or that there is none, as it was read.
#[derive(Debug)]
pub(super) struct Kept {
    /// The commit it was read at.
    pub(super) seq: Seq,
    /// The space and the version of its ontology it was read under.
    pub(super) space: SpaceId,
    pub(super) version: u32,
    /// Of which log.
    pub(super) epoch: u64,
    pub(super) object: Option<Object>,
}

/// Objects that are wanted as they are now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) scope: Scope,
    /// The version of the ontology the type is of.
    pub(crate) version: u32,
    pub(crate) object_type: &'a Arc<ObjectType>,
    pub(crate) keys: &'a [Key],
    /// The commit the answer must have seen.
    pub(crate) least: Option<Seq>,
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// All of it, as of one commit, at which the version of the ontology was in force.
    All(Objects),
    /// Not all of it.
    Missing(Missing),
}

/// What remains to be read.
#[derive(Debug)]
pub(crate) struct Missing {
    epoch: u64,
    found: Vec<Option<Arc<Kept>>>,
    /// While it lasts, others wait for what is read.
    _flight: Option<Flight<Address>>,
}

impl Missing {
    /// The keys that remain, of those that were wanted.
    pub(crate) fn keys(&self, wanted: Wanted<'_>) -> Vec<Key> {
        let remain = wanted.keys.iter().zip(&self.found).filter(|(_, found)| found.is_none());
        remain.map(|(key, _)| key.clone()).collect()
    }
}

impl Wanted<'_> {
    fn address(&self, key: &Key) -> Address {
        Address { tenant: self.scope.tenant, object_type: self.object_type.id, key: key.clone() }
    }

    fn is_of(&self, kept: &Kept, epoch: u64) -> bool {
        kept.space == self.scope.space && kept.version == self.version && kept.epoch == epoch
    }
}

impl ReadCache {
    /// Objects as they are now, where all of them are known. What is not is looked for in the shared cache.
    pub(crate) async fn find(&self, wanted: Wanted<'_>) -> Found {
        self.interest.note();
        let mut found = match self.judged(wanted, &[]) {
            Ok(snapshot) => {
                self.counters.hits.add(wanted.keys.len());
                return Found::All(snapshot);
            }
            Err(found) => found,
        };
        let mut flight = None;
        let is_judged = self.window.sight(self.env.monotonic(), wanted.least).is_some();
        if let [key] = wanted.keys
            && is_judged
        {
            flight = self.flights.begin(&wanted.address(key)).await;
            if flight.is_none() {
                self.counters.joined.add(1);
                match self.judged(wanted, &[]) {
                    Ok(snapshot) => return Found::All(snapshot),
                    Err(now) => found = now,
                }
            }
        }
        if let Some(shared) = &self.shared
            && is_judged
        {
            let taken = self.take_shared(shared, wanted, &found).await;
            let count = taken.iter().flatten().count();
            if count > 0 {
                match self.judged(wanted, &taken) {
                    Ok(snapshot) => {
                        self.counters.shared_hits.add(count);
                        self.counters.hits.add(wanted.keys.len().saturating_sub(count));
                        return Found::All(snapshot);
                    }
                    Err(now) => found = now,
                }
            }
        }
        let missing = found.iter().filter(|found| found.is_none()).count();
        self.counters.misses.add(missing);
        Found::Missing(Missing { epoch: self.window.epoch(), found, _flight: flight })
    }

    /// What this process keeps, or else was just taken for the keys, if that is all, and of one state; else what is right of it.
    fn judged(&self, wanted: Wanted<'_>, taken: &[Option<Arc<Kept>>]) -> Result<Objects, Vec<Option<Arc<Kept>>>> {
        let Some(watermark) = self.window.sight(self.env.monotonic(), wanted.least) else {
            self.counters.behind.add(1);
            return Err(vec![None; wanted.keys.len()]);
        };
        let epoch = self.window.epoch();
        let taken = taken.iter().chain(std::iter::repeat(&None));
        let judge =
            |(key, taken): (&Key, &Option<Arc<Kept>>)| self.judge(wanted, (key, taken.as_ref()), watermark, epoch);
        let found: Vec<_> = wanted.keys.iter().zip(taken).map(judge).collect();
        let whole: Option<Vec<_>> =
            found.iter().map(|found| found.as_ref().map(|(kept, span)| (kept, *span))).collect();
        match whole.and_then(answer) {
            Some(snapshot) => Ok(snapshot),
            None => Err(found.into_iter().map(|found| found.map(|(kept, _)| kept)).collect()),
        }
    }

    fn judge(
        &self,
        wanted: Wanted<'_>,
        (key, taken): (&Key, Option<&Arc<Kept>>),
        watermark: Seq,
        epoch: u64,
    ) -> Option<(Arc<Kept>, Span)> {
        let address = wanted.address(key);
        let kept = self.objects.get(&address).or_else(|| taken.cloned()).filter(|kept| wanted.is_of(kept, epoch))?;
        let span = self.window.span(address.slot(&self.window), kept.seq, watermark);
        if span.is_none() {
            self.counters.stale_refused.add(1);
        }
        Some((kept, span?))
    }

    /// Keeps what the shared cache has of what is missing, and answers it by the keys that were wanted.
    async fn take_shared(
        &self,
        shared: &Shared,
        wanted: Wanted<'_>,
        found: &[Option<Arc<Kept>>],
    ) -> Vec<Option<Arc<Kept>>> {
        let epoch = self.window.epoch();
        let holes: Vec<usize> = found.iter().enumerate().filter(|(_, kept)| kept.is_none()).map(|(at, _)| at).collect();
        let missing = holes.iter().filter_map(|at| wanted.keys.get(*at));
        let missing: Vec<_> = missing.map(|key| (wanted.address(key), key::object_text(key))).collect();
        let places: Vec<_> = missing.iter().map(|(address, text)| address.place(wanted.scope.space, text)).collect();
        let owner = CacheOwner::Tenant(wanted.scope.tenant);
        let entries = shared.get(owner, &places).await;
        let (mut taken, mut foreign) = (vec![None; found.len()], Vec::new());
        for ((at, (of, place)), entry) in holes.into_iter().zip(missing.iter().zip(&places)).zip(entries) {
            let Some((stamp, payload)) = entry else { continue };
            match self.admit(wanted, &of.0, stamp, &payload, epoch) {
                Admission::Kept(kept) => {
                    if let Some(hole) = taken.get_mut(at) {
                        *hole = Some(kept);
                    }
                }
                Admission::Refused => self.counters.stale_refused.add(1),
                Admission::Foreign => foreign.push(shared.seal.key(*place)),
            }
        }
        shared.forget(owner, foreign).await;
        taken
    }

    /// Keeps what a process of this store has put, if it is right.
    fn admit(&self, wanted: Wanted<'_>, address: &Address, stamp: Stamp, payload: &[u8], epoch: u64) -> Admission {
        let watermark = self.window.watermark();
        let is_right = self.window.span(address.slot(&self.window), stamp.seq, watermark).is_some();
        if stamp.version != wanted.version || !is_right {
            return Admission::Refused;
        }
        match self.window.mark(stamp.seq) {
            // Of a commit this process has not heard of yet, or so long ago that it cannot tell of which log.
            None => return Admission::Refused,
            Some(mark) if mark != stamp.mark => return Admission::Foreign,
            Some(_) => {}
        }
        let Ok(object) = row::read(wanted.object_type, &address.key, payload) else { return Admission::Foreign };
        let kept = self.keep(wanted, address, stamp.seq, epoch, object);
        if watermark.0.saturating_sub(stamp.seq.0) > MARKS / 2 {
            // Right still, it is put anew before it is too old to be told from others.
            self.offer(wanted, address, Arc::clone(&kept), watermark);
        }
        Admission::Kept(kept)
    }

    fn keep(&self, wanted: Wanted<'_>, address: &Address, seq: Seq, epoch: u64, object: Option<Object>) -> Arc<Kept> {
        let weight = row::weight(&address.key, object.as_ref());
        let (space, version) = (wanted.scope.space, wanted.version);
        let kept = Arc::new(Kept { seq, space, version, epoch, object });
        let stays = |other: &Arc<Kept>| wanted.is_of(other, epoch) && other.seq > seq;
        self.counters.evicted.add(self.objects.put(address.clone(), Arc::clone(&kept), weight, stays));
        kept
    }

    fn offer(&self, wanted: Wanted<'_>, address: &Address, kept: Arc<Kept>, seq: Seq) {
        let Some(fills) = &self.fills else { return };
        let object_type = Arc::clone(wanted.object_type);
        if fills.try_send(Fill { address: address.clone(), object_type, kept, seq }).is_err() {
            self.counters.dropped.add(1);
        }
    }

    /// Keeps what was read of what was missing, under the version of the ontology that was in force at that commit, and puts it together
    /// with what was found; `None` when the two are not of one state.
    pub(crate) fn complete(&self, wanted: Wanted<'_>, missing: Missing, read: Objects) -> Option<Objects> {
        let Missing { epoch, mut found, _flight } = missing;
        let holes = wanted.keys.iter().zip(&mut found).filter(|(_, found)| found.is_none());
        for ((key, hole), object) in holes.zip(read.value) {
            let address = wanted.address(key);
            let kept = self.keep(wanted, &address, read.seq, epoch, object);
            self.offer(wanted, &address, Arc::clone(&kept), read.seq);
            self.counters.fills.add(1);
            *hole = Some(kept);
        }
        let watermark = self.window.watermark();
        let judged = wanted.keys.iter().zip(&found).map(|(key, kept)| {
            let kept = kept.as_ref()?;
            let slot = wanted.address(key).slot(&self.window);
            let span = self.window.span(slot, kept.seq, watermark);
            // What was read just now is right at least where it was read.
            let read = (kept.seq == read.seq).then_some(Span { first: read.seq, last: read.seq });
            Some((kept, span.or(read)?))
        });
        answer(judged.collect::<Option<Vec<_>>>()?)
    }
}

/// What becomes of an entry of the shared cache.
enum Admission {
    /// It is right, and kept.
    Kept(Arc<Kept>),
    /// It may have changed since.
    Refused,
    /// It is of another log, or unreadable.
    Foreign,
}

/// The newest state all values are right in.
fn answer(values: Vec<(&Arc<Kept>, Span)>) -> Option<Objects> {
    let first = values.iter().map(|(_, span)| span.first).max()?;
    let last = values.iter().map(|(_, span)| span.last).min()?;
    let value = values.into_iter().map(|(kept, _)| kept.object.clone()).collect();
    (first <= last).then_some(Snapshot { seq: last, value })
}

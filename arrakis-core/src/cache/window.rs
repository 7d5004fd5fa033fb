//! What this process knows of the log: how far it has read it, when it last knew that to be the end, and what changed on the way.
//!
//! All of it is in memory, so nothing a shared cache claims is ever taken for fresh.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::commit::{Named, Witness};
use crate::{CommitId, Effect, Key, LogEntry, ObjectTypeId, Seq, TenantId, Timestamp};

/// How long what was read of the log is taken for the present, in milliseconds: an answer from the cache is no older.
pub const CACHE_STALE_MAX_MS: u64 = 800;
const STALE_MAX: Duration = Duration::from_millis(CACHE_STALE_MAX_MS);
/// How many slots changes are noted in. Objects that share one are each taken for changed when either is, which costs a read of the store.
const CHANGE_SLOTS: usize = 1 << 18;
/// How many of the newest commits a process can tell from commits of another log with the same places.
pub(super) const MARKS: u64 = 1 << 16;

/// Where changes of an object are noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SlotId(usize);

/// The commits, first and last, between which a value is known to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: Seq,
    pub(super) last: Seq,
}

#[derive(Debug)]
pub(super) struct Window {
    hasher: RandomState,
    /// The newest commit known to have changed an object of the slot.
    changes: Box<[AtomicU64]>,
    /// What tells the commit of a place in this log from one of the same place in another; 0 where that is not known.
    marks: Box<[AtomicU64]>,
    /// Changes up to here are not all in `changes`, or do not matter: what was read before it is not judged.
    floor: AtomicU64,
    /// Everything up to here is in `changes`.
    watermark: watch::Sender<Seq>,
    /// The same, for who does not wait.
    reached: AtomicU64,
    /// The newest commit of this process that may have changed more than is in `changes` yet.
    awaited: AtomicU64,
    /// One more than the microseconds of the monotonic clock when `watermark` was last known to be the end of the log; 0 for never.
    observed: AtomicU64,
    /// How often the log turned out to be another one.
    epoch: AtomicU64,
}

fn zeroed(length: usize) -> Box<[AtomicU64]> {
    (0..length).map(|_| AtomicU64::new(0)).collect()
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            changes: zeroed(CHANGE_SLOTS),
            marks: zeroed(usize::try_from(MARKS).unwrap_or_default()),
            floor: AtomicU64::new(0),
            watermark: watch::Sender::new(Seq(0)),
            reached: AtomicU64::new(0),
            awaited: AtomicU64::new(0),
            observed: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
        }
    }

    pub(super) fn slot(&self, tenant: TenantId, object_type: ObjectTypeId, key: &Key) -> SlotId {
        let hash = self.hasher.hash_one((tenant, object_type, key));
        SlotId(usize::try_from(hash % CHANGE_SLOTS as u64).unwrap_or_default())
    }

    fn change(&self, slot: SlotId) -> Seq {
        // Without a slot, everything has changed.
        Seq(self.changes.get(slot.0).map_or(u64::MAX, |change| change.load(Ordering::Acquire)))
    }

    /// The commit up to which values can be judged now, when that is recent enough, and has seen `least`.
    pub(super) fn sight(&self, now: Duration, least: Option<Seq>) -> Option<Seq> {
        // First when, then how far: it is stored in the other order.
        let observed = self.observed.load(Ordering::Acquire).checked_sub(1)?;
        if now.saturating_sub(Duration::from_micros(observed)) > STALE_MAX {
            return None;
        }
        let watermark = self.watermark();
        let enough = watermark >= least.unwrap_or_default() && watermark.0 >= self.awaited.load(Ordering::Acquire);
        enough.then_some(watermark)
    }

    /// Between which commits a value that was read at a commit is right, as far as is known up to `watermark`; `None` when it may have
    /// changed since.
    pub(super) fn span(&self, slot: SlotId, seq: Seq, watermark: Seq) -> Option<Span> {
        // In this order: a floor that is raised meanwhile, for what is noted in no slot, is raised before `watermark` is.
        let is_unchanged = self.change(slot) <= seq && self.floor() <= seq;
        is_unchanged.then_some(Span { first: seq, last: seq.max(watermark) })
    }

    pub(super) fn floor(&self) -> Seq {
        Seq(self.floor.load(Ordering::Acquire))
    }

    pub(super) fn watermark(&self) -> Seq {
        Seq(self.reached.load(Ordering::Acquire))
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The watermark, to wait on.
    pub(super) fn progress(&self) -> watch::Receiver<Seq> {
        self.watermark.subscribe()
    }

    fn mark_cell(&self, seq: Seq) -> Option<&AtomicU64> {
        self.marks.get(usize::try_from(seq.0 % MARKS).ok()?)
    }

    /// What tells the commit at a place in this log from that of another log; `None` where this process does not know, or no longer.
    pub(super) fn mark(&self, seq: Seq) -> Option<u64> {
        let mark = self.mark_cell(seq)?.load(Ordering::Acquire);
        let watermark = self.watermark();
        // One place of the ring may be in use for the commit that is being taken in.
        let is_kept = seq <= watermark && watermark.0 - seq.0 < MARKS - 1 && seq >= self.floor();
        (is_kept && mark != 0).then_some(mark)
    }

    /// Whether an entry is the very one of this log at its place.
    pub(super) fn is_known(&self, entry: &LogEntry) -> bool {
        self.mark(entry.seq) == Some(mark(entry.commit, entry.at))
    }

    /// Takes in the entry after the watermark.
    pub(super) fn take_in(&self, entry: &LogEntry) {
        for effect in &entry.effects {
            match effect {
                Effect::Object(object_type, key, _) => {
                    self.changed(self.slot(entry.tenant, *object_type, key), entry.seq);
                }
                // It may rewrite any object of its space.
                Effect::Published(_) => {
                    self.floor.fetch_max(entry.seq.0, Ordering::AcqRel);
                }
                Effect::Link(..) | Effect::Space(_) | Effect::Tenant(_) => {}
            }
        }
        if let Some(cell) = self.mark_cell(entry.seq) {
            cell.store(mark(entry.commit, entry.at), Ordering::Release);
        }
        self.reached.store(entry.seq.0, Ordering::Release);
    }

    /// Tells who waits how far it has come.
    pub(super) fn announce(&self) {
        self.watermark.send_replace(self.watermark());
    }

    /// Notes that the watermark was the end of the log at an instant.
    pub(super) fn observed(&self, at: Duration) {
        let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX - 1);
        self.observed.store(micros + 1, Ordering::Release);
    }

    /// Begins at a place, of whose past nothing is known.
    pub(super) fn begin(&self, at: Seq) {
        self.floor.fetch_max(at.0, Ordering::AcqRel);
        self.reached.store(at.0, Ordering::Release);
    }

    /// Forgets everything: the log is another one than before.
    pub(super) fn restart(&self) {
        self.observed.store(0, Ordering::Release);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        for cell in self.changes.iter().chain(&self.marks).chain([&self.floor, &self.reached, &self.awaited]) {
            cell.store(0, Ordering::Release);
        }
    }

    fn changed(&self, slot: SlotId, seq: Seq) {
        if let Some(change) = self.changes.get(slot.0) {
            change.fetch_max(seq.0, Ordering::AcqRel);
        }
    }
}

impl Witness for Window {
    /// So that a writer reads what it wrote before the log has been read that far.
    fn committed(&self, named: &Named, seq: Seq) {
        for (object_type, key) in &named.objects {
            self.changed(self.slot(named.tenant, *object_type, key), seq);
        }
        if named.reaches_further {
            self.awaited.fetch_max(seq.0, Ordering::AcqRel);
        }
    }
}

/// The same in every process, and other for every commit: a commit that was decided anew has another instant.
fn mark(commit: CommitId, at: Timestamp) -> u64 {
    let (high, low) = commit.uuid().as_u64_pair();
    let mixed = (high ^ low.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ at.micros().cast_unsigned()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::AuditRecord;
    use crate::{Actor, EffectKind, RequestId};

    const TENANT: TenantId = TenantId::DEFAULT;
    const TYPE: ObjectTypeId = ObjectTypeId(1);
    const NOW: Duration = Duration::from_secs(5);

    fn entry(seq: u64, effects: Vec<Effect>) -> LogEntry {
        let id = uuid::Uuid::from_u128(u128::from(seq));
        LogEntry {
            seq: Seq(seq),
            commit: CommitId::from_uuid(id),
            tenant: TENANT,
            actor: Actor::system(),
            at: Timestamp::from_micros_saturating(0),
            reason: None,
            effects,
            audit: AuditRecord::new("test", RequestId::from_uuid(id)),
            events: Vec::new(),
        }
    }

    fn modified(key: i64) -> Vec<Effect> {
        vec![Effect::Object(TYPE, Key::Integer(key), EffectKind::Modified)]
    }

    fn at(seq: u64) -> Window {
        let window = Window::new();
        window.begin(Seq(seq));
        window.observed(NOW);
        window
    }

    #[test]
    fn a_value_is_right_until_its_object_changes() {
        let window = at(10);
        let slot = window.slot(TENANT, TYPE, &Key::Integer(1));
        assert_eq!(window.span(slot, Seq(9), Seq(10)), None, "nothing is known of what came before");
        assert_eq!(window.span(slot, Seq(10), Seq(10)), Some(Span { first: Seq(10), last: Seq(10) }));
        assert_eq!(window.span(slot, Seq(12), Seq(10)), Some(Span { first: Seq(12), last: Seq(12) }));
        window.take_in(&entry(11, modified(2)));
        assert_eq!(window.span(slot, Seq(10), Seq(11)), Some(Span { first: Seq(10), last: Seq(11) }));
        window.take_in(&entry(12, modified(1)));
        assert_eq!(window.span(slot, Seq(11), Seq(12)), None);
        assert_eq!(window.span(slot, Seq(12), Seq(12)), Some(Span { first: Seq(12), last: Seq(12) }));
        window.take_in(&entry(13, vec![Effect::Published(2)]));
        assert_eq!(window.span(slot, Seq(12), Seq(13)), None);
        assert!(window.span(slot, Seq(13), Seq(13)).is_some());
    }

    #[test]
    fn what_is_known_is_the_present_for_a_while() {
        let window = at(10);
        assert_eq!(window.sight(NOW + STALE_MAX, None), Some(Seq(10)));
        assert_eq!(window.sight(NOW + STALE_MAX + Duration::from_micros(1), None), None);
        assert_eq!(window.sight(NOW, Some(Seq(10))), Some(Seq(10)));
        assert_eq!(window.sight(NOW, Some(Seq(11))), None);
        assert_eq!(Window::new().sight(Duration::ZERO, None), None, "never observed");
    }

    #[test]
    fn a_commit_of_ones_own_counts_at_once() {
        let window = at(10);
        let slot = window.slot(TENANT, TYPE, &Key::Integer(1));
        let named = |reaches_further| Named { tenant: TENANT, objects: vec![(TYPE, Key::Integer(1))], reaches_further };
        window.committed(&named(false), Seq(12));
        assert_eq!((window.span(slot, Seq(10), Seq(10)), window.sight(NOW, None)), (None, Some(Seq(10))));
        window.committed(&named(true), Seq(12));
        assert_eq!(window.sight(NOW, None), None, "it may have changed more than it named");
        window.take_in(&entry(11, Vec::new()));
        window.take_in(&entry(12, Vec::new()));
        assert_eq!(window.sight(NOW, None), Some(Seq(12)));
    }

    #[test]
    fn the_newest_commits_have_their_marks() {
        let window = at(10);
        assert_eq!(window.mark(Seq(10)), None);
        for seq in 11..=MARKS + 11 {
            window.take_in(&entry(seq, Vec::new()));
        }
        let newest = window.mark(Seq(MARKS + 11));
        assert!(newest.is_some() && newest != window.mark(Seq(MARKS + 10)));
        assert!(window.mark(Seq(13)).is_some() && window.mark(Seq(12)).is_none() && window.mark(Seq(11)).is_none());
        assert_eq!(window.mark(Seq(MARKS + 12)), None);
        window.restart();
        assert_eq!((window.mark(Seq(MARKS + 11)), window.sight(NOW, None), window.epoch()), (None, None, 1));
    }
}

//! The task that reads the log once for all subscribers.
//!
//! It runs while there are subscribers, holds the feed only while it works, and ends with it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::Feed;
use super::index::SubscriberId;
use super::lane::Lane;
use super::membership::LiveSet;
use super::rows::{Commits, Recent};
use super::slot::{Item, Slot};
use super::wait::{HEAD_POLL, closed, first};
use super::window::Net;
use crate::ontology::Schema;
use crate::{Error, ObjectTypeId, Result, Scope, Seq};

/// How many effects the task takes in at a time, but for a commit that has more by itself.
const WINDOW_EFFECTS_MAX: usize = 4_096;

/// One tenant under one version of the ontology.
type LaneId = (Scope, u32);

/// The subscribers, and the task that tells them.
#[derive(Debug, Default)]
pub(super) struct Hub {
    registry: Mutex<Registry>,
    /// Rung when a subscriber comes or goes.
    bell: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Registry {
    lanes: HashMap<LaneId, Lane>,
    next: SubscriberId,
    task: Option<JoinHandle<()>>,
    is_closed: bool,
}

/// What the next window of a lane is read with.
struct Work {
    schema: Arc<Schema>,
    position: Seq,
    chunk: u32,
    generation: SubscriberId,
    types: BTreeSet<ObjectTypeId>,
    recent: Recent,
}

/// A place among the subscribers. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct Attached {
    pub(super) slot: Arc<Slot>,
    /// What the slot is told begins after this commit.
    pub(super) position: Seq,
    feed: Weak<Feed>,
    lane: LaneId,
    id: SubscriberId,
}

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some(feed) = self.feed.upgrade() {
            feed.hub.detach(self.lane, self.id);
        }
    }
}

impl Hub {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn detach(&self, lane: LaneId, id: SubscriberId) {
        let mut registry = self.registry();
        if let Some(of) = registry.lanes.get_mut(&lane) {
            of.remove(id);
            if of.is_empty() {
                registry.lanes.remove(&lane);
                self.bell.notify_one();
            }
        }
    }

    /// Takes what the next window of a lane is read with.
    fn begin(&self, lane: LaneId) -> Option<Work> {
        let mut registry = self.registry();
        let lane = registry.lanes.get_mut(&lane)?;
        let types = lane.types();
        let mut recent = std::mem::take(&mut lane.recent);
        if types != lane.recent_types {
            // Of a type that nobody asked for meanwhile the changes were not read.
            recent = Recent::default();
        }
        Some(Work {
            schema: Arc::clone(&lane.schema),
            position: lane.position,
            chunk: lane.chunk,
            generation: lane.generation,
            types,
            recent,
        })
    }

    /// Gives back what was not used, for there was nothing to read.
    fn put_back(&self, lane: LaneId, work: Work) {
        // All may have gone meanwhile, and others come.
        if let Some(lane) = self.registry().lanes.get_mut(&lane).filter(|lane| lane.position == work.position) {
            (lane.recent, lane.recent_types) = (work.recent, work.types);
        }
    }

    /// Ends every subscription and the task.
    fn close(&self) -> Option<JoinHandle<()>> {
        let mut registry = self.registry();
        registry.is_closed = true;
        for (_, lane) in registry.lanes.drain() {
            let position = lane.position;
            lane.end(position, || Item::Failed(closed()));
        }
        let task = registry.task.take();
        task.iter().for_each(JoinHandle::abort);
        task
    }

    /// Whether the task has nothing left to do; the next subscriber starts another.
    fn is_over(&self) -> bool {
        let mut registry = self.registry();
        let is_over = registry.lanes.is_empty();
        if is_over {
            registry.task = None;
        }
        is_over
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.close();
    }
}

impl Feed {
    /// Takes a place among the subscribers for one that knows everything up to `after`.
    ///
    /// # Errors
    /// `feed.closed`.
    pub(super) fn attach(
        self: &Arc<Self>,
        scope: Scope,
        set: &Arc<LiveSet>,
        after: Seq,
        load_max: usize,
    ) -> Result<Attached> {
        let slot = Arc::new(Slot::new(load_max));
        let lane_id = (scope, set.schema.version);
        let mut registry = self.hub.registry();
        if registry.is_closed {
            return Err(closed());
        }
        registry.next += 1;
        let id = registry.next;
        let lane = registry.lanes.entry(lane_id).or_insert_with(|| Lane::new(Arc::clone(&set.schema), after));
        let position = lane.position;
        lane.add(id, Arc::clone(set), Arc::clone(&slot), after);
        // A task ends early when its runtime does.
        if registry.task.as_ref().is_none_or(JoinHandle::is_finished) {
            let task = dispatch(Arc::downgrade(self), self.seen.clone(), Arc::clone(&self.hub.bell));
            registry.task = Some(tokio::runtime::Handle::current().spawn(task));
        }
        drop(registry);
        self.hub.bell.notify_one();
        Ok(Attached { slot, position, feed: Arc::downgrade(self), lane: lane_id, id })
    }

    /// Ends every subscription, and waits for the task to let go of the ports.
    pub(in crate::kernel) async fn close(&self) {
        if let Some(task) = self.hub.close() {
            // It was told to end.
            let _ = task.await;
        }
    }

    /// Tells every lane what there is, a window at a time; answers whether there is more up to a commit that is known of.
    async fn advance(&self, known: Seq) -> bool {
        let lanes: Vec<LaneId> = self.hub.registry().lanes.keys().copied().collect();
        let mut has_more = false;
        for lane in lanes {
            match self.advance_lane(lane, known).await {
                Ok(more) => has_more |= more,
                Err(error) => {
                    tracing::warn!(error = %error.chain(), "live sets of a tenant cannot be told any more");
                    self.fail(lane, &error);
                }
            }
        }
        has_more
    }

    fn fail(&self, lane: LaneId, error: &Error) {
        if let Some(lane) = self.hub.registry().lanes.remove(&lane) {
            let position = lane.position;
            lane.end(position, || Item::Failed(error.duplicate()));
        }
    }

    async fn advance_lane(&self, lane_id: LaneId, known: Seq) -> Result<bool> {
        let (scope, version) = lane_id;
        let Some(mut work) = self.hub.begin(lane_id) else { return Ok(false) };
        let window = self.window(scope, work.position, WINDOW_EFFECTS_MAX, work.chunk).await?;
        if window.until == work.position {
            self.hub.put_back(lane_id, work);
            return Ok(window.until < known);
        }
        let published = self.schemas.published(scope.space, version, window.until).await?;
        let published = published.first().map(|version| version.seq);
        let entries = window.entries.iter().take_while(|entry| published.is_none_or(|at| entry.seq < at));
        let nets: Vec<_> = entries.map(|entry| (entry.seq, Net::of(entry))).collect();
        let base = nets.first().map_or(work.position, |(seq, _)| Seq(seq.0.saturating_sub(1)));
        let commits = Commits { schema: &work.schema, base, nets: &nets };
        let rows = self.rows(scope, commits, |of| work.types.contains(&of), Some(&mut work.recent)).await?;
        let mut registry = self.hub.registry();
        let Some(lane) = registry.lanes.get_mut(&lane_id) else { return Ok(false) };
        if lane.generation != work.generation && (lane.position != work.position || lane.types() != work.types) {
            // Who came meanwhile may want rows that were not read, or have come to a lane of their own.
            return Ok(true);
        }
        for ((seq, net), rows) in nets.iter().zip(&rows) {
            lane.tell(*seq, net, rows);
        }
        lane.position = window.until;
        lane.chunk = window.next_chunk();
        (lane.recent, lane.recent_types) = (work.recent, work.types);
        match published {
            Some(at) => {
                if let Some(lane) = registry.lanes.remove(&lane_id) {
                    lane.end(at, || Item::Published(at));
                }
            }
            None if lane.is_empty() => {
                registry.lanes.remove(&lane_id);
            }
            None => {}
        }
        Ok(window.has_more() || window.until < known)
    }
}

/// Tells subscribers of commits until there are no subscribers.
async fn dispatch(feed: Weak<Feed>, mut seen: tokio::sync::watch::Receiver<Seq>, bell: Arc<Notify>) {
    let mut known = Seq(0);
    loop {
        let Some(strong) = feed.upgrade() else { return };
        seen.borrow_and_update();
        // What is committed from here on rings again, or is found to be beyond this.
        known = strong.log.head().await.unwrap_or(known);
        let has_more = strong.advance(known).await;
        if strong.hub.is_over() {
            return;
        }
        drop(strong);
        if has_more {
            tokio::task::yield_now().await;
            continue;
        }
        loop {
            let stirred = first(seen.changed(), bell.notified());
            if tokio::time::timeout(HEAD_POLL, stirred).await.is_ok() {
                break;
            }
            let Some(strong) = feed.upgrade() else { return };
            // A head that cannot be read now may be later; what is wrong is told when a lane is read.
            if strong.log.head().await.is_ok_and(|head| head > known) {
                break;
            }
        }
    }
}

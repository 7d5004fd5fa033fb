//! The bus of one process: a ring of events, and a cursor into it for each group.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrakis_core::event::{
    BusCapability, CloudEvent, DeadLetter, Delivery, EventBus, EventData, Start, SubscribeOptions, Subscription,
    subject,
};
use arrakis_core::{Env, Error, Result, Seq};
use async_trait::async_trait;

use crate::desk::Desk;
use crate::lanes::{Lanes, MemberId, Outcome};
use crate::refusal::{differs, held_back, too_large};

/// How many events the ring holds, unless stated otherwise.
pub const RING_LEN_DEFAULT: usize = 16_384;
/// The largest data of an event, in bytes of JSON.
const DATA_LEN_MAX: usize = 1_048_576;
/// How many dead letters a group keeps, the newest ones.
const DEAD_LETTERS_MAX: usize = 10_000;

/// What happens to an event for which there is no room, because a group has not heard the oldest one yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused with `bus.full` until the slowest group goes on: who publishes waits for who hears.
    #[default]
    Refuse,
    /// The oldest one goes. A group that had not heard it is told so, with `bus.lagged`, and goes on behind the gap.
    Lag,
}

/// How an [`InProcessBus`] is made.
#[derive(Clone, Copy, Debug)]
pub struct InProcessOptions {
    /// How many events the ring holds, at least 1.
    pub ring_len_max: usize,
    /// What happens when it is full.
    pub overflow: Overflow,
}

impl Default for InProcessOptions {
    fn default() -> Self {
        Self { ring_len_max: RING_LEN_DEFAULT, overflow: Overflow::Refuse }
    }
}

/// A bus that lives as long as the process: events, groups and dead letters end with it.
///
/// An event published again while the ring holds it is held once. Nothing is lost silently: see [`Overflow`].
pub struct InProcessBus {
    env: Env,
    options: InProcessOptions,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    ring: VecDeque<Entry>,
    ids: HashSet<(Arc<str>, Arc<str>)>,
    /// The position of the next event.
    next: u64,
    groups: BTreeMap<String, Arc<Group>>,
    marks: BTreeMap<String, Seq>,
}

struct Entry {
    event: Arc<CloudEvent>,
    subject: String,
}

struct Group {
    options: SubscribeOptions,
    desk: Arc<Desk>,
    /// The position of the next event to be heard; changed under the lock of the state.
    cursor: AtomicU64,
    members: AtomicU64,
    dead: Mutex<Dead>,
}

#[derive(Default)]
struct Dead {
    letters: VecDeque<DeadLetter>,
    next: u64,
}

impl State {
    /// The position of the oldest event held.
    fn first(&self) -> u64 {
        self.next.saturating_sub(u64::try_from(self.ring.len()).unwrap_or(u64::MAX))
    }

    fn push(&mut self, event: &Arc<CloudEvent>, options: &InProcessOptions) -> Result<()> {
        let name = (Arc::clone(&event.source), Arc::clone(&event.id));
        if self.ids.contains(&name) {
            return Ok(());
        }
        if let EventData::Json(data) = &event.data {
            let length = data.to_string().len();
            if length > DATA_LEN_MAX {
                return Err(too_large(length, DATA_LEN_MAX));
            }
        }
        while self.ring.len() >= options.ring_len_max.max(1) {
            let first = self.first();
            let unheard = self.groups.values().any(|group| group.cursor.load(Ordering::SeqCst) <= first);
            if unheard && options.overflow == Overflow::Refuse {
                return Err(Error::unavailable("bus.full", "a group has not heard the oldest event yet")
                    .with("ring_len_max", options.ring_len_max));
            }
            if let Some(Entry { event, .. }) = self.ring.pop_front() {
                self.ids.remove(&(Arc::clone(&event.source), Arc::clone(&event.id)));
            }
        }
        let subject = subject::of_event(subject::PREFIX_DEFAULT, event);
        self.ring.push_back(Entry { event: Arc::clone(event), subject });
        self.ids.insert(name);
        self.next += 1;
        Ok(())
    }

    /// Puts what a group has not heard yet into its lanes, as far as there is room.
    fn feed(&self, group: &Group, lanes: &mut Lanes) -> Result<()> {
        let first = self.first();
        let mut cursor = group.cursor.load(Ordering::SeqCst);
        if cursor < first {
            group.cursor.store(first, Ordering::SeqCst);
            return Err(Error::unavailable("bus.lagged", "the bus could not keep what the group had not heard yet")
                .with("from", cursor)
                .with("to", first.saturating_sub(1)));
        }
        while lanes.has_room() {
            let Some(entry) = usize::try_from(cursor - first).ok().and_then(|at| self.ring.get(at)) else { break };
            if group.options.hears(&entry.subject) {
                lanes.push(cursor, Arc::clone(&entry.event), 0);
            }
            cursor += 1;
        }
        group.cursor.store(cursor, Ordering::SeqCst);
        Ok(())
    }
}

impl Group {
    /// Keeps the events that were given up, and forgets those that are done.
    fn bury(&self, lanes: &mut Lanes) {
        let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(outcome) = lanes.take_outcome() {
            if let Outcome::Dead { event, failures, reason, .. } = outcome {
                dead.next += 1;
                let position = dead.next;
                dead.letters.push_back(DeadLetter { position, event, failures, reason });
                if dead.letters.len() > DEAD_LETTERS_MAX {
                    dead.letters.pop_front();
                }
            }
        }
    }
}

impl InProcessBus {
    /// A bus without events or groups. The environment times what is in flight.
    pub fn new(env: Env, options: InProcessOptions) -> Self {
        Self { env, options, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl EventBus for InProcessBus {
    async fn publish(&self, events: &[Arc<CloudEvent>]) -> Vec<Result<()>> {
        let (results, desks) = {
            let mut state = self.state();
            let mut blocked: HashSet<String> = HashSet::new();
            let mut results = Vec::with_capacity(events.len());
            for event in events {
                let key = event.key();
                let result = if blocked.contains(&key) { Err(held_back()) } else { state.push(event, &self.options) };
                if result.is_err() {
                    blocked.insert(key);
                }
                results.push(result);
            }
            (results, state.groups.values().map(|group| Arc::clone(&group.desk)).collect::<Vec<_>>())
        };
        for desk in desks {
            desk.ring();
        }
        results
    }

    async fn subscribe(&self, options: SubscribeOptions) -> Result<Box<dyn Subscription>> {
        options.check()?;
        let mut state = self.state();
        let cursor = match options.start {
            Start::Oldest => state.first(),
            Start::Next => state.next,
        };
        let group = state.groups.entry(options.group.clone()).or_insert_with(|| {
            let desk = Desk::new(self.env.clone(), options.clone());
            let (cursor, members) = (AtomicU64::new(cursor), AtomicU64::new(0));
            Arc::new(Group { options: options.clone(), desk, cursor, members, dead: Mutex::default() })
        });
        if group.options.filters != options.filters {
            return Err(differs(&options.group));
        }
        let id = group.members.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Member { group: Arc::clone(group), state: Arc::clone(&self.state), id }))
    }

    async fn remove_group(&self, group: &str) -> Result<()> {
        self.state().groups.remove(group);
        Ok(())
    }

    async fn position(&self, log: &str) -> Result<Seq> {
        Ok(self.state().marks.get(log).copied().unwrap_or_default())
    }

    async fn mark(&self, log: &str, to: Seq) -> Result<()> {
        self.state().marks.insert(log.to_owned(), to);
        Ok(())
    }

    async fn dead_letters(&self, group: &str, after: u64, limit: u32) -> Result<Vec<DeadLetter>> {
        let Some(group) = self.state().groups.get(group).cloned() else { return Ok(Vec::new()) };
        let mut lanes = group.desk.lanes();
        lanes.expire(group.desk.now());
        group.bury(&mut lanes);
        drop(lanes);
        let dead = group.dead.lock().unwrap_or_else(PoisonError::into_inner);
        let later = dead.letters.iter().filter(|letter| letter.position > after);
        Ok(later.take(limit as usize).cloned().collect())
    }

    fn capability(&self) -> BusCapability {
        BusCapability { durable: false, shared: false, dedup_window: None, data_len_max: DATA_LEN_MAX }
    }
}

impl std::fmt::Debug for InProcessBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InProcessBus").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A member of a group of this process.
struct Member {
    group: Arc<Group>,
    state: Arc<Mutex<State>>,
    id: MemberId,
}

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self) -> Result<Delivery> {
        let (group, state) = (&self.group, &self.state);
        let feed = |lanes: &mut Lanes| {
            group.bury(lanes);
            lock(state).feed(group, lanes)
        };
        group.desk.next(self.id, feed).await
    }

    async fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.group.desk.give_back(self.id);
    }
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("group", &self.group.options.group).finish_non_exhaustive()
    }
}

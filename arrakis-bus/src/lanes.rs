//! Which event may be handed out: one lane per key, so that a key is in order whatever fails, and keys do not wait for each other.
//!
//! Pure: who calls says what time it is, and tells the bus what came of each event.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::Result;
use arrakis_core::event::{CloudEvent, SubscribeOptions, Ticket, Verdict, stale};

/// How many events are held for each that may be in flight, so that a key that waits does not stop others.
pub(crate) const HELD_PER_IN_FLIGHT: usize = 16;
/// Why an event is given up that failed as often as it may.
const REASON_ATTEMPTS: &str = "it failed as often as it may";

/// A member of a group, among those of this process.
pub(crate) type MemberId = u64;

/// What came of an event; it has left the lanes.
#[derive(Debug)]
#[cfg_attr(not(feature = "nats"), expect(dead_code, reason = "only NATS settles events by their places"))]
pub(crate) enum Outcome {
    Done { position: u64 },
    Dead { position: u64, event: Arc<CloudEvent>, failures: u32, reason: Arc<str> },
}

/// An event to be handed out.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) event: Arc<CloudEvent>,
    pub(crate) attempt: u32,
    pub(crate) ticket: Ticket,
}

/// The events a group holds, by key.
#[derive(Debug)]
pub(crate) struct Lanes {
    options: SubscribeOptions,
    by_key: HashMap<Arc<str>, VecDeque<Held>>,
    keys: BTreeMap<u64, Arc<str>>,
    /// The heads of lanes that may be handed out, each with the position it has its turn at: its own, or, when it failed, that of the
    /// newest event then, so that one that fails again and again keeps no other waiting.
    ready: BTreeSet<(u64, u64)>,
    /// The newest position.
    newest: u64,
    /// The heads of lanes that wait or are out, by when that is over.
    timers: BTreeSet<(Duration, u64)>,
    /// How many are out.
    out: usize,
    serial: u64,
    outcomes: VecDeque<Outcome>,
}

#[derive(Debug)]
struct Held {
    position: u64,
    event: Arc<CloudEvent>,
    failures: u32,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Ready,
    Waiting { until: Duration },
    Out { serial: u64, member: MemberId, until: Duration },
}

impl Lanes {
    pub(crate) fn new(options: SubscribeOptions) -> Self {
        Self {
            options,
            by_key: HashMap::new(),
            keys: BTreeMap::new(),
            ready: BTreeSet::new(),
            newest: 0,
            timers: BTreeSet::new(),
            out: 0,
            serial: 0,
            outcomes: VecDeque::new(),
        }
    }

    /// The most events held by a group with these options.
    pub(crate) fn held_max(options: &SubscribeOptions) -> usize {
        usize::try_from(options.max_in_flight).unwrap_or(1).saturating_mul(HELD_PER_IN_FLIGHT)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.keys.len() < Self::held_max(&self.options)
    }

    /// How often events failed that are not settled, by position.
    #[cfg(feature = "nats")]
    pub(crate) fn failures(&self) -> impl Iterator<Item = (u64, u32)> {
        let heads = self.by_key.values().filter_map(VecDeque::front);
        heads.filter(|held| held.failures > 0).map(|held| (held.position, held.failures))
    }

    /// Takes in an event, behind those of its key that came before; positions grow.
    pub(crate) fn push(&mut self, position: u64, event: Arc<CloudEvent>, failures: u32) {
        let key: Arc<str> = event.key().into();
        let lane = self.by_key.entry(Arc::clone(&key)).or_default();
        if lane.is_empty() {
            self.ready.insert((position, position));
        }
        self.newest = self.newest.max(position);
        lane.push_back(Held { position, event, failures, state: State::Ready });
        self.keys.insert(position, key);
    }

    /// The next event that may be handed out to a member.
    pub(crate) fn take(&mut self, member: MemberId, now: Duration) -> Option<Handed> {
        self.expire(now);
        if self.out >= usize::try_from(self.options.max_in_flight).unwrap_or(1) {
            return None;
        }
        let (_, position) = self.ready.pop_first()?;
        self.serial += 1;
        let (serial, until) = (self.serial, now.saturating_add(self.options.ack_wait));
        let held = self.head(position)?;
        held.state = State::Out { serial, member, until };
        let handed = Handed {
            event: Arc::clone(&held.event),
            attempt: held.failures.saturating_add(1),
            ticket: Ticket { position, serial },
        };
        self.timers.insert((until, position));
        self.out += 1;
        Some(handed)
    }

    /// When something changes by itself: an event that waits may be handed out, or one that is out has failed.
    pub(crate) fn next_timer(&self) -> Option<Duration> {
        self.timers.first().map(|(until, _)| *until)
    }

    /// Takes a verdict.
    pub(crate) fn settle(&mut self, ticket: Ticket, verdict: Verdict, now: Duration) -> Result<()> {
        self.expire(now);
        let position = ticket.position;
        let ack_wait = self.options.ack_wait;
        let held = self.head(position).filter(|held| held.is_out_as(ticket.serial)).ok_or_else(stale)?;
        let State::Out { member, until, serial } = held.state else { return Err(stale()) };
        self.timers.remove(&(until, position));
        match verdict {
            Verdict::InProgress => {
                let until = now.saturating_add(ack_wait);
                if let Some(held) = self.head(position) {
                    held.state = State::Out { serial, member, until };
                }
                self.timers.insert((until, position));
            }
            Verdict::Ack => {
                self.out -= 1;
                if self.leave(position).is_some() {
                    self.outcomes.push_back(Outcome::Done { position });
                }
            }
            Verdict::Nak(delay) => {
                self.out -= 1;
                self.fail(position, delay, now);
            }
            Verdict::Term(reason) => {
                self.out -= 1;
                self.die(position, reason);
            }
        }
        Ok(())
    }

    /// Gives back what a member has in its hands, as if it had never been handed out.
    pub(crate) fn give_back(&mut self, member: MemberId) {
        let of_member = |held: &Held| match held.state {
            State::Out { member: by, until, .. } if by == member => Some((until, held.position)),
            _ => None,
        };
        let out: Vec<_> = self.by_key.values().filter_map(|lane| lane.front().and_then(of_member)).collect();
        for (until, position) in out {
            self.timers.remove(&(until, position));
            self.out -= 1;
            if let Some(held) = self.head(position) {
                held.state = State::Ready;
            }
            self.ready.insert((position, position));
        }
    }

    /// Forgets every event: what is out cannot be settled any more.
    #[cfg(any(test, feature = "nats"))]
    pub(crate) fn clear(&mut self) {
        self.by_key.clear();
        self.keys.clear();
        self.ready.clear();
        self.timers.clear();
        // Positions may mean other events from here on.
        self.outcomes.clear();
        self.out = 0;
    }

    pub(crate) fn has_outcomes(&self) -> bool {
        !self.outcomes.is_empty()
    }

    pub(crate) fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcomes.pop_front()
    }

    /// What waited long enough is ready; what was out too long has failed.
    pub(crate) fn expire(&mut self, now: Duration) {
        while let Some((_, position)) = self.timers.first().copied().filter(|(until, _)| *until <= now) {
            self.timers.pop_first();
            match self.head(position).map(|held| held.state) {
                Some(State::Waiting { .. }) => {
                    if let Some(held) = self.head(position) {
                        held.state = State::Ready;
                    }
                    self.ready.insert((self.newest, position));
                }
                Some(State::Out { .. }) => {
                    self.out -= 1;
                    self.fail(position, None, now);
                }
                Some(State::Ready) | None => {}
            }
        }
    }

    /// The event at a position, which is the head of its lane.
    fn head(&mut self, position: u64) -> Option<&mut Held> {
        let key = self.keys.get(&position)?;
        self.by_key.get_mut(key)?.front_mut().filter(|held| held.position == position)
    }

    fn fail(&mut self, position: u64, delay: Option<Duration>, now: Duration) {
        let failures = match self.head(position) {
            Some(held) => {
                held.failures = held.failures.saturating_add(1);
                held.failures
            }
            None => return,
        };
        if failures >= self.options.max_attempts {
            self.die(position, REASON_ATTEMPTS.into());
            return;
        }
        let until = now.saturating_add(delay.unwrap_or_else(|| self.options.backoff_after(failures)));
        let state = if until <= now { State::Ready } else { State::Waiting { until } };
        if let Some(held) = self.head(position) {
            held.state = state;
        }
        match state {
            State::Waiting { until } => self.timers.insert((until, position)),
            State::Ready | State::Out { .. } => self.ready.insert((self.newest, position)),
        };
    }

    fn die(&mut self, position: u64, reason: Arc<str>) {
        if let Some(Held { event, failures, .. }) = self.leave(position) {
            self.outcomes.push_back(Outcome::Dead { position, event, failures, reason });
        }
    }

    /// Takes the head of a lane out; the one behind it is ready.
    fn leave(&mut self, position: u64) -> Option<Held> {
        let key = self.keys.remove(&position)?;
        let lane = self.by_key.get_mut(&key)?;
        let held = lane.pop_front();
        match lane.front().map(|next| next.position) {
            Some(next) => _ = self.ready.insert((next, next)),
            None => _ = self.by_key.remove(&key),
        }
        held
    }
}

impl Held {
    fn is_out_as(&self, serial: u64) -> bool {
        matches!(self.state, State::Out { serial: out, .. } if out == serial)
    }
}

#[cfg(test)]
mod tests {
    use arrakis_core::testing::bus::{event, options};

    use super::*;

    const MEMBER: MemberId = 1;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn lanes(change: impl FnOnce(&mut SubscribeOptions), events: &[(u64, &str)]) -> Lanes {
        let mut options = options("one", 4);
        change(&mut options);
        let mut lanes = Lanes::new(options);
        for (position, subject) in events {
            lanes.push(*position, event(*position, subject), 0);
        }
        lanes
    }

    fn take(lanes: &mut Lanes, now: Duration) -> Option<(u64, u32, Ticket)> {
        lanes.take(MEMBER, now).map(|handed| (handed.ticket.position, handed.attempt, handed.ticket))
    }

    #[test]
    fn a_head_that_fails_goes_behind_the_heads_that_wait() {
        let mut lanes = lanes(|options| options.max_attempts = 100, &[(1, "a"), (2, "b"), (3, "c"), (4, "a")]);
        let mut order = Vec::new();
        for _ in 0..6 {
            let (position, _, ticket) = take(&mut lanes, ms(0)).unwrap();
            order.push(position);
            let verdict = if position == 1 { Verdict::Nak(None) } else { Verdict::Ack };
            lanes.settle(ticket, verdict, ms(0)).unwrap();
        }
        assert_eq!(order, [1, 2, 3, 1, 1, 1], "and its own key waits for it");
    }

    #[test]
    fn time_decides_what_is_handed_out() {
        let mut lanes =
            lanes(|options| (options.ack_wait, options.backoff) = (ms(100), vec![ms(50)]), &[(1, "a"), (2, "a")]);
        let (_, _, late) = take(&mut lanes, ms(0)).unwrap();
        assert_eq!((take(&mut lanes, ms(99)).is_none(), lanes.next_timer()), (true, Some(ms(100))));
        assert!(take(&mut lanes, ms(100)).is_none(), "it failed, and waits");
        assert_eq!(lanes.next_timer(), Some(ms(150)));
        assert_eq!(lanes.settle(late, Verdict::Ack, ms(120)).unwrap_err().code(), "bus.delivery.stale");
        let (position, attempt, ticket) = take(&mut lanes, ms(150)).unwrap();
        assert_eq!((position, attempt), (1, 2));
        lanes.settle(ticket, Verdict::InProgress, ms(240)).unwrap();
        lanes.settle(ticket, Verdict::Ack, ms(339)).unwrap();
        assert_eq!(take(&mut lanes, ms(339)).unwrap().0, 2);
    }

    #[test]
    fn what_was_cleared_settles_nothing() {
        let mut lanes = lanes(|_| {}, &[(1, "a")]);
        let (_, _, ticket) = take(&mut lanes, ms(0)).unwrap();
        let (_, _, done) = {
            lanes.push(2, event(2, "b"), 0);
            take(&mut lanes, ms(0)).unwrap()
        };
        lanes.settle(done, Verdict::Ack, ms(0)).unwrap();
        lanes.clear();
        lanes.push(1, event(7, "a"), 3);
        assert!(!lanes.has_outcomes());
        assert!(lanes.settle(ticket, Verdict::Ack, ms(0)).is_err());
        assert_eq!(take(&mut lanes, ms(0)).map(|(position, attempt, _)| (position, attempt)), Some((1, 4)));
    }

    #[test]
    fn what_a_member_gives_back_is_handed_out_again() {
        let mut lanes = lanes(|_| {}, &[(1, "a"), (2, "b")]);
        let first = take(&mut lanes, ms(0)).unwrap();
        assert_eq!(lanes.take(2, ms(0)).unwrap().ticket.position, 2);
        lanes.give_back(MEMBER);
        assert!(lanes.settle(first.2, Verdict::Ack, ms(0)).is_err());
        assert_eq!(take(&mut lanes, ms(0)).map(|(position, attempt, _)| (position, attempt)), Some((1, 1)));
        assert!(take(&mut lanes, ms(0)).is_none());
    }
}

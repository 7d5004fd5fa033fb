//! What makes of an event told twice one effect.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::CloudEvent;
use crate::Env;

/// How many ids an inbox remembers, unless stated otherwise.
pub const INBOX_IDS_DEFAULT: usize = 100_000;
/// The most ids an inbox may remember.
pub const INBOX_IDS_MAX: usize = 10_000_000;

/// What tells an event apart from every other: its source and id.
type Name = (Arc<str>, Arc<str>);

/// Remembers which events had their effect, bounded by number and by age.
///
/// An event is forgotten after `age_max`, or when `ids_max` newer ones had their effect: choose both larger than what a bus may tell
/// again. It lives as long as the process; an effect on a store is made one for ever by using the event's id as its commit id.
#[derive(Debug)]
pub struct Inbox {
    env: Env,
    ids_max: usize,
    age_max: Duration,
    ids: HashSet<Name>,
    /// Oldest first, each with when it was remembered.
    order: VecDeque<(Duration, Name)>,
}

impl Inbox {
    /// An inbox that remembers up to `ids_max` events, at least 1 and at most [`INBOX_IDS_MAX`], for `age_max`.
    pub fn new(env: Env, ids_max: usize, age_max: Duration) -> Self {
        let ids_max = ids_max.clamp(1, INBOX_IDS_MAX);
        Self { env, ids_max, age_max, ids: HashSet::new(), order: VecDeque::new() }
    }

    /// Whether an event had its effect.
    pub fn has(&mut self, event: &CloudEvent) -> bool {
        self.forget();
        self.ids.contains(&name(event))
    }

    /// Remembers that an event had its effect: after the effect, and before the event is acknowledged. Answers whether it is new.
    pub fn remember(&mut self, event: &CloudEvent) -> bool {
        self.forget();
        let name = name(event);
        if !self.ids.insert(name.clone()) {
            return false;
        }
        self.order.push_back((self.env.monotonic(), name));
        if self.order.len() > self.ids_max
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    /// How many events it remembers.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it remembers none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    fn forget(&mut self) {
        let now = self.env.monotonic();
        let is_old = |(at, _): &(Duration, Name)| now.saturating_sub(*at) > self.age_max;
        while self.order.front().is_some_and(is_old)
            && let Some((_, old)) = self.order.pop_front()
        {
            self.ids.remove(&old);
        }
    }
}

fn name(event: &CloudEvent) -> Name {
    (Arc::clone(&event.source), Arc::clone(&event.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::envelope::tests::event;

    #[test]
    fn an_event_has_one_effect() {
        let mut inbox = Inbox::new(Env::system(), INBOX_IDS_DEFAULT, Duration::from_secs(60));
        let (first, second) = (event(1, "a"), event(2, "a"));
        assert!(!inbox.has(&first) && inbox.remember(&first) && inbox.has(&first) && !inbox.remember(&first));
        assert!(!inbox.has(&second) && inbox.remember(&second));
        let elsewhere = CloudEvent { source: "/other/kernel".into(), ..first };
        assert!(inbox.remember(&elsewhere), "the same id of another source is another event");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut inbox = Inbox::new(Env::system(), 3, Duration::MAX);
        for seq in 1..=10 {
            assert!(inbox.remember(&event(seq, "a")));
            assert!(inbox.len() <= 3);
        }
        assert!(!inbox.has(&event(7, "a")) && inbox.has(&event(8, "a")) && inbox.has(&event(10, "a")));
        let mut brief = Inbox::new(Env::system(), 100, Duration::ZERO);
        brief.remember(&event(1, "a"));
        while brief.has(&event(1, "a")) {}
        assert!(brief.is_empty() && brief.ids.is_empty());
    }
}

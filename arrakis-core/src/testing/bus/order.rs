//! Order per key, whatever fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{ACK_WAIT_SHORT, event, events, joined, next, nothing_comes, options, published};
use crate::event::{EventBus, SubscribeOptions};

/// While an event is in someone's hands, or failed, a later one with its key is in no one's.
pub async fn a_later_event_waits_for_an_earlier_one(bus: Arc<dyn EventBus>) {
    published(&*bus, &[event(1, "a"), event(2, "a"), event(3, "a")]).await;
    let mut one = joined(&*bus, options("one", 10)).await;
    let first = next(&mut *one).await;
    nothing_comes(&mut *one).await;
    first.nak(Some(Duration::from_millis(50))).unwrap();
    for expected in [(1, 2), (2, 1), (3, 1)] {
        let delivery = next(&mut *one).await;
        assert_eq!((delivery.event.place.seq.0, delivery.attempt), expected);
        delivery.ack().unwrap();
    }
}

/// A key that fails again and again does not stop those that do not.
pub async fn a_key_that_fails_does_not_stop_others(bus: Arc<dyn EventBus>) {
    published(&*bus, &events(40, 4)).await;
    let stuck = event(4, "Airport/0").key();
    let mut one = joined(&*bus, SubscribeOptions { max_attempts: u32::MAX, ..options("one", 8) }).await;
    let mut places = Vec::new();
    while places.len() < 30 {
        let delivery = next(&mut *one).await;
        if delivery.event.key() == stuck {
            assert_eq!(delivery.event.place.seq.0, 4, "a later event of a key that fails");
            delivery.nak(None).unwrap();
        } else {
            places.push(delivery.event.place.seq.0);
            delivery.ack().unwrap();
        }
    }
    places.sort_unstable();
    assert_eq!(places, (1..=40).filter(|seq| seq % 4 != 0).collect::<Vec<_>>());
}

/// Whether what was seen keeps each key in order: each event appears first after those before it of its key were settled.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The newest event of each key that was settled.
    settled: BTreeMap<String, u64>,
    /// Every event that was settled.
    done: BTreeSet<u64>,
}

impl Ledger {
    /// An event was handed out.
    pub fn handed(&self, key: &str, seq: u64) {
        let newest = self.settled.get(key).copied().unwrap_or(0);
        assert!(seq > newest || self.done.contains(&seq), "{key}: {seq} after {newest}");
    }

    /// An event was settled; `stride` is how far the events of a key are apart.
    pub fn settled(&mut self, key: &str, seq: u64, stride: u64) {
        assert!(seq <= stride || self.done.contains(&(seq - stride)), "{key}: {seq} before {}", seq - stride);
        self.done.insert(seq);
        let newest = self.settled.entry(key.to_owned()).or_default();
        *newest = seq.max(*newest);
    }

    /// How many events were settled.
    pub fn len(&self) -> usize {
        self.done.len()
    }

    /// Whether no event was settled.
    pub fn is_empty(&self) -> bool {
        self.done.is_empty()
    }
}

/// Under failures, delays and events that are never settled each key stays in order, and everything is told.
pub async fn keys_are_in_order_whatever_fails(bus: Arc<dyn EventBus>) {
    const EVENTS: u64 = 300;
    const KEYS: u64 = 12;
    let mut chance = fastrand::Rng::with_seed(7);
    let settings = SubscribeOptions { ack_wait: ACK_WAIT_SHORT, max_attempts: u32::MAX, ..options("one", 16) };
    let mut one = joined(&*bus, settings).await;
    for batch in events(EVENTS, KEYS).chunks(50) {
        published(&*bus, batch).await;
    }
    let (mut ledger, mut forgotten) = (Ledger::default(), Vec::new());
    while ledger.len() < usize::try_from(EVENTS).unwrap() {
        let delivery = next(&mut *one).await;
        let (key, seq) = (delivery.event.key(), delivery.event.place.seq.0);
        ledger.handed(&key, seq);
        match chance.u32(0..100) {
            0..10 => delivery.nak(None).unwrap(),
            10..15 => delivery.nak(Some(Duration::from_millis(chance.u64(0..30)))).unwrap(),
            // It is never settled.
            15..17 => forgotten.push(delivery),
            _ => {
                delivery.ack().unwrap();
                ledger.settled(&key, seq, KEYS);
            }
        }
    }
    assert!(!forgotten.is_empty());
    nothing_comes(&mut *one).await;
}

/// Whoever of a group works on an event, each key stays in order.
pub async fn keys_are_in_order_across_members(bus: Arc<dyn EventBus>) {
    const EVENTS: u64 = 200;
    const KEYS: u64 = 8;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut members = Vec::new();
    for seed in 0..3 {
        let settings = SubscribeOptions { max_attempts: u32::MAX, ..options("one", 16) };
        let (mut member, ledger) = (joined(&*bus, settings).await, Arc::clone(&ledger));
        members.push(tokio::runtime::Handle::current().spawn(async move {
            let mut chance = fastrand::Rng::with_seed(seed);
            // Whoever is not told anything for long is not needed.
            while ledger.lock().unwrap().len() < usize::try_from(EVENTS).unwrap() {
                let Ok(delivery) = tokio::time::timeout(Duration::from_millis(50), member.next()).await else {
                    continue;
                };
                let delivery = delivery.unwrap();
                let (key, seq) = (delivery.event.key(), delivery.event.place.seq.0);
                ledger.lock().unwrap().handed(&key, seq);
                tokio::task::yield_now().await;
                if chance.u32(0..10) == 0 {
                    delivery.nak(None).unwrap();
                } else {
                    ledger.lock().unwrap().settled(&key, seq, KEYS);
                    delivery.ack().unwrap();
                }
            }
        }));
    }
    published(&*bus, &events(EVENTS, KEYS)).await;
    for member in members {
        member.await.unwrap();
    }
}

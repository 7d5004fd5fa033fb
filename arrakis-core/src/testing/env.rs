//! Time and identity that a test decides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::{Clock, Env, Ids, Timestamp, uuid_v7};

/// 2026-01-01T00:00:00Z, in microseconds.
const START_US: i64 = 1_767_225_600_000_000;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(Mutex<Reading>);

#[derive(Clone, Copy, Debug)]
struct Reading {
    now: Timestamp,
    monotonic: Duration,
    tick: Duration,
}

impl Default for ManualClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        let now = Timestamp::from_micros_saturating(START_US);
        Self(Mutex::new(Reading { now, monotonic: Duration::ZERO, tick: Duration::ZERO }))
    }
}

impl ManualClock {
    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        self.change(|reading| {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            reading.now = Timestamp::from_micros_saturating(reading.now.micros().saturating_add(micros));
            reading.monotonic += by;
        });
    }

    /// Sets the wall clock, backwards too, as an operator may.
    pub fn set(&self, now: Timestamp) {
        self.change(|reading| reading.now = now);
    }

    /// From now on each look at the monotonic clock moves it forward, so that whatever watches it sees time pass.
    pub fn tick(&self, by: Duration) {
        self.change(|reading| reading.tick = by);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Reading) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.change(|reading| reading.now)
    }

    fn monotonic(&self) -> Duration {
        self.change(|reading| {
            reading.monotonic += reading.tick;
            reading.monotonic
        })
    }
}

/// Identifiers that count, and bytes that follow from the count.
#[derive(Debug, Default)]
pub struct CounterIds(AtomicU64);

impl CounterIds {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Ids for CounterIds {
    fn uuid(&self, now: Timestamp) -> Uuid {
        let mut bytes = [0; 10];
        for (byte, count) in bytes.iter_mut().skip(2).zip(self.next().to_be_bytes()) {
            *byte = count;
        }
        uuid_v7(now, &bytes)
    }

    fn random(&self, bytes: &mut [u8]) {
        fastrand::Rng::with_seed(self.next()).fill(bytes);
    }
}

/// An environment whose clock the test keeps.
#[derive(Clone, Debug, Default)]
pub struct TestEnv {
    clock: Arc<ManualClock>,
    ids: Arc<CounterIds>,
}

impl TestEnv {
    /// What the code under test is given.
    pub fn env(&self) -> Env {
        Env::new(Arc::clone(&self.clock) as Arc<dyn Clock>, Arc::clone(&self.ids) as Arc<dyn Ids>)
    }

    /// Its clock.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_when_told_and_ids_count() {
        let test = TestEnv::default();
        let env = test.env();
        assert_eq!(env.now().to_string(), "2026-01-01T00:00:00.000000Z");
        assert_eq!(env.monotonic(), env.monotonic());
        test.clock().advance(Duration::from_secs(90));
        assert_eq!(env.now().to_string(), "2026-01-01T00:01:30.000000Z");
        test.clock().tick(Duration::from_millis(1));
        assert!(env.monotonic() < env.monotonic());
        let (first, second) = (env.uuid(), env.uuid());
        assert!(first < second, "{first} {second}");
        assert_eq!(TestEnv::default().env().uuid(), TestEnv::default().env().uuid());
    }
}

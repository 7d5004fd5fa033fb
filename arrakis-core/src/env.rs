//! Time, identifiers and randomness as parameters, so that a test decides them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::{Timestamp, id};

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock, UTC, in whole microseconds.
    fn now(&self) -> Timestamp;

    /// Time since some fixed point, never going back.
    fn monotonic(&self) -> Duration;
}

/// Makes identifiers and random bytes.
pub trait Ids: fmt::Debug + Send + Sync + 'static {
    /// A fresh `UUIDv7` (RFC 9562 section 5.7) for the given time.
    fn uuid(&self, now: Timestamp) -> Uuid;

    /// Fills `bytes` with randomness fit for keys.
    fn random(&self, bytes: &mut [u8]);
}

/// Where Arrakis takes time, ids and randomness from.
#[derive(Clone, Debug)]
pub struct Env {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Env {
    /// The system's clock and random source.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock::new()), ids: Arc::new(SystemIds) }
    }

    /// An environment of one's own.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { clock, ids }
    }

    /// The wall clock, UTC, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time since some fixed point, never going back.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// A fresh `UUIDv7`.
    pub fn uuid(&self) -> Uuid {
        self.ids.uuid(self.now())
    }

    /// A fresh commit id.
    pub fn commit_id(&self) -> id::CommitId {
        id::CommitId::from_uuid(self.uuid())
    }

    /// Fills `bytes` with randomness fit for keys.
    pub fn random(&self, bytes: &mut [u8]) {
        self.ids.random(bytes);
    }
}

#[derive(Debug)]
struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros_saturating(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

#[derive(Debug)]
struct SystemIds;

impl Ids for SystemIds {
    fn uuid(&self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.random(&mut random);
        uuid_v7(now, &random)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
    #[expect(
        clippy::expect_used,
        reason = "without a random source no id or key can be made, so there is nothing to return"
    )]
    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides randomness");
    }
}

/// Lays a time and ten bytes out as a `UUIDv7`.
pub fn uuid_v7(now: Timestamp, random: &[u8; 10]) -> Uuid {
    let millis = u64::try_from(now.micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid()
}

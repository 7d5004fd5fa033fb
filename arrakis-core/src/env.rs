//! Time, identifiers and randomness as parameters, so that a test decides them.

use std::cell::RefCell;
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

thread_local! {
    /// For ids alone: what is fit for keys is asked of the system each time.
    static UNUSED: RefCell<Unused> = const { RefCell::new(Unused { bytes: [0; UNUSED_LEN], used: UNUSED_LEN }) };
}

/// How many random bytes are asked of the system at a time: asking takes longer than making the id.
const UNUSED_LEN: usize = 64 * 10;

/// Random bytes that no id was made of yet.
struct Unused {
    bytes: [u8; UNUSED_LEN],
    used: usize,
}

impl Unused {
    fn take(&mut self, fill: impl FnOnce(&mut [u8])) -> [u8; 10] {
        if self.used >= UNUSED_LEN {
            fill(&mut self.bytes);
            self.used = 0;
        }
        let mut taken = [0; 10];
        let unused = self.bytes.iter_mut().skip(self.used);
        taken.iter_mut().zip(unused).for_each(|(taken, unused)| *taken = std::mem::take(unused));
        self.used += taken.len();
        taken
    }
}

impl Ids for SystemIds {
    fn uuid(&self, now: Timestamp) -> Uuid {
        uuid_v7(now, &UNUSED.with_borrow_mut(|unused| unused.take(|bytes| self.random(bytes))))
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_random_byte_is_used_twice() {
        let mut fills = 0_u8;
        let mut unused = Unused { bytes: [0; UNUSED_LEN], used: UNUSED_LEN };
        let taken: Vec<_> = (0..130)
            .map(|_| {
                unused.take(|bytes| {
                    fills += 1;
                    bytes.chunks_mut(10).zip(64 * (fills - 1)..).for_each(|(id, number)| id.fill(number));
                })
            })
            .collect();
        assert_eq!(fills, 3, "64 at a time");
        assert_eq!((taken[0], taken[63], taken[64]), ([0; 10], [63; 10], [64; 10]));
        let env = Env::system();
        let ids: HashSet<_> = (0..1_000).map(|_| env.uuid()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }
}

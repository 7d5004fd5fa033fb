//! The port events go out by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::subject::SubjectFilter;
use super::{CloudEvent, Delivery};
use crate::{Error, Result, Seq};

/// The longest name of a group or a log, in bytes.
pub const GROUP_LEN_MAX: usize = 100;
/// The most filters of a subscription.
pub const FILTERS_MAX: usize = 64;
/// The most events a subscription has in its hands at a time.
pub const IN_FLIGHT_MAX: u32 = 4_096;
/// The longest time between two attempts, and to settle an event.
pub const BACKOFF_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What a bus offers; declared and then tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusCapability {
    /// Events, groups and dead letters outlive the process.
    pub durable: bool,
    /// Members of one group may be in other processes.
    pub shared: bool,
    /// An event published again within this time, or while it is held where that is `None`, is told once.
    pub dedup_window: Option<Duration>,
    /// The largest data of an event, in bytes of JSON.
    pub data_len_max: usize,
}

/// Where a group that is new begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the oldest event the bus holds.
    #[default]
    Oldest,
    /// With the next event.
    Next,
}

/// What one subscribes to, and how.
#[derive(Clone, Debug)]
pub struct SubscribeOptions {
    /// Who hears together: each event is worked through by one member of a group. Groups last until they are removed.
    pub group: String,
    /// Which subjects are heard, spelled with [`super::subject::PREFIX_DEFAULT`] whatever the deployment's prefix is; all events when
    /// empty. Fixed when the group is made.
    pub filters: Vec<SubjectFilter>,
    /// Where a group that is new begins.
    pub start: Start,
    /// The most events in the hands of the group's members at a time, at least 1.
    pub max_in_flight: u32,
    /// How long an event may stay unsettled before it counts as failed.
    pub ack_wait: Duration,
    /// How long an event that failed waits: the first for its first failure, the last for all that follow. At once when empty.
    pub backoff: Vec<Duration>,
    /// After how many failures an event is put with the dead letters, at least 1.
    pub max_attempts: u32,
}

impl SubscribeOptions {
    /// Every event, from the oldest on: 64 in flight, 30 s to settle, ten attempts, 0.1 s to 10 s between them.
    pub fn new(group: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            filters: Vec::new(),
            start: Start::Oldest,
            max_in_flight: 64,
            ack_wait: Duration::from_secs(30),
            backoff: [100, 500, 2_000, 10_000].map(Duration::from_millis).to_vec(),
            max_attempts: 10,
        }
    }

    /// Checks limits.
    ///
    /// # Errors
    /// `bus.group.malformed`, `bus.subscribe.limit` with the name of what is out of bounds.
    pub fn check(&self) -> Result<()> {
        check_group(&self.group)?;
        let limit = |name: &'static str, max: String| {
            Err(Error::invalid("bus.subscribe.limit", "a subscription is out of bounds")
                .with("of", name)
                .with("max", max))
        };
        let too_long = |duration: &Duration| *duration > BACKOFF_MAX;
        if self.filters.len() > FILTERS_MAX {
            return limit("filters", FILTERS_MAX.to_string());
        }
        if self.max_in_flight == 0 || self.max_in_flight > IN_FLIGHT_MAX {
            return limit("max_in_flight", IN_FLIGHT_MAX.to_string());
        }
        if self.ack_wait.is_zero() || too_long(&self.ack_wait) || self.backoff.iter().any(too_long) {
            return limit("ack_wait", format!("{} s", BACKOFF_MAX.as_secs()));
        }
        if self.max_attempts == 0 {
            return limit("max_attempts", u32::MAX.to_string());
        }
        Ok(())
    }

    /// How long an event waits that failed for the `failures`-th time, counted from 1.
    pub fn backoff_after(&self, failures: u32) -> Duration {
        let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        self.backoff.get(index).or(self.backoff.last()).copied().unwrap_or_default()
    }

    /// Whether a subject is heard.
    pub fn hears(&self, subject: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| filter.matches(subject))
    }
}

/// Checks the name of a group or a log.
pub(super) fn check_group(group: &str) -> Result<()> {
    if group.is_empty() || group.len() > GROUP_LEN_MAX || group.chars().any(char::is_control) {
        return Err(Error::invalid(
            "bus.group.malformed",
            "a group is named in 1 to 100 bytes without control characters",
        )
        .with("length_max", GROUP_LEN_MAX));
    }
    Ok(())
}

/// An event a group could not work through.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// Its place among the dead letters of the bus; grows.
    pub position: u64,
    /// The event.
    pub event: Arc<CloudEvent>,
    /// How often it failed.
    pub failures: u32,
    /// Why it was given up.
    pub reason: Arc<str>,
}

/// A bus of events.
#[async_trait]
pub trait EventBus: fmt::Debug + Send + Sync + 'static {
    /// Publishes events in order, and answers for each whether it is held.
    ///
    /// # Behavior
    /// - an event that was answered for is told to every group that hears it, at least once
    /// - events with one key are told in the order they were published in, whatever fails on the way
    /// - an event that fails holds back those with its key behind it, which fail with it; those with other keys go on
    /// - an event whose id is held already is held once, within what the capability states
    /// - what failed may be published again, and so may what was answered for
    /// - data larger than the capability states is refused with `bus.event.too_large`, which no retry changes
    async fn publish(&self, events: &[Arc<CloudEvent>]) -> Vec<Result<()>>;

    /// Joins a group, which is made when it is new.
    ///
    /// # Behavior
    /// - each event heard is worked through by one member; every group is told every event
    /// - an event that failed comes again after its backoff, as often as the options state; then it is a dead letter
    /// - an event not settled within `ack_wait` has failed
    /// - of one key at most one event is in anyone's hands; a later one is never handed out before an earlier one is settled or dead
    /// - a key that fails does not stop others, as long as its events and theirs fit within 16 times `max_in_flight`
    /// - a group goes on where its members stopped; what a member that left had in its hands comes again
    /// - filters other than the group was made with are refused with `bus.group.differs`
    async fn subscribe(&self, options: SubscribeOptions) -> Result<Box<dyn Subscription>>;

    /// Forgets a group with its dead letters. One that is not known is forgotten already.
    async fn remove_group(&self, group: &str) -> Result<()>;

    /// How far the bus holds a log for certain: every event up to there, 0 for none. A relay asks before it publishes and whenever
    /// publishing failed.
    ///
    /// # Behavior
    /// - what was marked, for as long as the bus holds what was published before
    /// - a bus that was wiped, or lost its newest events, answers what was marked before those it lost
    async fn position(&self, log: &str) -> Result<Seq>;

    /// Notes that every event of a log up to `to` was answered for. Going back is allowed.
    ///
    /// # Behavior
    /// - refused with `bus.rolled_back` when the bus lost what it held since [`EventBus::position`] was last asked
    async fn mark(&self, log: &str, to: Seq) -> Result<()>;

    /// Up to `limit` dead letters of a group after a position, oldest first.
    async fn dead_letters(&self, group: &str, after: u64, limit: u32) -> Result<Vec<DeadLetter>>;

    /// What it offers.
    fn capability(&self) -> BusCapability;
}

/// A member of a group. Leaving, by [`Subscription::close`] or by being dropped, gives back what is in its hands.
#[async_trait]
pub trait Subscription: fmt::Debug + Send {
    /// Waits for the next event.
    ///
    /// # Errors
    /// `bus.lagged` with `from` and `to` when the bus could not keep what the group had not heard yet: it goes on behind the gap.
    /// Otherwise what keeps the subscription from going on; asking again tries again.
    async fn next(&mut self) -> Result<Delivery>;

    /// Leaves the group: what was settled is told to the bus, what was not comes to another member at once.
    async fn close(self: Box<Self>) -> Result<()>;
}

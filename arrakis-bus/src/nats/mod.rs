//! NATS `JetStream`: one stream for a deployment's events, one for its dead letters.
//!
//! The floor is server 2.9. NATS is a transport: an acknowledged message may be lost with the machine it is on, so what is published here
//! must be publishable again from a log, and a bus that lost something says so ([`EventBus::position`], [`EventBus::mark`]).

mod connect;
mod dead;
mod error;
mod group;
mod member;
mod message;
mod publish;
mod register;
mod session;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrakis_core::event::{BusCapability, CloudEvent, DeadLetter, EventBus, SubscribeOptions, Subscription, subject};
use arrakis_core::{Env, Result, Seq};
use async_nats::jetstream;
use async_trait::async_trait;

use self::group::Group;
use self::register::Register;

/// The name of the stream, unless stated otherwise.
const STREAM_DEFAULT: &str = "ARRAKIS";
/// Within this time a message that is sent again is held once.
const DEDUP_WINDOW: Duration = Duration::from_secs(600);
/// What a message may have besides its data: headers, subject, the wrapping of a dead letter.
const OVERHEAD_LEN_MAX: usize = 65_536;
/// The largest message when the server has not told yet.
const PAYLOAD_LEN_MAX: usize = 1_048_576;

/// How a deployment's bus is reached, and how its streams are made when they are not there.
#[derive(Clone)]
pub struct NatsOptions {
    /// `nats://` or `tls://`, perhaps with user and password or a token, which are never shown.
    pub url: String,
    /// The stream's name; `_DEAD` is appended for that of dead letters.
    pub stream: String,
    /// What subjects begin with.
    pub prefix: String,
    /// How long events are kept.
    pub age_max: Duration,
    /// How many bytes of events are kept; -1 for as many as the server has room for.
    pub bytes_max: i64,
    /// How many servers of a cluster keep each event.
    pub replicas: usize,
    /// The most messages sent and not acknowledged yet.
    pub window: usize,
    /// How long an acknowledgement is waited for.
    pub ack_timeout: Duration,
    /// How long the member of a group that is at work may be silent before another takes over.
    pub member_ttl: Duration,
}

impl NatsOptions {
    /// The stream `ARRAKIS` under the prefix `ark` on one server: 7 days, 512 in the window, 5 s for an acknowledgement and for a member.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            stream: STREAM_DEFAULT.to_owned(),
            prefix: subject::PREFIX_DEFAULT.to_owned(),
            age_max: Duration::from_secs(7 * 24 * 60 * 60),
            bytes_max: -1,
            replicas: 1,
            window: 512,
            ack_timeout: Duration::from_secs(5),
            member_ttl: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for NatsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsOptions")
            .field("stream", &self.stream)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A bus on NATS `JetStream`.
pub struct NatsBus(Arc<Inner>);

struct Inner {
    env: Env,
    options: NatsOptions,
    client: async_nats::Client,
    jetstream: jetstream::Context,
    /// The newest message known to be in the stream: a later one that is not behind it tells that the stream lost some.
    floor: AtomicU64,
    /// How often the client had connected when a position was last asked for; 0 before. After another connection it is asked for anew.
    connects: AtomicU64,
    marks: Mutex<HashMap<String, u64>>,
    groups: Mutex<HashMap<String, Arc<Group>>>,
}

impl Inner {
    fn register(&self) -> Register<'_> {
        Register { bus: self }
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<String, Arc<Group>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn marks(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connected(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::SeqCst)
    }

    fn data_len_max(&self) -> usize {
        let told = self.client.max_payload();
        let payload = if told == 0 { PAYLOAD_LEN_MAX } else { told.min(PAYLOAD_LEN_MAX) };
        payload.saturating_sub(OVERHEAD_LEN_MAX)
    }
}

#[async_trait]
impl EventBus for NatsBus {
    async fn publish(&self, events: &[Arc<CloudEvent>]) -> Vec<Result<()>> {
        self.0.publish(events).await
    }

    async fn subscribe(&self, options: SubscribeOptions) -> Result<Box<dyn Subscription>> {
        options.check()?;
        Group::join(&self.0, options).await
    }

    async fn remove_group(&self, group: &str) -> Result<()> {
        Group::remove(&self.0, group).await
    }

    async fn position(&self, log: &str) -> Result<Seq> {
        // Before anything is asked: what another connection answers is asked for again.
        let connects = self.0.connected();
        let stream = self.0.ensure_stream().await?;
        let subject = subject::of_position(&self.0.options.prefix, log);
        let found = self.0.register().read(&subject).await?;
        self.0.floor.store(stream.cached_info().state.last_sequence, Ordering::SeqCst);
        self.0.connects.store(connects, Ordering::SeqCst);
        self.0.marks().insert(subject, found.sequence);
        Ok(found.value.map_or(Seq(0), |value: register::Position| value.seq))
    }

    async fn mark(&self, log: &str, to: Seq) -> Result<()> {
        self.0.check_connection()?;
        let subject = subject::of_position(&self.0.options.prefix, log);
        let known = self.0.marks().get(&subject).copied();
        let known = if let Some(known) = known {
            known
        } else {
            self.0.ensure_stream().await?;
            self.0.register().read::<register::Position>(&subject).await?.sequence
        };
        let floor = self.0.floor.load(Ordering::SeqCst);
        let sequence = self.0.register().write(&subject, &register::Position { seq: to }, known).await?;
        let sequence = sequence.filter(|sequence| *sequence > floor).ok_or_else(error::rolled_back)?;
        self.0.floor.fetch_max(sequence, Ordering::SeqCst);
        self.0.marks().insert(subject, sequence);
        // What it vouches for was answered for by the server before this connection, if there was another.
        self.0.check_connection()
    }

    async fn dead_letters(&self, group: &str, after: u64, limit: u32) -> Result<Vec<DeadLetter>> {
        self.0.dead_letters(group, after, limit).await
    }

    fn capability(&self) -> BusCapability {
        BusCapability {
            durable: true,
            shared: true,
            dedup_window: Some(DEDUP_WINDOW),
            data_len_max: self.0.data_len_max(),
        }
    }
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBus").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("options", &self.options).finish_non_exhaustive()
    }
}

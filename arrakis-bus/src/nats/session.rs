//! The task that works for the members of a group in this process: it takes messages from the group's durable consumer, and tells the
//! server what became of them.
//!
//! One process at a time is at work for a group, by a lease in the stream. Within it an event is handed out only when the server has no
//! message outstanding that this process does not hold: a message that was sent and did not arrive comes again only when the server has
//! waited for it, and those with its key behind it must wait as well. That one was lost shows in the numbers the consumer counts
//! deliveries by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::event::subject::{self, SubjectFilter};
use arrakis_core::event::{CloudEvent, Start, SubscribeOptions};
use arrakis_core::{Error, Result};
use async_nats::jetstream::consumer::pull::{Config, Stream as Messages};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};
use async_nats::jetstream::message::{AckKind, Acker, Message};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Inner, error, message};
use crate::desk::Desk;
use crate::lanes::{Lanes, Outcome};
use crate::refusal::differs;

/// The most messages asked for at a time.
const PULL_LEN_MAX: usize = 1_024;
/// How long the server holds a request for messages, and how often it says that it does.
const PULL_FOR: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often it is looked whether the connection is still the same, and, while messages are outstanding that are not here, whether
/// they still are.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often another's lease is looked at.
const LEASE_LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long it is waited after something failed.
const RETRY_AFTER: Duration = Duration::from_millis(250);
/// When a message given back comes again: when the server has heard that this process asks for none any more.
const GIVE_BACK_AFTER: Duration = Duration::from_millis(100);
/// How many messages that were settled are remembered, should the server not have heard of it.
const SETTLED_MAX: usize = 16_384;
/// How many events' failures are handed on to who comes next.
const FAILURES_MAX: usize = 1_024;

/// Which process is at work for a group, and what it hands on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    /// Who is at work; empty when it gave the group back.
    holder: String,
    /// How often events failed that are not settled, by their place in the stream.
    #[serde(default)]
    failures: BTreeMap<u64, u32>,
}

/// The lease on a group.
struct Lease {
    subject: String,
    sequence: u64,
    failures: BTreeMap<u64, u32>,
}

pub(super) struct Work {
    bus: Arc<Inner>,
    options: SubscribeOptions,
    desk: Arc<Desk>,
    stopped: watch::Receiver<bool>,
    holder: String,
}

/// What one run of the task holds.
struct Hands {
    lease: Lease,
    /// What acknowledges each message that is not settled, and when the server last heard of it.
    ackers: BTreeMap<u64, (Acker, Duration)>,
    /// What may not be handed out yet, for an earlier message is outstanding.
    parked: BTreeMap<u64, Arc<CloudEvent>>,
    settled: BTreeSet<u64>,
    /// The number of the consumer's newest delivery.
    delivery: u64,
    is_gathering: bool,
    last_beat: Duration,
    last_look: Duration,
    /// How often the client had connected when this run began.
    connects: u64,
}

impl Inner {
    /// The consumer of a group; makes it when it is not there. `is_anew` says that the group was there before: it misses nothing then.
    pub(super) async fn bind(&self, options: &SubscribeOptions, is_anew: bool) -> Result<Consumer<Config>> {
        let stream = self.ensure_stream().await?;
        let name = subject::token(&options.group);
        let filters: Vec<&str> = options.filters.iter().map(SubjectFilter::as_str).collect();
        let description = filters_digest(&filters);
        let own = |filter: &str| {
            let rest = filter.strip_prefix(subject::PREFIX_DEFAULT).filter(|rest| rest.starts_with('.'))?;
            Some(format!("{}{rest}", self.options.prefix))
        };
        let filter_subject = match filters[..] {
            [one] => own(one),
            // Several are not offered by every server: they are told apart here.
            _ => None,
        };
        let filter_subject = filter_subject.unwrap_or_else(|| subject::all(&self.options.prefix));
        let config = Config {
            durable_name: Some(name.clone()),
            description: Some(description.clone()),
            deliver_policy: if options.start == Start::Oldest || is_anew {
                DeliverPolicy::All
            } else {
                DeliverPolicy::New
            },
            ack_policy: AckPolicy::Explicit,
            // What a subscription allows for is timed here; the server waits for this process to be at work.
            ack_wait: self.options.member_ttl,
            max_deliver: -1,
            max_ack_pending: i64::try_from(Lanes::held_max(options)).unwrap_or(i64::MAX),
            filter_subject,
            ..Config::default()
        };
        let consumer = stream.get_or_create_consumer(&name, config).await.map_err(error::answer)?;
        if consumer.cached_info().config.description.as_deref() != Some(&description) {
            return Err(differs(&options.group));
        }
        Ok(consumer)
    }
}

/// What a consumer says of its filters, however many there are.
fn filters_digest(filters: &[&str]) -> String {
    if filters.is_empty() {
        "arrakis: all".to_owned()
    } else {
        format!("arrakis: {}", subject::token(&filters.join(" ")))
    }
}

impl Work {
    pub(super) fn new(
        bus: Arc<Inner>,
        options: SubscribeOptions,
        desk: Arc<Desk>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        let holder = bus.env.uuid().to_string();
        Self { bus, options, desk, stopped, holder }
    }

    pub(super) async fn run(self) {
        let mut was_bound = false;
        while !*self.stopped.borrow() {
            if let Err(error) = self.session(&mut was_bound).await {
                tracing::debug!(group = self.options.group, code = error.code(), "group: {}", error.chain());
                self.pause(RETRY_AFTER).await;
            }
        }
    }

    /// Works until it is stopped or something fails.
    async fn session(&self, was_bound: &mut bool) -> Result<()> {
        let Some(lease) = self.lease().await? else { return Ok(()) };
        let connects = self.bus.connected();
        let mut consumer = self.bus.bind(&self.options, *was_bound).await?;
        *was_bound = true;
        let info = consumer.info().await.map_err(error::answer)?;
        let (delivery, outstanding) = (info.delivered.consumer_sequence, info.num_ack_pending);
        let messages = consumer.stream().max_messages_per_batch(Lanes::held_max(&self.options).min(PULL_LEN_MAX));
        let messages = messages.expires(PULL_FOR).heartbeat(HEARTBEAT).messages().await.map_err(error::answer)?;
        let mut hands = Hands {
            lease,
            ackers: BTreeMap::new(),
            parked: BTreeMap::new(),
            settled: BTreeSet::new(),
            delivery,
            is_gathering: outstanding > 0,
            last_beat: self.desk.now(),
            last_look: Duration::ZERO,
            connects,
        };
        let result = self.work(&mut hands, &mut consumer, messages).await;
        let failures = self.failures();
        // Whoever has an event in hands is told that it is another's.
        self.desk.lanes().clear();
        self.desk.ring();
        let given_back = self.give_back(hands, failures).await;
        result.and(given_back)
    }

    async fn work(&self, hands: &mut Hands, consumer: &mut Consumer<Config>, mut messages: Messages) -> Result<()> {
        let mut bell = self.desk.listen();
        let mut stopped = self.stopped.clone();
        loop {
            if *stopped.borrow_and_update() {
                return self.settle(hands).await;
            }
            tokio::select! {
                _ = stopped.changed() => {}
                _ = bell.changed() => self.settle(hands).await?,
                next = messages.next() => match next {
                    Some(Ok(message)) => self.take(hands, message).await?,
                    Some(Err(e)) => return Err(error::answer(e)),
                    None => return Err(error::unreachable()),
                },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if self.bus.connected() != hands.connects {
                // What was on its way is lost, and nothing more comes for what was asked before.
                return Err(error::reconnected());
            }
            let now = self.desk.now();
            if hands.is_gathering && now.saturating_sub(hands.last_look) >= LOOK_EVERY {
                hands.last_look = now;
                self.gather(hands, consumer).await?;
            }
            if self.desk.now().saturating_sub(hands.last_beat) >= self.beat_every() {
                self.beat(hands).await?;
            }
        }
    }

    /// How often the server is told that this process is at work.
    fn beat_every(&self) -> Duration {
        self.bus.options.member_ttl / 4
    }

    /// Takes a message in.
    async fn take(&self, hands: &mut Hands, message: Message) -> Result<()> {
        let (position, delivery) = {
            let info = message.info().map_err(answer)?;
            (info.stream_sequence, info.consumer_sequence)
        };
        hands.is_gathering |= delivery != hands.delivery.saturating_add(1);
        hands.delivery = delivery;
        let is_heard = self.hears(&message.subject);
        let (message, acker) = message.split();
        if hands.settled.contains(&position) || !is_heard {
            return acker.ack().await.map_err(answer);
        }
        if hands.ackers.insert(position, (acker, self.desk.now())).is_some() {
            return Ok(());
        }
        match message::to_event(message.headers.as_ref(), &message.payload) {
            Ok(event) => {
                hands.parked.insert(position, event);
                if !hands.is_gathering {
                    self.hand_out(hands);
                }
                Ok(())
            }
            // What is no event is nobody's; it stays in the stream until it is too old.
            Err(e) => {
                tracing::warn!(group = self.options.group, position, "group: a message is no event: {}", e.chain());
                hands.done(position, AckKind::Term).await
            }
        }
    }

    /// Filters are spelled with the common prefix, whatever the deployment's is.
    fn hears(&self, subject: &str) -> bool {
        let rest = subject.strip_prefix(&*self.bus.options.prefix).unwrap_or_default();
        self.options.filters.is_empty() || self.options.hears(&format!("{}{rest}", subject::PREFIX_DEFAULT))
    }

    /// What is parked goes into the lanes, in order.
    fn hand_out(&self, hands: &mut Hands) {
        let mut lanes = self.desk.lanes();
        while let Some((position, event)) = hands.parked.pop_first() {
            let failures = hands.lease.failures.remove(&position).unwrap_or(0);
            lanes.push(position, event, failures);
        }
        drop(lanes);
        self.desk.ring();
    }

    /// Looks whether everything that is outstanding is here.
    async fn gather(&self, hands: &mut Hands, consumer: &mut Consumer<Config>) -> Result<()> {
        let outstanding = consumer.info().await.map_err(error::answer)?.num_ack_pending;
        if outstanding <= hands.ackers.len() {
            hands.is_gathering = false;
            self.hand_out(hands);
        }
        Ok(())
    }

    /// Tells the server what became of events.
    async fn settle(&self, hands: &mut Hands) -> Result<()> {
        loop {
            let outcome = self.desk.lanes().take_outcome();
            match outcome {
                None => return Ok(()),
                Some(Outcome::Done { position }) => hands.done(position, AckKind::Ack).await?,
                Some(Outcome::Dead { position, event, failures, reason }) => {
                    self.bus.bury(&self.options.group, (position, &event), failures, &reason).await?;
                    hands.done(position, AckKind::Term).await?;
                }
            }
        }
    }

    /// Tells that this process is at work, on everything it holds.
    async fn beat(&self, hands: &mut Hands) -> Result<()> {
        hands.last_beat = self.desk.now();
        self.desk.lanes().expire(hands.last_beat);
        let state = State { holder: self.holder.clone(), failures: self.failures() };
        let lease = &mut hands.lease;
        let register = self.bus.register();
        let written = register.write(&lease.subject, &state, lease.sequence);
        // One that takes longer than another would wait for is lost.
        let written = tokio::time::timeout(self.bus.options.member_ttl / 2, written).await;
        let written = written.map_err(|_| error::unreachable())??;
        lease.sequence = written.ok_or_else(|| Error::conflict("bus.group.taken", "another process is at work"))?;
        let (now, every) = (hands.last_beat, self.beat_every());
        for (acker, heard) in hands.ackers.values_mut().filter(|(_, heard)| now.saturating_sub(*heard) >= every / 2) {
            acker.ack_with(AckKind::Progress).await.map_err(answer)?;
            *heard = now;
        }
        Ok(())
    }

    fn failures(&self) -> BTreeMap<u64, u32> {
        self.desk.lanes().failures().take(FAILURES_MAX).collect()
    }

    /// What was not settled comes to another at once.
    async fn give_back(&self, hands: Hands, failures: BTreeMap<u64, u32>) -> Result<()> {
        for (acker, _) in hands.ackers.values() {
            acker.ack_with(AckKind::Nak(Some(GIVE_BACK_AFTER))).await.map_err(answer)?;
        }
        let state = State { holder: String::new(), failures };
        self.bus.register().write(&hands.lease.subject, &state, hands.lease.sequence).await?;
        self.bus.client.flush().await.map_err(error::answer)
    }

    /// Waits until no other process is at work; `None` when it is stopped before.
    async fn lease(&self) -> Result<Option<Lease>> {
        let subject = subject::of_group(&self.bus.options.prefix, &self.options.group);
        self.bus.ensure_stream().await?;
        let mut seen = (0, self.desk.now());
        while !*self.stopped.borrow() {
            let found = self.bus.register().read::<State>(&subject).await?;
            let state = found.value.unwrap_or_default();
            if found.sequence != seen.0 {
                seen = (found.sequence, self.desk.now());
            }
            // By this process's clock alone: it has not moved for as long as this one looks at it.
            let is_over = self.desk.now().saturating_sub(seen.1) > self.bus.options.member_ttl;
            if state.holder.is_empty() || state.holder == self.holder || is_over {
                let failures = state.failures.clone();
                let mine = State { holder: self.holder.clone(), ..state };
                if let Some(sequence) = self.bus.register().write(&subject, &mine, found.sequence).await? {
                    return Ok(Some(Lease { subject, sequence, failures }));
                }
                continue;
            }
            self.pause(LEASE_LOOK_EVERY).await;
        }
        Ok(None)
    }

    async fn pause(&self, duration: Duration) {
        let mut stopped = self.stopped.clone();
        // It is told before whoever tells is dropped.
        let _ = tokio::time::timeout(duration, stopped.wait_for(|stopped| *stopped)).await;
    }
}

impl Hands {
    /// A message is settled.
    async fn done(&mut self, position: u64, kind: AckKind) -> Result<()> {
        self.settled.insert(position);
        if self.settled.len() > SETTLED_MAX {
            self.settled.pop_first();
        }
        match self.ackers.remove(&position) {
            Some((acker, _)) => acker.ack_with(kind).await.map_err(answer),
            None => Ok(()),
        }
    }
}

fn answer(error: async_nats::Error) -> Error {
    error::unreachable().caused_by(error)
}

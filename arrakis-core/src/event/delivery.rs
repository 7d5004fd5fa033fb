//! One event in the hands of whoever hears it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::CloudEvent;
use crate::telemetry::follow;
use crate::{Error, Result};

/// Which handing over of which event is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The event's place in its bus.
    pub position: u64,
    /// Told apart from every other time an event is handed over.
    pub serial: u64,
}

/// What becomes of an event that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is done.
    Ack,
    /// It failed; it comes again after this time, or after what the subscription states.
    Nak(Option<Duration>),
    /// It is being worked on: the time to settle it begins anew.
    InProgress,
    /// It will never succeed: it is put with the dead letters, with why.
    Term(Arc<str>),
}

/// Where a subscription takes verdicts.
pub trait Settle: fmt::Debug + Send + Sync + 'static {
    /// Takes a verdict on an event that was handed over.
    ///
    /// # Errors
    /// [`stale`] when the event is no longer in these hands.
    fn settle(&self, ticket: Ticket, verdict: Verdict) -> Result<()>;
}

/// The answer to a verdict that comes too late.
pub fn stale() -> Error {
    Error::conflict("bus.delivery.stale", "the event was not settled in time, and is another's to settle")
}

/// An event to be worked through. One that is dropped unsettled comes again when its time to be settled is over.
#[derive(Debug)]
pub struct Delivery {
    /// The event.
    pub event: Arc<CloudEvent>,
    /// One more than how often it failed for this group before.
    pub attempt: u32,
    ticket: Ticket,
    settle: Arc<dyn Settle>,
}

impl Delivery {
    /// Hands an event over.
    pub fn new(event: Arc<CloudEvent>, attempt: u32, ticket: Ticket, settle: Arc<dyn Settle>) -> Self {
        Self { event, attempt, ticket, settle }
    }

    /// A span of the trace the event belongs to, for the work it makes to be done in.
    pub fn span(&self) -> tracing::Span {
        let event = &self.event;
        let span = tracing::info_span!(
            "event.handle",
            otel.kind = "consumer",
            r#type = &*event.r#type,
            subject = &*event.subject,
            attempt = self.attempt
        );
        follow(&span, event.traceparent.as_deref());
        span
    }

    /// It is done. The bus is told soon; should it not hear of it, the event comes again.
    ///
    /// # Errors
    /// [`stale`] when it was not settled in time.
    pub fn ack(self) -> Result<()> {
        self.settle.settle(self.ticket, Verdict::Ack)
    }

    /// It failed, and comes again after `delay`, or after what the subscription states; later events with its key wait for it.
    ///
    /// # Errors
    /// As [`Delivery::ack`].
    pub fn nak(self, delay: Option<Duration>) -> Result<()> {
        self.settle.settle(self.ticket, Verdict::Nak(delay))
    }

    /// It is being worked on: the time to settle it begins anew.
    ///
    /// # Errors
    /// As [`Delivery::ack`].
    pub fn in_progress(&self) -> Result<()> {
        self.settle.settle(self.ticket, Verdict::InProgress)
    }

    /// It will never succeed, and is put with the dead letters.
    ///
    /// # Errors
    /// As [`Delivery::ack`].
    pub fn term(self, reason: impl Into<Arc<str>>) -> Result<()> {
        self.settle.settle(self.ticket, Verdict::Term(reason.into()))
    }
}

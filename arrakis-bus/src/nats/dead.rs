//! Dead letters: a stream of their own.

use std::sync::Arc;

use arrakis_core::event::{CloudEvent, DeadLetter, subject};
use arrakis_core::{Error, Result};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use serde::{Deserialize, Serialize};

use super::{Inner, error};

/// The longest reason that is kept, in characters.
const REASON_LEN_MAX: usize = 1_000;

/// A dead letter as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Letter {
    event: serde_json::Value,
    failures: u32,
    reason: String,
}

impl Inner {
    /// Keeps an event that was given up; answers when it is kept.
    pub(super) async fn bury(
        &self,
        group: &str,
        (position, event): (u64, &CloudEvent),
        failures: u32,
        reason: &str,
    ) -> Result<()> {
        self.ensure_dead().await?;
        let reason = reason.chars().take(REASON_LEN_MAX).collect();
        let letter = serde_json::to_vec(&Letter { event: event.to_json(), failures, reason })
            .map_err(|e| Error::internal("bus.dead_letter", "a dead letter cannot be written").caused_by(e))?;
        let message =
            PublishMessage::build().payload(letter.into()).message_id(format!("{group}/{position}/{}", event.id));
        let subject = subject::of_dead(&self.options.prefix, group);
        let sent = self.jetstream.send_publish(subject, message).await.map_err(error::publish)?;
        sent.await.map(drop).map_err(error::publish)
    }

    pub(super) async fn dead_letters(&self, group: &str, after: u64, limit: u32) -> Result<Vec<DeadLetter>> {
        let stream = self.ensure_dead().await?;
        let subject = subject::of_dead(&self.options.prefix, group);
        let (mut letters, mut next) = (Vec::new(), after.saturating_add(1));
        for _ in 0..limit {
            let message = match stream.raw_message_builder().sequence(next).next_by_subject(&subject).send().await {
                Ok(message) => message,
                Err(e) if e.kind() == LastRawMessageErrorKind::NoMessageFound => break,
                Err(e) => return Err(error::answer(e)),
            };
            let unreadable = || Error::corrupt("bus.dead_letter", "a dead letter cannot be read");
            let letter: Letter = serde_json::from_slice(&message.payload).map_err(|e| unreadable().caused_by(e))?;
            let event = CloudEvent::from_json(&letter.event).map_err(|e| unreadable().caused_by(e))?;
            next = message.sequence.saturating_add(1);
            letters.push(DeadLetter {
                position: message.sequence,
                event: Arc::new(event),
                failures: letter.failures,
                reason: letter.reason.into(),
            });
        }
        Ok(letters)
    }

    /// Forgets the dead letters of a group.
    pub(super) async fn forget_dead(&self, group: &str) -> Result<()> {
        let stream = self.ensure_dead().await?;
        let subject = subject::of_dead(&self.options.prefix, group);
        stream.purge().filter(subject).await.map(drop).map_err(error::answer)
    }
}

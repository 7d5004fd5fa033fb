//! Small values in the stream itself: each is the newest message of its subject, replaced only by who knows which one that is.
//!
//! A value in the stream has the fate of the stream: one that was wiped, or lost its newest messages, lost it too.

use arrakis_core::{Error, Result, Seq};
use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Inner, error};

/// The header by which a message takes the place of all before it on its subject.
const ROLLUP: &str = "Nats-Rollup";
const ROLLUP_SUBJECT: &str = "sub";

/// How far the stream holds a log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) seq: Seq,
}

/// A value, and the message it is in; 0 for none.
#[derive(Debug)]
pub(super) struct Found<T> {
    pub(super) value: Option<T>,
    pub(super) sequence: u64,
}

pub(super) struct Register<'b> {
    pub(super) bus: &'b Inner,
}

impl Register<'_> {
    pub(super) async fn read<T: DeserializeOwned>(&self, subject: &str) -> Result<Found<T>> {
        let stream = self.bus.jetstream.get_stream_no_info(&self.bus.options.stream).await.map_err(error::answer)?;
        match stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => {
                let value = serde_json::from_slice(&message.payload)
                    .map_err(|e| Error::corrupt("bus.register", "a value of the bus cannot be read").caused_by(e))?;
                Ok(Found { value: Some(value), sequence: message.sequence })
            }
            Err(e) if e.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(Found { value: None, sequence: 0 }),
            Err(e) => Err(error::answer(e)),
        }
    }

    /// Replaces the value whose message is `known`; answers the message it is in then, or `None` when another was written.
    pub(super) async fn write<T: Serialize>(&self, subject: &str, value: &T, known: u64) -> Result<Option<u64>> {
        let body = serde_json::to_vec(value)
            .map_err(|e| Error::internal("bus.register", "a value of the bus cannot be written").caused_by(e))?;
        let mut headers = HeaderMap::new();
        headers.insert(ROLLUP, ROLLUP_SUBJECT);
        let message =
            PublishMessage::build().payload(body.into()).headers(headers).expected_last_subject_sequence(known);
        let sent = self.bus.jetstream.send_publish(subject.to_owned(), message).await;
        match async { sent?.await }.await {
            Ok(ack) => Ok(Some(ack.sequence)),
            Err(e) if e.kind() == PublishErrorKind::WrongLastSequence => Ok(None),
            Err(e) => Err(error::publish(e)),
        }
    }
}

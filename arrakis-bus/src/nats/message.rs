//! Events as messages.

use std::sync::Arc;

use arrakis_core::Result;
use arrakis_core::event::CloudEvent;
use async_nats::HeaderMap;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;

/// An event as it is published: its id is that of the message.
pub(super) fn of_event(event: &CloudEvent, body: Vec<u8>) -> PublishMessage {
    let mut headers = HeaderMap::new();
    for (name, value) in event.headers() {
        headers.insert(name, value);
    }
    let message = PublishMessage::build().payload(Bytes::from(body)).headers(headers);
    message.message_id(format!("{}{}", event.source, event.id))
}

/// The event a message carries.
pub(super) fn to_event(headers: Option<&HeaderMap>, body: &[u8]) -> Result<Arc<CloudEvent>> {
    let header = |name: &'static str| headers?.get(name).map(async_nats::HeaderValue::as_str);
    CloudEvent::from_headers(header, body).map(Arc::new)
}

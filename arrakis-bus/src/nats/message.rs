//! Events as messages.

use std::sync::Arc;

use arrakis_core::Result;
use arrakis_core::event::CloudEvent;
use async_nats::header::{HeaderMap, HeaderName, HeaderValue, NATS_MESSAGE_ID};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;

/// An event as it is published: its id is that of the message.
pub(super) fn of_event(event: &CloudEvent, body: Vec<u8>) -> PublishMessage {
    let headers = event.headers().into_iter();
    let mut headers: HeaderMap =
        headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from(value))).collect();
    headers.insert(NATS_MESSAGE_ID, HeaderValue::from(format!("{}{}", event.source, event.id)));
    PublishMessage::build().payload(Bytes::from(body)).headers(headers)
}

/// The event a message carries.
pub(super) fn to_event(headers: Option<&HeaderMap>, body: &[u8]) -> Result<Arc<CloudEvent>> {
    let header = |name: &'static str| headers?.get(name).map(HeaderValue::as_str);
    CloudEvent::from_headers(header, body).map(Arc::new)
}

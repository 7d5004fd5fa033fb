//! What can be asked over HTTP: one table of endpoints, which the routers, the clients and the description are made of.

pub mod access;
pub mod action;
mod endpoint;
pub mod feed;
pub mod kernel;
pub mod ontology;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod user;

pub use self::endpoint::{Endpoint, Meta, Verb};

/// The media type of exact answers, which clients of ours ask for.
pub const MSGPACK: &str = "application/vnd.arrakis+msgpack";
/// The media type of everything else.
pub const JSON: &str = "application/json";
/// Exact events, one after the other, each behind its length in four bytes, big-endian; a length of 0 is a sign of life.
pub const MSGPACK_STREAM: &str = "application/vnd.arrakis.stream+msgpack";
/// One JSON text a line: rows in bulk.
pub const NDJSON: &str = "application/x-ndjson";
/// Events as browsers read them.
pub const EVENT_STREAM: &str = "text/event-stream";

/// The header that says which commit an answer has seen.
pub const ARK_SEQ: &str = "ark-seq";
/// The header that says which commit an answer must have seen.
pub const ARK_AT_LEAST: &str = "ark-at-least";
/// The header that says how long the answer may take, milliseconds.
pub const ARK_TIMEOUT_MS: &str = "ark-timeout-ms";
/// The header that names the tenant, by name or id, where nothing else does.
pub const ARK_TENANT: &str = "ark-tenant";
/// The header by which a gateway says where a request comes from.
pub const ARK_CLIENT_IP: &str = "ark-client-ip";
/// The header that names a request in logs.
pub const REQUEST_ID: &str = "x-request-id";
/// The trace a request is of (W3C Trace Context).
pub const TRACEPARENT: &str = "traceparent";
/// The header that makes a write happen once.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

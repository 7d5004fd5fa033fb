//! # arrakis-bus
//!
//! The adapters that carry events out of Arrakis: an in-process bus, NATS `JetStream`, and outbound delivery to webhooks and
//! external APIs. They implement the bus ports of `arrakis-core` and know neither storage nor server.
//!
//! Nothing is published from a request: a relay reads the commit log in order and hands each event to a bus, so this crate only
//! ever sees events whose commit is durable. The adapters arrive with the data layer; until then the crate holds its place in the
//! dependency graph, which `cargo xtask tidy` checks.

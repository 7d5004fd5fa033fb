//! # arrakis-server
//!
//! Arrakis over HTTP: one router per service, the typed clients that implement the same service traits, the API gateway,
//! telemetry and configuration. Handlers extract, convert, call a service trait of `arrakis-core` and wrap the answer; this crate
//! knows neither storage nor bus.
//!
//! The services arrive with the HTTP part; until then the crate holds its place in the dependency graph, which
//! `cargo xtask tidy` checks.

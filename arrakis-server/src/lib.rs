//! # arrakis-server
//!
//! Arrakis over HTTP: one router per service, the typed clients that implement the same service traits, the API gateway,
//! telemetry and configuration. Handlers extract, convert, call a service trait of `arrakis-core` and wrap the answer; this crate
//! knows neither storage nor bus.
//!
//! The services arrive with the HTTP part; what is here is the side of OpenID Connect that relies on another provider.

#[cfg(feature = "oidc")]
pub mod oidc;

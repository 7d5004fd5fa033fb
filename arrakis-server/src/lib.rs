//! # arrakis-server
//!
//! Arrakis over HTTP: one router per service, the typed clients that implement the same service traits, the API gateway,
//! telemetry and configuration. Handlers extract, convert, call a service trait of `arrakis-core` and wrap the answer; this crate
//! knows neither storage nor bus.
//!
//! Everything that can be asked is one table of endpoints ([`api`]); the routers, the clients and the description are made of it. What comes back when
//! something is refused is a [`problem`].

#[cfg(feature = "client")]
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "a server uses the rest"))]
pub mod api;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "gateway")]
pub mod gateway;
#[cfg(feature = "oidc")]
mod network;
#[cfg(feature = "oidc")]
pub mod oidc;
#[cfg(feature = "client")]
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "a server uses the rest"))]
pub mod peer;
#[cfg(feature = "client")]
pub mod problem;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "telemetry")]
pub mod telemetry;
#[cfg(feature = "client")]
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "a server uses the rest"))]
pub mod tls;

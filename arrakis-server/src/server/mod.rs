//! The services over HTTP: one router each, behind one door.

mod access;
mod action;
mod answer;
mod asked;
mod door;
mod feed;
mod idempotency;
mod kernel;
mod lines;
mod listen;
mod observe;
mod ontology;
mod proxy;
#[cfg(feature = "openapi")]
mod reference;
mod routes;
mod user;

#[cfg(any(feature = "gateway", feature = "telemetry"))]
pub(crate) use self::answer::refusal;
pub use self::door::{BODY_LEN_MAX_DEFAULT, Door, DoorOptions, StoredTenants, Tenants};
pub use self::listen::{ListenOptions, Listener};
#[cfg(feature = "gateway")]
pub(crate) use self::listen::{PeerAddress, network_address};
#[cfg(feature = "gateway")]
pub(crate) use self::observe::request_span;
#[cfg(all(feature = "gateway", feature = "openapi"))]
pub(crate) use self::reference::Reference;
pub use self::routes::Routes;

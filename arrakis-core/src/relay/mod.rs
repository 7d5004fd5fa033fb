//! The way from the log to whoever is told of it: every entry of every tenant, in order, at least once.
//!
//! A cursor of a [`RelayStore`] says how far a sink was told; a lease says which process tells it.

mod engine;
mod sink;
mod status;
pub mod store;

pub use self::engine::{Relay, RelayOptions};
pub use self::sink::{BusSink, Sink};
pub use self::status::{RelayCounts, RelayStatus};
pub use self::store::{
    LEASE_TTL_MAX, LEASE_TTL_MIN, LOG_POLL_MS, Lease, RELAY_NAME_LEN_MAX, RELAY_PAGE_LEN_MAX, RelayCursor, RelayStore,
    check_lease, lease_lost,
};

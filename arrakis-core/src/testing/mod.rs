//! Conformance suites, and what tests of adapters and applications are built from: a clock moved by hand, ids that count, a store
//! with something in it.
//!
//! [`store_suite!`](crate::store_suite) is one test per sentence of behaviour of the storage ports; every adapter passes all of it.
//! [`relay_suite!`](crate::relay_suite) is the same of the port a relay stands on.
//! [`archive_suite!`](crate::archive_suite) and [`archive_writer_suite!`](crate::archive_writer_suite) are the same of the ports a store is
//! moved through.
//! [`bus_suite!`](crate::bus_suite) is the same of a bus of events.
//! [`cache_suite!`](crate::cache_suite) is the same of a cache.
//! [`kernel_suite!`](crate::kernel_suite) is the same of a service; the engine and every client of it pass all of it.
//!
//! Whatever here meets what a test must not meet panics.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that finds something else than it expects has failed, and says so by panicking"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "a literal reads better without an ampersand, and a test is never called twice"
)]

pub mod archive;
pub mod bus;
pub mod cache;
pub mod differential;
mod draft;
mod env;
mod fixture;
pub mod ontology;
mod reading;
pub mod relay;
pub mod service;
pub mod store;
mod tally;

pub use self::draft::{Draft, row};
pub use self::env::{CounterIds, ManualClock, TestEnv};
pub use self::fixture::Fixture;
pub use self::reading::{Ask, Conditions, filter, keys_of};
pub use self::tally::Tally;

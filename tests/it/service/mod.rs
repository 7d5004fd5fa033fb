//! The conformance suites of the services, on the engines over every store.

mod cached;
mod http;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

//! The conformance suites of the services, on the engines over every store.

mod cached;
#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
mod http;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

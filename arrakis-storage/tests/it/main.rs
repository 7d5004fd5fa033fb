//! The conformance suites, on every store of this package, and what a server or a network that fails does to them.

#[cfg(feature = "cache")]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    reason = "a test ends where what it takes for granted fails, and its names are short"
)]
mod cache;
#[cfg(feature = "memory")]
mod differential;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod fault;
#[cfg(feature = "memory")]
mod memory;
#[cfg(all(feature = "memory", feature = "sqlite"))]
mod moving;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

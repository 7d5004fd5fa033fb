//! The conformance suites, on every store of this package.

#[cfg(feature = "cache")]
mod cache;
#[cfg(feature = "memory")]
mod differential;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

//! The conformance suites, on every store of this package, and what a server or a network that fails does to them.

#[cfg(feature = "memory")]
mod differential;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod fault;
#[cfg(feature = "memory")]
mod memory;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

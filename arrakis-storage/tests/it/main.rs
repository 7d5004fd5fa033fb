//! The conformance suites, on every store of this package.

#[cfg(feature = "memory")]
mod differential;
#[cfg(feature = "memory")]
mod memory;
#[cfg(all(feature = "memory", feature = "sqlite"))]
mod moving;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

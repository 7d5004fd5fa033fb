//! # arrakis-storage
//!
//! Adapters of the storage ports of [`arrakis_core`]. Each passes the conformance suites of `arrakis_core::testing`, and file names
//! are the same in every adapter: one noun, one file.

#[cfg(feature = "cache")]
mod cache;
#[cfg(feature = "memory")]
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
#[cfg_attr(
    not(all(feature = "postgres", feature = "sqlite")),
    expect(dead_code, unused_imports, reason = "each database takes its part of what both share")
)]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "cache")]
pub use self::cache::LocalCache;
#[cfg(feature = "redis")]
pub use self::cache::{RedisCache, RedisOptions};
#[cfg(feature = "memory")]
pub use self::memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use self::postgres::{Fence, Module, PendingIndex, PgOptions, PgStore};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{BUSY_TIMEOUT_DEFAULT_MS, Durability, READERS_MAX_DEFAULT, SqliteOptions, SqliteStore};

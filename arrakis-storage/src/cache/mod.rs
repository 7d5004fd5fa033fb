//! Caches: in the memory of this process, and in Redis.

mod local;
#[cfg(feature = "redis")]
mod redis;

pub use self::local::LocalCache;
#[cfg(feature = "redis")]
pub use self::redis::{RedisCache, RedisOptions};

//! The caches.

#[cfg(feature = "memory")]
mod law;
mod local;
#[cfg(feature = "redis")]
mod redis;
#[cfg(all(feature = "memory", feature = "sqlite"))]
mod restored;

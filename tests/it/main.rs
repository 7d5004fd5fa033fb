//! What the packages do together: the services over every store, the facade, and the `arrakis` command line run as its users run it.

#[cfg(feature = "sqlite")]
#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
mod bad_file;
#[cfg(all(feature = "redis", feature = "sqlite"))]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where what it takes for granted fails")]
mod cache;
#[cfg(feature = "cli")]
#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
mod cli;
mod facade;
#[cfg(feature = "sqlite")]
#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
mod first_row;
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where what it takes for granted fails")]
mod follow;
#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
mod hook;
#[cfg(feature = "server")]
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where what it takes for granted fails"
)]
mod http;
#[cfg(feature = "cli")]
#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
mod kill;
#[cfg(feature = "oidc")]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where what it takes for granted fails")]
mod oidc;
mod public;
#[cfg(feature = "sqlite")]
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where what it takes for granted fails"
)]
mod relay;
#[cfg(feature = "users")]
#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
mod secrets;
mod service;
#[cfg(all(feature = "postgres", feature = "users"))]
mod silent_store;
#[cfg(feature = "derive")]
#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
mod typed;

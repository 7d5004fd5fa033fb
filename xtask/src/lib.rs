//! What tests and benches share with `cargo xtask`: real servers, and a proxy that breaks connections to them.
//!
//! A dev-dependency of the adapters, never a dependency: it starts processes, opens sockets and waits for both. It knows no
//! crate but the standard library, because every build of the tests compiles it.

pub mod proxy;
pub mod services;

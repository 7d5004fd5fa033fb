//! The conformance suite, on every bus of this package.

mod in_process;
#[cfg(feature = "nats")]
mod nats;

//! # arrakis-bus
//!
//! Adapters of [`arrakis_core::event::EventBus`]: a bus within one process, and NATS `JetStream` (feature `nats`). Each passes the
//! conformance suite of `arrakis_core::testing::bus`.

mod desk;
mod in_process;
mod lanes;
#[cfg(feature = "nats")]
mod nats;
mod refusal;

pub use self::in_process::{InProcessBus, InProcessOptions, Overflow, RING_LEN_DEFAULT};
#[cfg(feature = "nats")]
#[cfg(feature = "nats")]
pub use self::nats::{NatsBus, NatsOptions};

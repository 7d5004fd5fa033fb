//! # arrakis-bus
//!
//! Adapters of [`arrakis_core::event::EventBus`]: a bus within one process. Each passes the
//! conformance suite of `arrakis_core::testing::bus`.

mod desk;
mod in_process;
mod lanes;
mod refusal;

pub use self::in_process::{InProcessBus, InProcessOptions, Overflow, RING_LEN_DEFAULT};

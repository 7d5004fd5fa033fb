//! Events as the world hears of them: the envelope, the subjects they travel under, the bus that carries them and what helps who hears.
//!
//! The log is the source of truth. A bus is a transport: what it lost is published again from the log.

mod bus;
mod delivery;
mod envelope;
mod inbox;
pub mod subject;
mod wire;

pub use self::bus::{
    BACKOFF_MAX, BusCapability, DeadLetter, EventBus, FILTERS_MAX, GROUP_LEN_MAX, IN_FLIGHT_MAX, Start,
    SubscribeOptions, Subscription,
};
pub use self::delivery::{Delivery, Settle, Ticket, Verdict, stale};
pub use self::envelope::{CloudEvent, EventData, Place, SPEC_VERSION};
pub use self::inbox::{INBOX_IDS_DEFAULT, INBOX_IDS_MAX, Inbox};
pub use self::wire::{CONTENT_TYPE_EVENT, CONTENT_TYPE_JSON, HEADER_LEN_MAX};

//! The data kernel: objects, links, and exact queries over them.

mod evaluate;
mod exact_sum;
mod object;
pub mod plan;
mod store;
mod time_unit;

pub use self::evaluate::{Linked, Unlinked};
pub use self::exact_sum::ExactSum;
pub use self::object::{Link, Object, Properties, Snapshot, Version};
pub use self::store::{Budget, ObjectStore, QueryRows};

/// The most links in a walk.
pub const TRAVERSE_HOPS_MAX: u32 = 16;

//! The data kernel: objects, links, and exact queries over them.

mod object;
pub mod plan;
mod store;

pub use self::object::{Link, Object, Properties, Snapshot, Version};
pub use self::store::{Budget, ObjectStore, QueryRows};

/// The most links in a walk.
pub const TRAVERSE_HOPS_MAX: u32 = 16;

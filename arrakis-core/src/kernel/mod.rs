//! The data kernel: objects, links, and exact queries over them.

mod edit;
mod evaluate;
mod exact_sum;
mod load;
mod object;
pub mod plan;
mod store;
mod time_unit;

pub use self::edit::{Edit, Expect, Write, Written};
pub use self::evaluate::{Linked, Unlinked};
pub use self::exact_sum::ExactSum;
pub use self::load::{Cell, LOAD_ROWS_MAX, Load, LoadMode, LoadReport, LoadRow, LoadTarget, REJECTIONS_MAX, Rejection};
pub use self::object::{Link, Object, Properties, Snapshot, Version};
pub use self::store::{Budget, ObjectStore, QueryRows};

/// The most links in a walk.
pub const TRAVERSE_HOPS_MAX: u32 = 16;

//! The data kernel: objects, links, and exact queries over them.

mod action;
mod aggregate;
mod edit;
mod engine;
mod evaluate;
mod exact_sum;
mod feed;
mod filter;
#[cfg(test)]
pub(crate) mod fixture;
mod get;
mod history;
mod link;
mod load;
mod object;
pub mod plan;
mod query;
mod resolve;
mod service;
mod set;
mod store;
mod time_unit;
pub mod typed;

pub use self::action::{
    ACTION_BATCH_MAX, ACTION_RETRIES_MAX, Act, ActBatch, ActResult, Acted, ActedBatch, ActionCall, ActionHandler,
    ActionLimits, ActionService, BatchAtomicity, ChangedBy, ChangedSince, CommitValidator, CriterionVerdict, Fault,
    HOOK_TIMEOUT_DEFAULT, HandlerFn, NamedEffect, OnConflict, PARAMETER_OBJECTS_MAX, ParameterVerdict,
    UNDO_COMMITS_MAX, Undo, UndoReport, Validation,
};
pub use self::aggregate::{
    AGGREGATE_GROUPS_MAX, Aggregate, GROUP_KEYS_MAX, Group, GroupBy, Groups, METRICS_MAX, Metric, RANGES_MAX, Range,
};
pub use self::edit::{Edit, Expect, NewProperties, REASON_LEN_MAX, Write, Written};
pub use self::engine::{Kernel, SCHEMA_RETRIES_MAX};
pub use self::evaluate::{Linked, Unlinked};
pub use self::exact_sum::ExactSum;
pub(crate) use self::feed::first;
pub use self::feed::{
    CHANGES_LIMIT_DEFAULT, CHANGES_LIMIT_MAX, CHANGES_TYPES_MAX, CHANGES_WAIT_MAX_MS, ChangedLink, ChangedObject,
    Changes, ChangesSince, ChangesStream, CommitChanges, ElementNames, FeedService, HEAD_POLL_MS, InitialPage,
    LIVE_MEMBERS_MAX, LeftObject, Origin, PublishedVersion, SUBSCRIPTION_BUFFER_DEFAULT, SUBSCRIPTION_BUFFER_MAX,
    SetDelta, SetEvent, SetEvents, Subscribe, Subscription,
};
pub use self::filter::{FILTER_DEPTH_MAX, FILTER_TERMS_MAX, FILTER_TEXT_LEN_MAX, Filter, IN_VALUES_MAX, PropertyValue};
pub use self::get::{GetObjects, Objects};
pub use self::history::{History, Subject, Versions};
pub use self::link::{GetLinks, LINK_ENDS_MAX, LinkEnds, Links, Neighbour, NeighbourPage, Neighbours};
pub use self::load::{
    Cell, LOAD_COLUMNS_MAX, LOAD_ROWS_MAX, Load, LoadMode, LoadReport, LoadRow, LoadTarget, REJECTIONS_MAX, Rejection,
};
pub use self::object::{Diff, Link, Object, Properties, Snapshot, Version};
pub use self::query::{AsOf, ORDER_TERMS_MAX, OrderBy, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, Page, PageRequest, Query};
#[cfg(feature = "users")]
pub(crate) use self::resolve::key as resolve_key;
pub(crate) use self::resolve::resolve_condition;
use self::resolve::{Names, Side};
use self::service::count_of;
pub use self::service::{KernelExt, KernelService};
pub use self::set::{Direction, KEYS_MAX, ObjectSet, SET_DEPTH_MAX, SET_NODES_MAX, Walk};
pub use self::store::{Budget, ObjectStore, QueryRows};

/// The most links in a walk.
pub const TRAVERSE_HOPS_MAX: u32 = 16;

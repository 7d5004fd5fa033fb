//! The port that reads objects and links.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::plan::{AggregatePlan, HistoryPlan, LinksPlan, Position, QueryPlan, RawGroup};
use super::{Link, Object, Snapshot, Version};
use crate::ontology::ObjectType;
use crate::{Error, ErrorKind, Key, Result, Scope, Seq};

/// The most work a read may do before it is refused; nothing is ever cut short silently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The most objects in the set read (for an aggregate over links: object–link pairs), before paging; `None` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The longest the read may take, in milliseconds; `None` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
}

impl Budget {
    /// Passes when a set of so many rows may be read.
    ///
    /// # Errors
    /// `kernel.budget.rows`, with the limit.
    pub fn check_rows(self, rows: u64) -> Result<()> {
        match self.rows {
            Some(limit) if rows > limit => Err(Error::new(
                ErrorKind::Precondition,
                "kernel.budget.rows",
                "the set is larger than the budget allows",
            )
            .with("rows_max", limit)),
            _ => Ok(()),
        }
    }

    /// Passes while a read that has taken so long may go on.
    ///
    /// # Errors
    /// `kernel.budget.ms`, with the limit.
    pub fn check_time(self, elapsed: Duration) -> Result<()> {
        match self.ms {
            Some(limit) if elapsed > Duration::from_millis(limit) => Err(Error::new(
                ErrorKind::Precondition,
                "kernel.budget.ms",
                "the read takes longer than the budget allows",
            )
            .with("time_max_ms", limit)),
            _ => Ok(()),
        }
    }
}

/// A page as a store reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryRows {
    /// The objects in order.
    pub objects: Vec<Object>,
    /// The position of the last one, when there are more after it.
    pub next: Option<Position>,
}

/// Reads objects and links of one tenant. They are written by [`crate::Commit`]s.
#[async_trait]
pub trait ObjectStore: std::fmt::Debug + Send + Sync + 'static {
    /// Objects by key, whole, in the order asked; `None` for each that is absent.
    ///
    /// # Behavior
    /// - an object of another tenant is absent
    /// - the same key twice is answered twice
    /// - `at` reads the state right after that commit, under the given type's columns
    async fn objects(
        &self,
        scope: Scope,
        object_type: &Arc<ObjectType>,
        keys: &[Key],
        at: Option<Seq>,
    ) -> Result<Snapshot<Vec<Option<Object>>>>;

    /// A page of a set.
    ///
    /// # Behavior
    /// - every object of the set is on exactly one page of a walk that passes `next` on at one `at`
    /// - a set larger than the row budget is refused with `kernel.budget.rows`, a slow read with `kernel.budget.ms`
    async fn query(&self, scope: Scope, plan: &QueryPlan) -> Result<Snapshot<QueryRows>>;

    /// The groups of a set, in no particular order. Without group keys there is exactly one group.
    async fn aggregate(&self, scope: Scope, plan: &AggregatePlan) -> Result<Snapshot<Vec<RawGroup>>>;

    /// The links at an object, ordered by far key.
    async fn links(&self, scope: Scope, plan: &LinksPlan) -> Result<Snapshot<Vec<Link>>>;

    /// The versions of an object or link, oldest first; empty when it never existed.
    async fn history(&self, scope: Scope, plan: &HistoryPlan) -> Result<Snapshot<Vec<Version>>>;
}

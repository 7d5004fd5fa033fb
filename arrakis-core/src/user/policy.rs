//! The policy of a tenant, and questions about it.

use serde::{Deserialize, Serialize};

use super::NewAssignment;
use crate::access::{Check, Policy, TypeRights, Verb};
use crate::{ApiName, Seq};

/// The most users of a page of [`WhoCan`] that are asked about.
pub const WHO_CAN_PAGE_MAX: u32 = 1_000;
/// The most differences a simulation lists; it counts them all.
pub const SIMULATED_MAX: usize = 1_000;

/// The policy as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct PolicyVersion {
    /// The policy; empty where none was applied.
    pub policy: std::sync::Arc<Policy>,
    /// The commit that last changed it; 0 where none was applied.
    pub revision: Seq,
}

/// Who may do something to an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WhoCan {
    /// What is to be done.
    pub check: Check,
    /// Only users named after this one.
    #[serde(default)]
    pub after: String,
    /// About how many users to ask, 1 to [`WHO_CAN_PAGE_MAX`], which is what it is when left out.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Some of those who may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct WhoCanPage {
    /// Names of users that may.
    pub users: Vec<String>,
    /// What to ask after for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A change that is not made.
#[derive(Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// The policy in place of the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// What would be assigned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assign: Vec<NewAssignment>,
    /// What would not be assigned any more, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unassign: Vec<String>,
}

/// What a change would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Simulated {
    /// What would differ, by user, type and verb: the first [`SIMULATED_MAX`].
    pub differences: Vec<Difference>,
    /// How many would differ.
    pub count: usize,
}

/// What would differ for one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Difference {
    /// The user, by name.
    pub user: String,
    /// The type of the objects.
    #[serde(rename = "type")]
    pub object_type: ApiName,
    /// What is done to them.
    pub verb: Verb,
    /// To which and with which properties now.
    pub before: TypeRights,
    /// And then. Where both are `some`, which objects differs.
    pub after: TypeRights,
}

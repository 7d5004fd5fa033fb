//! What changed.

use arrakis_core::kernel::{Changes, ChangesSince, SetEvent, Subscribe};
use serde::{Deserialize, Serialize};

use super::Endpoint;

/// Changes as they come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FollowChanges {
    /// Only later commits; 0 for all there are.
    #[serde(default)]
    pub after: u64,
    /// Only changes of these types, with commas between them; of all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<String>,
}

pub(crate) const CHANGES: Endpoint<ChangesSince, Changes> =
    Endpoint::ask("getChanges", "/v1/changes", "Reads the commits after one.").seen(|changes| Some(changes.seq));
pub(crate) const FOLLOW: Endpoint<FollowChanges, Changes> =
    Endpoint::get("followChanges", "/v1/changes/events", "Tells the commits after one, and those to come.");
pub(crate) const SUBSCRIBE: Endpoint<Subscribe, SetEvent> =
    Endpoint::ask("subscribe", "/v1/sets/events", "Tells an object set, and what changes in it.");

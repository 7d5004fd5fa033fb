//! Groups.

use serde::{Deserialize, Serialize};

/// How many groups deep a group may be in others.
pub const GROUP_DEPTH_MAX: usize = 64;
/// The most groups a user may be in, those reached through others included.
pub const GROUPS_MAX: usize = 1_000;

/// Users and groups that hold the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// Its identifier.
    pub id: String,
    /// Its name, unique in the tenant, in lower case: an element of `$actor.groups` in rules.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A group to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its name, as a user's.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A user or a group that is in a group, by id or name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GroupMember {
    /// A user.
    User(String),
    /// A group, all of whose members are members too.
    Group(String),
}

impl GroupMember {
    /// Its id or name.
    pub fn id(&self) -> &str {
        match self {
            Self::User(named) | Self::Group(named) => named,
        }
    }
}

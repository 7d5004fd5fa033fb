//! What roles are held, by whom, over what.

use serde::{Deserialize, Serialize};

use super::GroupMember;
use crate::{ApiName, Key, Timestamp};

/// A role that a user or a group holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Assignment {
    /// Its identifier.
    pub id: String,
    /// Who holds it, by id.
    pub holder: GroupMember,
    /// The role.
    pub role: ApiName,
    /// The type of the objects it is held over; everything of the tenant when absent.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub object_type: Option<ApiName>,
    /// The one object it is held over; all of the type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A role to be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAssignment {
    /// Who is to hold it, by id or name.
    pub holder: GroupMember,
    /// The role, one of the policy.
    pub role: ApiName,
    /// The type of the objects it is to be held over; everything of the tenant when left out.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub object_type: Option<ApiName>,
    /// The one object it is to be held over; all of the type when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Until when; for good when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl NewAssignment {
    /// A role over everything of the tenant, for good.
    pub fn of(holder: GroupMember, role: ApiName) -> Self {
        Self { holder, role, object_type: None, key: None, expires_at: None }
    }
}

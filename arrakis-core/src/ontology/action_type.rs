//! Action types: what an application lets its users do.

use serde::{Deserialize, Serialize};

use super::{NewConstraint, NewDataType, Status};
use crate::ApiName;

/// A kind of action, as the file states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewActionType {
    /// Its name.
    pub name: ApiName,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the caller gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<NewParameter>,
    /// Its status.
    #[serde(default, skip_serializing_if = "Status::is_active")]
    pub status: Status,
}

/// What the caller of an action gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewParameter {
    /// Its name.
    pub name: ApiName,
    /// Its type, when it is a value.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<NewDataType>,
    /// The object type or interface, when it is an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ApiName>,
    /// What it obeys beyond its type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<NewConstraint>,
    /// Whether the action is refused without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// A kind of action, resolved.
#[derive(Debug)]
pub struct ActionType {
    /// Its name.
    pub api_name: ApiName,
    /// Its status.
    pub status: Status,
}

impl NewActionType {
    /// Whether some parameter is an object of the type or of the interface.
    pub(super) fn acts_on(&self, object_type: &ApiName, interface: &ApiName) -> bool {
        self.parameters
            .iter()
            .filter_map(|parameter| parameter.object.as_ref())
            .any(|name| name == object_type || name == interface)
    }
}

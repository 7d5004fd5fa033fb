//! The identities of elements: numbers given once, kept through renames, never given again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ApiName;

/// The identities of a space's elements, carried from version to version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbering {
    /// The next object type's number.
    pub next_object_type: u32,
    /// The next link type's number.
    pub next_link_type: u32,
    /// Object types by name.
    pub object_types: BTreeMap<ApiName, ElementNumbers>,
    /// Link types by name.
    pub link_types: BTreeMap<ApiName, ElementNumbers>,
    /// Paths of deleted elements, whose names may not come back: a reader of old data would mistake one for the other.
    pub retired: BTreeSet<String>,
}

/// The identities of an object or link type and its properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementNumbers {
    /// The type's number.
    pub id: u32,
    /// The next property's number.
    pub next_property: u32,
    /// The next column's number.
    pub next_column: u32,
    /// Property name to number and column.
    pub properties: BTreeMap<ApiName, (u32, u32)>,
}

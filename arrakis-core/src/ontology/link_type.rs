//! Link types, resolved.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Property, Status};
use crate::{ApiName, Error, LinkTypeId, ObjectTypeId, Result};

/// An end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Where the link starts.
    Source,
    /// Where it leads.
    Target,
}

impl End {
    /// The other end.
    #[must_use]
    pub const fn far(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }
}

/// How many objects one object is linked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cardinality {
    /// At most one.
    One,
    /// Any number.
    Many,
}

/// A kind of link between objects of two types, or of one.
#[derive(Debug)]
pub struct LinkType {
    /// Its identity, kept through renames.
    pub id: LinkTypeId,
    /// Its name in this version.
    pub api_name: ApiName,
    /// The end it starts at.
    pub source: LinkSide,
    /// The end it leads to.
    pub target: LinkSide,
    /// Where the links are kept.
    pub backing: Backing,
    /// Properties of each link; empty for a foreign-key backing.
    pub properties: Vec<Property>,
    /// The names of `properties`.
    pub names: Arc<[ApiName]>,
    /// What happens to links, or to the objects holding them, when a linked object is deleted.
    pub on_delete: OnDelete,
    /// Its status.
    pub status: Status,
    pub(super) by_name: HashMap<ApiName, usize>,
}

/// One end of a link type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSide {
    /// The type of the objects at this end.
    pub object_type: ObjectTypeId,
    /// What an object at this end calls the far end, as in an airport's `destinations`.
    pub api_name: ApiName,
    /// How many objects at the far end one object at this end is linked to.
    pub cardinality: Cardinality,
}

/// Where links are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backing {
    /// In a property of the object at one end, which names the key of the object at the far end.
    ForeignKey {
        /// The end whose object holds the property.
        holder: End,
        /// The index of the property in the holder's type.
        property: usize,
    },
    /// In a table of their own.
    Join,
}

/// What happens when a linked object is deleted. For a foreign key: when the object it names is; for a join table: at either end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The deletion is refused while links exist.
    #[default]
    Restrict,
    /// The links go: join-table links are deleted, foreign keys set to null.
    Unlink,
    /// The holders of the foreign key are deleted too.
    Cascade,
}

impl LinkType {
    /// The side at an end.
    pub const fn side(&self, end: End) -> &LinkSide {
        match end {
            End::Source => &self.source,
            End::Target => &self.target,
        }
    }

    /// A link property by name, with its index.
    ///
    /// # Errors
    /// `kernel.property.unknown`, naming the property and the link type.
    pub fn property(&self, name: &str) -> Result<(usize, &Property)> {
        self.by_name.get(name).and_then(|&index| Some((index, self.properties.get(index)?))).ok_or_else(|| {
            Error::invalid("kernel.property.unknown", "the link type has no such property")
                .with("property", name)
                .with("link_type", &self.api_name)
        })
    }

    /// Whether both ends are of one type, so that links can be followed repeatedly.
    pub fn is_homogeneous(&self) -> bool {
        self.source.object_type == self.target.object_type
    }
}

//! Links: those at one object, and those by their ends.

use serde::{Deserialize, Serialize};

use super::{AsOf, Filter, Link, Object, PageRequest};
use crate::{Key, Seq};

/// The most links a [`GetLinks`] names.
pub const LINK_ENDS_MAX: usize = 1_000;

/// A page of the links at one object, by far key, with the objects at their far ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Neighbours {
    /// The object's type.
    #[serde(rename = "type")]
    pub object_type: String,
    /// The object's key.
    pub key: Key,
    /// What it calls the far end.
    pub link: String,
    /// What the links satisfy: a filter on their properties.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub link_where: Option<Filter>,
    /// Which page.
    #[serde(default)]
    pub page: PageRequest,
    /// Which state is read; the current one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// The commit the answer must have seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Seq>,
}

/// A link and the object at its far end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Neighbour {
    /// The link.
    pub link: Link,
    /// The object at its far end.
    pub object: Object,
}

/// A page of neighbours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct NeighbourPage {
    /// The neighbours, by key.
    pub neighbours: Vec<Neighbour>,
    /// The cursor of the next page; `None` after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The newest commit the page has seen, or the one it is as of.
    pub seq: Seq,
}

/// Links of one type by their ends, up to [`LINK_ENDS_MAX`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetLinks {
    /// Their type.
    #[serde(rename = "type")]
    pub link_type: String,
    /// Their ends.
    pub ends: Vec<LinkEnds>,
    /// Which state is read; the current one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// The commit the answer must have seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Seq>,
}

/// The keys at both ends of a link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkEnds {
    /// The key at the source end.
    pub source: Key,
    /// The key at the target end.
    pub target: Key,
}

/// Links by their ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Links {
    /// One per pair of ends, in the order asked; `None` for each that is absent.
    pub links: Vec<Option<Link>>,
    /// The newest commit the answer has seen, or the one it is as of.
    pub seq: Seq,
}

impl Neighbours {
    /// The first page of the links at an object, as they are now.
    pub fn of(object_type: impl Into<String>, key: impl Into<Key>, link: impl Into<String>) -> Self {
        Self {
            object_type: object_type.into(),
            key: key.into(),
            link: link.into(),
            link_where: None,
            page: PageRequest::default(),
            as_of: None,
            at_least: None,
        }
    }
}

impl GetLinks {
    /// Links as they are now.
    pub fn of(link_type: impl Into<String>, ends: Vec<LinkEnds>) -> Self {
        Self { link_type: link_type.into(), ends, as_of: None, at_least: None }
    }
}

impl LinkEnds {
    /// The ends of a link.
    pub fn new(source: impl Into<Key>, target: impl Into<Key>) -> Self {
        Self { source: source.into(), target: target.into() }
    }
}

impl<S: Into<Key>, T: Into<Key>> From<(S, T)> for LinkEnds {
    fn from((source, target): (S, T)) -> Self {
        Self::new(source, target)
    }
}

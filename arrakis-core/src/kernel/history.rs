//! The versions of an object or a link.

use serde::{Deserialize, Serialize};

use super::Version;
use crate::{Key, Seq};

/// The versions of one object or link, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct History {
    /// Whose.
    pub of: Subject,
    /// Only versions written after this commit.
    #[serde(default)]
    pub after: Seq,
    /// How many, 1 to [`super::PAGE_SIZE_MAX`]; [`super::PAGE_SIZE_DEFAULT`] when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Whether each version tells what it changed, property by property.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub diff: bool,
    /// The commit the answer must have seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Seq>,
}

/// What has a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(rename = "HistorySubject"))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// An object.
    Object {
        /// Its type.
        #[serde(rename = "type")]
        object_type: String,
        /// Its key.
        key: Key,
    },
    /// A link kept in a table of its own. One that a property holds has its holder's history.
    Link {
        /// Its type.
        #[serde(rename = "type")]
        link_type: String,
        /// The key at the source end.
        source: Key,
        /// The key at the target end.
        target: Key,
    },
}

/// Versions of an object or link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Versions {
    /// The versions, oldest first; none when it never existed.
    pub versions: Vec<Version>,
    /// What `after` takes to go on; `None` when there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Seq>,
    /// The newest commit the answer has seen.
    pub seq: Seq,
}

impl History {
    /// The history of an object.
    pub fn of_object(object_type: impl Into<String>, key: impl Into<Key>) -> Self {
        Self::of(Subject::Object { object_type: object_type.into(), key: key.into() })
    }

    /// The history of a link.
    pub fn of_link(link_type: impl Into<String>, source: impl Into<Key>, target: impl Into<Key>) -> Self {
        Self::of(Subject::Link { link_type: link_type.into(), source: source.into(), target: target.into() })
    }

    /// With what each version changed.
    #[must_use]
    pub const fn with_diff(mut self) -> Self {
        self.diff = true;
        self
    }

    const fn of(of: Subject) -> Self {
        Self { of, after: Seq(0), limit: None, diff: false, at_least: None }
    }
}

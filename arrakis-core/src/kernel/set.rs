//! Object sets as callers state them: a closed algebra.

use serde::{Deserialize, Serialize};

use super::Filter;
use crate::Key;

/// The most sets a set is made of, itself included.
pub const SET_NODES_MAX: usize = 100;
/// How deep sets nest.
pub const SET_DEPTH_MAX: usize = 16;
/// The most keys an [`ObjectSet::Ids`] or a [`super::GetObjects`] names.
pub const KEYS_MAX: usize = 10_000;

/// A set of objects of one type, or of the types that implement one interface.
///
/// ```
/// use arrakis_core::kernel::{Filter, ObjectSet};
///
/// let reached = ObjectSet::ids("Airport", ["SFO"]).traverse("destinations").filter(Filter::eq("state", "CA"));
/// assert_eq!(
///     serde_json::to_string(&reached)?,
///     r#"{"filter":{"from":{"traverse":{"from":{"ids":{"type":"Airport","keys":["SFO"]}},"link":"destinations"}},"#.to_owned()
///         + r#""where":{"eq":{"property":"state","value":"CA"}}}}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ObjectSet {
    /// Every object of a type.
    Type(String),
    /// Every object of every type that implements an interface.
    Interface(String),
    /// Those of these objects that exist.
    Ids {
        /// Their type.
        #[serde(rename = "type")]
        object_type: String,
        /// Their keys.
        keys: Vec<Key>,
    },
    /// The objects of a set that satisfy a filter.
    Filter {
        /// The set.
        from: Box<ObjectSet>,
        /// The filter.
        #[serde(rename = "where")]
        filter: Filter,
    },
    /// The objects in any of the sets, each once.
    Union(Vec<ObjectSet>),
    /// The objects in all of the sets.
    Intersect(Vec<ObjectSet>),
    /// The objects in the first set and not in the second.
    Subtract(Box<ObjectSet>, Box<ObjectSet>),
    /// The objects linked to those of a set.
    Traverse(Box<Walk>),
}

/// A walk along links from the objects of a set. The objects at its ends are the result, each once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Walk {
    /// Where it starts.
    pub from: ObjectSet,
    /// What an object it starts from calls the far end of the links.
    pub link: String,
    /// Which way it goes.
    #[serde(default, skip_serializing_if = "is_forward")]
    pub direction: Direction,
    /// The fewest links, at least 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub min: u32,
    /// The most links, at most [`super::TRAVERSE_HOPS_MAX`]; more than 1 only along links that join objects of one type.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub max: u32,
    /// What every link walked satisfies: a filter on the link's properties.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub link_where: Option<Filter>,
}

/// Which way a walk goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the end the link names.
    #[default]
    Forward,
    /// To either end; only along links that join objects of one type.
    Either,
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
const fn is_one(hops: &u32) -> bool {
    *hops == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
fn is_forward(direction: &Direction) -> bool {
    *direction == Direction::Forward
}

impl ObjectSet {
    /// Every object of a type.
    pub fn of(object_type: impl Into<String>) -> Self {
        Self::Type(object_type.into())
    }

    /// Every object of every type that implements an interface.
    pub fn implementing(interface: impl Into<String>) -> Self {
        Self::Interface(interface.into())
    }

    /// Those of these objects that exist.
    pub fn ids<K: Into<Key>>(object_type: impl Into<String>, keys: impl IntoIterator<Item = K>) -> Self {
        Self::Ids { object_type: object_type.into(), keys: keys.into_iter().map(Into::into).collect() }
    }

    /// The objects of this set that satisfy a filter, or its AIP-160 text.
    #[must_use]
    pub fn filter(self, filter: impl Into<Filter>) -> Self {
        Self::Filter { from: Box::new(self), filter: filter.into() }
    }

    /// The objects in this set or another.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self::Union(vec![self, other])
    }

    /// The objects in this set and another.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self::Intersect(vec![self, other])
    }

    /// The objects in this set and not in another.
    #[must_use]
    pub fn subtract(self, other: Self) -> Self {
        Self::Subtract(Box::new(self), Box::new(other))
    }

    /// The objects one link away.
    #[must_use]
    pub fn traverse(self, link: impl Into<String>) -> Self {
        Self::walk(Walk::from(self, link))
    }

    /// The objects at the ends of a walk.
    pub fn walk(walk: Walk) -> Self {
        Self::Traverse(Box::new(walk))
    }
}

impl Walk {
    /// One link forward.
    pub fn from(from: ObjectSet, link: impl Into<String>) -> Self {
        Self { from, link: link.into(), direction: Direction::Forward, min: 1, max: 1, link_where: None }
    }

    /// Of so many links.
    #[must_use]
    pub fn hops(mut self, min: u32, max: u32) -> Self {
        (self.min, self.max) = (min, max);
        self
    }

    /// To either end.
    #[must_use]
    pub fn either(mut self) -> Self {
        self.direction = Direction::Either;
        self
    }

    /// Along links that satisfy a filter.
    #[must_use]
    pub fn along(mut self, link_where: impl Into<Filter>) -> Self {
        self.link_where = Some(link_where.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_forms_read_and_print_alike() {
        let airports = || ObjectSet::of("Airport");
        for (json, set) in [
            (json!({ "type": "Airport" }), airports()),
            (json!({ "interface": "Located" }), ObjectSet::implementing("Located")),
            (
                json!({ "ids": { "type": "Airport", "keys": ["SFO", 7] } }),
                ObjectSet::ids("Airport", [Key::from("SFO"), Key::from(7)]),
            ),
            (
                json!({ "filter": { "from": { "type": "Airport" }, "where": "state = CA" } }),
                airports().filter("state = CA"),
            ),
            (json!({ "union": [{ "type": "Airport" }, { "type": "Airport" }] }), airports().union(airports())),
            (json!({ "intersect": [] }), ObjectSet::Intersect(Vec::new())),
            (json!({ "subtract": [{ "type": "Airport" }, { "type": "Airport" }] }), airports().subtract(airports())),
            (
                json!({ "traverse": { "from": { "type": "Airport" }, "link": "destinations", "direction": "either", "max": 2, "where": "flights > 1" } }),
                ObjectSet::walk(Walk::from(airports(), "destinations").hops(1, 2).either().along("flights > 1")),
            ),
        ] {
            assert_eq!(serde_json::from_value::<ObjectSet>(json.clone()).unwrap(), set);
            assert_eq!(serde_json::to_value(&set).unwrap(), json);
        }
    }

    #[test]
    fn what_is_not_of_the_algebra_is_refused() {
        for json in [
            json!({ "type": "Airport", "where": "a = 1" }),
            json!({ "filter": { "from": { "type": "Airport" } } }),
            json!({ "filter": { "from": { "type": "Airport" }, "where": "a = 1", "limit": 1 } }),
            json!({ "subtract": [{ "type": "Airport" }] }),
            json!({ "traverse": { "from": { "type": "Airport" }, "link": "x", "direction": "backward" } }),
            json!("Airport"),
            json!({}),
        ] {
            let text = json.to_string();
            assert!(serde_json::from_value::<ObjectSet>(json).is_err(), "{text}");
            assert!(serde_json::from_str::<ObjectSet>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn ten_thousand_levels_of_json_are_refused() {
        let deep = |open: &str, close: &str| {
            format!("{}{{\"type\":\"Airport\"}}{}", open.repeat(10_000), close.repeat(10_000))
        };
        for text in [
            deep(r#"{"union":["#, "]}"),
            deep(r#"{"filter":{"from":"#, r#","where":"true"}}"#),
            deep(r#"{"filter":{"from":{"type":"Airport"},"where":{"not":"#, "}}}"),
        ] {
            assert!(serde_json::from_str::<ObjectSet>(&text).is_err());
        }
    }
}

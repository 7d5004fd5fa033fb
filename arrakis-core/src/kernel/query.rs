//! Queries as callers state them, and the pages they are answered with.

use serde::{Deserialize, Serialize};

use super::plan::SortDirection;
use super::{Budget, Object, ObjectSet};
use crate::{Seq, Timestamp};

/// How many results a page has unless another number is asked for.
pub const PAGE_SIZE_DEFAULT: u32 = 100;
/// The most results of a page.
pub const PAGE_SIZE_MAX: u32 = 10_000;
/// The most terms of an order.
pub const ORDER_TERMS_MAX: usize = 8;

/// A page of an object set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The set.
    pub set: ObjectSet,
    /// The properties wanted, in this order; all of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<String>>,
    /// What to order by, up to [`ORDER_TERMS_MAX`] terms. Ties, and what is not ordered, go by type and key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order_by: Vec<OrderBy>,
    /// Which page.
    #[serde(default)]
    pub page: PageRequest,
    /// Which state is read; the current one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// The commit the answer must have seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Seq>,
    /// The most work.
    #[serde(default)]
    pub budget: Budget,
}

/// One term of an order. Absent values are lowest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OrderBy {
    /// The property; in an aggregate, the name of a group key or metric.
    pub property: String,
    /// Which way.
    #[serde(default)]
    pub direction: SortDirection,
}

/// Which page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PageRequest {
    /// How many results, 1 to [`PAGE_SIZE_MAX`]; [`PAGE_SIZE_DEFAULT`] when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Where the page before ended: its `next`. The walk reads the state its first page read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A past state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "the number of a commit, or an RFC 3339 timestamp")]
pub enum AsOf {
    /// Right after this commit.
    Seq(Seq),
    /// At this instant: right after the newest commit at or before it.
    Time(Timestamp),
}

/// A page of objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Page {
    /// The objects, in order.
    pub objects: Vec<Object>,
    /// The cursor of the next page; `None` after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The newest commit the page has seen, or the one it is as of.
    pub seq: Seq,
}

impl OrderBy {
    /// Smallest first.
    pub fn asc(property: impl Into<String>) -> Self {
        Self { property: property.into(), direction: SortDirection::Asc }
    }

    /// Largest first.
    pub fn desc(property: impl Into<String>) -> Self {
        Self { property: property.into(), direction: SortDirection::Desc }
    }
}

impl From<Seq> for AsOf {
    fn from(seq: Seq) -> Self {
        Self::Seq(seq)
    }
}

impl From<Timestamp> for AsOf {
    fn from(at: Timestamp) -> Self {
        Self::Time(at)
    }
}

impl Query {
    /// The first page of a set, by key, with every property.
    pub fn of(set: ObjectSet) -> Self {
        Self {
            set,
            select: None,
            order_by: Vec::new(),
            page: PageRequest::default(),
            as_of: None,
            at_least: None,
            budget: Budget::default(),
        }
    }

    /// Only these properties, in this order.
    #[must_use]
    pub fn select<P: Into<String>>(mut self, properties: impl IntoIterator<Item = P>) -> Self {
        self.select = Some(properties.into_iter().map(Into::into).collect());
        self
    }

    /// In this order, after the terms given before.
    #[must_use]
    pub fn order_by(mut self, term: OrderBy) -> Self {
        self.order_by.push(term);
        self
    }

    /// So many objects a page.
    #[must_use]
    pub fn page_size(mut self, size: u32) -> Self {
        self.page.size = Some(size);
        self
    }

    /// The page after the one that gave this cursor.
    #[must_use]
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.page.cursor = Some(cursor.into());
        self
    }

    /// Of a past state.
    #[must_use]
    pub fn as_of(mut self, as_of: impl Into<AsOf>) -> Self {
        self.as_of = Some(as_of.into());
        self
    }

    /// Refused beyond so much work.
    #[must_use]
    pub const fn within(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_member_reads_and_unknown_ones_are_refused() {
        let json = json!({
            "set": { "type": "Airport" }, "select": ["iata"], "order_by": [{ "property": "name", "direction": "desc" }],
            "page": { "size": 5, "cursor": "x" }, "as_of": "2026-11-22T19:16:31.000000Z", "at_least": 7, "budget": { "rows": 9, "ms": 10 }
        });
        let query: Query = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(query.as_of, Some(AsOf::Time("2026-11-22T19:16:31Z".parse().unwrap())));
        assert_eq!(serde_json::to_value(&query).unwrap(), json);
        let member = |name: &str, value| {
            let mut json = json.clone();
            json[name] = value;
            serde_json::from_value::<Query>(json)
        };
        assert_eq!(member("as_of", json!(3)).unwrap().as_of, Some(AsOf::Seq(Seq(3))));
        for (name, value) in [
            ("as_of", json!(-1)),
            ("limit", json!(1)),
            ("budget", json!({ "time": 1 })),
            ("page", json!({ "number": 1 })),
        ] {
            assert!(member(name, value).is_err(), "{name}");
        }
    }
}

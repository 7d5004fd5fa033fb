//! Aggregates as callers state them, and the groups they are answered with.

mod finish;
mod ratio;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

pub(super) use self::finish::{Columns, Finish, KeyColumn, MetricColumn};
use super::plan::{MeasureFunction, TimeUnit};
use super::{AsOf, Budget, Filter, ObjectSet, OrderBy, Properties};
use crate::Seq;

/// The most group keys.
pub const GROUP_KEYS_MAX: usize = 8;
/// The most ranges of one group key.
pub const RANGES_MAX: usize = 1_000;
/// The most metrics.
pub const METRICS_MAX: usize = 32;
/// The most groups; an aggregate that has more is refused, whatever its `limit`.
pub const AGGREGATE_GROUPS_MAX: usize = 100_000;

/// Groups of a set and measures over them.
///
/// A property is `flights`, the objects' own, or over links `destinations.flights`, a property of the links, and `destinations.key`,
/// the key at their far end. As soon as one is over links each object counts once per link, and those without count not at all; at
/// most one link is named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Aggregate {
    /// The set.
    pub set: ObjectSet,
    /// What to group by; without, the whole set is one group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<GroupBy>,
    /// What to measure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// Which groups are wanted: a filter on the names of group keys and metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub having: Option<Filter>,
    /// The order, by names of group keys and metrics. Ties, and what is not ordered, go by the group keys, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order_by: Vec<OrderBy>,
    /// The first so many groups of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
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

/// What to group by: the value itself, the range or the calendar unit it lies in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupBy {
    /// The property.
    pub property: String,
    /// What the key is called in the answer; the property's own name, a point being an underscore, when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The ranges, up to [`RANGES_MAX`]: a value is in the first that holds it; in none, it is in the group of the absent key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<Range>>,
    /// The calendar unit, UTC, of a date or timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<TimeUnit>,
}

/// A half-open range of values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest value in it; none for no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Json>,
    /// The smallest value above it; none for no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Json>,
}

/// What to measure.
///
/// Sums are exact: of integers, durations and decimals of up to 18 digits, refused with `kernel.aggregate.overflow` where the type
/// cannot hold them; of doubles, rounded once to the nearest, ties to even. An average is a double: of integers, decimals and
/// durations (in seconds) the exact sum over the count, rounded once; of doubles their sum, rounded, over the count. Over no value,
/// `sum`, `avg`, `min` and `max` are absent and counts are 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// What it is called in the answer.
    pub name: String,
    /// What is computed.
    pub function: MeasureFunction,
    /// The property it is computed over; only a count does without, and then counts objects, or links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// Groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Groups {
    /// The groups, in order.
    pub groups: Vec<Group>,
    /// How many groups there were before `limit`.
    pub total: u64,
    /// The newest commit the answer has seen, or the one it is as of.
    pub seq: Seq,
}

/// A group. Absent keys and metrics are `null` in JSON; the key of a range is its `from` and `to`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(rename = "AggregateGroup"))]
pub struct Group {
    /// Its keys by name.
    #[serde(serialize_with = "serialize_whole")]
    pub keys: Properties,
    /// Its metrics by name.
    #[serde(serialize_with = "serialize_whole")]
    pub metrics: Properties,
}

fn serialize_whole<S: Serializer>(properties: &Properties, serializer: S) -> Result<S::Ok, S::Error> {
    if !serializer.is_human_readable() {
        return properties.serialize_exact(serializer);
    }
    let mut map = serializer.serialize_map(Some(properties.iter().len()))?;
    for (name, value) in properties.iter() {
        map.serialize_entry(name, &value.to_json())?;
    }
    map.end()
}

impl Aggregate {
    /// An aggregate over a set, without keys or metrics yet.
    pub fn of(set: ObjectSet) -> Self {
        Self {
            set,
            group_by: Vec::new(),
            metrics: Vec::new(),
            having: None,
            order_by: Vec::new(),
            limit: None,
            as_of: None,
            at_least: None,
            budget: Budget::default(),
        }
    }

    /// Grouped by a property's value, too.
    #[must_use]
    pub fn group_by(mut self, key: impl Into<GroupBy>) -> Self {
        self.group_by.push(key.into());
        self
    }

    /// How many objects, or links, under a name.
    #[must_use]
    pub fn count(mut self, name: impl Into<String>) -> Self {
        self.metrics.push(Metric { name: name.into(), function: MeasureFunction::Count, of: None });
        self
    }

    /// A measure of a property, under a name.
    #[must_use]
    pub fn metric(mut self, name: impl Into<String>, function: MeasureFunction, of: impl Into<String>) -> Self {
        self.metrics.push(Metric { name: name.into(), function, of: Some(of.into()) });
        self
    }

    /// Only groups that satisfy a filter.
    #[must_use]
    pub fn having(mut self, filter: impl Into<Filter>) -> Self {
        self.having = Some(filter.into());
        self
    }

    /// In this order, after the terms given before.
    #[must_use]
    pub fn order_by(mut self, term: OrderBy) -> Self {
        self.order_by.push(term);
        self
    }

    /// Only the first so many groups.
    #[must_use]
    pub const fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl From<&str> for GroupBy {
    fn from(property: &str) -> Self {
        Self { property: property.to_owned(), ..Self::default() }
    }
}

impl GroupBy {
    /// By the calendar unit a property lies in.
    pub fn bucket(property: impl Into<String>, unit: TimeUnit) -> Self {
        Self { property: property.into(), bucket: Some(unit), ..Self::default() }
    }

    /// By the range a property lies in.
    pub fn ranges(property: impl Into<String>, ranges: Vec<Range>) -> Self {
        Self { property: property.into(), ranges: Some(ranges), ..Self::default() }
    }
}

//! Requests resolved against a schema: what stores execute. No names left to look up, every value typed.
//!
//! A set of objects is split by concrete type into branches; within a branch every set operation is a condition on one row, so the
//! algebra is closed and compiles to one `WHERE`.

use std::sync::Arc;

use crate::kernel::Budget;
use crate::ontology::{End, LinkType, ObjectType};
use crate::{ApiName, Geopoint, Key, ObjectTypeId, Seq, Value};

/// A set of objects of one type.
#[derive(Clone, Debug)]
pub enum Rel {
    /// Every object of the type.
    All,
    /// None.
    Nothing,
    /// Those with these keys.
    Keys(Vec<Key>),
    /// Those of the inner set that satisfy the predicate.
    Filter(Box<Rel>, Predicate),
    /// Those in any of the sets.
    Union(Vec<Rel>),
    /// Those in all of the sets.
    Intersect(Vec<Rel>),
    /// Those in the first set and not in the second.
    Subtract(Box<Rel>, Box<Rel>),
    /// Those linked to an object of another set.
    Traverse(Box<Traverse>),
}

/// The objects reached from a set by links: those at the end of a walk of `min..=max` links. A walk may return to where it was.
#[derive(Clone, Debug)]
pub struct Traverse {
    /// The type walked from.
    pub from_type: Arc<ObjectType>,
    /// The set walked from.
    pub from: Rel,
    /// The links walked.
    pub link_type: Arc<LinkType>,
    /// The end the `from` objects are at.
    pub end: End,
    /// Whether links are walked from both ends; only where both ends are of one type.
    pub either: bool,
    /// The fewest links, at least 1.
    pub min: u32,
    /// The most links, at most [`crate::kernel::TRAVERSE_HOPS_MAX`]; 1 unless both ends are of one type.
    pub max: u32,
    /// What every link walked satisfies: a predicate over the link's properties.
    pub edge: Option<Predicate>,
}

/// A condition on a row. Two-valued: a comparison with an absent value is false, whatever the operator; `Not` is the complement.
///
/// `usize` are indexes into the properties of the row's object type, or of its link type for a predicate over a link.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// All hold; true when empty.
    And(Vec<Predicate>),
    /// At least one holds; false when empty.
    Or(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// The property compares so with the value, which is present. `Eq` and `Ne` on any scalar, the others on ordered types.
    Compare(usize, Comparison, Value),
    /// The property equals one of the values, all present.
    In(usize, Vec<Value>),
    /// The property is absent.
    IsNull(usize),
    /// The text matches, byte for byte.
    Text(usize, TextMatch, Arc<str>),
    /// The array has an element equal to the value.
    ArrayContains(usize, Value),
    /// The position lies in the area.
    Within(usize, Area),
    /// The object is linked to at least one that fits.
    Has(Box<HasLink>),
}

/// How a property compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Present and not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

/// How a text matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextMatch {
    /// The text occurs in it.
    Contains,
    /// It starts with the text.
    StartsWith,
    /// It ends with the text.
    EndsWith,
}

/// A part of the earth's surface.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Area {
    /// Within a distance of a point, by [`Geopoint::distance_m`].
    Circle {
        /// The centre.
        center: Geopoint,
        /// The greatest distance, metres.
        radius_m: f64,
    },
    /// Between two parallels and two meridians, all included. A box whose west lies east of its east crosses the antimeridian.
    Box {
        /// Degrees north.
        south: f64,
        /// Degrees east.
        west: f64,
        /// Degrees north.
        north: f64,
        /// Degrees east.
        east: f64,
    },
}

/// A condition on an object's links.
#[derive(Clone, Debug)]
pub struct HasLink {
    /// The links.
    pub link_type: Arc<LinkType>,
    /// The end the object is at.
    pub end: End,
    /// The type at the far end.
    pub far_type: Arc<ObjectType>,
    /// What the link satisfies: a predicate over the link's properties.
    pub edge: Option<Predicate>,
    /// What the far object satisfies.
    pub far: Option<Predicate>,
}

/// The part of a query that one object type answers.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The type.
    pub object_type: Arc<ObjectType>,
    /// Which of its objects.
    pub rel: Rel,
    /// For each output name, the index of the type's property.
    pub output: Vec<usize>,
    /// For each order term, the index of the type's property.
    pub order: Vec<usize>,
}

/// A page of a set.
#[derive(Clone, Debug)]
pub struct QueryPlan {
    /// One branch per concrete type, by ascending type id. All have outputs and order terms of the same types.
    pub branches: Vec<Branch>,
    /// The output names.
    pub names: Arc<[ApiName]>,
    /// The directions of the order terms. Ties are broken by type id, then key, both in the direction of the last term
    /// (ascending when there is none).
    pub order: Vec<SortDirection>,
    /// Start after this position.
    pub after: Option<Position>,
    /// The most objects to return.
    pub limit: u32,
    /// As of this commit; `None` for now.
    pub at: Option<Seq>,
    /// Refuse rather than work beyond this.
    pub budget: Budget,
}

/// Which way a sort runs. Absent values are lowest: first ascending, last descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SortDirection {
    /// Smallest first.
    #[default]
    Asc,
    /// Largest first.
    Desc,
}

/// The place of an object in an order: what a keyset cursor holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// The object's values of the order terms.
    pub values: Vec<Value>,
    /// Its type.
    pub object_type: ObjectTypeId,
    /// Its key.
    pub key: Key,
}

/// Groups and measures over a set.
#[derive(Clone, Debug)]
pub struct AggregatePlan {
    /// One branch per concrete type, by ascending type id.
    pub branches: Vec<AggregateBranch>,
    /// What the stores accumulate per group: for each measure its function. `Avg` is accumulated as a sum with its count.
    pub measures: Vec<MeasureFunction>,
    /// As of this commit; `None` for now.
    pub at: Option<Seq>,
    /// Refuse rather than work beyond this.
    pub budget: Budget,
}

/// The part of an aggregate that one object type answers.
#[derive(Clone, Debug)]
pub struct AggregateBranch {
    /// The type.
    pub object_type: Arc<ObjectType>,
    /// Which of its objects.
    pub rel: Rel,
    /// When given, each object counts once per link instead of once.
    pub over: Option<Over>,
    /// The group keys.
    pub groups: Vec<GroupKey>,
    /// For each measure, what is measured; `None` counts rows.
    pub operands: Vec<Option<Operand>>,
}

/// The links an aggregate unfolds.
#[derive(Clone, Debug)]
pub struct Over {
    /// The links.
    pub link_type: Arc<LinkType>,
    /// The end the objects are at.
    pub end: End,
    /// The type at the far end.
    pub far_type: Arc<ObjectType>,
}

/// Where a value of an aggregate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A property of the object.
    Property(usize),
    /// A property of the link unfolded.
    LinkProperty(usize),
    /// The key at the far end of the link unfolded.
    FarKey,
}

/// What rows are grouped by.
#[derive(Clone, Debug)]
pub enum GroupKey {
    /// The value itself.
    Exact(Operand),
    /// The first of the half-open ranges `[from, to)` that holds the value, numbered from 0. Rows in none, and absent values, are
    /// in the group of the absent key.
    Ranges(Operand, Vec<(Option<Value>, Option<Value>)>),
    /// The start of the calendar unit the date or timestamp lies in, UTC, of the operand's own type.
    Bucket(Operand, TimeUnit),
}

/// A calendar unit; weeks start on Monday (ISO 8601).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Sixty minutes.
    Hour,
    /// A day.
    Day,
    /// Seven days from Monday.
    Week,
    /// A calendar month.
    Month,
    /// Three months from January, April, July or October.
    Quarter,
    /// A calendar year.
    Year,
}

/// What is computed over the rows of a group. Absent values do not count, but for `Count` without an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MeasureFunction {
    /// How many rows, or how many present values.
    Count,
    /// Their exact sum: integers and decimals without rounding, doubles as the exact sum rounded once.
    Sum,
    /// Their sum over their count.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// How many different values.
    CountDistinct,
}

/// One group as a store accumulates it. Order, `having` and limits are applied by the kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct RawGroup {
    /// One value per group key; a range is its number as an integer.
    pub keys: Vec<Value>,
    /// One accumulator per measure.
    pub accumulators: Vec<Accumulator>,
}

/// What a store accumulates for a measure.
#[derive(Clone, Debug, PartialEq)]
pub enum Accumulator {
    /// For `Count` and `CountDistinct`.
    Count(u64),
    /// For `Sum` and `Avg` over integers, decimals (unscaled) and durations (microseconds): the exact sum and how many.
    Exact(i128, u64),
    /// For `Sum` and `Avg` over doubles: the exact sum rounded once to the nearest double, ties to even, and how many.
    Double(f64, u64),
    /// For `Min` and `Max`; `Null` when there was no value.
    Value(Value),
}

/// Links at one object.
#[derive(Clone, Debug)]
pub struct LinksPlan {
    /// The links, of either backing.
    pub link_type: Arc<LinkType>,
    /// The type that holds the foreign key, for such a backing.
    pub holder_type: Option<Arc<ObjectType>>,
    /// The end the object is at.
    pub end: End,
    /// The object.
    pub key: Key,
    /// Only links to these far keys.
    pub far: Option<Vec<Key>>,
    /// Only links whose properties satisfy this.
    pub edge: Option<Predicate>,
    /// Start after this far key.
    pub after: Option<Key>,
    /// The most links, ordered by far key.
    pub limit: u32,
    /// As of this commit; `None` for now.
    pub at: Option<Seq>,
}

/// The versions of one object or join-table link.
#[derive(Clone, Debug)]
pub struct HistoryPlan {
    /// Whose.
    pub subject: HistorySubject,
    /// Only versions written after this commit.
    pub after: Seq,
    /// The most versions, oldest first.
    pub limit: u32,
}

/// What has a history.
#[derive(Clone, Debug)]
pub enum HistorySubject {
    /// An object.
    Object(Arc<ObjectType>, Key),
    /// A join-table link: type, source key, target key.
    Link(Arc<LinkType>, Key, Key),
}

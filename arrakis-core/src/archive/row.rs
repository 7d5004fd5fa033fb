//! Rows in plain values.

use crate::{BaseType, Key, Seq, TenantId, Value, canonical_json};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellKind {
    /// Booleans as 0 and 1, integers, unscaled decimals, days, microseconds.
    Integer,
    /// Doubles and degrees.
    Real,
    /// Text, and the canonical JSON of composite values.
    Text,
    /// Single-precision vectors, little-endian.
    Blob,
}

impl CellKind {
    /// What a column of a type holds; a geopoint takes two such columns.
    pub const fn of(base: &BaseType) -> Self {
        match base {
            BaseType::Boolean
            | BaseType::Integer
            | BaseType::Decimal { .. }
            | BaseType::Date
            | BaseType::Timestamp
            | BaseType::Duration => Self::Integer,
            BaseType::Double | BaseType::Geopoint => Self::Real,
            BaseType::String | BaseType::Attachment | BaseType::Json | BaseType::Array(_) | BaseType::Struct(_) => {
                Self::Text
            }
            BaseType::Vector { .. } => Self::Blob,
        }
    }
}

/// What one column of one row holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    /// Nothing.
    #[default]
    Null,
    /// See [`CellKind::Integer`].
    Integer(i64),
    /// See [`CellKind::Real`].
    Real(f64),
    /// See [`CellKind::Text`].
    Text(String),
    /// See [`CellKind::Blob`].
    Blob(Vec<u8>),
}

impl Cell {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Null | Self::Integer(_) | Self::Real(_) => 0,
                Self::Text(text) => text.len(),
                Self::Blob(bytes) => bytes.len(),
            }
    }
}

/// Which rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Those that are.
    Current,
    /// The versions that were, each with the commit that ended it.
    Superseded,
}

/// A version of an object or a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whose it is.
    pub tenant: TenantId,
    /// The object's key, or the key of the link's source.
    pub key: Key,
    /// The key of the link's target; none for an object.
    pub target: Option<Key>,
    /// The commit that made the version.
    pub from: Seq,
    /// The commit that ended it; none for a current row.
    pub to: Option<Seq>,
    /// What its columns hold, in the order of [`super::TableOutline::columns`].
    pub cells: Vec<Cell>,
}

impl Row {
    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.cells.iter().map(Cell::bytes).sum::<usize>()
    }
}

/// What a value of a type is in its column, or in its two columns where the type takes two.
pub fn cells(value: &Value, base: &BaseType) -> (Cell, Option<Cell>) {
    let one = |cell| (cell, None);
    match value {
        Value::Null if matches!(base, BaseType::Geopoint) => (Cell::Null, Some(Cell::Null)),
        Value::Null => one(Cell::Null),
        Value::Boolean(value) => one(Cell::Integer(i64::from(*value))),
        Value::Integer(value) => one(Cell::Integer(*value)),
        Value::Double(value) => one(Cell::Real(*value)),
        Value::Decimal(value) => one(Cell::Integer(value.unscaled())),
        Value::String(text) | Value::Attachment(text) => one(Cell::Text(text.as_ref().to_owned())),
        Value::Date(value) => one(Cell::Integer(value.days().into())),
        Value::Timestamp(value) => one(Cell::Integer(value.micros())),
        Value::Duration(value) => one(Cell::Integer(value.micros())),
        Value::Geopoint(point) => (Cell::Real(point.lat), Some(Cell::Real(point.lon))),
        Value::Vector(numbers) => one(Cell::Blob(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())),
        Value::Json(_) | Value::Array(_) | Value::Struct(_) => one(Cell::Text(canonical_json(&value.to_json_as(base)))),
    }
}

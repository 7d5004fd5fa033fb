//! The values properties hold, their types, and their one JSON form.

mod constraint;
mod data_type;
pub(crate) mod exact;
mod json;

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::constraint::{Constraint, Format};
pub use self::data_type::{BaseType, DATA_TYPE_DEPTH_MAX, DataType, Field, VECTOR_DIMENSION_MAX, VectorMetric};
pub(crate) use self::json::check_json;
pub use self::json::{ARRAY_LEN_MAX, JSON_DEPTH_MAX, JSON_INTEGER_MAX, JSON_LEN_MAX, STRING_LEN_MAX, canonical_json};
use crate::{Date, Decimal, Duration, Timestamp};

/// A property's value. `Null` is an absent value: the two are one in Arrakis.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Absent.
    #[default]
    Null,
    /// True or false.
    Boolean(bool),
    /// A 64-bit signed integer.
    Integer(i64),
    /// A finite IEEE 754 double; never NaN, an infinity or negative zero.
    Double(f64),
    /// An exact decimal at its type's scale.
    Decimal(Decimal),
    /// UTF-8 text, ordered by byte.
    String(Arc<str>),
    /// A calendar date.
    Date(Date),
    /// An instant, UTC, microseconds.
    Timestamp(Timestamp),
    /// An elapsed time, microseconds.
    Duration(Duration),
    /// A WGS 84 position.
    Geopoint(Geopoint),
    /// Any JSON, members sorted by name.
    Json(Arc<serde_json::Value>),
    /// A reference to an attachment held elsewhere.
    Attachment(Arc<str>),
    /// An embedding.
    Vector(Arc<[f32]>),
    /// A list of values of one type, none of them absent.
    Array(Vec<Value>),
    /// The fields of a struct, in the order of its type; an absent field is `Null`.
    Struct(Vec<Value>),
}

impl Value {
    /// A text value.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// Whether the value is absent.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// A value in the total order of [`Value::compare`], to be a key in a map.
#[derive(Clone, Debug)]
pub struct Ranked(pub Value);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// A WGS 84 position in degrees: latitude −90 to 90, longitude −180 to 180.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Geopoint {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

/// The mean radius of the earth in metres (IUGG), the sphere distances are measured on.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

impl Geopoint {
    /// Great-circle distance in metres on a sphere of [`EARTH_RADIUS_M`], by the haversine formula.
    pub fn distance_m(self, other: Self) -> f64 {
        let (lat1, lat2) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = ((lat2 - lat1) / 2.0).sin();
        let half_lon = ((other.lon - self.lon).to_radians() / 2.0).sin();
        let chord = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lon * half_lon;
        2.0 * EARTH_RADIUS_M * chord.sqrt().min(1.0).asin()
    }
}

/// The primary key of an object within its type and tenant. Integers order by number, strings by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Key {
    /// An integer key.
    Integer(i64),
    /// A string key of 1 to [`KEY_LEN_MAX`] bytes.
    String(Arc<str>),
}

/// The longest string key, in bytes.
pub const KEY_LEN_MAX: usize = 512;

impl Key {
    /// A string key.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// The key as the value of its primary key property.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Integer(number) => Value::Integer(*number),
            Self::String(text) => Value::String(Arc::clone(text)),
        }
    }

    /// The key a primary key value is, or `None` for a value that cannot be one.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(Self::Integer(*number)),
            Value::String(text) if !text.is_empty() && text.len() <= KEY_LEN_MAX => {
                Some(Self::String(Arc::clone(text)))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::String(text) => f.write_str(text),
        }
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

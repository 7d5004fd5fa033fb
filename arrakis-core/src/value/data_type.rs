//! Types of values, resolved: no names left to look up.

use serde::{Deserialize, Serialize};

use super::Constraint;
use crate::ApiName;

/// How deep structs and arrays nest.
pub const DATA_TYPE_DEPTH_MAX: usize = 4;
/// The most dimensions of a vector.
pub const VECTOR_DIMENSION_MAX: u32 = 16_384;

/// A base type with the constraints its values obey.
#[derive(Clone, Debug, PartialEq)]
pub struct DataType {
    /// The shape of the value.
    pub base: BaseType,
    /// Every constraint holds, in order.
    pub constraints: Vec<Constraint>,
}

impl DataType {
    /// A base type without constraints.
    pub const fn of(base: BaseType) -> Self {
        Self { base, constraints: Vec::new() }
    }
}

/// The shape of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum BaseType {
    /// True or false.
    Boolean,
    /// A 64-bit signed integer.
    Integer,
    /// A finite IEEE 754 double.
    Double,
    /// An exact decimal.
    Decimal {
        /// Digits in all, 1 to 18.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// UTF-8 text.
    String,
    /// A calendar date.
    Date,
    /// An instant.
    Timestamp,
    /// An elapsed time.
    Duration,
    /// A WGS 84 position.
    Geopoint,
    /// Any JSON.
    Json,
    /// A reference to an attachment held elsewhere.
    Attachment,
    /// An embedding.
    Vector {
        /// Numbers in the vector, 1 to [`VECTOR_DIMENSION_MAX`].
        dimension: u32,
        /// How nearness is measured.
        metric: VectorMetric,
        /// The embedding space the numbers come from.
        space: Option<ApiName>,
    },
    /// A list of values of one type.
    Array(Box<DataType>),
    /// Named fields.
    Struct(Vec<Field>),
}

impl BaseType {
    /// The name used in the ontology file.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Decimal { .. } => "decimal",
            Self::String => "string",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Geopoint => "geopoint",
            Self::Json => "json",
            Self::Attachment => "attachment",
            Self::Vector { .. } => "vector",
            Self::Array(_) => "array",
            Self::Struct(_) => "struct",
        }
    }

    /// Whether values compare for equality in filters, group-by and unique rules.
    pub const fn is_scalar(&self) -> bool {
        !matches!(self, Self::Json | Self::Vector { .. } | Self::Array(_) | Self::Struct(_))
    }

    /// Whether values have an order for ranges, sorting, `min` and `max`.
    pub const fn is_ordered(&self) -> bool {
        self.is_scalar() && !matches!(self, Self::Geopoint | Self::Attachment)
    }

    /// Whether values add up for `sum` and `avg`.
    pub const fn is_numeric(&self) -> bool {
        matches!(self, Self::Integer | Self::Double | Self::Decimal { .. } | Self::Duration)
    }

    /// Whether the value is text, for `contains`, `starts_with` and `ends_with`.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::String)
    }
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub api_name: ApiName,
    /// Its type.
    pub data_type: DataType,
    /// Whether a struct without it is refused.
    pub required: bool,
}

/// How the nearness of two vectors is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VectorMetric {
    /// Cosine of the angle.
    Cosine,
    /// Inner product.
    DotProduct,
    /// Straight-line distance.
    Euclidean,
}

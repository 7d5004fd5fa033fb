//! Values as members of a set.

use std::sync::Arc;

use crate::{Value, canonical_json};

/// A value of some one type, equal where it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::kernel) enum Distinct {
    Number(i64),
    Bits(u64, u64),
    Text(Arc<str>),
}

impl Distinct {
    /// `None` for the absent value, which equals nothing.
    pub(in crate::kernel) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Boolean(value) => Self::Number(i64::from(*value)),
            Value::Integer(number) => Self::Number(*number),
            Value::Double(number) => Self::Bits(number.to_bits(), 0),
            Value::Decimal(decimal) => Self::Number(decimal.unscaled()),
            Value::String(text) | Value::Attachment(text) => Self::Text(Arc::clone(text)),
            Value::Date(date) => Self::Number(date.days().into()),
            Value::Timestamp(at) => Self::Number(at.micros()),
            Value::Duration(duration) => Self::Number(duration.micros()),
            Value::Geopoint(point) => Self::Bits(point.lat.to_bits(), point.lon.to_bits()),
            Value::Json(_) | Value::Vector(_) | Value::Array(_) | Value::Struct(_) => {
                Self::Text(canonical_json(&value.to_json()).into())
            }
        })
    }
}

//! Values with their types, as Arrakis's own processes tell each other: in formats that are not for people to read.
//!
//! The JSON form of a value shows its type only to who knows the schema. In a format such as `MessagePack`, properties and keys are therefore written so
//! that they are read as they were, whatever the reader knows.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{BaseType, DataType, Field, Geopoint, Key, Value};
use crate::{ApiName, Date, Decimal, Duration, Timestamp};

/// A value, tagged with its type.
#[derive(Serialize, Deserialize)]
enum Exact {
    #[serde(rename = "n")]
    Null,
    #[serde(rename = "b")]
    Boolean(bool),
    #[serde(rename = "i")]
    Integer(i64),
    #[serde(rename = "f")]
    Double(f64),
    #[serde(rename = "m")]
    Decimal(i64, u8),
    #[serde(rename = "s")]
    String(Arc<str>),
    #[serde(rename = "d")]
    Date(i32),
    #[serde(rename = "t")]
    Timestamp(i64),
    #[serde(rename = "u")]
    Duration(i64),
    #[serde(rename = "g")]
    Geopoint(f64, f64),
    #[serde(rename = "j")]
    Json(Arc<serde_json::Value>),
    #[serde(rename = "r")]
    Attachment(Arc<str>),
    #[serde(rename = "v")]
    Vector(Arc<[f32]>),
    #[serde(rename = "a")]
    Array(Vec<Exact>),
    #[serde(rename = "o")]
    Struct(Vec<Exact>),
}

impl From<&Value> for Exact {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Integer(value) => Self::Integer(*value),
            Value::Double(value) => Self::Double(*value),
            Value::Decimal(value) => Self::Decimal(value.unscaled(), value.scale()),
            Value::String(text) => Self::String(Arc::clone(text)),
            Value::Date(value) => Self::Date(value.days()),
            Value::Timestamp(value) => Self::Timestamp(value.micros()),
            Value::Duration(value) => Self::Duration(value.micros()),
            Value::Geopoint(point) => Self::Geopoint(point.lat, point.lon),
            Value::Json(json) => Self::Json(Arc::clone(json)),
            Value::Attachment(text) => Self::Attachment(Arc::clone(text)),
            Value::Vector(numbers) => Self::Vector(Arc::clone(numbers)),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Struct(fields) => Self::Struct(fields.iter().map(Self::from).collect()),
        }
    }
}

impl TryFrom<Exact> for Value {
    type Error = crate::Error;

    fn try_from(exact: Exact) -> crate::Result<Self> {
        let all = |items: Vec<Exact>| items.into_iter().map(Self::try_from).collect::<crate::Result<Vec<_>>>();
        Ok(match exact {
            Exact::Null => Self::Null,
            Exact::Boolean(value) => Self::Boolean(value),
            Exact::Integer(value) => Self::Integer(value),
            Exact::Double(value) => Self::Double(value),
            Exact::Decimal(unscaled, scale) => Self::Decimal(Decimal::new(unscaled, scale)),
            Exact::String(text) => Self::String(text),
            Exact::Date(days) => Self::Date(Date::from_days(days)?),
            Exact::Timestamp(micros) => Self::Timestamp(Timestamp::from_micros(micros)?),
            Exact::Duration(micros) => Self::Duration(Duration::from_micros(micros)),
            Exact::Geopoint(lat, lon) => Self::Geopoint(Geopoint { lat, lon }),
            Exact::Json(json) => Self::Json(json),
            Exact::Attachment(text) => Self::Attachment(text),
            Exact::Vector(numbers) => Self::Vector(numbers),
            Exact::Array(items) => Self::Array(all(items)?),
            Exact::Struct(fields) => Self::Struct(all(fields)?),
        })
    }
}

/// What the fields of a value are called: all of its type that its JSON form takes.
#[derive(Serialize, Deserialize)]
enum FieldNames {
    #[serde(rename = "-")]
    None,
    #[serde(rename = "a")]
    Array(Box<FieldNames>),
    #[serde(rename = "o")]
    Struct(Vec<(ApiName, FieldNames)>),
}

impl From<&BaseType> for FieldNames {
    fn from(base: &BaseType) -> Self {
        match base {
            BaseType::Array(element) => Self::Array(Box::new(Self::from(&element.base))),
            BaseType::Struct(fields) => Self::Struct(
                fields.iter().map(|field| (field.api_name.clone(), Self::from(&field.data_type.base))).collect(),
            ),
            BaseType::Boolean
            | BaseType::Integer
            | BaseType::Double
            | BaseType::Decimal { .. }
            | BaseType::String
            | BaseType::Date
            | BaseType::Timestamp
            | BaseType::Duration
            | BaseType::Geopoint
            | BaseType::Json
            | BaseType::Attachment
            | BaseType::Vector { .. } => Self::None,
        }
    }
}

impl From<FieldNames> for BaseType {
    /// The type as far as names of fields go: what has none is any JSON.
    fn from(names: FieldNames) -> Self {
        match names {
            FieldNames::None => Self::Json,
            FieldNames::Array(element) => Self::Array(Box::new(DataType::of(Self::from(*element)))),
            FieldNames::Struct(fields) => {
                let field = |(api_name, names): (_, FieldNames)| Field {
                    api_name,
                    data_type: DataType::of(names.into()),
                    required: false,
                };
                Self::Struct(fields.into_iter().map(field).collect())
            }
        }
    }
}

/// Names, values and, where there are structs among them, what their fields are called.
type Row = (Vec<ApiName>, Vec<Exact>, Option<Vec<FieldNames>>);

/// What properties are made of.
pub(crate) type Parts = (Arc<[ApiName]>, Vec<Value>, Option<Arc<[BaseType]>>);

pub(crate) fn serialize_properties<S: Serializer>(
    (names, values, types): (&[ApiName], &[Value], Option<&[BaseType]>),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let values: Vec<_> = values.iter().map(Exact::from).collect();
    let types: Option<Vec<_>> = types.map(|types| types.iter().map(FieldNames::from).collect());
    (names, values, types).serialize(serializer)
}

pub(crate) fn deserialize_properties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Parts, D::Error> {
    if deserializer.is_human_readable() {
        return Err(de::Error::custom("properties are read from their exact form, which JSON is not"));
    }
    let (names, values, types) = Row::deserialize(deserializer)?;
    if names.len() != values.len() || types.as_ref().is_some_and(|types| types.len() != values.len()) {
        return Err(de::Error::custom("properties have a value for each name"));
    }
    let values = values.into_iter().map(Value::try_from).collect::<crate::Result<_>>().map_err(de::Error::custom)?;
    Ok((names.into(), values, types.map(|types| types.into_iter().map(BaseType::from).collect())))
}

/// Keys by the rule of values: an integer that readers of JSON would lose travels as a string, in JSON.
pub(crate) mod key {
    use super::{Deserialize, Deserializer, Key, Serialize, Serializer};
    use crate::JSON_INTEGER_MAX;

    pub(crate) fn serialize<S: Serializer>(key: &Key, serializer: S) -> Result<S::Ok, S::Error> {
        match key {
            Key::Integer(number)
                if serializer.is_human_readable() && number.unsigned_abs() > JSON_INTEGER_MAX.unsigned_abs() =>
            {
                serializer.collect_str(number)
            }
            other => other.serialize(serializer),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        Key::deserialize(deserializer)
    }
}

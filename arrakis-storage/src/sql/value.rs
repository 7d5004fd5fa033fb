//! Values out of columns.

use std::sync::Arc;

use arrakis_core::commit::StoredLink;
use arrakis_core::ontology::{LinkType, Property};
use arrakis_core::{BaseType, Date, Decimal, Duration, Error, Field, Geopoint, Key, Result, Seq, Timestamp, Value};

use super::seq_of;

const BYTES_PER_NUMBER: usize = 4;

/// What a column holds, whichever database it is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Column<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// The columns of a row, one after the other.
pub(crate) trait ReadRow {
    fn column(&mut self) -> Result<Column<'_>>;

    /// Passes over columns.
    fn skip(&mut self, columns: usize);

    fn integer(&mut self) -> Result<i64> {
        self.optional_integer()?.ok_or_else(|| mistyped("integer"))
    }

    fn optional_integer(&mut self) -> Result<Option<i64>> {
        match self.column()? {
            Column::Integer(number) => Ok(Some(number)),
            Column::Null => Ok(None),
            Column::Real(_) | Column::Text(_) | Column::Blob(_) => Err(mistyped("integer")),
        }
    }

    fn seq(&mut self) -> Result<Seq> {
        self.integer().map(seq_of)
    }

    fn count(&mut self) -> Result<u64> {
        self.integer().map(|count| u64::try_from(count).unwrap_or(0))
    }

    /// A double, 0 where there is none, as the sum of no doubles is.
    fn real(&mut self) -> Result<f64> {
        match self.column()? {
            Column::Real(number) => Ok(number),
            Column::Null => Ok(0.0),
            Column::Integer(_) | Column::Text(_) | Column::Blob(_) => Err(mistyped("double")),
        }
    }

    /// A whole number of any size, 0 where there is none: what databases answer for the sum of 64-bit numbers.
    fn whole(&mut self) -> Result<i128> {
        match self.column()? {
            Column::Integer(number) => Ok(number.into()),
            Column::Text(digits) => digits.parse().map_err(|e| unreadable("sum", e)),
            Column::Null => Ok(0),
            Column::Real(_) | Column::Blob(_) => Err(mistyped("sum")),
        }
    }

    fn key(&mut self) -> Result<Key> {
        match self.column()? {
            Column::Integer(number) => Ok(Key::Integer(number)),
            Column::Text(text) => Ok(Key::String(text.into())),
            Column::Null | Column::Real(_) | Column::Blob(_) => Err(mistyped("key")),
        }
    }

    /// A value of a type; a geopoint takes two columns.
    fn value(&mut self, base: &BaseType) -> Result<Value> {
        if matches!(base, BaseType::Geopoint) {
            return self.geopoint();
        }
        Ok(match (base, self.column()?) {
            (_, Column::Null) => Value::Null,
            (BaseType::Boolean, Column::Integer(value)) => Value::Boolean(value != 0),
            (BaseType::Integer, Column::Integer(value)) => Value::Integer(value),
            (BaseType::Decimal { scale, .. }, Column::Integer(value)) => Value::Decimal(Decimal::new(value, *scale)),
            (BaseType::Date, Column::Integer(days)) => {
                let days = i32::try_from(days).map_err(|_| mistyped("date"))?;
                Value::Date(Date::from_days(days).map_err(|e| unreadable("date", e))?)
            }
            (BaseType::Timestamp, Column::Integer(micros)) => {
                Value::Timestamp(Timestamp::from_micros(micros).map_err(|e| unreadable("timestamp", e))?)
            }
            (BaseType::Duration, Column::Integer(micros)) => Value::Duration(Duration::from_micros(micros)),
            (BaseType::Double, Column::Real(value)) => Value::Double(value),
            (BaseType::String, Column::Text(text)) => Value::String(text.into()),
            (BaseType::Attachment, Column::Text(text)) => Value::Attachment(text.into()),
            (BaseType::Json | BaseType::Array(_) | BaseType::Struct(_), Column::Text(text)) => {
                let json = serde_json::from_str(text).map_err(|e| unreadable("value", e))?;
                of_json(json, base)?
            }
            (BaseType::Vector { .. }, Column::Blob(bytes)) => Value::Vector(numbers(bytes)?),
            (base, _) => return Err(mistyped(base.name())),
        })
    }

    fn geopoint(&mut self) -> Result<Value> {
        let mut degrees = || match self.column()? {
            Column::Real(degrees) => Ok(Some(degrees)),
            Column::Null => Ok(None),
            Column::Integer(_) | Column::Text(_) | Column::Blob(_) => Err(mistyped("geopoint")),
        };
        match (degrees()?, degrees()?) {
            (Some(lat), Some(lon)) => Ok(Value::Geopoint(Geopoint { lat, lon })),
            (None, None) => Ok(Value::Null),
            _ => Err(mistyped("geopoint")),
        }
    }
}

/// Reads the values of properties in the order of their columns; the key property's is the key.
pub(crate) fn read_row(
    row: &mut impl ReadRow,
    properties: &[Property],
    key: Option<(usize, &Key)>,
) -> Result<Vec<Value>> {
    let mut values = Vec::with_capacity(properties.len());
    for (index, property) in properties.iter().enumerate() {
        values.push(match key {
            Some((at, key)) if at == index => key.to_value(),
            _ => row.value(&property.data_type.base)?,
        });
    }
    Ok(values)
}

/// Reads both ends, the revision and the values of a link.
pub(crate) fn read_link(row: &mut impl ReadRow, link_type: &LinkType) -> Result<StoredLink> {
    let (source, target, revision) = (row.key()?, row.key()?, row.seq()?);
    let values = read_row(row, &link_type.properties, None)?;
    Ok(StoredLink { source, target, revision, values })
}

/// The single-precision numbers of a vector as bytes, little-endian.
pub(crate) fn vector_bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Reads the stored form of a value. Its constraints were checked when it was written, perhaps under an earlier schema.
fn of_json(json: serde_json::Value, base: &BaseType) -> Result<Value> {
    match (base, json) {
        (_, serde_json::Value::Null) if !matches!(base, BaseType::Json) => Ok(Value::Null),
        (BaseType::Json, json) => Ok(Value::Json(Arc::new(json))),
        (BaseType::Array(element), serde_json::Value::Array(items)) => {
            let items = items.into_iter().map(|item| of_json(item, &element.base));
            items.collect::<Result<_>>().map(Value::Array)
        }
        (BaseType::Struct(fields), serde_json::Value::Object(mut members)) => {
            let mut field = |field: &Field| {
                let json = members.remove(field.api_name.as_str()).unwrap_or_default();
                of_json(json, &field.data_type.base)
            };
            fields.iter().map(&mut field).collect::<Result<_>>().map(Value::Struct)
        }
        (base, json) => base.read(&json).map_err(|e| unreadable("value", e)),
    }
}

fn numbers(bytes: &[u8]) -> Result<Arc<[f32]>> {
    if !bytes.len().is_multiple_of(BYTES_PER_NUMBER) {
        return Err(mistyped("vector"));
    }
    let number = |chunk: &[u8]| <[u8; BYTES_PER_NUMBER]>::try_from(chunk).map(f32::from_le_bytes).unwrap_or_default();
    Ok(bytes.chunks_exact(BYTES_PER_NUMBER).map(number).collect())
}

/// A stored document that does not read as what it was written as.
pub(crate) fn unreadable(what: &'static str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::corrupt("store.document", "a stored document cannot be read").with("document", what).caused_by(cause)
}

/// A stored value of another type than its column's.
pub(crate) fn mistyped(expected: &'static str) -> Error {
    Error::corrupt("store.value", "a stored value is not of its column's type").with("expected", expected)
}

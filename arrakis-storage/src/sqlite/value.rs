//! Values in columns.

use std::sync::Arc;

use arrakis_core::{
    BaseType, Date, Decimal, Duration, Error, Geopoint, Key, Result, Seq, Timestamp, Value, canonical_json,
};
use rusqlite::types::{FromSql, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, Statement};

use super::error::{sqlite, unreadable};
use crate::sql::seq_of;

const BYTES_PER_NUMBER: usize = 4;

/// Binds the values of a statement one after the other.
pub(super) struct Binder<'a, 'c> {
    statement: &'a mut Statement<'c>,
    next: usize,
}

impl<'a, 'c> Binder<'a, 'c> {
    pub(super) fn new(statement: &'a mut Statement<'c>) -> Self {
        Self { statement, next: 1 }
    }

    pub(super) fn bind(&mut self, value: impl ToSql) -> Result<&mut Self> {
        self.statement.raw_bind_parameter(self.next, value).map_err(sqlite)?;
        self.next += 1;
        Ok(self)
    }

    pub(super) fn key(&mut self, key: &Key) -> Result<&mut Self> {
        match key {
            Key::Integer(number) => self.bind(number),
            Key::String(text) => self.bind(&**text),
        }
    }

    /// Binds a value of a type; a geopoint takes two places.
    pub(super) fn value(&mut self, value: &Value, base: &BaseType) -> Result<&mut Self> {
        match value {
            Value::Null if matches!(base, BaseType::Geopoint) => self.bind(NULL)?.bind(NULL),
            Value::Null => self.bind(NULL),
            Value::Boolean(value) => self.bind(value),
            Value::Integer(value) => self.bind(value),
            Value::Double(value) => self.bind(value),
            Value::Decimal(value) => self.bind(value.unscaled()),
            Value::String(text) | Value::Attachment(text) => self.bind(&**text),
            Value::Date(value) => self.bind(value.days()),
            Value::Timestamp(value) => self.bind(value.micros()),
            Value::Duration(value) => self.bind(value.micros()),
            Value::Geopoint(point) => self.bind(point.lat)?.bind(point.lon),
            Value::Vector(numbers) => {
                let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                self.bind(bytes)
            }
            Value::Json(_) | Value::Array(_) | Value::Struct(_) => self.bind(canonical_json(&value.to_json_as(base))),
        }
    }

    /// Binds values of statements made at run time.
    pub(super) fn all(&mut self, values: &[sea_query::Value]) -> Result<&mut Self> {
        values.iter().try_for_each(|value| self.bind(Bound(value)).map(drop))?;
        Ok(self)
    }
}

const NULL: rusqlite::types::Null = rusqlite::types::Null;

/// A value of a statement made at run time, bound as it is.
struct Bound<'a>(&'a sea_query::Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use sea_query::Value as Sea;
        let borrowed = match self.0 {
            Sea::BigInt(value) => value.map(ValueRef::Integer),
            Sea::Int(value) => value.map(|value| ValueRef::Integer(value.into())),
            Sea::Bool(value) => value.map(|value| ValueRef::Integer(value.into())),
            // Limits, the only unsigned values, are far below 2⁶³.
            Sea::BigUnsigned(value) => value.map(|value| ValueRef::Integer(i64::try_from(value).unwrap_or(i64::MAX))),
            Sea::Double(value) => value.map(ValueRef::Real),
            Sea::String(value) => value.as_ref().map(|text| ValueRef::Text(text.as_bytes())),
            Sea::Bytes(value) => value.as_ref().map(|bytes| ValueRef::Blob(bytes)),
            other => {
                let cause = format!("{other:?} is not bound by any statement");
                return Err(rusqlite::Error::ToSqlConversionFailure(cause.into()));
            }
        };
        Ok(ToSqlOutput::Borrowed(borrowed.unwrap_or(ValueRef::Null)))
    }
}

/// Reads the columns of a row one after the other.
pub(super) struct RowReader<'a, 'r> {
    row: &'a Row<'r>,
    next: usize,
}

impl<'a, 'r> RowReader<'a, 'r> {
    pub(super) fn new(row: &'a Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn get<T: FromSql>(&mut self) -> Result<T> {
        let value = self.row.get(self.next).map_err(sqlite)?;
        self.next += 1;
        Ok(value)
    }

    /// Passes over columns.
    pub(super) fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    pub(super) fn seq(&mut self) -> Result<Seq> {
        self.get().map(seq_of)
    }

    pub(super) fn count(&mut self) -> Result<u64> {
        self.get::<i64>().map(|count| u64::try_from(count).unwrap_or(0))
    }

    pub(super) fn key(&mut self) -> Result<Key> {
        match self.column()? {
            ValueRef::Integer(number) => Ok(Key::Integer(number)),
            ValueRef::Text(text) => Ok(Key::String(utf8(text)?.into())),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Err(mistyped("key")),
        }
    }

    /// Reads a value of a type; a geopoint takes two columns.
    pub(super) fn value(&mut self, base: &BaseType) -> Result<Value> {
        let column = self.column()?;
        Ok(match (base, column) {
            (BaseType::Geopoint, ValueRef::Real(lat)) => {
                let lon = self.get()?;
                Value::Geopoint(Geopoint { lat, lon })
            }
            (BaseType::Geopoint, ValueRef::Null) => {
                self.next += 1;
                Value::Null
            }
            (_, ValueRef::Null) => Value::Null,
            (BaseType::Boolean, ValueRef::Integer(value)) => Value::Boolean(value != 0),
            (BaseType::Integer, ValueRef::Integer(value)) => Value::Integer(value),
            (BaseType::Decimal { scale, .. }, ValueRef::Integer(value)) => Value::Decimal(Decimal::new(value, *scale)),
            (BaseType::Date, ValueRef::Integer(days)) => {
                let days = i32::try_from(days).map_err(|_| mistyped("date"))?;
                Value::Date(Date::from_days(days).map_err(|e| unreadable("date", e))?)
            }
            (BaseType::Timestamp, ValueRef::Integer(micros)) => {
                Value::Timestamp(Timestamp::from_micros(micros).map_err(|e| unreadable("timestamp", e))?)
            }
            (BaseType::Duration, ValueRef::Integer(micros)) => Value::Duration(Duration::from_micros(micros)),
            (BaseType::Double, ValueRef::Real(value)) => Value::Double(value),
            (BaseType::String, ValueRef::Text(text)) => Value::String(utf8(text)?.into()),
            (BaseType::Attachment, ValueRef::Text(text)) => Value::Attachment(utf8(text)?.into()),
            (BaseType::Json | BaseType::Array(_) | BaseType::Struct(_), ValueRef::Text(text)) => {
                let json = serde_json::from_slice(text).map_err(|e| unreadable("value", e))?;
                of_json(json, base)?
            }
            (BaseType::Vector { .. }, ValueRef::Blob(bytes)) => Value::Vector(numbers(bytes)?),
            (base, _) => return Err(mistyped(base.name())),
        })
    }

    fn column(&mut self) -> Result<ValueRef<'a>> {
        let value = self.row.get_ref(self.next).map_err(sqlite)?;
        self.next += 1;
        Ok(value)
    }
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
            let mut field = |field: &arrakis_core::Field| {
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

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|e| unreadable("text", e))
}

fn mistyped(expected: &'static str) -> Error {
    Error::corrupt("store.value", "a stored value is not of its column's type").with("expected", expected)
}

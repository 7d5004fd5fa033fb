//! Values in columns.

use arrakis_core::{BaseType, Key, Result, Value, canonical_json};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, Statement};

use super::error::sqlite;
use crate::sql::{self, Column, ReadRow, unreadable};

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
            Value::Vector(numbers) => self.bind(sql::vector_bytes(numbers)),
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
}

impl ReadRow for RowReader<'_, '_> {
    fn column(&mut self) -> Result<Column<'_>> {
        let value = self.row.get_ref(self.next).map_err(sqlite)?;
        self.next += 1;
        Ok(match value {
            ValueRef::Null => Column::Null,
            ValueRef::Integer(number) => Column::Integer(number),
            ValueRef::Real(number) => Column::Real(number),
            ValueRef::Text(text) => Column::Text(std::str::from_utf8(text).map_err(|e| unreadable("text", e))?),
            ValueRef::Blob(bytes) => Column::Blob(bytes),
        })
    }

    fn skip(&mut self, columns: usize) {
        self.next += columns;
    }
}

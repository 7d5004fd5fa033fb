//! Values out of PostgreSQL's rows, and what statements made at run time bind.

use arrakis_core::kernel::ExactSum;
use arrakis_core::{Error, Key, Result};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, Encode, Postgres, Row, Type, ValueRef};

use super::cell::Cells;
use super::error::postgres;
use crate::sql::{Column, ColumnKind, ReadRow, mistyped, unreadable};

// The numbers of types in every PostgreSQL database (`pg_type.dat`).
const BOOL: u32 = 16;
const BYTEA: u32 = 17;
const INT8: u32 = 20;
const INT4: u32 = 23;
const TEXT: u32 = 25;
const FLOAT8: u32 = 701;
const FLOAT8_ARRAY: u32 = 1022;
const UUID: u32 = 2950;

/// Binds the values of a statement one after the other.
#[derive(Default)]
pub(super) struct Binder(PgArguments);

impl Binder {
    pub(super) fn bind<'t>(mut self, value: impl Encode<'t, Postgres> + Type<Postgres>) -> Result<Self> {
        self.0.add(value).map_err(unbindable)?;
        Ok(self)
    }

    pub(super) fn key(self, key: &Key) -> Result<Self> {
        match key {
            Key::Integer(number) => self.bind(*number),
            Key::String(text) => self.bind(&**text),
        }
    }

    /// Binds values of statements made at run time.
    pub(super) fn all(self, values: &[sea_query::Value]) -> Result<Self> {
        use sea_query::Value as Sea;
        values.iter().try_fold(self, |binder, value| match value {
            Sea::BigInt(value) => binder.bind(*value),
            Sea::Int(value) => binder.bind(*value),
            Sea::Double(value) => binder.bind(*value),
            Sea::String(value) => binder.bind(value.as_deref()),
            Sea::Bytes(value) => binder.bind(value.as_deref()),
            Sea::Array(_, Some(values)) => binder.bind(listed(values)?),
            other => Err(unbindable(format!("{other:?} is not bound by any statement").into())),
        })
    }

    pub(super) fn done(self) -> PgArguments {
        self.0
    }
}

/// A list of values of one kind.
fn listed(values: &[sea_query::Value]) -> Result<Cells> {
    use sea_query::Value as Sea;
    let number = |value: &Sea| match value {
        Sea::BigInt(Some(number)) => Some(*number),
        _ => None,
    };
    let text = |value: &Sea| match value {
        Sea::String(Some(text)) => Some(text.clone()),
        _ => None,
    };
    if let Some(numbers) = values.iter().map(number).collect::<Option<Vec<_>>>() {
        return Ok(Cells::integers(numbers));
    }
    let texts: Option<Vec<_>> = values.iter().map(text).collect();
    let texts = texts.ok_or_else(|| unbindable("a list is of whole numbers or of text".into()))?;
    Ok(Cells::texts(texts.iter().map(|text| Some(&**text))))
}

/// An empty list of a kind, which says what its elements would be.
pub(super) fn no_elements(kind: ColumnKind) -> Cells {
    Cells::new(kind)
}

fn unbindable(cause: sqlx::error::BoxDynError) -> Error {
    Error::internal("store.statement", "a statement of the store is wrong").caused_by(cause)
}

/// Reads the columns of a row one after the other.
pub(super) struct RowReader<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> RowReader<'r> {
    pub(super) fn new(row: &'r PgRow) -> Self {
        Self { row, next: 0 }
    }

    /// Reads from a later column on.
    pub(super) fn after(row: &'r PgRow, columns: usize) -> Self {
        Self { row, next: columns }
    }

    pub(super) fn uuid(&mut self) -> Result<uuid::Uuid> {
        match self.column()? {
            Column::Blob(bytes) => uuid::Uuid::from_slice(bytes).map_err(|e| unreadable("id", e)),
            _ => Err(mistyped("id")),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'r str> {
        self.optional_text()?.ok_or_else(|| mistyped("text"))
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<&'r str>> {
        match self.read()? {
            Column::Text(text) => Ok(Some(text)),
            Column::Null => Ok(None),
            _ => Err(mistyped("text")),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'r [u8]> {
        match self.read()? {
            Column::Blob(bytes) => Ok(bytes),
            _ => Err(mistyped("bytes")),
        }
    }

    fn read(&mut self) -> Result<Column<'r>> {
        let value = self.row.try_get_raw(self.next).map_err(postgres)?;
        self.next += 1;
        if value.is_null() {
            return Ok(Column::Null);
        }
        let number = value.type_info().oid().map_or(0, |oid| oid.0);
        let bytes = value.as_bytes().map_err(|e| unreadable("value", e))?;
        Ok(match number {
            INT8 => Column::Integer(i64::from_be_bytes(sized(bytes)?)),
            INT4 => Column::Integer(i32::from_be_bytes(sized(bytes)?).into()),
            BOOL => Column::Integer(i64::from(sized::<1>(bytes)? != [0])),
            FLOAT8 => Column::Real(f64::from_be_bytes(sized(bytes)?)),
            TEXT => Column::Text(std::str::from_utf8(bytes).map_err(|e| unreadable("text", e))?),
            BYTEA | UUID => Column::Blob(bytes),
            // The doubles whose exact sum is asked for, which PostgreSQL has no function for.
            FLOAT8_ARRAY => Column::Real(exact_sum(bytes)?),
            _ => return Err(mistyped("column")),
        })
    }
}

impl ReadRow for RowReader<'_> {
    fn column(&mut self) -> Result<Column<'_>> {
        self.read()
    }

    fn skip(&mut self, columns: usize) {
        self.next += columns;
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| mistyped("number"))
}

/// The sum of an array of doubles, none of them absent: a header as [`Cells`] writes it, then each with its length.
fn exact_sum(array: &[u8]) -> Result<f64> {
    const HEADER_LEN: usize = 20;
    const ELEMENT_LEN: usize = 12;
    let mut sum = ExactSum::default();
    for element in array.get(HEADER_LEN..).unwrap_or_default().chunks(ELEMENT_LEN) {
        sum.add(f64::from_be_bytes(sized(element.get(4..).unwrap_or_default())?));
    }
    Ok(sum.value())
}

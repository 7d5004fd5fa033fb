//! Values as PostgreSQL takes them: in arrays that are bound, and in rows that are copied.

use std::borrow::Cow;

use arrakis_core::commit::StoredRow;
use arrakis_core::ontology::Property;
use arrakis_core::{BaseType, Key, Value, canonical_json};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};
use uuid::Uuid;

use crate::sql::{ColumnKind, vector_bytes};

/// What stands for the length of an absent value.
const ABSENT: i32 = -1;

/// What one column of one row takes.
#[derive(Clone, Debug)]
pub(super) enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl Cell<'_> {
    /// Appends the binary form, led by its length.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Null => to.extend_from_slice(&ABSENT.to_be_bytes()),
            Self::Integer(number) => write_bytes(&number.to_be_bytes(), to),
            Self::Real(number) => write_bytes(&number.to_be_bytes(), to),
            Self::Text(text) => write_bytes(text.as_bytes(), to),
            Self::Blob(bytes) => write_bytes(bytes, to),
        }
    }
}

fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    // Every value is far below 2 GiB: text and JSON have a megabyte at most.
    to.extend_from_slice(&i32::try_from(bytes.len()).unwrap_or(i32::MAX).to_be_bytes());
    to.extend_from_slice(bytes);
}

/// The cell of a key.
pub(super) fn key_cell(key: &Key) -> Cell<'_> {
    match key {
        Key::Integer(number) => Cell::Integer(*number),
        Key::String(text) => Cell::Text(Cow::Borrowed(text)),
    }
}

/// The cells of a value, one for each column of its type: two for a geopoint.
pub(super) fn value_cells<'a>(value: &'a Value, base: &BaseType) -> (Cell<'a>, Option<Cell<'a>>) {
    let one = |cell| (cell, None);
    match value {
        Value::Null if matches!(base, BaseType::Geopoint) => (Cell::Null, Some(Cell::Null)),
        Value::Null => one(Cell::Null),
        Value::Boolean(value) => one(Cell::Integer(i64::from(*value))),
        Value::Integer(value) => one(Cell::Integer(*value)),
        Value::Double(value) => one(Cell::Real(*value)),
        Value::Decimal(value) => one(Cell::Integer(value.unscaled())),
        Value::String(text) | Value::Attachment(text) => one(Cell::Text(Cow::Borrowed(text))),
        Value::Date(value) => one(Cell::Integer(value.days().into())),
        Value::Timestamp(value) => one(Cell::Integer(value.micros())),
        Value::Duration(value) => one(Cell::Integer(value.micros())),
        Value::Geopoint(point) => (Cell::Real(point.lat), Some(Cell::Real(point.lon))),
        Value::Vector(numbers) => one(Cell::Blob(Cow::Owned(vector_bytes(numbers)))),
        Value::Json(_) | Value::Array(_) | Value::Struct(_) => {
            one(Cell::Text(Cow::Owned(canonical_json(&value.to_json_as(base)))))
        }
    }
}

/// The cells of a row's properties in the order of their columns, the key property's left out.
pub(super) fn row_cells<'a>(
    properties: &'a [Property],
    key: Option<usize>,
    row: &'a StoredRow,
) -> impl Iterator<Item = Cell<'a>> {
    let stored = properties.iter().zip(&row.values).enumerate().filter(move |(index, _)| key != Some(*index));
    stored.flat_map(|(_, (property, value))| {
        let (first, second) = value_cells(value, &property.data_type.base);
        std::iter::once(first).chain(second)
    })
}

/// What an array's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementKind {
    Column(ColumnKind),
    Uuid,
}

impl ElementKind {
    /// The number of the element type in every PostgreSQL database (`pg_type.dat`).
    const fn oid(self) -> u32 {
        match self {
            Self::Column(ColumnKind::Integer) => 20,
            Self::Column(ColumnKind::Real) => 701,
            Self::Column(ColumnKind::Text) => 25,
            Self::Column(ColumnKind::Blob) => 17,
            Self::Uuid => 2950,
        }
    }

    fn array_type(self) -> PgTypeInfo {
        match self {
            Self::Column(ColumnKind::Integer) => <[i64] as Type<Postgres>>::type_info(),
            Self::Column(ColumnKind::Real) => <[f64] as Type<Postgres>>::type_info(),
            Self::Column(ColumnKind::Text) => <[String] as Type<Postgres>>::type_info(),
            Self::Column(ColumnKind::Blob) => <[Vec<u8>] as Type<Postgres>>::type_info(),
            Self::Uuid => <[Uuid] as Type<Postgres>>::type_info(),
        }
    }

    /// What the array is called in a statement.
    pub(super) const fn array_name(self) -> &'static str {
        match self {
            Self::Column(ColumnKind::Integer) => "bigint[]",
            Self::Column(ColumnKind::Real) => "double precision[]",
            Self::Column(ColumnKind::Text) => "text[]",
            Self::Column(ColumnKind::Blob) => "bytea[]",
            Self::Uuid => "uuid[]",
        }
    }
}

/// An array that is bound as one value: the column of many rows.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    kind: ElementKind,
    count: i32,
    bytes: Vec<u8>,
}

impl Cells {
    pub(super) fn new(kind: ColumnKind) -> Self {
        Self { kind: ElementKind::Column(kind), count: 0, bytes: Vec::new() }
    }

    pub(super) fn integers(numbers: impl IntoIterator<Item = i64>) -> Self {
        let mut cells = Self::new(ColumnKind::Integer);
        numbers.into_iter().for_each(|number| cells.push(&Cell::Integer(number)));
        cells
    }

    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut cells = Self::new(ColumnKind::Text);
        for text in texts {
            cells.push(&text.map_or(Cell::Null, |text| Cell::Text(Cow::Borrowed(text))));
        }
        cells
    }

    pub(super) fn uuids(uuids: impl IntoIterator<Item = Uuid>) -> Self {
        let mut cells = Self { kind: ElementKind::Uuid, count: 0, bytes: Vec::new() };
        uuids.into_iter().for_each(|uuid| cells.push(&Cell::Blob(Cow::Borrowed(uuid.as_bytes()))));
        cells
    }

    pub(super) fn push(&mut self, cell: &Cell<'_>) {
        cell.write(&mut self.bytes);
        self.count += 1;
    }

    pub(super) fn array_name(&self) -> &'static str {
        self.kind.array_name()
    }
}

impl Type<Postgres> for Cells {
    fn type_info() -> PgTypeInfo {
        <[i64] as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Cells {
    /// An array of one dimension: how many dimensions, whether there are absent elements, their type, how many, the first's number
    /// (`array_send` in PostgreSQL's `arrayfuncs.c`).
    fn encode_by_ref(&self, to: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        to.extend_from_slice(&1_i32.to_be_bytes());
        to.extend_from_slice(&1_i32.to_be_bytes());
        to.extend_from_slice(&self.kind.oid().to_be_bytes());
        to.extend_from_slice(&self.count.to_be_bytes());
        to.extend_from_slice(&1_i32.to_be_bytes());
        to.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.kind.array_type())
    }
}

/// Rows in the binary form of `COPY`.
#[derive(Debug)]
pub(super) struct CopyRows {
    bytes: Vec<u8>,
}

impl CopyRows {
    /// The signature, no flags and no extension.
    pub(super) fn new() -> Self {
        let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
        bytes.extend_from_slice(&[0; 8]);
        Self { bytes }
    }

    pub(super) fn begin_row(&mut self, columns: usize) {
        self.bytes.extend_from_slice(&i16::try_from(columns).unwrap_or(i16::MAX).to_be_bytes());
    }

    pub(super) fn push(&mut self, cell: &Cell<'_>) {
        cell.write(&mut self.bytes);
    }

    /// The bytes so far, which are then forgotten.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What ends the last row.
    pub(super) fn end(&mut self) {
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
    }
}

//! Tables and rows in the plain values a store is moved in.

use std::collections::HashMap;

use arrakis_core::archive::{Cell, CellKind, Column, PAGE_ROWS_MAX, Part, Row, RowsOf, TableOutline};
use arrakis_core::ontology::{Backing, Schema};
use arrakis_core::{Error, Key, LinkTypeId, ObjectTypeId, Result, Seq, SpaceId, TenantId};
use sea_query::{DynIden, Expr, ExprTrait, IntoIden, Order, Query};

use super::row::key_columns;
use super::table::{IndexDefinition, Layout, TableId, TableKind, link_index, object_indexes};
use super::{ColumnKind, Dialect, ReadRow, Statement, Table, mistyped, seq_value};

impl From<CellKind> for ColumnKind {
    fn from(kind: CellKind) -> Self {
        match kind {
            CellKind::Integer => Self::Integer,
            CellKind::Real => Self::Real,
            CellKind::Text => Self::Text,
            CellKind::Blob => Self::Blob,
        }
    }
}

impl From<ColumnKind> for CellKind {
    fn from(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Integer => Self::Integer,
            ColumnKind::Real => Self::Real,
            ColumnKind::Text => Self::Text,
            ColumnKind::Blob => Self::Blob,
        }
    }
}

/// Which table it is.
pub(crate) fn table_id(table: &TableOutline) -> TableId {
    let (kind, of) = match table.of {
        RowsOf::Objects(id) => (TableKind::Object, id.0),
        RowsOf::Links(id) => (TableKind::Link, id.0),
    };
    TableId { kind, space: table.space, of }
}

fn rows_of(id: TableId) -> RowsOf {
    match id.kind {
        TableKind::Object => RowsOf::Objects(ObjectTypeId(id.of)),
        TableKind::Link => RowsOf::Links(LinkTypeId(id.of)),
    }
}

/// A table with its columns, as any store tells it.
pub(crate) fn outline_of(id: TableId, layout: &Layout) -> Result<TableOutline> {
    let columns = layout.properties.iter().map(|(name, kind)| column_of(&name.to_string(), *kind));
    Ok(TableOutline {
        space: id.space,
        of: rows_of(id),
        keys: layout.keys.iter().map(|(_, kind)| (*kind).into()).collect(),
        columns: columns.collect::<Result<_>>()?,
    })
}

fn column_of(name: &str, kind: ColumnKind) -> Result<Column> {
    let digits = name.strip_prefix('p').unwrap_or_default();
    let (digits, is_second) = digits.strip_suffix('x').map_or((digits, false), |digits| (digits, true));
    let unknown = |e| Error::corrupt("store.table", "a column has a name the store never gives").caused_by(e);
    Ok(Column { number: digits.parse().map_err(unknown)?, is_second, kind: kind.into() })
}

fn name_of(column: Column) -> DynIden {
    format!("p{}{}", column.number, if column.is_second { "x" } else { "" }).into_iden()
}

/// The columns of the table to be made.
pub(crate) fn layout_of(table: &TableOutline) -> Layout {
    let names = key_columns(table_id(table).kind).iter().skip(1);
    let keys = names.zip(&table.keys).map(|(name, kind)| ((*name).into_iden(), (*kind).into())).collect();
    let properties = table.columns.iter().map(|column| (name_of(*column), column.kind.into())).collect();
    Layout { keys, properties }
}

/// The columns a row of a table is read from and written to, in order.
pub(crate) fn columns(table: &TableOutline, part: Part) -> Vec<DynIden> {
    let fixed: &[&str] = match part {
        Part::Current => &["rev"],
        Part::Superseded => &["rev", "rev_to"],
    };
    let fixed = key_columns(table_id(table).kind).iter().chain(fixed);
    fixed.map(|name| (*name).into_iden()).chain(table.columns.iter().copied().map(name_of)).collect()
}

/// The name of the table that holds a part.
pub(crate) fn name(table: &Table, part: Part) -> DynIden {
    match part {
        Part::Current => table.names.current.clone(),
        Part::Superseded => table.names.superseded.clone(),
    }
}

/// Selects the rows that follow one whose tenant has this number, in the order of the primary key.
pub(crate) fn page(
    dialect: &dyn Dialect,
    (outline, table): (&TableOutline, &Table),
    part: Part,
    after: Option<(i64, &Row)>,
) -> Statement {
    let mut order: Vec<&str> = key_columns(table_id(outline).kind).to_vec();
    if part == Part::Superseded {
        order.push("rev_to");
    }
    let mut select = Query::select();
    select.columns(columns(outline, part)).from(name(table, part)).limit(PAGE_ROWS_MAX as u64);
    for column in &order {
        select.order_by(*column, Order::Asc);
    }
    if let Some((tenant, row)) = after {
        let keys = std::iter::once(&row.key).chain(&row.target).map(key_value);
        let ended = row.to.filter(|_| part == Part::Superseded).map(|to| seq_value(to).into());
        let place = std::iter::once(tenant.into()).chain(keys).chain(ended).map(Expr::val::<sea_query::Value>);
        let columns = order.iter().map(|column| Expr::col(*column));
        select.and_where(Expr::tuple(columns).gt(Expr::tuple(place)));
    }
    dialect.select(&select)
}

fn key_value(key: &Key) -> sea_query::Value {
    match key {
        Key::Integer(number) => (*number).into(),
        Key::String(text) => text.as_ref().into(),
    }
}

/// Reads a row selected by [`page`]; tenants are known by their numbers.
pub(crate) fn read(
    row: &mut impl ReadRow,
    table: &TableOutline,
    part: Part,
    tenants: &HashMap<i64, TenantId>,
) -> Result<Row> {
    let tenant = row.integer()?;
    let tenant = *tenants.get(&tenant).ok_or_else(|| mistyped("tenant"))?;
    let key = row.key()?;
    let target = matches!(table.of, RowsOf::Links(_)).then(|| row.key()).transpose()?;
    let from = row.seq()?;
    let to = (part == Part::Superseded).then(|| row.seq()).transpose()?;
    let mut cells = Vec::with_capacity(table.columns.len());
    for _ in &table.columns {
        cells.push(match row.column()? {
            super::Column::Null => Cell::Null,
            super::Column::Integer(number) => Cell::Integer(number),
            super::Column::Real(number) => Cell::Real(number),
            super::Column::Text(text) => Cell::Text(text.to_owned()),
            super::Column::Blob(bytes) => Cell::Blob(bytes.to_owned()),
        });
    }
    Ok(Row { tenant, key, target, from, to, cells })
}

/// Inserts a row, its columns in the order of [`columns`].
pub(crate) fn insert(
    dialect: &dyn Dialect,
    (outline, table): (&TableOutline, &Table),
    part: Part,
) -> Result<Statement> {
    let columns = columns(outline, part);
    let values: Vec<Expr> = columns.iter().map(|_| Expr::val(0_i64)).collect();
    let mut insert = Query::insert();
    insert.into_table(name(table, part)).columns(columns).values(values).map_err(|e| {
        Error::internal("store.statement.unbuildable", "a statement has more columns than values").caused_by(e)
    })?;
    Ok(dialect.insert(&insert))
}

/// The indexes the tables of a space have, by the newest version that has their types.
#[derive(Debug, Default)]
pub(crate) struct Indexes(HashMap<TableId, Vec<IndexDefinition>>);

impl Indexes {
    /// Takes note of a later version.
    pub(crate) fn add(&mut self, space: SpaceId, schema: &Schema) -> Result<()> {
        for object_type in &schema.object_types {
            self.0.insert(TableId::of_object(space, object_type), object_indexes(object_type)?);
        }
        for link_type in schema.link_types.iter().filter(|link_type| link_type.backing == Backing::Join) {
            self.0.insert(TableId::of_link(space, link_type), vec![link_index()]);
        }
        Ok(())
    }

    pub(crate) fn of(&self, id: TableId) -> &[IndexDefinition] {
        self.0.get(&id).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The commit a page of the log begins after, checked: each entry follows the one before it.
pub(crate) fn check_gap(last: Seq, next: Seq) -> Result<()> {
    if next == last.next() {
        return Ok(());
    }
    Err(Error::corrupt("store.log.gap", "an entry of the log is missing").with("after", last).with("found", next))
}

/// The refusal of a place that holds something already.
pub(crate) fn not_empty() -> Error {
    Error::new(
        arrakis_core::ErrorKind::AlreadyExists,
        "move.target_not_empty",
        "a store is moved to where there is none, and something is there",
    )
}

/// The refusal of a place somebody else fills.
pub(crate) fn busy() -> Error {
    Error::unavailable("move.busy", "another process moves a store there").retryable_is(true)
}

/// The refusal of a place a store is being moved to.
pub(crate) fn moving() -> Error {
    Error::unavailable("store.moving", "a store is being moved there, or its move did not come to its end")
        .retryable_is(false)
}

/// The refusal of what a writer is asked out of turn.
pub(crate) fn out_of_turn() -> Error {
    Error::internal("move.out_of_turn", "the writer was not begun, or an earlier call was given up")
}

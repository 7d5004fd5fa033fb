//! Typed tables of the database: which there are, their columns, and how a publication changes them.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis_core::ontology::{Backing, LinkType, ObjectType, Property, Schema};
use arrakis_core::{Error, Result, Seq, SpaceId};
use sea_query::IntoIden;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};

use super::catalog::SpaceTables;
use super::connection::{Purpose, Settings};
use super::dialect::PgDialect;
use super::reading::answered;
use super::row::ManyText;
use super::session::Session;
use super::value::{Binder, RowReader};
use super::{creation, index, statement};
use crate::sql::{self, ColumnKind, Columns, IndexDefinition, Layout, ReadRow, Table, TableId, TableKind, seq_value};

/// The tables of a space as the database has them now.
pub(super) async fn of_space(
    settings: &Settings,
    connection: &mut PgConnection,
    space: SpaceId,
) -> Result<SpaceTables> {
    let arguments = Binder::default().bind(space.uuid())?.done();
    let query = sqlx::query_with(statement::TYPED_TABLES, arguments);
    let rows = answered(settings, Purpose::Read, query.fetch_all(connection)).await?;
    tables_of(space, &rows)
}

pub(super) fn tables_of(space: SpaceId, rows: &[PgRow]) -> Result<SpaceTables> {
    let mut tables = SpaceTables { space, as_of: Seq(0), numbers: HashMap::new() };
    for row in rows {
        let mut row = RowReader::new(row);
        tables.as_of = row.seq()?;
        let Some(kind) = row.optional_integer()? else { continue };
        let kind = if kind == 0 { TableKind::Object } else { TableKind::Link };
        let of = u32::try_from(row.integer()?).map_err(|_| sql::mistyped("type"))?;
        tables.numbers.insert((kind, of), row.integer()?);
    }
    Ok(tables)
}

/// What asks for the columns of a typed table.
pub(super) fn columns_asked(table: &Table) -> Result<PgArguments> {
    Ok(Binder::default().bind(table.names.current_text())?.done())
}

/// The columns of a typed table, from the answer to [`statement::TABLE_COLUMNS`].
pub(super) fn layout_of(rows: &[PgRow]) -> Result<Layout> {
    let mut layout = Layout { keys: Vec::new(), properties: Vec::new() };
    for row in rows {
        let mut row = RowReader::new(row);
        let (name, declared) = (row.text()?.to_owned(), row.text()?);
        match name.as_str() {
            "t" | "rev" => {}
            "k" | "a" | "b" => layout.keys.push((name.into_iden(), kind_of(declared)?)),
            _ => layout.properties.push((name.into_iden(), kind_of(declared)?)),
        }
    }
    Ok(layout)
}

fn kind_of(declared: &str) -> Result<ColumnKind> {
    match declared {
        "bigint" => Ok(ColumnKind::Integer),
        "double precision" => Ok(ColumnKind::Real),
        "text" => Ok(ColumnKind::Text),
        "bytea" => Ok(ColumnKind::Blob),
        other => Err(Error::corrupt("store.table", "a column has a type the store never gives").with("type", other)),
    }
}

/// The statements on one row of a typed table under one version of its type.
#[derive(Debug)]
pub(super) struct TableText {
    pub(super) table: Table,
    /// Binds a tenant and a key; answers the head's seq, then the revision and stored, absent when there is no such row.
    pub(super) one: Arc<str>,
    pub(super) many: ManyText,
    /// What the table has, columns of properties that are gone included.
    pub(super) layout: Layout,
    /// The columns of the version's properties, in order: equal columns, equal statements.
    columns: Vec<u32>,
}

impl TableText {
    pub(super) fn new(
        kind: TableKind,
        table: Table,
        layout: Layout,
        (properties, columns): (&[Property], Columns<'_>),
    ) -> Self {
        let one = sql::get_with_head(&PgDialect, (kind, &table), columns).into();
        let many = ManyText::new(kind, &table, &layout, columns);
        Self { table, one, many, layout, columns: properties.iter().map(|property| property.column).collect() }
    }

    /// Whether these are the statements for a version with these properties.
    pub(super) fn fits(&self, properties: &[Property]) -> bool {
        self.columns.len() == properties.len()
            && self.columns.iter().zip(properties).all(|(column, property)| *column == property.column)
    }

    /// Whether the table has every column of these: one that is not published yet has not.
    pub(super) fn has_all(&self, columns: Columns<'_>) -> bool {
        columns.stored().all(|(name, _)| self.layout.properties.iter().any(|(own, _)| *own == name))
    }
}

/// The columns of a typed table within a transaction that writes.
pub(super) fn layout(session: &mut Session<'_>, table: &Table) -> Result<Layout> {
    layout_of(&session.rows(statement::TABLE_COLUMNS, columns_asked(table)?)?)
}

/// Brings the tables there are to a schema version, within its publication. A type without one gets it with its first row.
pub(super) struct Publisher<'a, 'c> {
    session: &'a mut Session<'c>,
    tables: SpaceTables,
    before: Option<&'a Schema>,
    after: &'a Schema,
    seq: Seq,
}

impl<'a, 'c> Publisher<'a, 'c> {
    pub(super) fn new(
        session: &'a mut Session<'c>,
        space: SpaceId,
        (before, after): (Option<&'a Schema>, &'a Schema),
        seq: Seq,
    ) -> Result<Self> {
        let arguments = Binder::default().bind(space.uuid())?.done();
        let tables = tables_of(space, &session.rows(statement::TYPED_TABLES, arguments)?)?;
        Ok(Self { session, tables, before, after, seq })
    }

    pub(super) fn run(mut self) -> Result<()> {
        for object_type in &self.after.object_types {
            self.object_type(object_type).map_err(|e| e.with("object_type", &object_type.api_name))?;
        }
        for link_type in self.after.link_types.iter().filter(|link_type| link_type.backing == Backing::Join) {
            self.link_type(link_type).map_err(|e| e.with("link_type", &link_type.api_name))?;
        }
        let Some(before) = self.before else { return Ok(()) };
        for object_type in &before.object_types {
            if self.after.object_type_by_id(object_type.id).is_none() {
                self.end(TableId::of_object(self.tables.space, object_type))?;
            }
        }
        for link_type in before.link_types.iter().filter(|link_type| link_type.backing == Backing::Join) {
            if self.after.link_type_by_id(link_type.id).is_none_or(|after| after.backing != Backing::Join) {
                self.end(TableId::of_link(self.tables.space, link_type))?;
            }
        }
        Ok(())
    }

    fn object_type(&mut self, after: &ObjectType) -> Result<()> {
        let before = self.before.and_then(|schema| schema.object_type_by_id(after.id));
        if before.is_some_and(|before| {
            sql::same_columns(&before.properties, &after.properties) && before.indexes == after.indexes
        }) {
            return Ok(());
        }
        let id = TableId::of_object(self.tables.space, after);
        if let Some(before) = before.filter(|before| sql::loses_columns(&before.properties, &after.properties)) {
            self.keep(id, &Layout::of_object(before)?, &sql::object_indexes(before)?)?;
        }
        let Some(table) = self.tables.find(id) else { return Ok(()) };
        let wanted = sql::object_indexes(after)?;
        self.extend(&table, &after.properties, Some(after.primary_key))?;
        let had = before.map(|before| sql::object_indexes(before)).transpose()?.unwrap_or_default();
        for superseded in [false, true] {
            for index in had.iter().filter(|index| wanted.iter().all(|other| other.suffix() != index.suffix())) {
                index::remove(self.session, &table, index, superseded)?;
            }
            for index in wanted.iter().filter(|index| had.iter().all(|other| other.suffix() != index.suffix())) {
                index::add(self.session, &table, index, superseded, self.seq)?;
            }
        }
        Ok(())
    }

    fn link_type(&mut self, after: &LinkType) -> Result<()> {
        let id = TableId::of_link(self.tables.space, after);
        let before = self.before.and_then(|schema| Some((schema, schema.link_type_by_id(after.id)?)));
        if let Some((schema, before)) =
            before.filter(|(_, before)| sql::loses_columns(&before.properties, &after.properties))
        {
            self.keep(id, &Layout::of_link(before, sql::ends(schema, before)?)?, &[sql::link_index()])?;
        }
        match self.tables.find(id) {
            Some(table) => self.extend(&table, &after.properties, None),
            None => Ok(()),
        }
    }

    /// Makes a table that would be made later without all the columns its type had: who still holds the schema before reads them.
    fn keep(&mut self, id: TableId, layout: &Layout, indexes: &[IndexDefinition]) -> Result<()> {
        if self.tables.find(id).is_some() {
            return Ok(());
        }
        let number = creation::create(self.session, id, layout, indexes, self.seq)?;
        self.tables.numbers.insert((id.kind, id.of), number);
        Ok(())
    }

    /// Adds the columns that the table does not have.
    fn extend(&mut self, table: &Table, properties: &[Property], key: Option<usize>) -> Result<()> {
        let had = layout(self.session, table)?.properties;
        let own = properties.iter().enumerate().filter(|(index, _)| key != Some(*index));
        for (name, kind) in own.flat_map(|(_, property)| sql::stored(property)) {
            if had.iter().any(|(other, _)| *other == name) {
                continue;
            }
            self.session.run(sql::add_column(&PgDialect, &table.names.current, name.clone(), kind))?;
            self.session.run(sql::add_column(&PgDialect, &table.names.superseded, name, kind))?;
        }
        Ok(())
    }

    /// Ends every row of a table.
    fn end(&mut self, id: TableId) -> Result<()> {
        let Some(table) = self.tables.find(id) else { return Ok(()) };
        let every = layout(self.session, &table)?.property_names();
        let sql = sql::supersede_all(&PgDialect, (id.kind, &table), &every)?;
        self.session.execute(sql, Binder::default().bind(seq_value(self.seq))?.done())?;
        self.session.run(sql::delete_all(&PgDialect, &table))
    }
}

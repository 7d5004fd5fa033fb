//! Typed tables of the file: which there are, how they are made, and their statements.

use arrakis_core::ontology::{Backing, LinkType, ObjectType, Property, Schema};
use arrakis_core::{Error, Result, Seq, SpaceId};
use rusqlite::{Connection, OptionalExtension};
use sea_query::IntoIden;

use super::dialect::SqliteDialect;
use super::error::sqlite;
use super::statement;
use super::value::Binder;
use crate::sql::{self, ColumnKind, Columns, Dialect, IndexDefinition, Layout, RowText, Table, TableKind, seq_value};

/// Which typed table: of an object or link type of a space, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TableId {
    pub(super) kind: TableKind,
    pub(super) space: SpaceId,
    pub(super) of: u32,
}

impl TableId {
    pub(super) fn of_object(space: SpaceId, object_type: &ObjectType) -> Self {
        Self { kind: TableKind::Object, space, of: object_type.id.0 }
    }

    pub(super) fn of_link(space: SpaceId, link_type: &LinkType) -> Self {
        Self { kind: TableKind::Link, space, of: link_type.id.0 }
    }
}

/// A typed table as the file has it.
#[derive(Clone, Debug)]
pub(super) struct FoundTable {
    pub(super) number: i64,
    pub(super) table: Table,
}

/// Finds a typed table.
pub(super) fn find(connection: &Connection, id: TableId) -> Result<Option<FoundTable>> {
    let sql = match id.kind {
        TableKind::Object => statement::OBJECT_TABLE,
        TableKind::Link => statement::LINK_TABLE,
    };
    let mut found = connection.prepare_cached(sql).map_err(sqlite)?;
    let row = found.query_row((id.space.uuid().as_bytes(), id.of), |row| Ok((row.get(0)?, row.get(1)?)));
    let row: Option<(i64, bool)> = row.optional().map_err(sqlite)?;
    Ok(row.map(|(number, superseded)| FoundTable { number, table: Table::new(id.kind, number, superseded) }))
}

/// The columns of a typed table as the file has it.
pub(super) fn layout(connection: &Connection, table: &Table) -> Result<Layout> {
    let mut info = connection.prepare_cached(statement::TABLE_COLUMNS).map_err(sqlite)?;
    let columns = info
        .query_map([table.names.current_text()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(sqlite)?;
    let mut layout = Layout { keys: Vec::new(), properties: Vec::new() };
    for (name, declared) in columns {
        match name.as_str() {
            "t" | "rev" => {}
            "k" | "a" | "b" => layout.keys.push((name.into_iden(), kind_of(&declared)?)),
            _ => layout.properties.push((name.into_iden(), kind_of(&declared)?)),
        }
    }
    Ok(layout)
}

fn kind_of(declared: &str) -> Result<ColumnKind> {
    let kinds = [ColumnKind::Integer, ColumnKind::Real, ColumnKind::Text, ColumnKind::Blob];
    kinds.into_iter().find(|kind| SqliteDialect.column_type(*kind) == declared).ok_or_else(|| {
        Error::corrupt("store.table", "a column has a type the store never gives").with("type", declared)
    })
}

/// The statements on one row of a typed table under one version of its type.
#[derive(Debug)]
pub(super) struct TableText {
    pub(super) found: FoundTable,
    pub(super) text: RowText,
    /// The columns of the version's properties, in order: equal columns, equal statements.
    columns: Vec<u32>,
}

impl TableText {
    pub(super) fn new(
        connection: &Connection,
        kind: TableKind,
        found: FoundTable,
        (properties, columns): (&[Property], Columns<'_>),
    ) -> Result<Self> {
        let every = layout(connection, &found.table)?.property_names();
        let text = RowText::new(&SqliteDialect, (kind, &found.table), columns, &every)?;
        Ok(Self { found, text, columns: properties.iter().map(|property| property.column).collect() })
    }

    /// Whether these are the statements for a version with these properties.
    pub(super) fn fits(&self, properties: &[Property]) -> bool {
        self.columns.len() == properties.len()
            && self.columns.iter().zip(properties).all(|(column, property)| *column == property.column)
    }
}

/// Makes and extends the tables of a schema version within its publication.
pub(super) struct Publisher<'a> {
    pub(super) connection: &'a Connection,
    pub(super) space: SpaceId,
    pub(super) before: Option<&'a Schema>,
    pub(super) after: &'a Schema,
    pub(super) seq: Seq,
}

impl Publisher<'_> {
    pub(super) fn run(&self) -> Result<()> {
        for object_type in &self.after.object_types {
            self.object_type(object_type).map_err(|e| e.with("object_type", &object_type.api_name))?;
        }
        for link_type in self.after.link_types.iter().filter(|link_type| link_type.backing == Backing::Join) {
            self.link_type(link_type).map_err(|e| e.with("link_type", &link_type.api_name))?;
        }
        let Some(before) = self.before else { return Ok(()) };
        for object_type in &before.object_types {
            if self.after.object_type_by_id(object_type.id).is_none() {
                self.end(TableId::of_object(self.space, object_type), &sql::object_indexes(object_type)?)?;
            }
        }
        for link_type in before.link_types.iter().filter(|link_type| link_type.backing == Backing::Join) {
            if self.after.link_type_by_id(link_type.id).is_none_or(|after| after.backing != Backing::Join) {
                self.end(TableId::of_link(self.space, link_type), &[sql::link_index()])?;
            }
        }
        Ok(())
    }

    fn object_type(&self, after: &ObjectType) -> Result<()> {
        let before = self.before.and_then(|schema| schema.object_type_by_id(after.id));
        if before.is_some_and(|before| {
            same_columns(&before.properties, &after.properties) && before.indexes == after.indexes
        }) {
            return Ok(());
        }
        let id = TableId::of_object(self.space, after);
        let wanted = sql::object_indexes(after)?;
        let Some(found) = find(self.connection, id)? else {
            return self.create(id, &Layout::of_object(after)?, &wanted);
        };
        self.extend(&found.table, &after.properties, Some(after.primary_key))?;
        let had = before.map(|before| sql::object_indexes(before)).transpose()?.unwrap_or_default();
        for superseded in [false, true].into_iter().take(1 + usize::from(found.table.superseded)) {
            for index in had.iter().filter(|index| wanted.iter().all(|other| other.suffix() != index.suffix())) {
                self.execute(&index.drop(&SqliteDialect, &found.table.names, superseded))?;
            }
            for index in wanted.iter().filter(|index| had.iter().all(|other| other.suffix() != index.suffix())) {
                self.execute(&index.create(&SqliteDialect, &found.table.names, superseded))?;
            }
        }
        Ok(())
    }

    fn link_type(&self, after: &LinkType) -> Result<()> {
        let id = TableId::of_link(self.space, after);
        if let Some(found) = find(self.connection, id)? {
            return self.extend(&found.table, &after.properties, None);
        }
        let end = |id| {
            self.after
                .object_type_by_id(id)
                .ok_or_else(|| Error::internal("schema.inconsistent", "a link type without its object type"))
        };
        let ends = (&**end(after.source.object_type)?, &**end(after.target.object_type)?);
        self.create(id, &Layout::of_link(after, ends)?, &[sql::link_index()])
    }

    fn create(&self, id: TableId, layout: &Layout, indexes: &[IndexDefinition]) -> Result<()> {
        let sql = match id.kind {
            TableKind::Object => statement::OBJECT_TABLE_INSERT,
            TableKind::Link => statement::LINK_TABLE_INSERT,
        };
        let mut insert = self.connection.prepare_cached(sql).map_err(sqlite)?;
        let number = insert.insert((id.space.uuid().as_bytes(), id.of)).map_err(sqlite)?;
        let table = Table::new(id.kind, number, false);
        self.execute(&layout.create(&SqliteDialect, &table.names, false))?;
        indexes.iter().try_for_each(|index| self.execute(&index.create(&SqliteDialect, &table.names, false)))
    }

    /// Adds the columns that the table does not have.
    fn extend(&self, table: &Table, properties: &[Property], key: Option<usize>) -> Result<()> {
        let had = layout(self.connection, table)?.properties;
        let own = properties.iter().enumerate().filter(|(index, _)| key != Some(*index));
        for (name, kind) in own.flat_map(|(_, property)| sql::stored(property)) {
            if had.iter().any(|(other, _)| *other == name) {
                continue;
            }
            self.execute(&sql::add_column(&SqliteDialect, &table.names.current, name.clone(), kind))?;
            if table.superseded {
                self.execute(&sql::add_column(&SqliteDialect, &table.names.superseded, name, kind))?;
            }
        }
        Ok(())
    }

    /// Ends every row of a table.
    fn end(&self, id: TableId, indexes: &[IndexDefinition]) -> Result<()> {
        let Some(found) = find(self.connection, id)? else { return Ok(()) };
        let table = keep_superseded(self.connection, id.kind, &found, indexes)?;
        let every = layout(self.connection, &table)?.property_names();
        let sql = sql::supersede_all(&SqliteDialect, (id.kind, &table), &every)?;
        let mut copy = self.connection.prepare(&sql).map_err(sqlite)?;
        Binder::new(&mut copy).bind(seq_value(self.seq))?;
        copy.raw_execute().map_err(sqlite)?;
        self.execute(&sql::delete_all(&SqliteDialect, &table))
    }

    fn execute(&self, sql: &str) -> Result<()> {
        execute(self.connection, sql)
    }
}

/// Makes the table of superseded versions where there is none yet: most types never have one, and each table costs every connection
/// time to read the file's schema.
pub(super) fn keep_superseded(
    connection: &Connection,
    kind: TableKind,
    found: &FoundTable,
    indexes: &[IndexDefinition],
) -> Result<Table> {
    if found.table.superseded {
        return Ok(found.table.clone());
    }
    let layout = layout(connection, &found.table)?;
    execute(connection, &layout.create(&SqliteDialect, &found.table.names, true))?;
    for index in indexes {
        execute(connection, &index.create(&SqliteDialect, &found.table.names, true))?;
    }
    let sql = match kind {
        TableKind::Object => statement::OBJECT_TABLE_SUPERSEDED,
        TableKind::Link => statement::LINK_TABLE_SUPERSEDED,
    };
    connection.prepare_cached(sql).and_then(|mut mark| mark.execute([found.number])).map_err(sqlite)?;
    Ok(Table::new(kind, found.number, true))
}

pub(super) fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.execute_batch(sql).map_err(|e| sqlite(e).with("statement", sql))
}

fn same_columns(before: &[Property], after: &[Property]) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(before, after)| before.column == after.column)
}

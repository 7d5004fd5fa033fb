//! Typed tables of the file: which there are, how they are made, and their statements.

use arrakis_core::ontology::{Backing, LinkType, ObjectType, Property, Schema};
use arrakis_core::{Error, Result, Seq, SpaceId};
use rusqlite::{Connection, OptionalExtension};
use sea_query::IntoIden;

use super::dialect::SqliteDialect;
use super::error::sqlite;
use super::value::Binder;
use super::{creation, statement};
use crate::sql::{
    self, ColumnKind, Columns, Dialect, IndexDefinition, Layout, RowText, Table, TableId, TableKind, seq_of, seq_value,
};

/// A typed table as the file has it.
#[derive(Clone, Debug)]
pub(super) struct FoundTable {
    pub(super) number: i64,
    pub(super) table: Table,
    /// The commit that made the table of superseded versions, where there is one.
    superseded_since: Option<Seq>,
    kind: TableKind,
    /// The commit that made the table.
    since: Seq,
}

impl FoundTable {
    fn new(kind: TableKind, number: i64, since: Seq, superseded_since: Option<Seq>) -> Self {
        let table = Table::new(kind, number, superseded_since.is_some());
        Self { number, table, superseded_since, kind, since }
    }

    /// As a snapshot has it whose newest commit is `head`, which may be older than what is known of the table; `None` before it was made.
    pub(super) fn at(self, head: Seq) -> Option<Self> {
        if self.since > head {
            return None;
        }
        match self.superseded_since {
            Some(since) if since > head => Some(Self::new(self.kind, self.number, self.since, None)),
            _ => Some(self),
        }
    }
}

/// Finds a typed table; `None` for a type nothing was written to yet.
pub(super) fn find(connection: &Connection, id: TableId) -> Result<Option<FoundTable>> {
    let sql = match id.kind {
        TableKind::Object => statement::OBJECT_TABLE,
        TableKind::Link => statement::LINK_TABLE,
    };
    let mut found = connection.prepare_cached(sql).map_err(sqlite)?;
    let row = found.query_row((id.space.uuid().as_bytes(), id.of), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let row: Option<(i64, i64, i64)> = row.optional().map_err(sqlite)?;
    Ok(row.map(|(number, since, superseded)| {
        let superseded = (superseded != 0).then(|| seq_of(superseded));
        FoundTable::new(id.kind, number, seq_of(since), superseded)
    }))
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

/// Brings the tables there are to a schema version, within its publication. A type without one gets it with its first row.
pub(super) struct Publisher<'a> {
    connection: &'a Connection,
    space: SpaceId,
    before: Option<&'a Schema>,
    after: &'a Schema,
    seq: Seq,
    /// Whether tables were changed.
    changed: bool,
}

impl<'a> Publisher<'a> {
    pub(super) fn new(
        (connection, space): (&'a Connection, SpaceId),
        (before, after): (Option<&'a Schema>, &'a Schema),
        seq: Seq,
    ) -> Self {
        Self { connection, space, before, after, seq, changed: false }
    }

    /// Answers whether tables were changed.
    pub(super) fn run(mut self) -> Result<bool> {
        for object_type in &self.after.object_types {
            self.object_type(object_type).map_err(|e| e.with("object_type", &object_type.api_name))?;
        }
        for link_type in self.after.link_types.iter().filter(|link_type| link_type.backing == Backing::Join) {
            self.link_type(link_type).map_err(|e| e.with("link_type", &link_type.api_name))?;
        }
        let Some(before) = self.before else { return Ok(self.changed) };
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
        Ok(self.changed)
    }

    fn object_type(&mut self, after: &ObjectType) -> Result<()> {
        let before = self.before.and_then(|schema| schema.object_type_by_id(after.id));
        if before.is_some_and(|before| {
            sql::same_columns(&before.properties, &after.properties) && before.indexes == after.indexes
        }) {
            return Ok(());
        }
        let id = TableId::of_object(self.space, after);
        if let Some(before) = before.filter(|before| sql::loses_columns(&before.properties, &after.properties)) {
            self.keep(id, &Layout::of_object(before)?, &sql::object_indexes(before)?)?;
        }
        let Some(found) = find(self.connection, id)? else { return Ok(()) };
        let wanted = sql::object_indexes(after)?;
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

    fn link_type(&mut self, after: &LinkType) -> Result<()> {
        let id = TableId::of_link(self.space, after);
        let before = self.before.and_then(|schema| Some((schema, schema.link_type_by_id(after.id)?)));
        if let Some((schema, before)) =
            before.filter(|(_, before)| sql::loses_columns(&before.properties, &after.properties))
        {
            self.keep(id, &Layout::of_link(before, sql::ends(schema, before)?)?, &[sql::link_index()])?;
        }
        match find(self.connection, id)? {
            Some(found) => self.extend(&found.table, &after.properties, None),
            None => Ok(()),
        }
    }

    /// Makes a table that would be made later without all the columns its type had: who still holds the schema before reads them.
    fn keep(&mut self, id: TableId, layout: &Layout, indexes: &[IndexDefinition]) -> Result<()> {
        if find(self.connection, id)?.is_some() {
            return Ok(());
        }
        self.changed = true;
        creation::create(self.connection, id, layout, indexes, self.seq)
    }

    /// Adds the columns that the table does not have.
    fn extend(&mut self, table: &Table, properties: &[Property], key: Option<usize>) -> Result<()> {
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
    fn end(&mut self, id: TableId, indexes: &[IndexDefinition]) -> Result<()> {
        let Some(found) = find(self.connection, id)? else { return Ok(()) };
        let table = keep_superseded(self.connection, &found, indexes, self.seq)?;
        let every = layout(self.connection, &table)?.property_names();
        let sql = sql::supersede_all(&SqliteDialect, (id.kind, &table), &every)?;
        let mut copy = self.connection.prepare(&sql).map_err(sqlite)?;
        Binder::new(&mut copy).bind(seq_value(self.seq))?;
        copy.raw_execute().map_err(sqlite)?;
        self.execute(&sql::delete_all(&SqliteDialect, &table))
    }

    fn execute(&mut self, sql: &str) -> Result<()> {
        self.changed = true;
        execute(self.connection, sql)
    }
}

/// Makes the table of superseded versions where there is none yet: most types never have one, and each table costs every connection
/// time to read the file's schema.
pub(super) fn keep_superseded(
    connection: &Connection,
    found: &FoundTable,
    indexes: &[IndexDefinition],
    seq: Seq,
) -> Result<Table> {
    if found.table.superseded {
        return Ok(found.table.clone());
    }
    let layout = layout(connection, &found.table)?;
    execute(connection, &layout.create(&SqliteDialect, &found.table.names, true))?;
    for index in indexes {
        execute(connection, &index.create(&SqliteDialect, &found.table.names, true))?;
    }
    let sql = match found.kind {
        TableKind::Object => statement::OBJECT_TABLE_SUPERSEDED,
        TableKind::Link => statement::LINK_TABLE_SUPERSEDED,
    };
    let mark = (found.number, seq_value(seq));
    connection.prepare_cached(sql).and_then(|mut update| update.execute(mark)).map_err(sqlite)?;
    Ok(Table::new(found.kind, found.number, true))
}

pub(super) fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.execute_batch(sql).map_err(|e| sqlite(e).with("statement", sql))
}

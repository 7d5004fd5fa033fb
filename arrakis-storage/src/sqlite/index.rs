//! Secondary indexes that are built after a load rather than row by row.

use std::collections::HashMap;

use arrakis_core::commit::{LinkChange, LinkOp, ObjectChange, ObjectOp};
use arrakis_core::ontology::ObjectType;
use arrakis_core::{Change, Commit, Result};
use rusqlite::{Connection, OptionalExtension};
use sea_query::DynIden;

use super::dialect::SqliteDialect;
use super::error::sqlite;
use super::table::{self, FoundTable, execute};
use crate::sql::{self, Dialect, IndexDefinition, TableId};

/// New rows of one type in a batch from which on its indexes are built afterwards, when the table was empty: building one sorts its
/// entries, which is faster than finding each one's place, but is a change of tables that every connection notices.
const ROWS_MIN: u64 = 10_000;

/// The indexes of a transaction that are to be built before its end.
#[derive(Default)]
pub(super) struct Deferred {
    tables: HashMap<TableId, (FoundTable, Vec<Unbuilt>)>,
}

struct Unbuilt {
    index: IndexDefinition,
    /// Whether it was built since because something was looked up by it.
    built: bool,
}

impl Deferred {
    /// Drops the indexes of the tables among these that are empty.
    pub(super) fn of_tables(connection: &Connection, filled: Vec<(TableId, Vec<IndexDefinition>)>) -> Result<Self> {
        let mut deferred = Self::default();
        for (id, indexes) in filled {
            let Some(found) = table::find(connection, id)? else { continue };
            if is_empty(connection, &found)? {
                for index in &indexes {
                    execute(connection, &index.drop(&SqliteDialect, &found.table.names, false))?;
                }
                let indexes = indexes.into_iter().map(|index| Unbuilt { index, built: false }).collect();
                deferred.tables.insert(id, (found, indexes));
            }
        }
        Ok(deferred)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Builds the indexes of a table that find values of a column about to be searched.
    pub(super) fn build(&mut self, connection: &Connection, id: TableId, column: &DynIden) -> Result<()> {
        if self.tables.is_empty() {
            return Ok(());
        }
        let Some((found, indexes)) = self.tables.get_mut(&id) else { return Ok(()) };
        for unbuilt in indexes.iter_mut().filter(|unbuilt| !unbuilt.built && unbuilt.index.leads_with(column)) {
            execute(connection, &unbuilt.index.create(&SqliteDialect, &found.table.names, false))?;
            unbuilt.built = true;
        }
        Ok(())
    }

    /// What was built since may have been undone. Building it again where it was not changes nothing.
    pub(super) fn undone(&mut self) {
        for unbuilt in self.tables.values_mut().flat_map(|(_, indexes)| indexes) {
            unbuilt.built = false;
        }
    }

    /// Builds what is left.
    pub(super) fn build_all(&self, connection: &Connection) -> Result<()> {
        for (found, indexes) in self.tables.values() {
            for unbuilt in indexes.iter().filter(|unbuilt| !unbuilt.built) {
                execute(connection, &unbuilt.index.create(&SqliteDialect, &found.table.names, false))?;
            }
        }
        Ok(())
    }
}

/// The tables a batch adds so many rows to that their indexes may be built afterwards, with those of them nothing is looked up by.
pub(super) fn filled(commits: &[Commit]) -> Result<Vec<(TableId, Vec<IndexDefinition>)>> {
    let rows = new_rows(commits)?.into_iter();
    let filled = rows.filter(|(_, (rows, indexes))| *rows >= ROWS_MIN && !indexes.is_empty());
    Ok(filled.map(|(id, (_, indexes))| (id, indexes)).collect())
}

/// How many rows a batch may add to each table, with the indexes nothing is looked up by while it does.
fn new_rows(commits: &[Commit]) -> Result<HashMap<TableId, (u64, Vec<IndexDefinition>)>> {
    let mut rows: HashMap<TableId, (u64, Vec<IndexDefinition>)> = HashMap::new();
    let changes = || commits.iter().flat_map(|commit| &commit.changes);
    if changes().any(|change| matches!(change, Change::Publish(_))) {
        // A publication makes and drops indexes of its own.
        return Ok(rows);
    }
    for commit in commits {
        for change in &commit.changes {
            let (id, indexes): (_, &dyn Fn() -> Result<Vec<IndexDefinition>>) = match change {
                Change::Object(ObjectChange { object, op: ObjectOp::Create { .. } | ObjectOp::Upsert { .. } }) => {
                    let object_type = &object.object_type;
                    (TableId::of_object(commit.scope.space, object_type), &|| unsearched(object_type))
                }
                Change::Link(LinkChange { link, op: LinkOp::Create { .. } | LinkOp::Upsert { .. } }) => {
                    (TableId::of_link(commit.scope.space, &link.link_type), &|| Ok(vec![sql::link_index()]))
                }
                Change::Object(_) | Change::Link(_) | Change::Tenancy(_) | Change::Publish(_) => continue,
            };
            match rows.get_mut(&id) {
                Some((count, _)) => *count += 1,
                None => {
                    rows.insert(id, (1, indexes()?));
                }
            }
        }
    }
    Ok(rows)
}

/// The indexes but those that each new row's uniqueness is judged by.
fn unsearched(object_type: &ObjectType) -> Result<Vec<IndexDefinition>> {
    let unique = sql::object_indexes_where(object_type, |index| index.unique)?;
    let mut all = sql::object_indexes(object_type)?;
    all.retain(|index| unique.iter().all(|other| other.suffix() != index.suffix()));
    Ok(all)
}

fn is_empty(connection: &Connection, found: &FoundTable) -> Result<bool> {
    let sql = SqliteDialect.select(&sql::any_row(&found.table)).text;
    let mut any = connection.prepare(&sql).map_err(sqlite)?;
    let row: Option<i64> = any.query_row([1_i64, 1], |row| row.get(0)).optional().map_err(sqlite)?;
    Ok(row.is_none())
}

//! Makes the table of a type when its first row is written: a type that is only declared costs nobody anything.

use std::collections::HashSet;

use arrakis_core::ontology::{Backing, Schema};
use arrakis_core::{Result, Seq};
use rusqlite::Connection;

use super::dialect::SqliteDialect;
use super::error::sqlite;
use super::statement;
use super::table::execute;
use crate::sql::{self, IndexDefinition, Layout, Table, TableId, TableKind, seq_value};

/// The most tables made together with one that is needed. After a change of tables every connection reads the schema of the whole file
/// again, so whoever fills one type after the other is to cause few of them; and making these takes no longer than that reading.
const AHEAD_MAX: usize = 64;

/// Makes the table of a type of the schema, none for a type it does not have. With it are made those of the types that follow it, no
/// more than there are tables already: most of the tables are then of types that are in use.
pub(super) fn make(connection: &Connection, id: TableId, schema: &Schema, seq: Seq) -> Result<()> {
    let there = tables(connection, id)?;
    let count = 1 + there.len().min(AHEAD_MAX);
    match id.kind {
        TableKind::Object => {
            let types = from(&schema.object_types, id.of, |object_type| object_type.id.0);
            for object_type in types.filter(|object_type| !there.contains(&object_type.id.0)).take(count) {
                let indexes = sql::object_indexes(object_type)?;
                let id = TableId::of_object(id.space, object_type);
                create(connection, id, &Layout::of_object(object_type)?, &indexes, seq)
                    .map_err(|e| e.with("object_type", &object_type.api_name))?;
            }
        }
        TableKind::Link => {
            let joined: Vec<_> = schema.link_types.iter().filter(|of| of.backing == Backing::Join).collect();
            let types = from(&joined, id.of, |link_type| link_type.id.0);
            for link_type in types.filter(|link_type| !there.contains(&link_type.id.0)).take(count) {
                let layout = Layout::of_link(link_type, sql::ends(schema, link_type)?)?;
                create(connection, TableId::of_link(id.space, link_type), &layout, &[sql::link_index()], seq)
                    .map_err(|e| e.with("link_type", &link_type.api_name))?;
            }
        }
    }
    Ok(())
}

/// The types of a space that have a table.
fn tables(connection: &Connection, id: TableId) -> Result<HashSet<u32>> {
    let sql = match id.kind {
        TableKind::Object => statement::OBJECT_TABLES,
        TableKind::Link => statement::LINK_TABLES,
    };
    let mut found = connection.prepare_cached(sql).map_err(sqlite)?;
    let rows = found.query_map([id.space.uuid().as_bytes()], |row| row.get(0)).map_err(sqlite)?;
    rows.collect::<rusqlite::Result<_>>().map_err(sqlite)
}

/// One of the types, which are in the order of their numbers, with those after it and then those before it; nothing when it is none of
/// them.
fn from<T>(types: &[T], number: u32, number_of: fn(&T) -> u32) -> impl Iterator<Item = &T> {
    let (before, after) = match types.binary_search_by_key(&number, number_of) {
        Ok(index) => types.split_at(index),
        Err(_) => types.split_at(0),
    };
    let is_known = after.first().is_some_and(|first| number_of(first) == number);
    after.iter().chain(before).filter(move |_| is_known)
}

/// Makes a table.
pub(super) fn create(
    connection: &Connection,
    id: TableId,
    layout: &Layout,
    indexes: &[IndexDefinition],
    seq: Seq,
) -> Result<()> {
    let sql = match id.kind {
        TableKind::Object => statement::OBJECT_TABLE_INSERT,
        TableKind::Link => statement::LINK_TABLE_INSERT,
    };
    let mut insert = connection.prepare_cached(sql).map_err(sqlite)?;
    let number = insert.insert((id.space.uuid().as_bytes(), id.of, seq_value(seq))).map_err(sqlite)?;
    let table = Table::new(id.kind, number, false);
    execute(connection, &layout.create(&SqliteDialect, &table.names, false))?;
    indexes.iter().try_for_each(|index| execute(connection, &index.create(&SqliteDialect, &table.names, false)))
}

#[cfg(test)]
mod tests {
    use arrakis_core::ontology::NewOntology;
    use arrakis_core::{Env, SpaceId};

    use super::super::{migration, table};
    use super::*;

    fn schema(types: usize) -> Schema {
        let object_type =
            |number: usize| format!("{{name: T{number}, primary_key: id, properties: [{{name: id, type: string}}]}}");
        let link_type = |number: usize| {
            let end = |name: &str| format!("{{object_type: T{number}, name: {name}, cardinality: many}}");
            format!("{{name: l{number}, source: {}, target: {}, on_delete: unlink}}", end("to"), end("of"))
        };
        let all = |one: &dyn Fn(usize) -> String| (0..types).map(one).collect::<Vec<_>>().join(", ");
        let text = format!("object_types: [{}]\nlink_types: [{}]", all(&object_type), all(&link_type));
        Schema::first(NewOntology::from_text(&text).unwrap()).unwrap()
    }

    fn fresh() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        migration::run(&connection, &Env::system()).unwrap();
        connection.execute(statement::SPACE_INSERT, (SpaceId::DEFAULT.uuid().as_bytes(), "default")).unwrap();
        connection
    }

    fn of(kind: TableKind, number: u32) -> TableId {
        TableId { kind, space: SpaceId::DEFAULT, of: number }
    }

    #[test]
    fn filling_one_type_after_the_other_changes_the_tables_few_times() {
        let (connection, schema) = (fresh(), schema(100));
        for kind in [TableKind::Object, TableKind::Link] {
            let mut changes = Vec::new();
            for number in 1..=100 {
                let id = of(kind, number);
                if table::find(&connection, id).unwrap().is_none() {
                    make(&connection, id, &schema, Seq(1)).unwrap();
                    changes.push(tables(&connection, id).unwrap().len());
                }
                assert!(table::find(&connection, id).unwrap().is_some());
            }
            assert_eq!(changes, [1, 3, 7, 15, 31, 63, 100]);
        }
    }

    #[test]
    fn the_types_before_the_last_come_after_it() {
        let (connection, schema) = (fresh(), schema(5));
        for number in [5, 4] {
            make(&connection, of(TableKind::Object, number), &schema, Seq(1)).unwrap();
        }
        let made: HashSet<u32> = tables(&connection, of(TableKind::Object, 1)).unwrap();
        assert_eq!(made, HashSet::from([5, 4, 1]));
    }

    #[test]
    fn a_type_the_schema_does_not_have_gets_no_table() {
        let (connection, schema) = (fresh(), schema(2));
        make(&connection, of(TableKind::Object, 3), &schema, Seq(1)).unwrap();
        assert!(tables(&connection, of(TableKind::Object, 3)).unwrap().is_empty());
    }

    #[test]
    fn a_snapshot_older_than_a_table_does_not_have_it() {
        let (connection, schema) = (fresh(), schema(1));
        let id = of(TableKind::Object, 1);
        make(&connection, id, &schema, Seq(5)).unwrap();
        let found = || table::find(&connection, id).unwrap().unwrap();
        assert!(found().at(Seq(4)).is_none() && found().at(Seq(5)).is_some());
        table::keep_superseded(&connection, &found(), &[], Seq(7)).unwrap();
        assert!(!found().at(Seq(6)).unwrap().table.superseded);
        assert!(found().at(Seq(7)).unwrap().table.superseded);
    }
}

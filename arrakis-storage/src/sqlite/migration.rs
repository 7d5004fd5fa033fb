//! The fixed tables, and how a file of an earlier format becomes one of this: forward only, in one transaction.

use arrakis_core::{Env, Result, Timestamp};
use rusqlite::{Connection, TransactionBehavior};

use super::connection::APPLICATION_ID;
use super::error::sqlite;
use super::statement;

/// The format this code writes.
pub(super) const VERSION: u32 = 4;

/// What each format adds to the one before it, the first to an empty file.
const STEPS: [&[&str]; VERSION as usize] = [
    &[
        include_str!("migrations/0001_meta.sql"),
        include_str!("migrations/0001_head.sql"),
        include_str!("migrations/0001_commit_log.sql"),
        include_str!("migrations/0001_commit_log_by_tenant.sql"),
        include_str!("migrations/0001_space.sql"),
        include_str!("migrations/0001_tenant.sql"),
        include_str!("migrations/0001_schema_version.sql"),
        include_str!("migrations/0001_object_table.sql"),
        include_str!("migrations/0001_link_table.sql"),
    ],
    // The commit that made a table: 0 for those made with the publication of their type, as all were.
    &[include_str!("migrations/0002_object_table_since.sql"), include_str!("migrations/0002_link_table_since.sql")],
    &[include_str!("migrations/0003_commit_log_action.sql")],
    &[include_str!("migrations/0004_relay.sql")],
];

/// Brings a file to this format. Another process may do the same at the same time: the one that comes second finds it done.
pub(super) fn run(connection: &Connection, env: &Env) -> Result<()> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Exclusive).map_err(sqlite)?;
    let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(sqlite)?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    for sql in STEPS.iter().skip(done).flat_map(|step| step.iter()) {
        transaction.execute_batch(sql).map_err(sqlite)?;
    }
    if found == 0 {
        start(&transaction, env)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
    transaction.pragma_update(None, "user_version", VERSION).map_err(sqlite)?;
    transaction.commit().map_err(sqlite)
}

fn start(connection: &Connection, env: &Env) -> Result<()> {
    let mut cursor_key = [0_u8; 32];
    env.random(&mut cursor_key);
    let beginning = Timestamp::from_micros_saturating(i64::MIN).micros();
    connection.execute(statement::META_INSERT, (env.uuid().as_bytes(), cursor_key)).map_err(sqlite)?;
    connection.execute(statement::HEAD_INSERT, (beginning,)).map_err(sqlite)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrakis_core::{Seq, SpaceId};

    use super::super::table;
    use super::*;
    use crate::sql::{TableId, TableKind};

    fn fresh() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        run(&connection, &Env::system()).unwrap();
        connection
    }

    #[test]
    fn every_statement_prepares_on_a_migrated_file() {
        let connection = fresh();
        for (file, sql) in statement::ALL {
            connection.prepare(sql).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }

    #[test]
    fn every_statement_file_is_known() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite/sql");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let mut known: Vec<String> =
            statement::ALL.iter().map(|(file, _)| file.trim_start_matches("sql/").to_owned()).collect();
        known.sort();
        assert_eq!(files, known);
    }

    #[test]
    fn a_file_of_an_earlier_format_becomes_one_of_this() {
        for format in 1..VERSION {
            let connection = Connection::open_in_memory().unwrap();
            for sql in STEPS.iter().take(format as usize).flat_map(|step| step.iter()) {
                connection.execute_batch(sql).unwrap();
            }
            start(&connection, &Env::system()).unwrap();
            connection.pragma_update(None, "user_version", format).unwrap();
            run(&connection, &Env::system()).unwrap();
            for (file, sql) in statement::ALL {
                connection.prepare(sql).unwrap_or_else(|error| panic!("{file}, from {format}: {error}"));
            }
        }
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let schema = |connection: &Connection| -> Vec<String> {
            let mut rows =
                connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
            rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let key = |connection: &Connection| -> Vec<u8> {
            connection.query_row(statement::META, [], |row| row.get(0)).unwrap()
        };
        let connection = fresh();
        let before = (schema(&connection), key(&connection));
        run(&connection, &Env::system()).unwrap();
        assert_eq!((schema(&connection), key(&connection)), before);
    }

    #[test]
    fn a_file_of_the_first_format_keeps_its_tables() {
        let connection = Connection::open_in_memory().unwrap();
        for sql in STEPS[0] {
            connection.execute_batch(sql).unwrap();
        }
        start(&connection, &Env::system()).unwrap();
        let space = SpaceId::DEFAULT;
        connection.execute(statement::SPACE_INSERT, (space.uuid().as_bytes(), "default")).unwrap();
        let old = "INSERT INTO object_table (space, object_type, superseded) VALUES (?1, 7, 1)";
        connection.execute(old, [space.uuid().as_bytes()]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        run(&connection, &Env::system()).unwrap();
        let id = TableId { kind: TableKind::Object, space, of: 7 };
        let found = table::find(&connection, id).unwrap().unwrap();
        assert!(found.at(Seq(1)).unwrap().table.superseded);
    }
}

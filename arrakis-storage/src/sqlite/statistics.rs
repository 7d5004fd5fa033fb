//! What SQLite knows of how many rows there are and how selective its indexes are, kept fresh so that it plans well.

use rusqlite::Connection;

/// Changed rows after which the statistics are looked at for the first time; then after as many again as there were since a table or
/// an index was last made, so that the work is a small part of the writing and no new table fills far without.
const CHANGES_MIN: u64 = 1_000;
/// Rows from which on a table has statistics: a small one is read quickly whatever the plan, and the statistics of thousands of them
/// would be loaded by every connection.
const ROWS_MIN: usize = 100;
/// The most tables looked at one by one. After each SQLite loads the statistics of all tables again; after looking at all it does once.
const TABLES_MAX: usize = 16;
/// What `PRAGMA optimize` would do about every table, whether or not this connection read from it: statements that look at those
/// whose size is another order of magnitude than when they were last looked at.
const DUE: &str = "PRAGMA optimize = 0x10003";
/// How such a statement begins; what follows is the table.
const DUE_TABLE: &str = "ANALYZE \"main\".";
/// Looks at every table.
const ANALYZE_ALL: &str = "ANALYZE main";
/// The version of the file's tables and indexes.
const TABLES_VERSION: &str = "PRAGMA schema_version";

/// When the statistics were last refreshed.
#[derive(Debug)]
pub(super) struct Statistics {
    /// Rows changed by the connection until then.
    changes: u64,
    /// The version of the file's tables and indexes then.
    tables: i64,
    /// Rows changed by the connection until that version was first seen here.
    changes_before_tables: u64,
}

impl Statistics {
    pub(super) fn new(connection: &Connection) -> Self {
        let changes = connection.total_changes();
        Self { changes, tables: 0, changes_before_tables: changes }
    }

    /// Refreshes them when enough has changed since; answers whether it did.
    pub(super) fn refresh_when_due(&mut self, connection: &Connection) -> bool {
        let since = connection.total_changes().saturating_sub(self.changes);
        if since < CHANGES_MIN {
            return false;
        }
        let tables =
            connection.prepare_cached(TABLES_VERSION).and_then(|mut found| found.query_row([], |row| row.get(0)));
        if let Ok(tables) = tables
            && tables != self.tables
        {
            (self.tables, self.changes_before_tables) = (tables, self.changes);
        }
        since >= self.changes.saturating_sub(self.changes_before_tables) && self.refresh(connection)
    }

    /// Refreshes them when anything has changed since; answers whether there are new ones. A failure costs only speed, and another
    /// process that writes is not waited for longer than for any write.
    pub(super) fn refresh(&mut self, connection: &Connection) -> bool {
        let changes = connection.total_changes();
        if std::mem::replace(&mut self.changes, changes) == changes {
            return false;
        }
        let refreshed = analyze_due(connection);
        // Rows of statistics are changed rows too.
        self.changes = connection.total_changes();
        refreshed.unwrap_or_else(|error| {
            tracing::warn!(%error, "the statistics of the store were not refreshed");
            false
        })
    }
}

/// Looks at the tables that are due; answers whether there were any.
fn analyze_due(connection: &Connection) -> rusqlite::Result<bool> {
    let mut due = connection.prepare(DUE)?;
    let due: Vec<String> = due.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut large = Vec::new();
    for statement in due {
        if has_rows(connection, &statement)? {
            large.push(statement);
        }
    }
    if large.len() > TABLES_MAX {
        connection.execute_batch(ANALYZE_ALL)?;
    } else {
        large.iter().try_for_each(|statement| connection.execute_batch(statement))?;
    }
    Ok(!large.is_empty())
}

/// Whether the table of a statement has so many rows that it is worth looking at.
fn has_rows(connection: &Connection, statement: &str) -> rusqlite::Result<bool> {
    let Some(table) = statement.strip_prefix(DUE_TABLE) else { return Ok(true) };
    let sql = format!("SELECT 1 FROM {table} LIMIT 1 OFFSET {}", ROWS_MIN - 1);
    connection.prepare(&sql)?.exists([])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(tables: usize, rows: usize) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for table in 0..tables {
            let make =
                format!("CREATE TABLE t{table} (a INTEGER PRIMARY KEY, b); CREATE INDEX i{table} ON t{table} (b)");
            connection.execute_batch(&make).unwrap();
            fill(&connection, table, rows);
        }
        connection
    }

    fn fill(connection: &Connection, table: usize, rows: usize) {
        let fill = "WITH RECURSIVE n (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n LIMIT ?1)";
        let fill = format!("{fill} INSERT INTO t{table} (b) SELECT a / 2 FROM n");
        connection.execute(&fill, [i64::try_from(rows).unwrap()]).unwrap();
    }

    fn known(connection: &Connection) -> usize {
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
        match count("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'") {
            0 => 0,
            _ => usize::try_from(count("SELECT count(DISTINCT tbl) FROM sqlite_stat1")).unwrap(),
        }
    }

    #[test]
    fn small_tables_have_no_statistics() {
        let connection = filled(3, ROWS_MIN - 1);
        let mut statistics = Statistics { changes: 0, ..Statistics::new(&connection) };
        assert!(!statistics.refresh(&connection));
        assert_eq!(known(&connection), 0);
        fill(&connection, 1, 1);
        assert!(statistics.refresh(&connection));
        assert_eq!(known(&connection), 1);
    }

    #[test]
    fn few_and_many_tables_that_have_grown_are_looked_at() {
        for tables in [TABLES_MAX, TABLES_MAX + 1] {
            let connection = filled(tables, ROWS_MIN);
            let mut statistics = Statistics { changes: 0, ..Statistics::new(&connection) };
            assert!(statistics.refresh(&connection));
            assert_eq!(known(&connection), tables);
            fill(&connection, 0, 10);
            assert!(!statistics.refresh(&connection), "no table is of another order of magnitude");
        }
    }

    #[test]
    fn nothing_is_looked_at_before_something_is_written() {
        let connection = filled(1, ROWS_MIN);
        let mut statistics = Statistics::new(&connection);
        assert!(!statistics.refresh(&connection));
        fill(&connection, 0, 1);
        assert!(statistics.refresh(&connection));
    }
}

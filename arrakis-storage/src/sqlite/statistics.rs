//! What SQLite knows of how many rows there are and how selective its indexes are, kept fresh so that it plans well.

use rusqlite::Connection;

/// Changed rows after which the statistics are looked at for the first time; then after as many again as there were since a table or
/// an index was last made, so that the work is a small part of the writing and no new table fills far without.
const CHANGES_MIN: u64 = 1_000;
/// `PRAGMA optimize` of every table, whether or not this connection read from it: tables whose size is another order of magnitude
/// than when they were last looked at.
const OPTIMIZE_ALL: &str = "PRAGMA optimize = 0x10002";
/// The version of the file's tables and indexes.
const TABLES_VERSION: &str = "PRAGMA schema_version";

/// When the statistics were last refreshed.
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

    /// Refreshes them. A failure costs only speed, and another process that writes is not waited for longer than for any write.
    pub(super) fn refresh(&mut self, connection: &Connection) -> bool {
        self.changes = connection.total_changes();
        match connection.execute_batch(OPTIMIZE_ALL) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the statistics of the store were not refreshed");
                false
            }
        }
    }
}

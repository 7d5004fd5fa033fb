//! What SQLite knows of how many rows there are and how selective its indexes are, kept fresh so that it plans well.

use rusqlite::Connection;

/// Changed rows after which the statistics are looked at for the first time; then after as many again as there were in all, so that
/// the work is a small part of the writing.
const CHANGES_MIN: u64 = 1_000;
/// `PRAGMA optimize` of every table, whether or not this connection read from it: tables whose size is another order of magnitude
/// than when they were last looked at.
const OPTIMIZE_ALL: &str = "PRAGMA optimize = 0x10002";

/// When the statistics were last refreshed.
pub(super) struct Statistics {
    /// Rows changed by the connection until then.
    changes: u64,
}

impl Statistics {
    pub(super) fn new(connection: &Connection) -> Self {
        Self { changes: connection.total_changes() }
    }

    /// Refreshes them when enough has changed since; answers whether it did.
    pub(super) fn refresh_when_due(&mut self, connection: &Connection) -> bool {
        let changes = connection.total_changes();
        let due = changes.saturating_sub(self.changes) >= self.changes.max(CHANGES_MIN);
        due && self.refresh(connection)
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

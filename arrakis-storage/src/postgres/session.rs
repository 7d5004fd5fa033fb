//! A connection as code that does not await uses it: a thread that may block, with the runtime its connection belongs to.

use std::future::Future;

use arrakis_core::Result;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::runtime::{Handle, Runtime};

use super::connection::{Purpose, Settings};
use super::reading::answered;

/// The runtime a connection belongs to.
#[derive(Clone, Copy)]
pub(super) enum Driver<'r> {
    /// The thread's own.
    Own(&'r Runtime),
    /// Another's, which goes on while this thread waits.
    Other(&'r Handle),
}

impl Driver<'_> {
    pub(super) fn block_on<F: Future>(self, future: F) -> F::Output {
        match self {
            Self::Own(runtime) => runtime.block_on(future),
            Self::Other(handle) => handle.block_on(future),
        }
    }
}

/// A connection that is waited for.
pub(super) struct Session<'c> {
    pub(super) settings: &'c Settings,
    pub(super) driver: Driver<'c>,
    pub(super) connection: &'c mut PgConnection,
}

impl Session<'_> {
    /// The rows of a statement that is kept prepared.
    pub(super) fn rows(&mut self, sql: impl Into<String>, arguments: PgArguments) -> Result<Vec<PgRow>> {
        let query = sqlx::query_with(AssertSqlSafe(sql.into()), arguments);
        self.driver.block_on(answered(self.settings, Purpose::Write, self.connection.fetch_all(query)))
    }

    /// The first row of a statement that is kept prepared.
    pub(super) fn row(&mut self, sql: impl Into<String>, arguments: PgArguments) -> Result<Option<PgRow>> {
        Ok(self.rows(sql, arguments)?.into_iter().next())
    }

    /// Runs a statement that is kept prepared; answers how many rows it touched.
    pub(super) fn execute(&mut self, sql: impl Into<String>, arguments: PgArguments) -> Result<u64> {
        let query = sqlx::query_with(AssertSqlSafe(sql.into()), arguments);
        let done = self.driver.block_on(answered(self.settings, Purpose::Write, self.connection.execute(query)))?;
        Ok(done.rows_affected())
    }

    /// Runs statements without values, in one message.
    pub(super) fn run(&mut self, sql: impl Into<String>) -> Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        self.driver.block_on(answered(self.settings, Purpose::Write, self.connection.execute(sql))).map(drop)
    }

    /// Forgets the statements that are kept prepared.
    pub(super) fn forget_statements(&mut self) -> Result<()> {
        let forgotten = self.connection.clear_cached_statements();
        self.driver.block_on(answered(self.settings, Purpose::Write, forgotten))
    }

    /// Copies rows, in the binary form, into a table.
    pub(super) fn copy(&mut self, sql: &str, rows: &[u8]) -> Result<()> {
        let copying = async {
            let mut copy = self.connection.copy_in_raw(sql).await?;
            copy.send(rows).await?;
            copy.finish().await
        };
        self.driver.block_on(answered(self.settings, Purpose::Write, copying)).map(drop)
    }
}

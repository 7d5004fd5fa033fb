//! The connection that keeps leases: a statement at a time, each a transaction of its own.

use std::sync::Arc;

use arrakis_core::Result;
use sqlx::Executor;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use tokio::sync::Mutex;

use super::connection::{Purpose, Settings};
use super::error::is_unreachable;
use super::reading::answered;

/// The most tries at a statement whose connection is dead. Each of them may be made twice: the second finds what the first left.
const TRIES_MAX: usize = 2;

/// The connection that keeps leases, made when it is first needed.
pub(super) struct Keeper {
    settings: Arc<Settings>,
    /// Taken out while it is used, so that one whose future was dropped is closed.
    connection: Mutex<Option<PgConnection>>,
}

impl Keeper {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self { settings, connection: Mutex::default() }
    }

    /// The rows of a statement.
    pub(super) async fn rows(&self, sql: &'static str, arguments: &PgArguments) -> Result<Vec<PgRow>> {
        let mut held = self.connection.lock().await;
        let mut tries = 1;
        loop {
            let mut connection = self.take(&mut held).await?;
            let query = sqlx::query_with(sql, arguments.clone());
            match answered(&self.settings, Purpose::Write, connection.fetch_all(query)).await {
                Err(error) if is_unreachable(&error) && tries < TRIES_MAX => tries += 1,
                answer => {
                    *held = answer.is_ok().then_some(connection);
                    return answer;
                }
            }
        }
    }

    /// Runs a statement; answers how many rows it touched.
    pub(super) async fn execute(&self, sql: &'static str, arguments: &PgArguments) -> Result<u64> {
        let mut held = self.connection.lock().await;
        let mut tries = 1;
        loop {
            let mut connection = self.take(&mut held).await?;
            let query = sqlx::query_with(sql, arguments.clone());
            match answered(&self.settings, Purpose::Write, connection.execute(query)).await {
                Err(error) if is_unreachable(&error) && tries < TRIES_MAX => tries += 1,
                answer => {
                    *held = answer.is_ok().then_some(connection);
                    return answer.map(|done| done.rows_affected());
                }
            }
        }
    }

    async fn take(&self, held: &mut Option<PgConnection>) -> Result<PgConnection> {
        match held.take() {
            Some(connection) => Ok(connection),
            None => self.settings.connect(Purpose::Write).await,
        }
    }
}

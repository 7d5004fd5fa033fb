//! Indexes that a publication adds or takes away. One of a large table is built after the publication, beside commits: whoever has the store
//! open looks for such indexes, and one process at a time builds them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::{Result, Seq};
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Executor, Row};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::connection::{Purpose, Settings};
use super::dialect::PgDialect;
use super::error::{corrupt, is_unreachable, postgres};
use super::reading::{Readers, answered};
use super::session::Session;
use super::statement;
use super::value::{Binder, RowReader};
use crate::sql::{IndexDefinition, ReadRow, Table, seq_value};

/// The size from which on a table is large: indexing it would hold up commits for longer than they may wait. One second's work or so.
const LARGE_TABLE_BYTES: i64 = 16 * 1024 * 1024;
/// How often a store looks for indexes that another process left unbuilt.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// How long is waited before the building is tried again after the way to the server broke.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The most looks for further indexes in one turn.
const LOOKS_MAX: usize = 1_000;

/// An index that was published and is not built yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingIndex {
    /// Its name in the database.
    pub name: String,
    /// The commit that published it.
    pub since: Seq,
    /// The code of the error the last try at it ended with, if one did; it is tried again.
    pub failure: Option<String>,
}

/// The indexes that are not built yet, in the order they were published.
pub(super) async fn pending(readers: &Readers) -> Result<Vec<PendingIndex>> {
    let rows = readers.rows(statement::PENDING_INDEXES, &PgArguments::default()).await?;
    rows.iter().map(|row| read(row).map(|(index, _)| index)).collect()
}

/// Reads an index with the statement that builds it.
fn read(row: &PgRow) -> Result<(PendingIndex, String)> {
    let mut row = RowReader::new(row);
    let (name, since) = (row.text()?.to_owned(), row.seq()?);
    let failure = row.optional_text()?.map(str::to_owned);
    Ok((PendingIndex { name, since, failure }, row.text()?.to_owned()))
}

/// Adds an index within a publication: at once, or to those that are built after it.
pub(super) fn add(
    session: &mut Session<'_>,
    table: &Table,
    index: &IndexDefinition,
    superseded: bool,
    seq: Seq,
) -> Result<()> {
    // One that was interrupted, and wanted no longer then, may be there still.
    session.run(index.drop(&PgDialect, &table.names, superseded))?;
    let create = index.create(&PgDialect, &table.names, superseded);
    let size = session.row(statement::TABLE_BYTES, Binder::default().bind(table.names.text(superseded))?.done())?;
    if RowReader::new(&size.ok_or_else(corrupt)?).integer()? < LARGE_TABLE_BYTES {
        return session.run(create);
    }
    let definition = create.replacen("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1);
    let name = index.name(&table.names, superseded);
    let bound = Binder::default().bind(name)?.bind(definition)?.bind(seq_value(seq))?.done();
    session.execute(statement::PENDING_INDEX_INSERT, bound).map(drop)
}

/// Takes an index away within a publication, built or not.
pub(super) fn remove(
    session: &mut Session<'_>,
    table: &Table,
    index: &IndexDefinition,
    superseded: bool,
) -> Result<()> {
    let bound = Binder::default().bind(index.name(&table.names, superseded))?.done();
    session.execute(statement::PENDING_INDEX_DELETE, bound)?;
    session.run(index.drop(&PgDialect, &table.names, superseded))
}

/// Builds the indexes that are left to be built, for as long as the store is open.
pub(super) struct IndexBuilder(JoinHandle<()>);

impl IndexBuilder {
    /// Starts to look for them, at once and whenever there may be one.
    pub(super) fn start(settings: Arc<Settings>, wanted: Arc<Notify>) -> Self {
        Self(Handle::current().spawn(async move {
            loop {
                let pause = match build_all(&settings).await {
                    Ok(()) => LOOK_INTERVAL,
                    Err(error) if is_unreachable(&error) => RETRY_INTERVAL,
                    Err(error) => {
                        tracing::warn!(error = %error.chain(), "no indexes could be built");
                        LOOK_INTERVAL
                    }
                };
                // Neither a wish nor the end of the pause is an error.
                let _ = tokio::time::timeout(pause, wanted.notified()).await;
            }
        }))
    }
}

impl Drop for IndexBuilder {
    /// What is being built is left half-built: the server notices that nobody waits for it, and whoever opens the store next begins anew.
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Builds what is pending, unless another process is at it.
async fn build_all(settings: &Settings) -> Result<()> {
    let mut turn = Turn { settings, connection: settings.connect(Purpose::Index).await? };
    if turn.pending().await?.is_empty() || !turn.is_ours().await? {
        return Ok(());
    }
    let mut tried = HashSet::new();
    for _ in 0..LOOKS_MAX {
        let pending = turn.pending().await?;
        let next = pending.into_iter().find(|(index, _)| !tried.contains(&(index.name.clone(), index.since)));
        let Some((index, definition)) = next else { break };
        turn.build(&index, definition).await?;
        tried.insert((index.name, index.since));
    }
    Ok(())
}

/// A connection that builds; the turn ends with it.
struct Turn<'s> {
    settings: &'s Settings,
    connection: PgConnection,
}

impl Turn<'_> {
    /// Whether no other process builds. Asked for, never waited for: who waits in a statement holds up every build.
    async fn is_ours(&mut self) -> Result<bool> {
        let rows = self.rows(statement::INDEX_TURN, PgArguments::default()).await?;
        rows.first().ok_or_else(corrupt)?.try_get(0).map_err(postgres)
    }

    async fn pending(&mut self) -> Result<Vec<(PendingIndex, String)>> {
        self.rows(statement::PENDING_INDEXES, PgArguments::default()).await?.iter().map(read).collect()
    }

    /// Builds one index, what an interrupted try left of it out of the way first.
    async fn build(&mut self, index: &PendingIndex, definition: String) -> Result<()> {
        let is_valid = self.is_valid(&index.name).await?;
        if is_valid == Some(false) {
            self.drop_index(&index.name).await?;
        }
        if is_valid != Some(true)
            && let Err(error) = self.run(definition).await
        {
            if is_unreachable(&error) {
                return Err(error);
            }
            tracing::warn!(index = %index.name, error = %error.chain(), "an index was not built");
            self.drop_index(&index.name).await?;
            let failed = Binder::default().bind(&*index.name)?.bind(seq_value(index.since))?.bind(error.code())?;
            return self.execute(statement::PENDING_INDEX_FAILED, failed.done()).await.map(drop);
        }
        let built = Binder::default().bind(&*index.name)?.bind(seq_value(index.since))?.done();
        if self.execute(statement::PENDING_INDEX_BUILT, built).await? == 0 {
            // A later publication took it away meanwhile; where it wants it again, it is built anew.
            self.drop_index(&index.name).await?;
        }
        Ok(())
    }

    /// Whether an index is whole; `None` where there is none.
    async fn is_valid(&mut self, name: &str) -> Result<Option<bool>> {
        let rows = self.rows(statement::INDEX_VALID, Binder::default().bind(name)?.done()).await?;
        rows.first().map(|row| row.try_get(0).map_err(postgres)).transpose()
    }

    async fn drop_index(&mut self, name: &str) -> Result<()> {
        self.run(format!("DROP INDEX CONCURRENTLY IF EXISTS \"{name}\"")).await
    }

    async fn rows(&mut self, sql: &'static str, arguments: PgArguments) -> Result<Vec<PgRow>> {
        let query = sqlx::query_with(sql, arguments);
        answered(self.settings, Purpose::Write, self.connection.fetch_all(query)).await
    }

    async fn execute(&mut self, sql: &'static str, arguments: PgArguments) -> Result<u64> {
        let query = sqlx::query_with(sql, arguments);
        let done = answered(self.settings, Purpose::Write, self.connection.execute(query)).await?;
        Ok(done.rows_affected())
    }

    async fn run(&mut self, sql: String) -> Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        answered(self.settings, Purpose::Index, self.connection.execute(sql)).await.map(drop)
    }
}

//! The commit log.

use arrakis_core::{
    Atomicity, Commit, CommitId, CommitLog, Effect, LogPage, Receipt, Result, Scope, Seq, Tenant, TenantId, Timestamp,
};
use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::cell::Cells;
use super::error::corrupt;
use super::value::{Binder, RowReader};
use super::{PgStore, statement};
use crate::sql::{Author, ReadRow, Written, seq_of, seq_value};

/// Reads the columns `at, actor, reason`.
pub(super) fn author(row: &mut RowReader<'_>) -> Result<Author> {
    let (at, actor) = (row.integer()?, row.text()?);
    Author::new(at, actor, row.optional_text()?.map(Into::into))
}

/// A stretch of the log from its rows, each led by the head.
pub(super) fn page_of(rows: &[PgRow]) -> Result<LogPage> {
    let mut page = LogPage { entries: Vec::with_capacity(rows.len()), head: Seq(0) };
    for row in rows {
        let mut row = RowReader::new(row);
        page.head = row.seq()?;
        // The head alone, where there is no later entry.
        let Some(seq) = row.optional_integer()?.map(seq_of) else { continue };
        let (commit, tenant) = (CommitId::from_uuid(row.uuid()?), TenantId::from_uuid(row.uuid()?));
        let written = Written { seq, commit, tenant, author: author(&mut row)? };
        page.entries.push(written.with_body(row.text()?)?);
    }
    Ok(page)
}

#[async_trait]
impl CommitLog for PgStore {
    async fn commit_batch(&self, commits: Vec<Commit>, atomicity: Atomicity) -> Vec<Result<Receipt>> {
        let Some(first) = commits.iter().find_map(|commit| self.settings.takes(commit).err()) else {
            return self.writer.commit_batch(commits, atomicity).await;
        };
        if atomicity == Atomicity::All {
            return commits.iter().map(|_| Err(first.duplicate())).collect();
        }
        // What is not taken is refused by itself: its neighbours stand.
        let judged: Vec<Result<()>> = commits.iter().map(|commit| self.settings.takes(commit)).collect();
        let taken = commits.into_iter().zip(&judged).filter(|(_, judged)| judged.is_ok()).map(|(commit, _)| commit);
        let mut receipts = self.writer.commit_batch(taken.collect(), atomicity).await.into_iter();
        let mut next = || receipts.next().unwrap_or_else(|| Err(crate::sql::closed()));
        judged.into_iter().map(|judged| judged.and_then(|()| next())).collect()
    }

    async fn rehearse(&self, commit: Commit) -> Result<Vec<Effect>> {
        self.settings.takes(&commit)?;
        self.writer.rehearse(commit).await
    }

    async fn head(&self) -> Result<Seq> {
        self.readers.head().await
    }

    async fn entries(&self, scope: Scope, after: Seq, limit: u32) -> Result<LogPage> {
        let Some(number) = self.readers.number(scope).await? else {
            return Ok(LogPage { entries: Vec::new(), head: self.readers.head().await? });
        };
        let tenant = scope.tenant.uuid();
        let bound = Binder::default().bind(tenant)?.bind(seq_value(after))?.bind(i64::from(limit))?.done();
        page_of(&self.readers.rows_of(number, statement::LOG_ENTRIES, &bound).await?)
    }

    async fn receipt(&self, scope: Scope, commit: CommitId) -> Result<Option<Receipt>> {
        let Some(number) = self.readers.number(scope).await? else { return Ok(None) };
        let bound = Binder::default().bind(Cells::uuids([commit.uuid()]))?.done();
        let rows = self.readers.rows_of(number, statement::LOG_COMMITS, &bound).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut row = RowReader::new(row);
        row.skip(1);
        let (seq, tenant) = (row.seq()?, TenantId::from_uuid(row.uuid()?));
        Ok((tenant == scope.tenant).then_some(Receipt { commit, seq, replayed: false }))
    }

    /// Instants never go back along the log, so the newest one not after `at` is found by halving, in the database.
    async fn seq_at(&self, at: Timestamp) -> Result<Seq> {
        let bound = Binder::default().bind(at.micros())?.done();
        let rows = self.readers.rows_of_all(statement::LOG_AT, &bound).await?;
        RowReader::new(rows.first().ok_or_else(corrupt)?).seq()
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>> {
        Ok(self.readers.tenant(id).await?.map(|(_, tenant)| tenant))
    }

    fn cursor_key(&self) -> [u8; 32] {
        self.cursor_key
    }
}

/// The newest commit, its instant, and the newest commit that changed tables or schemas.
pub(super) fn head_of(row: &PgRow) -> Result<(Seq, i64, Seq)> {
    let number = |index: usize| row.try_get::<i64, _>(index).map_err(|e| corrupt().caused_by(e));
    Ok((seq_of(number(0)?), number(1)?, seq_of(number(2)?)))
}

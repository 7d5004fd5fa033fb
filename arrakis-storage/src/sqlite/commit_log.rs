//! The commit log.

use std::sync::Arc;

use arrakis_core::{
    Atomicity, Commit, CommitId, CommitLog, Effect, LogEntry, LogPage, Receipt, Result, Scope, Seq, SpaceId, Tenant,
    TenantId, Timestamp,
};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row};

use super::error::sqlite;
use super::reading::{self, Reading, Request};
use super::txn::uuid;
use super::{SqliteStore, statement};
use crate::sql::{Author, Written, body_of, seq_of, seq_value};

pub(super) fn append(connection: &Connection, entry: &LogEntry) -> Result<()> {
    let body = body_of(entry)?;
    let mut insert = connection.prepare_cached(statement::LOG_INSERT).map_err(sqlite)?;
    insert
        .execute((
            seq_value(entry.seq),
            entry.commit.uuid().as_bytes(),
            entry.tenant.uuid().as_bytes(),
            entry.at.micros(),
            entry.actor.as_str(),
            entry.reason.as_deref(),
            body,
            entry.audit.action.as_ref().map(|action| &*action.name),
        ))
        .map(drop)
        .map_err(sqlite)
}

pub(super) fn receipt(connection: &Connection, commit: CommitId) -> Result<Option<(TenantId, Receipt)>> {
    let mut found = connection.prepare_cached(statement::LOG_COMMIT).map_err(sqlite)?;
    let row = found.query_row([commit.uuid().as_bytes()], |row| Ok((seq_of(row.get(0)?), uuid(row.get(1)?))));
    let row = row.optional().map_err(sqlite)?;
    Ok(row.map(|(seq, tenant)| (TenantId::from_uuid(tenant), Receipt { commit, seq, replayed: false })))
}

/// A tenant with its number in keys.
pub(super) fn tenant(connection: &Connection, id: TenantId) -> Result<Option<(i64, Tenant)>> {
    let mut found = connection.prepare_cached(statement::TENANT).map_err(sqlite)?;
    let row = found.query_row([id.uuid().as_bytes()], |row| {
        let space = SpaceId::from_uuid(uuid(row.get(2)?));
        Ok((row.get(0)?, Tenant { id, name: row.get::<_, Arc<str>>(1)?, space }))
    });
    row.optional().map_err(sqlite)
}

/// Reads an entry from all its columns.
pub(super) fn entry(row: &Row<'_>) -> Result<LogEntry> {
    let body: String = row.get(6).map_err(sqlite)?;
    let written = Written {
        seq: seq_of(row.get(0).map_err(sqlite)?),
        commit: CommitId::from_uuid(uuid(row.get(1).map_err(sqlite)?)),
        tenant: TenantId::from_uuid(uuid(row.get(2).map_err(sqlite)?)),
        author: author(row, 3)?,
    };
    written.with_body(&body)
}

/// Reads the columns `at, actor, reason` that begin at one.
pub(super) fn author(row: &Row<'_>, first: usize) -> Result<Author> {
    let at = row.get(first).map_err(sqlite)?;
    let actor: String = row.get(first + 1).map_err(sqlite)?;
    Author::new(at, &actor, row.get(first + 2).map_err(sqlite)?)
}

pub(super) fn entries(connection: &Connection, tenant: TenantId, (after, limit): (Seq, u32)) -> Result<Vec<LogEntry>> {
    let mut found = connection.prepare_cached(statement::LOG_ENTRIES).map_err(sqlite)?;
    let tenant = tenant.uuid();
    let mut rows = found.query((tenant.as_bytes(), seq_value(after), limit)).map_err(sqlite)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(sqlite)? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

/// Instants never go back along the log, so the newest one not after `at` is found by halving.
fn seq_at(connection: &Connection, at: Timestamp) -> Result<Seq> {
    let (head, _) = reading::head(connection)?;
    let mut instant = connection.prepare_cached(statement::LOG_AT).map_err(sqlite)?;
    let (mut low, mut high) = (0, seq_value(head));
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let found: Option<i64> = instant.query_row([middle], |row| row.get(0)).optional().map_err(sqlite)?;
        if found.is_none_or(|found| found <= at.micros()) { low = middle } else { high = middle - 1 }
    }
    Ok(seq_of(low))
}

#[async_trait]
impl CommitLog for SqliteStore {
    async fn commit_batch(&self, commits: Vec<Commit>, atomicity: Atomicity) -> Vec<Result<Receipt>> {
        self.writer.commit_batch(commits, atomicity).await
    }

    async fn rehearse(&self, commit: Commit) -> Result<Vec<Effect>> {
        self.writer.rehearse(commit).await
    }

    async fn head(&self) -> Result<Seq> {
        self.readers.statement(|connection| Ok(reading::head(connection)?.0)).await
    }

    async fn entries(&self, scope: Scope, after: Seq, limit: u32) -> Result<LogPage> {
        let page = |read: &Reading<'_>, within: &(Seq, u32)| {
            let entries = entries(read.connection, read.scope.tenant, *within)?;
            Ok(LogPage { entries, head: read.head })
        };
        self.readers.read(Request::now(scope), &(after, limit), page).await
    }

    async fn receipt(&self, scope: Scope, commit: CommitId) -> Result<Option<Receipt>> {
        let found = self.readers.statement(|connection| receipt(connection, commit)).await?;
        Ok(found.filter(|(tenant, _)| *tenant == scope.tenant).map(|(_, receipt)| receipt))
    }

    async fn seq_at(&self, at: Timestamp) -> Result<Seq> {
        self.readers.statement(|connection| seq_at(connection, at)).await
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>> {
        let found = self.readers.statement(|connection| tenant(connection, id)).await?;
        Ok(found.map(|(_, tenant)| tenant))
    }

    fn cursor_key(&self) -> [u8; 32] {
        self.cursor_key
    }
}

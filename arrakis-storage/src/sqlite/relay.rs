//! The log of all tenants, cursors into it, and leases on them.

use std::sync::Arc;
use std::time::Duration;

use arrakis_core::relay::{
    LEASE_TTL_MAX, LOG_POLL_MS, Lease, RELAY_PAGE_LEN_MAX, RelayCursor, RelayStore, check_lease, lease_lost,
};
use arrakis_core::{Error, LogPage, Result, Seq, Timestamp};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};

use super::commit_log::entry;
use super::error::sqlite;
use super::reading::head;
use super::{SqliteStore, statement};
use crate::sql::{seq_of, seq_value};

/// What the thread that writes is asked of leases.
pub(super) enum LeaseAsk {
    Acquire { name: Arc<str>, holder: Arc<str>, ttl: Duration },
    Renew { lease: Lease, ttl: Duration },
    Advance { lease: Lease, to: Seq },
    Release { lease: Lease },
}

/// The instants a lease is judged by: now, and the latest it may last until.
#[derive(Clone, Copy)]
struct Now {
    us: i64,
    until_max_us: i64,
}

impl Now {
    fn new(at: Timestamp) -> Self {
        Self { us: at.micros(), until_max_us: at.micros().saturating_add(micros(LEASE_TTL_MAX)) }
    }

    fn until(self, ttl: Duration) -> i64 {
        self.us.saturating_add(micros(ttl))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Does what was asked, within one transaction, as of an instant of the machine's clock read in it.
pub(super) fn lease(connection: &Connection, ask: LeaseAsk, at: Timestamp) -> Result<Option<Lease>> {
    let now = Now::new(at);
    match ask {
        LeaseAsk::Acquire { name, holder, ttl } => acquire(connection, name, holder, (now.until(ttl), now)),
        LeaseAsk::Renew { lease, ttl } => under(connection, statement::RELAY_RENEW, lease, (now.until(ttl), now)),
        LeaseAsk::Advance { lease, to } => under(connection, statement::RELAY_ADVANCE, lease, (seq_value(to), now)),
        LeaseAsk::Release { lease } => {
            let mut release = connection.prepare_cached(statement::RELAY_RELEASE).map_err(sqlite)?;
            release.execute((&*lease.name, seq_value(Seq(lease.epoch)))).map_err(sqlite)?;
            Ok(Some(lease))
        }
    }
}

fn acquire(
    connection: &Connection,
    name: Arc<str>,
    holder: Arc<str>,
    (until, now): (i64, Now),
) -> Result<Option<Lease>> {
    let mut acquire = connection.prepare_cached(statement::RELAY_ACQUIRE).map_err(sqlite)?;
    let given = acquire.query_row((&*name, &*holder, until, now.us, now.until_max_us), |row| {
        Ok((seq_of(row.get(0)?), seq_of(row.get(1)?)))
    });
    let given = given.optional().map_err(sqlite)?;
    Ok(given.map(|(epoch, cursor)| Lease { name, holder, epoch: epoch.0, cursor }))
}

/// Runs a statement that changes the row of a lease which is held.
fn under(connection: &Connection, sql: &str, lease: Lease, (value, now): (i64, Now)) -> Result<Option<Lease>> {
    let mut change = connection.prepare_cached(sql).map_err(sqlite)?;
    let epoch = seq_value(Seq(lease.epoch));
    let changed = change.execute((&*lease.name, epoch, value, now.us, now.until_max_us)).map_err(sqlite)?;
    if changed == 0 { Err(lease_lost(&lease)) } else { Ok(Some(lease)) }
}

/// Reads a page within one snapshot.
fn entries(connection: &Connection, after: Seq, limit: u32) -> Result<LogPage> {
    let (head, _) = head(connection)?;
    let mut found = connection.prepare_cached(statement::LOG_ALL).map_err(sqlite)?;
    let mut rows = found.query((seq_value(after), limit.min(RELAY_PAGE_LEN_MAX))).map_err(sqlite)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(sqlite)? {
        entries.push(entry(row)?);
    }
    Ok(LogPage { entries, head })
}

fn cursors(connection: &Connection, at: Timestamp) -> Result<Vec<RelayCursor>> {
    let now = Now::new(at);
    let mut found = connection.prepare_cached(statement::RELAY_CURSORS).map_err(sqlite)?;
    let listed = found.query_map((now.us, now.until_max_us), |row| {
        Ok(RelayCursor {
            name: row.get(0)?,
            cursor: seq_of(row.get(1)?),
            epoch: seq_of(row.get(2)?).0,
            holder: row.get(3)?,
        })
    });
    listed.and_then(Iterator::collect).map_err(sqlite)
}

#[async_trait]
impl RelayStore for SqliteStore {
    async fn log(&self, after: Seq, limit: u32) -> Result<LogPage> {
        self.readers.blocking(move |connection| entries(connection, after, limit)).await
    }

    async fn wait(&self, after: Seq, timeout: Duration) -> Result<Seq> {
        let mut newest = self.writer.newest();
        let wait = async {
            loop {
                let head = self.readers.statement(|connection| Ok(head(connection)?.0)).await?;
                if head > after {
                    return Ok::<Seq, Error>(head);
                }
                // The thread that tells of this process's commits ends with the store.
                let told = newest.wait_for(|head| *head > after);
                let _ = tokio::time::timeout(Duration::from_millis(LOG_POLL_MS), told).await;
            }
        };
        match tokio::time::timeout(timeout, wait).await {
            Ok(head) => head,
            Err(_) => self.readers.statement(|connection| Ok(head(connection)?.0)).await,
        }
    }

    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>> {
        check_lease(name, holder, ttl)?;
        self.writer.lease(LeaseAsk::Acquire { name: name.into(), holder: holder.into(), ttl }).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<()> {
        check_lease(&lease.name, &lease.holder, ttl)?;
        self.writer.lease(LeaseAsk::Renew { lease: lease.clone(), ttl }).await.map(drop)
    }

    async fn advance(&self, lease: &Lease, to: Seq) -> Result<()> {
        self.writer.lease(LeaseAsk::Advance { lease: lease.clone(), to }).await.map(drop)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.writer.lease(LeaseAsk::Release { lease: lease.clone() }).await.map(drop)
    }

    async fn cursors(&self) -> Result<Vec<RelayCursor>> {
        let now = self.env.now();
        self.readers.statement(move |connection| cursors(connection, now)).await
    }
}

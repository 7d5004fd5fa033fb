//! The log of all tenants, cursors into it, and leases on them, judged by the clock of the database.

use std::time::Duration;

use arrakis_core::relay::{
    LEASE_TTL_MAX, LOG_POLL_MS, Lease, RELAY_PAGE_LEN_MAX, RelayCursor, RelayStore, check_lease, lease_lost,
};
use arrakis_core::{LogPage, Result, Seq};
use async_trait::async_trait;
use sqlx::postgres::PgRow;

use super::commit_log::page_of;
use super::value::{Binder, RowReader};
use super::{PgStore, statement};
use crate::sql::{ReadRow, seq_of, seq_value};

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// Binds what names a lease.
fn of(lease: &Lease) -> Result<Binder> {
    Binder::default().bind(&*lease.name)?.bind(seq_value(Seq(lease.epoch)))
}

fn cursor(row: &PgRow) -> Result<RelayCursor> {
    let mut row = RowReader::new(row);
    let (name, cursor, epoch) = (row.text()?.into(), row.seq()?, row.seq()?.0);
    Ok(RelayCursor { name, cursor, epoch, holder: row.optional_text()?.map(Into::into) })
}

#[async_trait]
impl RelayStore for PgStore {
    async fn log(&self, after: Seq, limit: u32) -> Result<LogPage> {
        let limit = i64::from(limit.min(RELAY_PAGE_LEN_MAX));
        let bound = Binder::default().bind(seq_value(after))?.bind(limit)?.done();
        page_of(&self.readers.rows_of_all(statement::LOG_ALL, &bound).await?)
    }

    async fn wait(&self, after: Seq, timeout: Duration) -> Result<Seq> {
        let mut told = self.wake.listen();
        let wait = async {
            loop {
                told.borrow_and_update();
                let head = self.readers.head().await?;
                if head > after {
                    return Ok(head);
                }
                let _ = tokio::time::timeout(Duration::from_millis(LOG_POLL_MS), told.changed()).await;
            }
        };
        match tokio::time::timeout(timeout, wait).await {
            Ok(head) => head,
            Err(_) => self.readers.head().await,
        }
    }

    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>> {
        check_lease(name, holder, ttl)?;
        let bound = Binder::default().bind(name)?.bind(holder)?.bind(seconds(ttl))?.bind(seconds(LEASE_TTL_MAX))?;
        let rows = self.keeper.rows(statement::RELAY_ACQUIRE, &bound.done()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut row = RowReader::new(row);
        let (epoch, cursor) = (seq_of(row.integer()?).0, row.seq()?);
        Ok(Some(Lease { name: name.into(), holder: holder.into(), epoch, cursor }))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<()> {
        check_lease(&lease.name, &lease.holder, ttl)?;
        let bound = of(lease)?.bind(seconds(ttl))?.bind(seconds(LEASE_TTL_MAX))?.done();
        let changed = self.keeper.execute(statement::RELAY_RENEW, &bound).await?;
        if changed == 0 { Err(lease_lost(lease)) } else { Ok(()) }
    }

    async fn advance(&self, lease: &Lease, to: Seq) -> Result<()> {
        let bound = of(lease)?.bind(seq_value(to))?.bind(seconds(LEASE_TTL_MAX))?.done();
        let changed = self.keeper.execute(statement::RELAY_ADVANCE, &bound).await?;
        if changed == 0 { Err(lease_lost(lease)) } else { Ok(()) }
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.keeper.execute(statement::RELAY_RELEASE, &of(lease)?.done()).await.map(drop)
    }

    async fn cursors(&self) -> Result<Vec<RelayCursor>> {
        let bound = Binder::default().bind(seconds(LEASE_TTL_MAX))?.done();
        self.readers.rows(statement::RELAY_CURSORS, &bound).await?.iter().map(cursor).collect()
    }
}

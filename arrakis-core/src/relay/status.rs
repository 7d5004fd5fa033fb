//! How far a relay is, in numbers.

use std::sync::Arc;
use std::time::Duration;

use super::RelayStore;
use crate::{Result, Seq, Timestamp};

/// How far a cursor is behind its log, as anyone who reads the store sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayStatus {
    /// The cursor's name.
    pub name: Arc<str>,
    /// Who tells it now, if anyone does.
    pub holder: Option<Arc<str>>,
    /// How often the cursor was leased.
    pub epoch: u64,
    /// The newest entry that needs no telling any more.
    pub cursor: Seq,
    /// The newest entry of the log.
    pub head: Seq,
    /// When the oldest entry that is not told yet was written; `None` when all are.
    pub oldest_at: Option<Timestamp>,
}

impl RelayStatus {
    /// The status of every cursor of a store, by name.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn of(store: &dyn RelayStore) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for cursor in store.cursors().await? {
            let page = store.log(cursor.cursor, 1).await?;
            all.push(Self {
                name: cursor.name,
                holder: cursor.holder,
                epoch: cursor.epoch,
                cursor: cursor.cursor,
                head: page.head,
                oldest_at: page.entries.first().map(|entry| entry.at),
            });
        }
        Ok(all)
    }

    /// How many entries are not told yet.
    pub fn backlog(&self) -> u64 {
        self.head.0.saturating_sub(self.cursor.0)
    }

    /// How long the oldest entry that is not told yet has waited; nothing when all are told.
    pub fn age(&self, now: Timestamp) -> Duration {
        let waited = self.oldest_at.map_or(0, |at| now.micros().saturating_sub(at.micros()));
        Duration::from_micros(u64::try_from(waited).unwrap_or(0))
    }
}

/// What a relay of this process did since it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayCounts {
    /// Whether it holds the lease, as far as it knows.
    pub is_leading: bool,
    /// Entries the sink answered for, those told again included.
    pub delivered: u64,
    /// How often something failed and was tried again.
    pub failures: u64,
    /// How often the sink was found to hold less than the cursor says.
    pub rewinds: u64,
    /// The code of what failed last, until something succeeds.
    pub failing: Option<String>,
    /// The newest entry the sink answered for.
    pub told: Seq,
}

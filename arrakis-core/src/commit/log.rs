//! The commit log: gap-free, ordered by visibility.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AuditRecord, Commit, Event, Receipt, Tenant};
use crate::{Actor, CommitId, Error, Key, LinkTypeId, ObjectTypeId, Result, Scope, Seq, TenantId, Timestamp};

/// What a commit did, as its log entry tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its place.
    pub seq: Seq,
    /// The commit.
    pub commit: CommitId,
    /// Whose data changed.
    pub tenant: TenantId,
    /// Who wrote.
    pub actor: Actor,
    /// When, never before its predecessor.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// Every row it touched, those reached by on-delete rules included, in the order they were written.
    pub effects: Vec<Effect>,
    /// The audit record.
    pub audit: AuditRecord,
    /// The events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// One thing a commit touched. Values are read from the version tables at the entry's seq.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// An object: type, key, what happened.
    Object(ObjectTypeId, Key, EffectKind),
    /// A link: type, source key, target key, what happened.
    Link(LinkTypeId, Key, Key, EffectKind),
    /// A schema version; rows rewritten with it bear its seq.
    Published(u32),
    /// A space.
    Space(crate::SpaceId),
    /// A tenant.
    Tenant(TenantId),
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// It came to be.
    Created,
    /// Its values changed.
    Modified,
    /// It is gone.
    Deleted,
}

pub(super) const UNDONE: &str = "commit.batch.undone";

/// The answer of a commit that was undone, or never tried, because another of its [`Atomicity::All`] batch was refused.
pub fn undone() -> Error {
    Error::conflict(UNDONE, "another commit of the batch was refused, so none was applied")
}

/// A stretch of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPage {
    /// The entries, oldest first.
    pub entries: Vec<LogEntry>,
    /// The newest commit of the store when the page was read.
    pub head: Seq,
}

/// What a refused commit does to the others of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Atomicity {
    /// Nothing: each commit is whole or not at all by itself.
    Each,
    /// The batch is whole or not at all: nothing of it is applied.
    All,
}

/// The port through which every write goes and from which every feed is read.
#[async_trait]
pub trait CommitLog: std::fmt::Debug + Send + Sync + 'static {
    /// Applies commits in order, in one durable transaction, each whole or not at all. Answers one result per commit, in order.
    ///
    /// # Behavior
    /// - under [`Atomicity::Each`], one failing commit never fails its neighbours; its changes are not visible to them
    /// - under [`Atomicity::All`], the first failing commit ends the batch and nothing of it is applied: that commit answers why, every
    ///   other one [`undone`], but those whose id was in the log before answer their first receipt still
    /// - a commit sees the changes of those before it in the batch
    /// - `seq` is assigned in order without gaps; a refused commit takes none
    /// - a commit whose id is already in the log returns the first receipt, marked replayed, and changes nothing
    /// - when the transaction itself fails, every commit fails, with [`crate::Outcome::Unknown`] where it may have been applied
    /// - dropping the future does not stop the batch; it is applied whole or not at all
    async fn commit_batch(&self, commits: Vec<Commit>, atomicity: Atomicity) -> Vec<Result<Receipt>>;

    /// Applies a commit as [`CommitLog::commit_batch`] would, answers what it would touch, and undoes it.
    ///
    /// # Behavior
    /// - answers the very effects, on-delete rules included, or the very refusal a commit of it would have now
    /// - changes nothing and takes no `seq`
    /// - a commit whose id is in the log is refused with `commit.id.taken`
    async fn rehearse(&self, commit: Commit) -> Result<Vec<Effect>>;

    /// The newest commit, 0 for an empty store.
    async fn head(&self) -> Result<Seq>;

    /// Up to `limit` entries of one tenant after `after`, oldest first.
    async fn entries(&self, scope: Scope, after: Seq, limit: u32) -> Result<LogPage>;

    /// The receipt of a commit of this tenant, if it was applied.
    async fn receipt(&self, scope: Scope, commit: CommitId) -> Result<Option<Receipt>>;

    /// The newest commit at or before an instant, 0 when there is none.
    async fn seq_at(&self, at: Timestamp) -> Result<Seq>;

    /// The tenant with its space. `None` for an unknown id.
    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>>;

    /// A secret of this store, the same for every process that opens it, to authenticate cursors with.
    fn cursor_key(&self) -> [u8; 32];
}

//! Entries of the commit log: what has columns of its own, and the rest as one document.

use std::sync::Arc;

use arrakis_core::commit::{AuditRecord, Event};
use arrakis_core::ontology::Schema;
use arrakis_core::{
    Actor, Change, Commit, CommitId, Effect, Error, ErrorKind, LogEntry, Outcome, Receipt, Result, Seq, SpaceId,
    TenantId, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::unreadable;

/// What of an entry has no column of its own.
#[derive(Serialize)]
struct Body<'a> {
    effects: &'a [Effect],
    audit: &'a AuditRecord,
    #[serde(skip_serializing_if = "<[Event]>::is_empty")]
    events: &'a [Event],
}

/// A [`Body`] as read.
#[derive(Deserialize)]
struct StoredBody {
    effects: Vec<Effect>,
    audit: AuditRecord,
    #[serde(default)]
    events: Vec<Event>,
}

/// The document of an entry.
pub(crate) fn body_of(entry: &LogEntry) -> Result<String> {
    let body = Body { effects: &entry.effects, audit: &entry.audit, events: &entry.events };
    serde_json::to_string(&body).map_err(|e| unreadable("log entry", e))
}

/// Who wrote a commit, when and why.
pub(crate) struct Author {
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) reason: Option<Arc<str>>,
}

impl Author {
    pub(crate) fn new(at_us: i64, actor: &str, reason: Option<Arc<str>>) -> Result<Self> {
        let at = Timestamp::from_micros(at_us).map_err(|e| unreadable("log entry", e))?;
        let actor = Actor::parse(actor).map_err(|e| unreadable("log entry", e))?;
        Ok(Self { at, actor, reason })
    }
}

/// What of an entry has columns.
pub(crate) struct Written {
    pub(crate) seq: Seq,
    pub(crate) commit: CommitId,
    pub(crate) tenant: TenantId,
    pub(crate) author: Author,
}

impl Written {
    /// The entry, with its document.
    pub(crate) fn with_body(self, body: &str) -> Result<LogEntry> {
        let body: StoredBody = serde_json::from_str(body).map_err(|e| unreadable("log entry", e))?;
        Ok(LogEntry {
            seq: self.seq,
            commit: self.commit,
            tenant: self.tenant,
            actor: self.author.actor,
            at: self.author.at,
            reason: self.author.reason,
            effects: body.effects,
            audit: body.audit,
            events: body.events,
        })
    }
}

/// The schema versions a batch publishes.
pub(crate) fn published(commits: &[Commit], results: &[Result<Receipt>]) -> Vec<(SpaceId, Arc<Schema>)> {
    let mut published = Vec::new();
    for (commit, result) in commits.iter().zip(results) {
        if !result.as_ref().is_ok_and(|receipt| !receipt.replayed) {
            continue;
        }
        for change in &commit.changes {
            if let Change::Publish(publication) = change {
                published.push((commit.scope.space, Arc::clone(&publication.schema)));
            }
        }
    }
    published
}

/// The answer when the thread that writes is gone.
pub(crate) fn closed() -> Error {
    Error::unavailable("store.closed", "the store is shut down")
}

/// What a commit answers whose transaction could not be made durable. A transaction refused for want of room or of a lock is not in
/// the store; after any other failure nobody knows before it is read again.
pub(crate) fn lost(error: &Error) -> Error {
    let outcome = match error.kind() {
        ErrorKind::Unavailable if matches!(error.code(), "store.busy" | "store.disk_full") => Outcome::NotApplied,
        _ => Outcome::Unknown,
    };
    error.duplicate().outcome_is(outcome)
}

//! A write is a value: one [`Commit`], applied whole or not at all, and the log every commit enters.
//!
//! The log is the outbox, the audit feed, the change feed and the cache-invalidation feed. Nothing is published from a handler.

mod apply;
mod change;
mod committer;
mod log;
mod txn;

pub use self::apply::{Applied, AppliedBatch, CASCADE_MAX, INDEX_TEXT_LEN_MAX, apply, apply_batch, rehearse};
pub(crate) use self::apply::{absent, dangling};
pub use self::change::{
    ActionRecord, AuditRecord, COMMIT_CHANGES_MAX, Change, Commit, Event, LinkChange, LinkOp, LinkRef, ObjectChange,
    ObjectOp, ObjectRef, Precondition, Publication, Receipt, TenancyChange,
};
pub use self::committer::{COMMIT_BATCH_MAX, COMMIT_QUEUE_MAX, Committer};
pub(crate) use self::committer::{Named, Witness};
pub use self::log::{Atomicity, CommitLog, Effect, EffectKind, LogEntry, LogPage, undone};
pub use self::txn::{StoredLink, StoredRow, Tenant, Txn, VisitLink, VisitObject};

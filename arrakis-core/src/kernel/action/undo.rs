//! Undoing, as callers ask for it.

use serde::{Deserialize, Serialize};

use super::NamedEffect;
use crate::kernel::Edit;
use crate::{Actor, CommitId, Key, Receipt, Seq, Timestamp};

/// The most commits of one load that one undo takes back.
pub const UNDO_COMMITS_MAX: usize = 100;

/// A request to undo a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// The id of the action, write, load or undo.
    pub commit: CommitId,
    /// What to do about what others changed since.
    #[serde(default)]
    pub on_conflict: OnConflict,
    /// Whether to tell what would happen, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// The idempotency key of the undoing itself. A fresh one when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CommitId>,
    /// Why, in the caller's words, up to [`crate::kernel::REASON_LEN_MAX`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Undo {
    /// A request to undo a commit, unless something it changed was changed since.
    pub const fn of(commit: CommitId) -> Self {
        Self { commit, on_conflict: OnConflict::Refuse, dry_run: false, id: None, reason: None }
    }

    /// What to do about what was changed since.
    #[must_use]
    pub const fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.on_conflict = on_conflict;
        self
    }

    /// Only told, not done.
    #[must_use]
    pub const fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }
}

/// What to do where something the commit changed was changed again since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Undo nothing.
    #[default]
    Refuse,
    /// Leave what was changed since as it is, property by property, and undo the rest.
    Skip,
    /// Undo it too: what was changed since is lost.
    Override,
}

/// A change made since to what an undo takes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ChangedSince {
    /// The type of the object or link.
    pub r#type: String,
    /// The object's key, or the key at the link's source end.
    pub key: Key,
    /// The key at the link's target end, for a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Key>,
    /// The property changed since; none where the whole was created, deleted, or its type is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// The commit that changed it last; none where no commit did, as for a type that is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ChangedBy>,
}

/// Who changed something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ChangedBy {
    /// Its place in the log.
    pub seq: Seq,
    /// The commit.
    pub commit: CommitId,
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

/// What an undo did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct UndoReport {
    /// The proof; none for a dry run, and where there was nothing to undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// What was changed since, however it was dealt with.
    pub changed_since: Vec<ChangedSince>,
    /// The edits that take the commit back.
    pub edits: Vec<Edit>,
    /// What changes or would change; none for a replay.
    pub effects: Vec<NamedEffect>,
}

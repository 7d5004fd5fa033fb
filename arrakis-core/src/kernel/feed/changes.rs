//! The changes of a tenant's data, commit by commit, as they are asked for and answered.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::commit::{AuditRecord, Event};
use crate::kernel::{Object, Properties};
use crate::value::exact;
use crate::{Actor, ApiName, CommitId, EffectKind, Key, Seq, Timestamp};

/// How many changes a page has unless another number is asked for.
pub const CHANGES_LIMIT_DEFAULT: u32 = 1_000;
/// The most changes of a page, but for a commit that has more by itself.
pub const CHANGES_LIMIT_MAX: u32 = 10_000;
/// The longest wait for a commit, milliseconds.
pub const CHANGES_WAIT_MAX_MS: u64 = 60_000;
/// The most types a request names.
pub const CHANGES_TYPES_MAX: usize = 1_000;

/// The commits after one.
///
/// A page has whole commits: as many as have `limit` changes together, and at least one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangesSince {
    /// Only later commits: 0, or the `next` of the page before.
    #[serde(default)]
    pub after: Seq,
    /// How many changes of objects and links to look at, 1 to [`CHANGES_LIMIT_MAX`]; [`CHANGES_LIMIT_DEFAULT`] when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only changes of these object types, interfaces and link types, by their present names; of all when left out. Commits without
    /// such changes are left out then, so that a page may be empty before the log ends. Publications are always told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// How long to wait for a commit where there is none yet, up to [`CHANGES_WAIT_MAX_MS`]; not at all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

impl ChangesSince {
    /// All changes after a commit, 0 for all there are.
    pub fn after(after: Seq) -> Self {
        Self { after, ..Self::default() }
    }
}

/// A page of the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Changes {
    /// The commits, oldest first.
    pub commits: Vec<CommitChanges>,
    /// The `after` of the next page.
    pub next: Seq,
    /// The newest commit of the store when the page was read. The page reaches it when `next` does.
    pub seq: Seq,
}

/// What one commit changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct CommitChanges {
    /// Its place, and the revision of every row it wrote.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who wrote it and why; `None` for a publication by another tenant of the space.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The objects it changed, each once, in the order they were first written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ChangedObject>,
    /// The links it changed, each once: those with a table of their own in the order they were first written, then those held in a
    /// property of an object it changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<ChangedLink>,
    /// The version of the ontology it published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedVersion>,
    /// The events it bears.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// Where a commit comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Origin {
    /// The commit.
    pub commit: CommitId,
    /// Who.
    pub actor: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// By which method, for which request.
    pub audit: AuditRecord,
}

/// An object a commit changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ChangedObject {
    /// Its type, as it was called then.
    #[serde(rename = "type")]
    pub object_type: ApiName,
    /// Its key.
    #[serde(with = "exact::key")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Key"))]
    pub key: Key,
    /// What happened, all in all: an object deleted and created again was modified.
    pub kind: EffectKind,
    /// The values before; `None` for one that was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Properties>,
    /// The object as the commit left it; `None` for one that was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Object>,
}

/// A link a commit changed, of either backing. One held in a property is deleted and created as the property changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ChangedLink {
    /// Its type, as it was called then.
    #[serde(rename = "type")]
    pub link_type: ApiName,
    /// The key at the source end.
    #[serde(with = "exact::key")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Key"))]
    pub source: Key,
    /// The key at the target end.
    #[serde(with = "exact::key")]
    #[cfg_attr(feature = "json-schema", schemars(with = "Key"))]
    pub target: Key,
    /// What happened, all in all.
    pub kind: EffectKind,
    /// Its properties as the commit left them; `None` for one that was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties>,
}

/// A published version, and what its publication did to data: rows rewritten by it bear its seq and are not among the changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct PublishedVersion {
    /// Its number.
    pub version: u32,
    /// What has to be read again, as of the commit: every type and link type that is new, has another name, or whose rows were or may
    /// have been rewritten. All others hold what they held.
    pub read_again: ElementNames,
    /// What there is no more, by the names of the version before: the objects and links are gone.
    pub gone: ElementNames,
}

/// Object types and link types by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ElementNames {
    /// Object types, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub object_types: Vec<ApiName>,
    /// Link types of either backing, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link_types: Vec<ApiName>,
}

//! What a commit says.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ontology::{DataCheck, LinkType, NewChanges, ObjectType, Rewrite, Schema};
use crate::{Actor, CommitId, Context, Key, RequestId, Scope, Seq, SpaceId, TenantId, Timestamp, Value};

/// The most changes in one commit.
pub const COMMIT_CHANGES_MAX: usize = 10_000;

/// One write: everything in it happens, or nothing.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Chosen by the writer; the same id again returns the first receipt and changes nothing.
    pub id: CommitId,
    /// Whose data changes, under which ontology.
    pub scope: Scope,
    /// The schema version the changes were decided under; the store refuses the commit when the space has moved on.
    pub schema_version: Option<u32>,
    /// Who writes.
    pub actor: Actor,
    /// When it was decided. The log never goes back in time: an earlier instant is raised to its predecessor's.
    pub at: Timestamp,
    /// Why, in the writer's words.
    pub reason: Option<Arc<str>>,
    /// What must hold before the first change.
    pub preconditions: Vec<Precondition>,
    /// The changes, applied in order; each sees those before it.
    pub changes: Vec<Change>,
    /// What the audit log says of it.
    pub audit: AuditRecord,
    /// What the world hears of it.
    pub events: Vec<Event>,
}

/// A condition on the stored state.
#[derive(Clone, Debug)]
pub enum Precondition {
    /// No such object.
    Absent(ObjectRef),
    /// The object exists at exactly this revision.
    At(ObjectRef, Seq),
    /// No object of the type holds this value in this property, an index into [`ObjectType::properties`].
    Unique(Arc<ObjectType>, usize, Value),
    /// The object exists and holds this value, perhaps the absent one, in this property: where a foreign key points.
    Holds(ObjectRef, usize, Value),
    /// The link exists at exactly this revision.
    LinkAt(LinkRef, Seq),
    /// No such link.
    LinkAbsent(LinkRef),
}

/// An object, by type and key.
#[derive(Clone, Debug)]
pub struct ObjectRef {
    /// Its type.
    pub object_type: Arc<ObjectType>,
    /// Its primary key.
    pub key: Key,
}

/// A link, by type and the keys of both ends.
#[derive(Clone, Debug)]
pub struct LinkRef {
    /// Its type, backed by a join table.
    pub link_type: Arc<LinkType>,
    /// The key at the source end.
    pub source: Key,
    /// The key at the target end.
    pub target: Key,
}

/// A change. Adapters match it without a wildcard, so a new change does not compile until each of them handles it.
#[derive(Clone, Debug)]
pub enum Change {
    /// A space or tenant.
    Tenancy(TenancyChange),
    /// A new version of the ontology, its tables and its data.
    Publish(Arc<Publication>),
    /// An object.
    Object(ObjectChange),
    /// A link of a join-table backed type. A foreign-key backed link is a property of its holder.
    Link(LinkChange),
}

/// A change of tenancy.
#[derive(Clone, Debug)]
pub enum TenancyChange {
    /// A space; `AlreadyExists` when the id or the name is taken.
    CreateSpace {
        /// Its id.
        id: SpaceId,
        /// Its name, unique in the store.
        name: Arc<str>,
    },
    /// A tenant bound to a space; `NotFound` when there is no such space.
    CreateTenant {
        /// Its id.
        id: TenantId,
        /// Its name, unique in the store.
        name: Arc<str>,
        /// The space whose ontology it uses.
        space: SpaceId,
    },
}

/// A new schema version with what it takes to bring the data along.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The version to publish; its number is one above its base.
    pub schema: Arc<Schema>,
    /// The version it was planned against, 0 for none. The store refuses it when the space has moved on.
    pub base_version: u32,
    /// Row rewrites, in order, before the checks.
    pub rewrites: Vec<Rewrite>,
    /// What must hold of all data of the space: as it is found, for a check that [`DataCheck::is_before`], else once rewritten.
    pub checks: Vec<DataCheck>,
}

/// A change of one object.
#[derive(Clone, Debug)]
pub struct ObjectChange {
    /// Which object.
    pub object: ObjectRef,
    /// What happens to it.
    pub op: ObjectOp,
}

/// What happens to an object. A row holds one value per property, in the order of [`ObjectType::properties`].
#[derive(Clone, Debug)]
pub enum ObjectOp {
    /// Creates it; `AlreadyExists` when it is there.
    Create {
        /// The whole row.
        row: Vec<Value>,
    },
    /// Replaces some properties; `NotFound` when it is absent. A row left as it was is not written.
    Modify {
        /// Property index and new value.
        set: Vec<(usize, Value)>,
    },
    /// Modifies it when it is there, else creates it.
    Upsert {
        /// The whole row when it is absent.
        row: Vec<Value>,
        /// Property index and new value when it is there.
        set: Vec<(usize, Value)>,
    },
    /// Deletes it by the on-delete rules of its links; `NotFound` when it is absent.
    Delete,
}

/// A change of one link.
#[derive(Clone, Debug)]
pub struct LinkChange {
    /// Which link.
    pub link: LinkRef,
    /// What happens to it.
    pub op: LinkOp,
}

/// What happens to a link.
#[derive(Clone, Debug)]
pub enum LinkOp {
    /// Creates the link; both ends must exist and cardinality must hold. `AlreadyExists` when it is there.
    Create {
        /// One value per link property.
        row: Vec<Value>,
    },
    /// Creates the link, or replaces its properties when it is there. A row left as it was is not written.
    Upsert {
        /// One value per link property.
        row: Vec<Value>,
    },
    /// Deletes the link; `NotFound` when it is absent.
    Delete,
}

/// What the audit log says of a commit. The actor, time, reason and effects are the commit's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct AuditRecord {
    /// The service method, such as `kernel.write`.
    pub method: Arc<str>,
    /// The request it came with.
    pub request_id: RequestId,
    /// The action that was executed, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionRecord>,
    /// The commit it undoes, when it undoes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<CommitId>,
    /// What a version of the ontology stated of how it comes of the one before, when it is one that states something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<Arc<NewChanges>>,
    /// The `traceparent` of the request (W3C Trace Context), when it is of a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Arc<str>>,
    /// The digest of the request ([`crate::Once::request`]), when it was sent under an idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Arc<str>>,
    /// What it was answered, for whoever has the key and the root secret of the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Arc<str>>,
}

/// What the audit log says of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct ActionRecord {
    /// The action type.
    pub name: Arc<str>,
    /// What the caller gave, by parameter, in the JSON form.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub parameters: serde_json::Map<String, serde_json::Value>,
}

impl AuditRecord {
    /// A record that names a method and a request, and no action.
    pub fn new(method: impl Into<Arc<str>>, request_id: RequestId) -> Self {
        Self {
            method: method.into(),
            request_id,
            action: None,
            undoes: None,
            changes: None,
            trace: None,
            request: None,
            answer: None,
        }
    }

    /// A record of a method that is called in a context, and no action.
    pub fn of(ctx: &Context, method: impl Into<Arc<str>>) -> Self {
        let request = ctx.once().map(|once| Arc::clone(once.request()));
        Self { trace: ctx.trace().map(Into::into), request, ..Self::new(method, ctx.request_id()) }
    }
}

/// Something the world may hear of, in the shape of a `CloudEvents` 1.0 event: the envelope's other attributes come from the commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// The event type, in the past tense, such as `ontology.published`.
    pub r#type: Arc<str>,
    /// What it is about, such as `Airport/SFO`.
    pub subject: Arc<str>,
    /// Its data.
    pub data: serde_json::Value,
}

/// Proof that a commit is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The commit.
    pub commit: CommitId,
    /// Its place in the log, and the revision of every row it wrote.
    pub seq: Seq,
    /// Whether this answer repeats that of an earlier commit with the same id.
    #[serde(default)]
    pub replayed: bool,
}

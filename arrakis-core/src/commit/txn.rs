//! What an adapter lends the rules of a commit: a transaction's view of one store, row by row.
//!
//! [`super::apply`] holds every rule once; adapters only fetch and write. All methods see the writes made before them in the same
//! transaction.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{LogEntry, Publication, Receipt};
use crate::ontology::{End, LinkType, ObjectType, Schema};
use crate::{CommitId, Key, Result, Scope, Seq, SpaceId, TenantId, Value};

/// An object's row as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRow {
    /// The commit that wrote it.
    pub revision: Seq,
    /// One value per property, in the order of [`ObjectType::properties`].
    pub values: Vec<Value>,
}

/// A join-table link as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredLink {
    /// The key at the source end.
    pub source: Key,
    /// The key at the target end.
    pub target: Key,
    /// The commit that wrote it.
    pub revision: Seq,
    /// One value per link property.
    pub values: Vec<Value>,
}

/// A tenant and the space whose ontology it uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: Arc<str>,
    /// Its space.
    pub space: SpaceId,
}

/// What a scan calls for each object; it may break off.
pub type VisitObject<'a> = dyn FnMut(TenantId, &Key, &StoredRow) -> Result<ControlFlow<()>> + 'a;

/// What a scan calls for each link; it may break off.
pub type VisitLink<'a> = dyn FnMut(TenantId, &StoredLink) -> Result<ControlFlow<()>> + 'a;

/// A store's transaction, as the rules of a commit see it.
pub trait Txn {
    /// The receipt of a commit already in the log, whichever tenant wrote it, with that tenant.
    fn receipt(&mut self, commit: CommitId) -> Result<Option<(TenantId, Receipt)>>;

    /// The digest of the request that made a commit of a tenant, where it bears one.
    fn request(&mut self, tenant: TenantId, commit: Seq) -> Result<Option<Arc<str>>>;

    /// The current schema of a space, `None` when nothing was published.
    fn schema(&mut self, space: SpaceId) -> Result<Option<Arc<Schema>>>;

    /// The tenant, `None` when there is none.
    fn tenant(&mut self, tenant: TenantId) -> Result<Option<Tenant>>;

    /// Whether a space with this id or this name exists.
    fn space_exists(&mut self, space: SpaceId, name: Option<&str>) -> Result<bool>;

    /// Writes a space.
    fn insert_space(&mut self, space: SpaceId, name: &str) -> Result<()>;

    /// Writes a tenant; `false` when the id or name is taken.
    fn insert_tenant(&mut self, tenant: &Tenant) -> Result<bool>;

    /// Stores a schema version and brings tables, columns and indexes to it. What the schema no longer names is kept for reads as of
    /// earlier commits; rows of retired types and links are ended at `seq`.
    fn publish(&mut self, space: SpaceId, publication: &Publication, seq: Seq) -> Result<()>;

    /// An object's current row.
    fn object(&mut self, scope: Scope, object_type: &ObjectType, key: &Key) -> Result<Option<StoredRow>>;

    /// Writes a new object; `false`, and nothing written, when the key is taken.
    fn insert_object(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        key: &Key,
        values: &[Value],
        seq: Seq,
    ) -> Result<bool>;

    /// Ends the version `old` at `seq` and writes `new`, or nothing when the object is deleted. Two versions with the same `seq`
    /// leave one: the first is dropped without a trace, for it was never visible.
    fn replace_object(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        key: &Key,
        old_new: (&StoredRow, Option<&[Value]>),
        seq: Seq,
    ) -> Result<()>;

    /// The keys of up to `limit` objects whose property (an index) equals the value, in key order. The property is indexed.
    fn keys_with(
        &mut self,
        scope: Scope,
        object_type: &ObjectType,
        property: usize,
        value: &Value,
        limit: usize,
    ) -> Result<Vec<Key>>;

    /// A join-table link.
    fn link(&mut self, scope: Scope, link_type: &LinkType, source: &Key, target: &Key) -> Result<Option<StoredLink>>;

    /// Up to `limit` join-table links with `key` at `end`, ordered by the far key.
    fn links_of(
        &mut self,
        scope: Scope,
        link_type: &LinkType,
        end: End,
        key: &Key,
        limit: usize,
    ) -> Result<Vec<StoredLink>>;

    /// Writes, replaces or (with `None`) deletes a join-table link, ending the version `old` at `seq`.
    fn write_link(
        &mut self,
        scope: Scope,
        link_type: &LinkType,
        source_target: (&Key, &Key),
        old_new: (Option<&StoredLink>, Option<&[Value]>),
        seq: Seq,
    ) -> Result<()>;

    /// Visits every current object of a type in all tenants of the space, in tenant and key order, until the visitor breaks.
    fn scan_objects(&mut self, space: SpaceId, object_type: &ObjectType, visit: &mut VisitObject<'_>) -> Result<()>;

    /// Visits every current link of a join-table backed type in all tenants of the space, in tenant, source key and target key order,
    /// until the visitor breaks.
    fn scan_links(&mut self, space: SpaceId, link_type: &LinkType, visit: &mut VisitLink<'_>) -> Result<()>;

    /// Appends the log entry.
    fn append(&mut self, entry: &LogEntry) -> Result<()>;

    /// Marks a point to fall back to.
    fn savepoint(&mut self) -> Result<()>;

    /// Keeps (`true`) or undoes (`false`) everything since the last savepoint, and removes the mark.
    fn release(&mut self, keep: bool) -> Result<()>;
}

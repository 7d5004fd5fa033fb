//! The port that reads published schemas.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{DataCheck, Schema, SchemaHash, Violations};
use crate::{Actor, Result, Scope, Seq, SpaceId, Timestamp};

/// A published version, without its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct SchemaVersion {
    /// Its number in its space, from 1.
    pub version: u32,
    /// The hash of its definition.
    pub hash: SchemaHash,
    /// The commit that published it.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
}

/// Reads published schemas. They are written by [`crate::Change::Publish`].
#[async_trait]
pub trait OntologyStore: std::fmt::Debug + Send + Sync + 'static {
    /// The current schema of a space.
    ///
    /// # Behavior
    /// - `None` before the first version is published
    /// - a schema once returned never changes; the same version is the same content
    async fn schema(&self, space: SpaceId) -> Result<Option<Arc<Schema>>>;

    /// One version of a space's schema, `None` where there is none.
    async fn schema_version(&self, space: SpaceId, version: u32) -> Result<Option<Arc<Schema>>>;

    /// The schema in force right after the commit at `seq`, `None` before the first version.
    async fn schema_at(&self, space: SpaceId, seq: Seq) -> Result<Option<Arc<Schema>>>;

    /// Up to `limit` versions numbered above `after`, in order.
    async fn schema_versions(&self, space: SpaceId, after: u32, limit: u32) -> Result<Vec<SchemaVersion>>;

    /// Counts what breaks each rule in the data of the whole space, exactly, with samples from the scope's tenant only.
    async fn violations(&self, scope: Scope, checks: Vec<DataCheck>) -> Result<Vec<Violations>>;
}

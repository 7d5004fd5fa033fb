//! Where the kernel takes schemas from: the ontology in the same process, or a client of it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Schema, SchemaVersion};
use crate::{Result, Seq, SpaceId};

/// Hands out the schemas of spaces, from memory where it can.
#[async_trait]
pub trait SchemaSource: std::fmt::Debug + Send + Sync + 'static {
    /// The current schema of a space, which may be one publication behind: a commit decided under it is then refused with
    /// `kernel.schema.moved`.
    async fn current(&self, space: SpaceId) -> Result<Arc<Schema>>;

    /// The schema in force right after the commit at `seq`.
    async fn at(&self, space: SpaceId, seq: Seq) -> Result<Arc<Schema>>;

    /// The current schema of a space, asked anew.
    async fn refresh(&self, space: SpaceId) -> Result<Arc<Schema>>;

    /// One version of a space's schema.
    async fn version(&self, space: SpaceId, version: u32) -> Result<Arc<Schema>>;

    /// The versions numbered above `after` that were published up to the commit at `until`, in order, whichever tenant published them.
    async fn published(&self, space: SpaceId, after: u32, until: Seq) -> Result<Vec<SchemaVersion>>;
}

//! Published schemas.

use std::sync::Arc;

use arrakis_core::ontology::{DataCheck, OntologyStore, Schema, SchemaVersion, Violations};
use arrakis_core::{Error, Result, Scope, Seq, SpaceId};
use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use super::txn::MemoryTxn;

#[async_trait]
impl OntologyStore for MemoryStore {
    async fn schema(&self, space: SpaceId) -> Result<Option<Arc<Schema>>> {
        let state = self.read()?;
        Ok(state.published_at(space, state.head()).map(|(schema, _)| Arc::clone(schema)))
    }

    async fn schema_version(&self, space: SpaceId, version: u32) -> Result<Option<Arc<Schema>>> {
        let state = self.read()?;
        let published = state.spaces.get(&space).map(|space| &space.published);
        let found = published.into_iter().flatten().find(|(schema, _)| schema.version == version);
        Ok(found.map(|(schema, _)| Arc::clone(schema)))
    }

    async fn schema_at(&self, space: SpaceId, seq: Seq) -> Result<Option<Arc<Schema>>> {
        Ok(self.read()?.published_at(space, seq).map(|(schema, _)| Arc::clone(schema)))
    }

    async fn schema_versions(&self, space: SpaceId, after: u32, limit: u32) -> Result<Vec<SchemaVersion>> {
        let state = self.read()?;
        let published = state.spaces.get(&space).map(|space| &space.published);
        let later = published.into_iter().flatten().filter(|(schema, _)| schema.version > after);
        later.take(limit as usize).map(|(schema, seq)| describe(&state, schema, *seq)).collect()
    }

    async fn violations(&self, scope: Scope, checks: Vec<DataCheck>) -> Result<Vec<Violations>> {
        // The checks read through a transaction, as they do when a publication is applied. They write nothing.
        let mut state = self.write()?;
        let mut txn = MemoryTxn::new(&mut state);
        checks.iter().map(|check| check.run(&mut txn, scope.space, scope.tenant)).collect()
    }
}

fn describe(state: &State, schema: &Schema, seq: Seq) -> Result<SchemaVersion> {
    let entry = state.entry(seq).ok_or_else(|| {
        Error::internal("memory.log.gap", "a schema was published by a commit that is not in the log")
    })?;
    Ok(SchemaVersion {
        version: schema.version,
        hash: schema.hash,
        seq,
        at: entry.at,
        actor: entry.actor.clone(),
        reason: entry.reason.clone(),
    })
}

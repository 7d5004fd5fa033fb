//! The schemas a process has seen. A schema never changes; which one is current does.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Schema;
use crate::SpaceId;

/// The most schemas kept beside the current ones; beyond it the kept ones are read anew.
pub const SCHEMAS_CACHED_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct SchemaCache {
    /// Locked to look up and to swap, never while a schema is read or compiled.
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    current: HashMap<SpaceId, Arc<Schema>>,
    versions: HashMap<(SpaceId, u32), Arc<Schema>>,
}

impl SchemaCache {
    pub(super) fn current(&self, space: SpaceId) -> Option<Arc<Schema>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).current.get(&space).cloned()
    }

    /// Takes a schema for the current one, unless a later version is known. Answers the later of both.
    pub(super) fn advance(&self, space: SpaceId, schema: Arc<Schema>) -> Arc<Schema> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let current = known.current.entry(space).or_insert_with(|| Arc::clone(&schema));
        if current.version < schema.version {
            *current = schema;
        }
        Arc::clone(current)
    }

    pub(super) fn version(&self, space: SpaceId, version: u32) -> Option<Arc<Schema>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let current = known.current.get(&space).filter(|current| current.version == version);
        current.or_else(|| known.versions.get(&(space, version))).cloned()
    }

    pub(super) fn keep(&self, space: SpaceId, schema: &Arc<Schema>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.versions.len() >= SCHEMAS_CACHED_MAX {
            known.versions.clear();
        }
        known.versions.insert((space, schema.version), Arc::clone(schema));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::{NewOntology, Numbering};

    #[test]
    fn the_current_schema_only_advances_and_the_kept_ones_are_few() {
        let compile = |version| {
            let definition = NewOntology::default();
            Arc::new(Schema::compile(definition, Numbering::default(), version).unwrap())
        };
        let (cache, space) = (SchemaCache::default(), SpaceId::DEFAULT);
        assert!(cache.current(space).is_none());
        assert_eq!(cache.advance(space, compile(2)).version, 2);
        assert_eq!(cache.advance(space, compile(1)).version, 2);
        assert_eq!(cache.version(space, 2).unwrap().version, 2);
        assert!(cache.version(space, 1).is_none());
        for version in 3..=200 {
            cache.keep(space, &compile(version));
        }
        assert!(cache.known.read().unwrap().versions.len() <= SCHEMAS_CACHED_MAX);
        assert!(cache.version(space, 200).is_some());
    }
}

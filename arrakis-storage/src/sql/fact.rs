//! What is remembered of a database because it never changes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arrakis_core::SpaceId;
use arrakis_core::ontology::Schema;

/// A map whose values, once known, stay true.
#[derive(Debug)]
pub(crate) struct Facts<K, V>(RwLock<HashMap<K, V>>);

impl<K, V> Default for Facts<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V: Clone> Facts<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn set(&self, key: K, value: V) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }
}

/// Schema versions, each compiled once: a large one takes a good part of a second.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    known: Facts<(SpaceId, u32), Arc<Schema>>,
    /// Held while one is compiled, and while one that is compiled already is committed.
    compiling: Mutex<()>,
}

impl Schemas {
    pub(crate) fn get(&self, space: SpaceId, version: u32) -> Option<Arc<Schema>> {
        self.known.get(&(space, version))
    }

    pub(crate) fn set(&self, space: SpaceId, schema: Arc<Schema>) {
        self.known.set((space, schema.version), schema);
    }

    /// Has whoever is to compile one wait, and look again before.
    pub(crate) fn wait(&self) -> MutexGuard<'_, ()> {
        self.compiling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What readers remember of the file. Only facts that never change are kept, so nothing here can be out of date.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arrakis_core::ontology::Schema;
use arrakis_core::{SpaceId, TenantId};

use super::table::{FoundTable, TableId, TableText};

/// A map whose values, once known, stay true.
#[derive(Debug)]
pub(super) struct Facts<K, V>(RwLock<HashMap<K, V>>);

impl<K, V> Default for Facts<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash, V: Clone> Facts<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn set(&self, key: K, value: V) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }
}

/// Schema versions, each compiled once: a large one takes a good part of a second.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    known: Facts<(SpaceId, u32), Arc<Schema>>,
    /// Held while one is compiled, and while one that is compiled already is committed.
    compiling: Mutex<()>,
}

impl Schemas {
    pub(super) fn get(&self, space: SpaceId, version: u32) -> Option<Arc<Schema>> {
        self.known.get(&(space, version))
    }

    pub(super) fn set(&self, space: SpaceId, schema: Arc<Schema>) {
        self.known.set((space, schema.version), schema);
    }

    /// Has whoever is to compile one wait, and look again before.
    pub(super) fn wait(&self) -> MutexGuard<'_, ()> {
        self.compiling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What readers remember of the file.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// The number of a tenant in keys.
    pub(super) tenants: Facts<TenantId, i64>,
    /// Typed tables. One that has no superseded versions may have got some since, and a snapshot may be older than a table.
    pub(super) tables: Facts<TableId, FoundTable>,
    /// The statements on one row, of the version of a type last asked for.
    pub(super) texts: Facts<TableId, Arc<TableText>>,
    /// Schema versions.
    pub(super) schemas: Schemas,
}

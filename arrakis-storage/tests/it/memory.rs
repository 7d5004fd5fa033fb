//! The memory store.

use std::sync::Arc;

use arrakis_core::{Env, Store};
use arrakis_storage::MemoryStore;

async fn open(env: Env) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(env))
}

arrakis_core::store_suite!(open);

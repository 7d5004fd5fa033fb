//! The memory store.

use std::future::{Ready, ready};
use std::sync::Arc;

use arrakis_core::{Env, Store};
use arrakis_storage::MemoryStore;

fn open(env: Env) -> Ready<Arc<dyn Store>> {
    ready(Arc::new(MemoryStore::new(env)))
}

arrakis_core::store_suite!(open);

mod ontology {
    arrakis_core::ontology_suite!(super::open);
}

mod relay {
    arrakis_core::relay_suite!(super::open);
}

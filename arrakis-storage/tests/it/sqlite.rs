//! The SQLite store.

use std::future::{Ready, ready};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrakis_core::{Env, Store};
use arrakis_storage::{SqliteOptions, SqliteStore};

/// A path no other test uses, in a folder of this build.
pub(crate) fn fresh_path(name: &str) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}-{number}.db", std::process::id()))
}

fn open(env: Env) -> Ready<Arc<dyn Store>> {
    let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
    let store = SqliteStore::open(fresh_path("suite"), env, &options);
    ready(Arc::new(store.unwrap_or_else(|error| panic!("{}", error.chain()))))
}

arrakis_core::store_suite!(open);

mod ontology {
    arrakis_core::ontology_suite!(super::open);
}

mod relay {
    arrakis_core::relay_suite!(super::open);
}

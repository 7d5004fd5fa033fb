//! The PostgreSQL store.

use std::sync::Arc;

use arrakis_core::{Env, Store};
use arrakis_storage::{PgOptions, PgStore};
use xtask::services::{Kind, url_or_skip};

/// An empty store in a database of its own, where there is a server.
pub(crate) async fn open(env: Env) -> Option<Arc<dyn Store>> {
    let test = std::thread::current().name().unwrap_or("a test of the suite").to_owned();
    let url = url_or_skip(Kind::Postgres, &test)?;
    let store = PgStore::open_temporary(&url, env, &PgOptions::default()).await;
    Some(Arc::new(store.unwrap_or_else(|error| panic!("{}", error.chain()))))
}

arrakis_core::store_suite!(open);

mod ontology {
    arrakis_core::ontology_suite!(super::open);
}

mod relay {
    arrakis_core::relay_suite!(super::open);
}

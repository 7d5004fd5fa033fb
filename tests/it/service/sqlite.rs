//! Over the SQLite store.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrakis_core::testing::TestEnv;
use arrakis_core::testing::service::Deployment;
use arrakis_storage::{SqliteOptions, SqliteStore};

/// A path no other test uses, in a folder of this build.
fn fresh_path() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("service-{}-{number}.db", std::process::id()))
}

async fn open(test: TestEnv) -> Deployment {
    let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
    let store = SqliteStore::open(fresh_path(), test.env(), &options).unwrap_or_else(|e| panic!("{}", e.chain()));
    Deployment::embedded(Arc::new(store), test).await
}

mod access {
    use super::open;

    arrakis_core::access_suite!(open);
}

mod kernel {
    use super::open;

    arrakis_core::kernel_suite!(open);
}

mod action {
    use super::open;

    arrakis_core::action_suite!(open);
}

mod feed {
    use super::open;

    arrakis_core::feed_suite!(open);
}

mod user {
    use super::open;

    arrakis_core::user_suite!(open);
}

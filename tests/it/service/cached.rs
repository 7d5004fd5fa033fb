//! Over the memory store, with what is read by key answered from a cache, and that from another that is shared.

use std::sync::Arc;

use arrakis_core::cache::CacheOptions;
use arrakis_core::testing::TestEnv;
use arrakis_core::testing::cache::ShakyCache;
use arrakis_core::testing::service::Deployment;
use arrakis_storage::MemoryStore;

async fn open(test: TestEnv) -> Deployment {
    let store = Arc::new(MemoryStore::new(test.env()));
    // It keeps next to nothing itself, so that much comes from the shared one.
    let options = CacheOptions { bytes_max: 20_000, shared: Some(Arc::new(ShakyCache::new(1))) };
    Deployment::cached(store, test, options).await
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

mod user {
    use super::open;

    arrakis_core::user_suite!(open);
}

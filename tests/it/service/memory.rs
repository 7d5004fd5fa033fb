//! Over the memory store.

use std::sync::Arc;

use arrakis_core::testing::TestEnv;
use arrakis_core::testing::service::Deployment;
use arrakis_storage::MemoryStore;

async fn open(test: TestEnv) -> Deployment {
    let store = Arc::new(MemoryStore::new(test.env()));
    Deployment::embedded(store, test).await
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

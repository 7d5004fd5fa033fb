//! Over the memory store.

use std::sync::Arc;

use arrakis_core::testing::TestEnv;
use arrakis_core::testing::service::Deployment;
use arrakis_storage::MemoryStore;

async fn open(test: TestEnv) -> Deployment {
    let store = Arc::new(MemoryStore::new(test.env()));
    Deployment::embedded(store, test).await
}

mod access {
    use arrakis_core::testing::TestEnv;
    use arrakis_core::testing::service::access::{hold_to_the_law, prepare};

    use super::open;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_thousand_more_policies_are_kept() {
        let deployment = open(TestEnv::default()).await;
        prepare(&deployment).await;
        hold_to_the_law(deployment, 500..2_500).await;
    }

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

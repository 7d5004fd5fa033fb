//! Over the PostgreSQL store.

use std::sync::Arc;

use arrakis_core::testing::TestEnv;
use arrakis_core::testing::service::Deployment;
use arrakis_storage::{PgOptions, PgStore};
use xtask::services::{Kind, url_or_skip};

async fn open(test: TestEnv) -> Option<Deployment> {
    let name = std::thread::current().name().unwrap_or("a test of the suite").to_owned();
    let url = url_or_skip(Kind::Postgres, &name)?;
    let store = PgStore::open_temporary(&url, test.env(), &PgOptions::default()).await;
    let store = store.unwrap_or_else(|error| panic!("{}", error.chain()));
    Some(Deployment::embedded(Arc::new(store), test).await)
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

//! Through the client, over HTTP, to the engines over the memory store.

use std::sync::Arc;
use std::time::Duration;

use arrakis_core::testing::TestEnv;
use arrakis_core::testing::service::Deployment;
use arrakis_server::client::{Client, ClientOptions, Credentials};
use arrakis_server::peer::PeerKey;
use arrakis_server::server::{Door, DoorOptions, ListenOptions, Listener, Routes, StoredTenants};
use arrakis_storage::MemoryStore;

/// A deployment whose services are asked over HTTP.
pub(crate) async fn open(test: TestEnv) -> Deployment {
    let store = Arc::new(MemoryStore::new(test.env()));
    let mut deployment = Deployment::embedded(store, test.clone()).await;
    let key = PeerKey::of(deployment.root()).unwrap();
    let tenants = Arc::new(StoredTenants::new(Arc::clone(deployment.store()) as _));
    let options = DoorOptions { peers: Some(key.clone()), ..DoorOptions::default() };
    let door = Door::new(test.env(), Arc::new(deployment.engine.clone()), tenants, options);
    let router = Routes::new(door)
        .ontology(&deployment.ontology)
        .kernel(&deployment.kernel)
        .actions(&deployment.actions)
        .feed(&deployment.feed)
        .access(&deployment.access)
        .users(&deployment.users)
        .peers()
        .into_router();
    let address = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::start(address, router, ListenOptions::default()).await.unwrap();
    let address = format!("http://{}", listener.address());
    // It listens for as long as the runtime of the test lives.
    std::mem::forget(listener);
    let options = ClientOptions { identity_ttl: Duration::ZERO, ..ClientOptions::default() };
    let client = Arc::new(Client::new(&address, Credentials::Peer(key), test.env(), options).unwrap());
    deployment.ontology = Arc::clone(&client) as _;
    deployment.kernel = Arc::clone(&client) as _;
    deployment.actions = Arc::clone(&client) as _;
    deployment.feed = Arc::clone(&client) as _;
    deployment.access = Arc::clone(&client) as _;
    deployment.users = client;
    deployment.is_remote = true;
    deployment
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

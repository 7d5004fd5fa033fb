//! The facade over the services of another process.

use arrakis::client::Credentials;
use arrakis::{Arrakis, GetObjects, KernelExt as _, ObjectSet, Query};
use serde_json::json;

use super::Served;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_the_same_facade() {
    let served = Served::start().await;
    let address = served.url("/");
    let connect = async |name: &str| {
        let token = served.token(name).await;
        Arrakis::connect(&address, Credentials::Bearer(token.into())).unwrap()
    };
    let (ada, rob) = (connect("ada").await, connect("rob").await);
    let ctx = ada.context();
    let written = ada.kernel().create(&ctx, "City", json!({ "name": "Oslo", "people": 717_710 })).await.unwrap();
    let read =
        ada.kernel().get(&ctx.clone().at_least(written.receipt.seq), GetObjects::of("City", ["Oslo"])).await.unwrap();
    let here = served.arrakis.kernel().get(&served.ctx, GetObjects::of("City", ["Oslo"])).await.unwrap();
    assert_eq!(read.objects, here.objects, "values with their types");
    // Whoever the token is of asks, whatever the context says.
    let page = rob.kernel().query(&rob.context(), Query::of(ObjectSet::of("City"))).await.unwrap();
    assert_eq!(json!(page.objects[0].properties), json!({ "name": "Oslo" }));
    let refused = rob.kernel().delete(&rob.context(), "City", "Oslo").await.unwrap_err();
    assert_eq!(refused.code(), "permission.denied");
    assert_eq!(ada.users().unwrap().user(&ctx, "rob").await.unwrap().name, "rob");

    let ontology = "object_types: [{ name: City, primary_key: name, properties: [{ name: name, type: string }, { name: people, type: integer }] }]";
    let undecided = ada.publish(&ctx, ontology).await.unwrap_err();
    assert_eq!(undecided.code(), "ontology.publish.undecided", "an action would go");
    for error in [
        ada.relays().await.unwrap_err(),
        ada.create_space(&ctx, "x").await.unwrap_err(),
        ada.user_engine().unwrap_err(),
        ada.tenant_context(ctx.scope().tenant).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), "arrakis.remote");
    }
    for address in ["", "localhost", "ftp://x", "http://x?y=1"] {
        let error = Arrakis::connect(address, Credentials::Anonymous).unwrap_err();
        assert_eq!(error.code(), "client.address", "{address}");
    }
    let nobody = Arrakis::connect("http://127.0.0.1:1", Credentials::Anonymous).unwrap();
    let unheard = nobody.kernel().create(&ctx, "City", json!({ "name": "Rome" })).await.unwrap_err();
    assert_eq!((unheard.code(), unheard.outcome()), ("client.unreachable", arrakis::Outcome::NotApplied));
    ada.close().await;
}

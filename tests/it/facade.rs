//! The facade: opening, tenants, publishing.

use arrakis::{
    Arrakis, ChangesSince, ErrorKind, Grants, KernelExt, ObjectSet, SetEvent, SpaceId, Subscribe, Subscription,
    TenantId,
};
use serde_json::json;

const CITIES: &str = "object_types: [{name: City, primary_key: name, properties: [{name: name, type: string}, {name: people, type: integer}]}]";

#[tokio::test]
async fn an_open_store_has_a_default_space_and_tenant() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let scope = arrakis.context().scope();
    assert_eq!((scope.tenant, scope.space), (TenantId::DEFAULT, SpaceId::DEFAULT));
    assert_ne!(arrakis.context().request_id(), arrakis.context().request_id());
    assert_eq!(arrakis.context().actor().as_str(), "application");
    let error = arrakis.ontology().schema(&arrakis.context()).await.unwrap_err();
    assert_eq!(error.code(), "ontology.unpublished");
}

#[tokio::test]
async fn a_file_is_published_once() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let ctx = arrakis.context();
    let first = arrakis.publish(&ctx, CITIES).await.unwrap();
    let again = arrakis.publish(&ctx, CITIES).await.unwrap();
    assert_eq!((first.version, again.version), (1, 1));
    assert!(first.receipt.is_some() && again.receipt.is_none());
}

#[tokio::test]
async fn publishing_leaves_decisions_to_people() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let ctx = arrakis.context();
    arrakis.publish(&ctx, CITIES).await.unwrap();
    let narrowed = CITIES.replace("type: integer", "type: integer, constraints: [{range: {min: 0}}]");
    assert_eq!(arrakis.publish(&ctx, &narrowed).await.unwrap().version, 2, "no stored data breaks it");
    arrakis.kernel().create(&ctx, "City", json!({ "name": "Oslo" })).await.unwrap();
    let required = narrowed.replace("type: integer", "type: integer, required: true");
    let migrated =
        format!("{required}\nchanges: {{migrations: [{{of: object_types.City.properties.people, default: 0}}]}}");
    let town = narrowed.replace("City", "Town");
    let renamed = format!("{town}\nchanges: {{moved: [{{from: object_types.City, to: object_types.Town}}]}}");
    for (text, path) in [
        (required, "object_types.City.properties.people"),
        (migrated, "object_types.City.properties.people"),
        (renamed, "object_types.Town"),
    ] {
        let error = arrakis.publish(&ctx, &text).await.unwrap_err();
        assert_eq!((error.code(), error.path()), ("ontology.publish.undecided", Some(path)), "{text}");
    }
    assert_eq!(arrakis.ontology().schema(&ctx).await.unwrap().version, 2);
}

#[tokio::test]
async fn tenants_share_an_ontology_and_nothing_else() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let ctx = arrakis.context();
    arrakis.publish(&ctx, CITIES).await.unwrap();
    arrakis.kernel().create(&ctx, "City", json!({ "name": "Oslo" })).await.unwrap();
    let acme = arrakis.create_tenant(&ctx, "acme", SpaceId::DEFAULT).await.unwrap();
    assert_eq!(arrakis.create_tenant(&ctx, "acme", SpaceId::DEFAULT).await.unwrap(), acme);
    assert_eq!(acme, TenantId::named("acme").unwrap());
    let theirs = arrakis.tenant_context(acme).await.unwrap();
    assert_eq!(arrakis.kernel().count(&theirs, ObjectSet::of("City")).await.unwrap(), 0);
    assert_eq!(arrakis.kernel().count(&ctx, ObjectSet::of("City")).await.unwrap(), 1);
    assert_eq!(
        arrakis.create_tenant(&theirs, "umbrella", SpaceId::DEFAULT).await.unwrap(),
        TenantId::named("umbrella").unwrap()
    );
    let unknown = arrakis.tenant_context(TenantId::named("nobody").unwrap()).await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.code()), (ErrorKind::NotFound, "tenancy.tenant.unknown"));
}

#[tokio::test]
async fn a_space_has_an_ontology_of_its_own() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let ctx = arrakis.context();
    arrakis.publish(&ctx, CITIES).await.unwrap();
    let lab = arrakis.create_space(&ctx, "lab").await.unwrap();
    let tester = arrakis.create_tenant(&ctx, "tester", lab).await.unwrap();
    let theirs = arrakis.tenant_context(tester).await.unwrap();
    assert_eq!(arrakis.create_space(&theirs, "lab").await.unwrap(), lab);
    assert_eq!(arrakis.ontology().schema(&theirs).await.unwrap_err().code(), "ontology.unpublished");
    let moved = arrakis.create_tenant(&ctx, "tester", SpaceId::DEFAULT).await.unwrap_err();
    assert_eq!((moved.kind(), moved.code()), (ErrorKind::AlreadyExists, "tenancy.tenant.other_space"));
    let nowhere = arrakis.create_tenant(&ctx, "stray", SpaceId::named("nowhere").unwrap()).await.unwrap_err();
    assert_eq!(nowhere.code(), "tenancy.space.unknown");
}

#[tokio::test]
async fn tenancy_takes_its_permission_and_a_name() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let nobody = arrakis.context().granted(Grants::NONE);
    for error in [
        arrakis.create_space(&nobody, "lab").await.unwrap_err(),
        arrakis.create_tenant(&nobody, "acme", SpaceId::DEFAULT).await.unwrap_err(),
    ] {
        assert_eq!((error.code(), error.param("permission")), ("permission.denied", Some("tenancy.manage")));
    }
    let error = arrakis.create_space(&arrakis.context(), "").await.unwrap_err();
    assert_eq!(error.code(), "tenancy.name.malformed");
}

#[tokio::test]
async fn a_builder_names_the_space_tenant_and_actor() {
    let builder = Arrakis::builder().space("lab").tenant("acme").actor(arrakis::Actor::parse("service:lab").unwrap());
    let arrakis = builder.in_memory().await.unwrap();
    let scope = arrakis.context().scope();
    assert_eq!((scope.tenant, scope.space), (TenantId::named("acme").unwrap(), SpaceId::named("lab").unwrap()));
    assert_eq!(arrakis.context().actor().as_str(), "service:lab");
    assert_eq!(arrakis.tenant_context(TenantId::DEFAULT).await.unwrap_err().code(), "tenancy.tenant.unknown");
}

#[tokio::test]
async fn a_cursor_of_another_database_opens_nothing() {
    let cities = || arrakis::Query::of(ObjectSet::of("City")).page_size(1);
    let mut cursors = Vec::new();
    for _ in 0..2 {
        let arrakis = Arrakis::in_memory().await.unwrap();
        let ctx = arrakis.context();
        arrakis.publish(&ctx, CITIES).await.unwrap();
        for name in ["Bergen", "Oslo"] {
            arrakis.kernel().create(&ctx, "City", json!({ "name": name })).await.unwrap();
        }
        let first = arrakis.kernel().query(&ctx, cities()).await.unwrap();
        cursors.push(first.next.unwrap());
        let mut next = cities();
        next.page.cursor = Some(cursors[0].clone());
        let page = arrakis.kernel().query(&ctx, next).await;
        if cursors.len() == 1 {
            assert_eq!(page.unwrap().objects.len(), 1);
        } else {
            let error = page.unwrap_err();
            assert_eq!((error.code(), error.path()), ("cursor.invalid", Some("page.cursor")));
        }
    }
}

#[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
async fn cities(arrakis: &Arrakis) -> Subscription {
    let ctx = arrakis.context();
    let mut cities = arrakis.feed().subscribe(&ctx, Subscribe::to(ObjectSet::of("City"))).await.unwrap();
    assert!(matches!(cities.next().await, Some(Ok(SetEvent::Initial(_)))));
    cities
}

#[tokio::test]
async fn one_task_serves_all_subscriptions_and_ends_with_the_last() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let ctx = arrakis.context();
    arrakis.publish(&ctx, CITIES).await.unwrap();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for round in ["a", "b"] {
        let (mut one, mut other) = (cities(&arrakis).await, cities(&arrakis).await);
        arrakis.kernel().create(&ctx, "City", json!({ "name": format!("{round}1") })).await.unwrap();
        for subscription in [&mut one, &mut other] {
            assert!(matches!(subscription.next().await, Some(Ok(SetEvent::Delta(_)))));
        }
        assert_eq!(tasks(), before + 1);
        drop(one);
        arrakis.kernel().create(&ctx, "City", json!({ "name": format!("{round}2") })).await.unwrap();
        assert!(matches!(other.next().await, Some(Ok(SetEvent::Delta(_)))));
        drop(other);
        let ended = async {
            while tasks() > before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), ended).await.expect("the task ends");
    }
}

#[tokio::test]
async fn closing_ends_subscriptions() {
    let arrakis = Arrakis::in_memory().await.unwrap();
    let ctx = arrakis.context();
    arrakis.publish(&ctx, CITIES).await.unwrap();
    let (mut listening, mut away) = (cities(&arrakis).await, cities(&arrakis).await);
    arrakis.kernel().create(&ctx, "City", json!({ "name": "Oslo" })).await.unwrap();
    assert!(matches!(listening.next().await, Some(Ok(SetEvent::Delta(_)))));
    arrakis.close().await;
    for subscription in [&mut listening, &mut away] {
        let error = subscription.next().await.unwrap().unwrap_err();
        assert_eq!(error.code(), "feed.closed");
        assert!(subscription.next().await.is_none());
    }
}

#[cfg(feature = "sqlite")]
mod file {
    use std::path::PathBuf;

    use arrakis::SqliteOptions;

    use super::*;

    #[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
    fn file(name: &str) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("facade");
        std::fs::create_dir_all(&folder).unwrap();
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("{name}{ending}")));
        }
        folder.join(name)
    }

    #[tokio::test]
    async fn a_file_is_opened_again_with_what_it_holds() {
        let path = file("again.db");
        let arrakis = Arrakis::open(&path).await.unwrap();
        let ctx = arrakis.context();
        arrakis.publish(&ctx, CITIES).await.unwrap();
        let written = arrakis.kernel().create(&ctx, "City", json!({ "name": "Oslo" })).await.unwrap();
        arrakis.close().await;
        assert!(!path.with_extension("db-wal").exists(), "a closed file is whole by itself");

        let arrakis = Arrakis::open(&path).await.unwrap();
        let oslo = arrakis.kernel().object(&arrakis.context(), "City", "Oslo").await.unwrap();
        assert_eq!(oslo.revision, written.receipt.seq);
        let other = Arrakis::builder().space("lab").open(&path).await.unwrap_err();
        assert_eq!(other.code(), "tenancy.tenant.other_space");
        let acme = Arrakis::builder().tenant("acme").open(&path).await.unwrap();
        assert_eq!(acme.kernel().count(&acme.context(), ObjectSet::of("City")).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn commits_of_others_on_the_file_are_told() {
        let path = file("others.db");
        let (arrakis, other) = (Arrakis::open(&path).await.unwrap(), Arrakis::open(&path).await.unwrap());
        let ctx = arrakis.context();
        arrakis.publish(&ctx, CITIES).await.unwrap();
        let mut cities = cities(&arrakis).await;
        for name in ["Oslo", "Bergen", "Hamar"] {
            let request = ChangesSince { wait_ms: Some(60_000), ..ChangesSince::after(head(&arrakis).await) };
            let told = async { (arrakis.feed().changes(&ctx, request).await, cities.next().await) };
            let write =
                async { other.kernel().create(&other.context(), "City", json!({ "name": name })).await.unwrap() };
            let ((changes, event), written) = tokio::join!(told, write);
            assert_eq!(changes.unwrap().commits.last().map(|commit| commit.seq), Some(written.receipt.seq));
            let Some(Ok(SetEvent::Delta(delta))) = event else { panic!("{event:?}") };
            assert_eq!((delta.seq, delta.entered.len()), (written.receipt.seq, 1));
        }
    }

    #[expect(clippy::unwrap_used, reason = "a test ends where what it takes for granted fails")]
    async fn head(arrakis: &Arrakis) -> arrakis::Seq {
        let request = ChangesSince { limit: Some(10_000), ..ChangesSince::default() };
        arrakis.feed().changes(&arrakis.context(), request).await.unwrap().seq
    }

    #[tokio::test]
    async fn a_file_is_not_made_where_the_options_say_so() {
        let path = file("none.db");
        let options = SqliteOptions { create: false, ..SqliteOptions::default() };
        let error = Arrakis::builder().sqlite(options).open(&path).await.unwrap_err();
        assert_eq!(error.code(), "store.cannot_open");
        assert!(!path.exists());
    }
}

//! One ontology over two stores: the kernel's, which publishes first, and that of the service, which follows; and the other way about.

use std::sync::Arc;

use arrakis_core::kernel::{Edit, GetObjects, Kernel, KernelService};
use arrakis_core::ontology::{
    FollowedOntology, ListSchemaVersions, NewOntology, Ontology, OntologyExt, OntologyPeer, OntologyService,
};
use arrakis_core::{
    Actor, Committer, Context, Env, Grants, Permission, RequestId, Scope, SpaceId, Store, Tenancy, TenantId,
};
use arrakis_storage::{MemoryStore, SqliteOptions, SqliteStore};
use serde_json::json;

/// A store with its ontology and objects.
struct Side {
    ontology: FollowedOntology,
    kernel: Kernel,
    ctx: Context,
}

impl Side {
    async fn new(store: Arc<dyn Store>) -> Self {
        let env = Env::system();
        let scope = Scope { tenant: TenantId::DEFAULT, space: SpaceId::DEFAULT };
        let ctx = Context::new(scope, Actor::parse("user:ann").unwrap(), RequestId::from_uuid(env.uuid()));
        let ctx = ctx.granted(Grants::all());
        let committer = Committer::start(Arc::clone(&store) as _);
        Tenancy::new(env.clone(), committer.clone()).ensure(&ctx, scope).await.unwrap();
        let ontology = Arc::new(Ontology::new(env.clone(), committer.clone(), Arc::clone(&store) as _));
        let kernel = Kernel::new(env, committer, Arc::clone(&store) as _, Arc::clone(&ontology) as _);
        Self { ontology: FollowedOntology::new(ontology, store as _), kernel, ctx }
    }

    async fn memory() -> Self {
        Self::new(Arc::new(MemoryStore::new(Env::system()))).await
    }

    async fn sqlite(name: &str) -> Self {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("follow-{name}.db"));
        let _ = std::fs::remove_file(&path);
        let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
        Self::new(Arc::new(SqliteStore::open(path, Env::system(), &options).unwrap())).await
    }

    async fn versions(&self) -> Vec<(u32, String, String)> {
        let page = self.ontology.schema_versions(&self.ctx, ListSchemaVersions::default()).await.unwrap();
        page.versions.into_iter().map(|of| (of.version, of.hash.to_string(), of.actor.to_string())).collect()
    }

    async fn create(&self, object_type: &str, properties: serde_json::Value) {
        let edits = serde_json::from_value::<Vec<Edit>>(
            json!([{ "create": { "type": object_type, "properties": properties } }]),
        );
        self.kernel.write(&self.ctx, edits.unwrap().into()).await.unwrap();
    }

    async fn object(&self, object_type: &str, key: i64) -> serde_json::Value {
        let get: GetObjects = serde_json::from_value(json!({ "type": object_type, "keys": [key] })).unwrap();
        let found = serde_json::to_value(self.kernel.get(&self.ctx, get).await.unwrap()).unwrap();
        found["objects"][0]["properties"].clone()
    }
}

/// A history that renames, converts, gives defaults and drops.
const HISTORY: [&str; 4] = [
    "
object_types:
  - name: City
    primary_key: id
    properties: [{name: id, type: integer}, {name: label, type: string}, {name: people, type: string}, {name: old, type: string}]
  - name: Gone
    primary_key: id
    properties: [{name: id, type: integer}]
",
    "
object_types:
  - name: Town
    primary_key: id
    properties: [{name: id, type: integer}, {name: title, type: string}, {name: people, type: string}, {name: old, type: string}]
  - name: Gone
    primary_key: id
    properties: [{name: id, type: integer}]
changes:
  moved:
    - {from: object_types.City, to: object_types.Town}
    - {from: object_types.City.properties.label, to: object_types.Town.properties.title}
",
    "
object_types:
  - name: Town
    primary_key: id
    properties: [{name: id, type: integer}, {name: title, type: string}, {name: people, type: integer}, {name: mayor, type: string, required: true}]
changes:
  migrations:
    - {of: object_types.Town.properties.people, cast: {default: 0}}
    - {of: object_types.Town.properties.mayor, default: nobody}
    - {of: object_types.Town.properties.old, drop: data}
    - {of: object_types.Gone, drop: data}
",
    "
object_types:
  - name: Town
    primary_key: id
    properties: [{name: id, type: integer}, {name: title, type: string}, {name: people, type: integer}, {name: mayor, type: string, required: true}, {name: note, type: string}]
",
];

#[tokio::test]
async fn a_store_that_begins_with_nothing_comes_to_the_same_version_by_version() {
    for followers in [Side::memory().await, Side::sqlite("new").await] {
        let leader = Side::memory().await;
        for (count, text) in HISTORY.iter().enumerate() {
            let definition = NewOntology::from_yaml(text).unwrap();
            let by = leader.ctx.clone().acting_as(Actor::parse(&format!("user:author-{count}")).unwrap());
            leader.ontology.publish(&by, definition).await.unwrap();
        }
        assert_eq!(followers.ontology.follow(&followers.ctx, &leader.ontology).await.unwrap(), 4);
        assert_eq!(followers.versions().await, leader.versions().await);
        assert_eq!(followers.ontology.follow(&followers.ctx, &leader.ontology).await.unwrap(), 0);
        // And whoever follows can be followed: nothing of how one version came of another is lost.
        let third = Side::memory().await;
        assert_eq!(third.ontology.follow(&third.ctx, &followers.ontology).await.unwrap(), 4);
        assert_eq!(third.versions().await, leader.versions().await);
    }
}

#[tokio::test]
async fn objects_are_brought_along_where_they_are() {
    let (service, kernel) = (Side::memory().await, Side::sqlite("objects").await);
    let followed = service.ontology.clone().of_objects(Arc::new(kernel.ontology.clone()));
    let publish = async |text: &str| {
        let definition = NewOntology::from_yaml(text).unwrap();
        followed.publish(&service.ctx, definition).await.unwrap()
    };
    publish(HISTORY[0]).await;
    kernel.create("City", json!({ "id": 1, "label": "Oslo", "people": "717710", "old": "x" })).await;
    kernel.create("City", json!({ "id": 2, "label": "Rome", "people": "many" })).await;
    for text in &HISTORY[1..] {
        let published = publish(text).await;
        let receipt = published.receipt.unwrap();
        let at = followed.schema_at(&service.ctx, receipt.seq).await.unwrap();
        assert_eq!((at.version, at.hash), (published.version, published.hash), "the receipt is of this store");
    }
    let town = |people: i64, title| json!({ "id": if title == "Oslo" { 1 } else { 2 }, "mayor": "nobody", "people": people, "title": title });
    assert_eq!(kernel.object("Town", 1).await, town(717_710, "Oslo"));
    assert_eq!(kernel.object("Town", 2).await, town(0, "Rome"));
    assert_eq!(service.versions().await, kernel.versions().await);
}

#[tokio::test]
async fn what_the_kernel_published_is_not_lost_when_the_service_ends_before_it_does() {
    let (service, kernel) = (Side::memory().await, Side::memory().await);
    let followed = service.ontology.clone().of_objects(Arc::new(kernel.ontology.clone()));
    followed.publish(&service.ctx, NewOntology::from_yaml(HISTORY[0]).unwrap()).await.unwrap();
    // The kernel was asked, and the service never learnt.
    let plan = followed.plan(&service.ctx, NewOntology::from_yaml(HISTORY[1]).unwrap()).await.unwrap();
    let request = arrakis_core::ontology::ApplyPlan { id: Some(Env::system().commit_id()), ..plan.into() };
    kernel.ontology.apply(&kernel.ctx, request.clone()).await.unwrap();
    assert_eq!((service.versions().await.len(), kernel.versions().await.len()), (1, 2));
    // Asked again it answers what was published, and the next plan is of it.
    let published = followed.apply(&service.ctx, request).await.unwrap();
    assert_eq!((published.version, published.receipt.unwrap().replayed), (2, true));
    assert_eq!(service.versions().await, kernel.versions().await);
    let plan = followed.plan(&service.ctx, NewOntology::from_yaml(HISTORY[2]).unwrap()).await.unwrap();
    assert_eq!(plan.base_version, 2);
}

#[tokio::test]
async fn who_may_publish_need_not_read() {
    let (service, kernel) = (Side::memory().await, Side::memory().await);
    let followed = service.ontology.clone().of_objects(Arc::new(kernel.ontology.clone()));
    let plan = followed.plan(&service.ctx, NewOntology::from_yaml(HISTORY[0]).unwrap()).await.unwrap();
    let of = |permission| service.ctx.clone().granted(Grants::NONE.with(permission));
    for other in [Permission::OntologyRead, Permission::OntologyPlan, Permission::ObjectWrite] {
        let error = followed.apply(&of(other), plan.clone().into()).await.unwrap_err();
        assert_eq!(error.code(), "permission.denied");
    }
    let published = followed.apply(&of(Permission::OntologyPublish), plan.into()).await.unwrap();
    assert_eq!((published.version, published.receipt.is_some()), (1, true));
    assert_eq!(service.versions().await, kernel.versions().await);
}

#[tokio::test]
async fn what_objects_contradict_is_in_force_nowhere() {
    let (service, kernel) = (Side::memory().await, Side::memory().await);
    let followed = service.ontology.clone().of_objects(Arc::new(kernel.ontology.clone()));
    followed.publish(&service.ctx, NewOntology::from_yaml(HISTORY[0]).unwrap()).await.unwrap();
    let unique = HISTORY[0].replace("{name: label, type: string}", "{name: label, type: string, unique: true}");
    let plan = followed.plan(&service.ctx, NewOntology::from_yaml(&unique).unwrap()).await.unwrap();
    plan.check_applicable().unwrap();
    // Written since the plan was made, where the service does not see it.
    for id in [1, 2] {
        kernel.create("City", json!({ "id": id, "label": "Oslo" })).await;
    }
    let error = followed.apply(&service.ctx, plan.into()).await.unwrap_err();
    assert_eq!(error.code(), "ontology.plan.violated");
    assert_eq!((service.versions().await.len(), kernel.versions().await.len()), (1, 1));
}

#[tokio::test]
async fn two_that_went_apart_are_told_so() {
    let (one, other) = (Side::memory().await, Side::memory().await);
    one.ontology.publish(&one.ctx, NewOntology::from_yaml(HISTORY[0]).unwrap()).await.unwrap();
    other.ontology.publish(&other.ctx, NewOntology::from_yaml(HISTORY[3]).unwrap()).await.unwrap();
    let next = NewOntology::from_yaml(HISTORY[0]).unwrap();
    let next = NewOntology { description: Some("more".into()), ..next };
    one.ontology.publish(&one.ctx, next).await.unwrap();
    let error = other.ontology.follow(&other.ctx, &one.ontology).await.unwrap_err();
    assert_eq!(error.code(), "ontology.follow.diverged");
    assert_eq!(other.versions().await.len(), 1);
    // Who may not read is told nothing.
    let nobody = Context::new(one.ctx.scope(), one.ctx.actor().clone(), one.ctx.request_id());
    assert_eq!(one.ontology.published_after(&nobody, 0).await.unwrap_err().code(), "permission.denied");
}

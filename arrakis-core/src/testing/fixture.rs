//! Two tenants in one space and one in another, over the same ontology.

use std::sync::Arc;

use crate::commit::{AuditRecord, Publication};
use crate::ontology::{LinkType, NewOntology, Numbering, ObjectType, Rewrite, Schema};
use crate::{
    Actor, Atomicity, Change, Commit, CommitId, Context, Env, Grants, Receipt, RequestId, Result, Scope, Seq, SpaceId,
    Store, TenancyChange, TenantId,
};

use super::draft::Draft;
use super::env::{ManualClock, TestEnv};

/// The ontology of the suites: every base type, both backings, every on-delete rule, an interface over two types.
const ONTOLOGY: &str = include_str!("fixture.yaml");

/// A store with something in it to test on.
#[derive(Debug)]
pub struct Fixture {
    /// The store under test.
    pub store: Arc<dyn Store>,
    /// Most tests write as this tenant.
    pub own: Scope,
    /// A tenant of the same space.
    pub neighbour: Scope,
    /// A tenant of another space, with the same ontology.
    pub stranger: Scope,
    /// The first version, published in both spaces.
    pub schema: Arc<Schema>,
    /// What `head` was when the store was handed over.
    pub head_at_first: Seq,
    test: TestEnv,
    env: Env,
}

impl Fixture {
    /// The ontology of [`Fixture::schema`], to change and publish anew.
    pub fn ontology() -> NewOntology {
        NewOntology::from_yaml(ONTOLOGY).unwrap()
    }

    /// Fills an empty store: spaces, tenants, and the ontology in each space.
    pub async fn new(store: Arc<dyn Store>, test: TestEnv) -> Self {
        let fixture = Self::unpublished(store, test).await;
        for scope in [fixture.own, fixture.stranger] {
            fixture.publish(scope, &fixture.publication(&fixture.schema, Vec::new())).await.unwrap();
        }
        fixture
    }

    /// Fills an empty store: spaces and tenants.
    pub async fn unpublished(store: Arc<dyn Store>, test: TestEnv) -> Self {
        let env = test.env();
        let scope = |tenant: u128, space: u128| Scope {
            tenant: TenantId::from_uuid(uuid::Uuid::from_u128(tenant)),
            space: SpaceId::from_uuid(uuid::Uuid::from_u128(space)),
        };
        // The other tenant of the space comes first in the order of ids, so that what leads with the tenant is seen to.
        let (own, neighbour, stranger) = (scope(0xa2, 0x51), scope(0xa1, 0x51), scope(0xa3, 0x52));
        let schema = Arc::new(Schema::first(Self::ontology()).unwrap());
        let head_at_first = store.head().await.unwrap();
        let fixture = Self { store, own, neighbour, stranger, schema, head_at_first, test, env };
        for (space, name) in [(own.space, "home"), (stranger.space, "abroad")] {
            let create = Change::Tenancy(TenancyChange::CreateSpace { id: space, name: name.into() });
            fixture.change(own, create).await.unwrap();
        }
        for (scope, name) in [(own, "own"), (neighbour, "neighbour"), (stranger, "stranger")] {
            let (id, space) = (scope.tenant, scope.space);
            let create = Change::Tenancy(TenancyChange::CreateTenant { id, name: name.into(), space });
            fixture.change(scope, create).await.unwrap();
        }
        fixture
    }

    /// The environment of the test.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The clock of the test.
    pub fn clock(&self) -> &ManualClock {
        self.test.clock()
    }

    /// A context that may do everything.
    pub fn context(&self, scope: Scope) -> Context {
        let request_id = RequestId::from_uuid(self.env.uuid());
        Context::new(scope, Actor::parse("user:tester").unwrap(), request_id).granted(Grants::all())
    }

    /// An object type of the first version.
    pub fn object_type(&self, name: &str) -> &Arc<ObjectType> {
        self.schema.object_type(name).unwrap()
    }

    /// A link type of the first version.
    pub fn link_type(&self, name: &str) -> &Arc<LinkType> {
        self.schema.link_type(name).unwrap()
    }

    /// An empty commit with a fresh id.
    pub fn commit(&self, scope: Scope) -> Commit {
        Commit {
            id: self.env.commit_id(),
            scope,
            schema_version: None,
            actor: Actor::parse("user:tester").unwrap(),
            at: self.env.now(),
            reason: None,
            preconditions: Vec::new(),
            changes: Vec::new(),
            audit: AuditRecord::new("test", RequestId::from_uuid(self.env.uuid())),
            events: Vec::new(),
        }
    }

    /// A commit of changes to objects and links under the first version.
    pub fn draft(&self, scope: Scope) -> Draft {
        Draft::new(self.commit(scope), &self.schema)
    }

    /// A commit of changes to objects and links under another version.
    pub fn draft_under(&self, scope: Scope, schema: &Arc<Schema>) -> Draft {
        Draft::new(self.commit(scope), schema)
    }

    /// Commits one value.
    ///
    /// # Errors
    /// What the store refuses.
    pub async fn write(&self, commit: impl Into<Commit>) -> Result<Receipt> {
        let mut results = self.store.commit_batch(vec![commit.into()], Atomicity::Each).await;
        assert_eq!(results.len(), 1, "one result per commit");
        results.remove(0)
    }

    /// Commits one value the store must take.
    pub async fn wrote(&self, commit: impl Into<Commit>) -> Seq {
        self.write(commit).await.unwrap().seq
    }

    /// Commits one value the store must refuse, and gives the code of its error.
    pub async fn refused(&self, commit: impl Into<Commit>) -> String {
        self.write(commit).await.unwrap_err().code().to_owned()
    }

    /// Commits one change of no schema version.
    ///
    /// # Errors
    /// What the store refuses.
    pub async fn change(&self, scope: Scope, change: Change) -> Result<Receipt> {
        self.write(Commit { changes: vec![change], ..self.commit(scope) }).await
    }

    /// The version of the ontology that follows `base`.
    pub fn next_schema(&self, base: &Schema, ontology: NewOntology) -> Arc<Schema> {
        let numbering = Numbering::assign(Some(base), &ontology).unwrap();
        Arc::new(Schema::compile(ontology, numbering, base.version + 1).unwrap())
    }

    /// What publishes a version after the one before it.
    pub fn publication(&self, schema: &Arc<Schema>, rewrites: Vec<Rewrite>) -> Publication {
        Publication { schema: Arc::clone(schema), base_version: schema.version - 1, rewrites, checks: Vec::new() }
    }

    /// Publishes.
    ///
    /// # Errors
    /// What the store refuses.
    pub async fn publish(&self, scope: Scope, publication: &Publication) -> Result<Receipt> {
        self.change(scope, Change::Publish(Arc::new(publication.clone()))).await
    }

    /// A commit id that was never used.
    pub fn unused_id(&self) -> CommitId {
        self.env.commit_id()
    }
}

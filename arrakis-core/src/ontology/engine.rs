//! The ontology over its ports: read and compile, plan against the data, publish in one commit.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use async_trait::async_trait;
use serde_json::json;

use super::cache::SchemaCache;
use super::service::{SCHEMA_VERSIONS_PAGE_DEFAULT, SCHEMA_VERSIONS_PAGE_MAX};
use super::{
    ApplyPlan, Class, Finding, ListSchemaVersions, NewChanges, NewOntology, OntologyService, OntologyStore, Plan,
    Planning, PolicySource, Published, Schema, SchemaSource, SchemaVersion, SchemaVersions, validate,
};
use crate::cache::ReadCache;
use crate::commit::{AuditRecord, Event, Publication};
use crate::{Change, Commit, CommitId, Committer, Context, Env, Error, Permission, Receipt, Result, Seq, SpaceId};

/// The ontology in this process. Cheap to clone; clones share what they have read.
#[derive(Clone, Debug)]
pub struct Ontology {
    env: Env,
    committer: Committer,
    store: Arc<dyn OntologyStore>,
    cache: Arc<SchemaCache>,
    shared: Option<Arc<ReadCache>>,
    /// Asked about every plan; it knows this ontology, so that it is not kept by it.
    policies: Arc<RwLock<Option<Weak<dyn PolicySource>>>>,
}

impl Ontology {
    /// An ontology over a store, with the commit log every publication goes through.
    pub fn new(env: Env, committer: Committer, store: Arc<dyn OntologyStore>) -> Self {
        Self { env, committer, store, cache: Arc::default(), shared: None, policies: Arc::default() }
    }

    /// With a cache that is looked in for versions this process has not read, where it is shared.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<ReadCache>) -> Self {
        self.shared = Some(cache).filter(|cache| cache.is_shared());
        self
    }

    /// Plans tell from now on what a change does to the policy in force. The latest source is asked.
    pub fn consult(&self, policies: Weak<dyn PolicySource>) {
        *self.policies.write().unwrap_or_else(PoisonError::into_inner) = Some(policies);
    }

    /// What a plan does to the policy in force.
    async fn policy_findings(&self, ctx: &Context, planning: &Planning) -> Result<Vec<Finding>> {
        let source = self.policies.read().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Weak::upgrade);
        let Some(source) = source else { return Ok(Vec::new()) };
        let Some(policy) = source.policy_in_force(ctx).await? else { return Ok(Vec::new()) };
        planning.policy_findings(&policy)
    }

    pub(super) const fn env(&self) -> &Env {
        &self.env
    }

    /// Passes with the permission, before the deadline.
    fn admit(&self, ctx: &Context, permission: Permission) -> Result<()> {
        ctx.require(permission)?;
        match ctx.deadline() {
            Some(deadline) if self.env.monotonic() >= deadline => {
                Err(Error::unavailable("context.deadline", "the deadline has passed"))
            }
            _ => Ok(()),
        }
    }

    /// The current schema as the store has it.
    async fn read(&self, space: SpaceId) -> Result<Option<Arc<Schema>>> {
        let schema = self.store.schema(space).await?;
        Ok(schema.map(|schema| self.cache.advance(space, schema)))
    }

    async fn version(&self, space: SpaceId, version: u32) -> Result<Arc<Schema>> {
        if let Some(schema) = self.cache.version(space, version) {
            return Ok(schema);
        }
        let schema = match &self.shared {
            None => self.stored_version(space, version).await?,
            Some(shared) => self.shared_version(shared, space, version).await?,
        };
        self.cache.keep(space, &schema);
        Ok(schema)
    }

    async fn stored_version(&self, space: SpaceId, version: u32) -> Result<Arc<Schema>> {
        self.store.schema_version(space, version).await?.ok_or_else(|| unknown(version))
    }

    /// A version by what the store lists of it, from the shared cache where it is there.
    async fn shared_version(&self, shared: &ReadCache, space: SpaceId, version: u32) -> Result<Arc<Schema>> {
        let before = version.checked_sub(1).ok_or_else(|| unknown(version))?;
        let listed = self.store.schema_versions(space, before, 1).await?;
        let listed = listed.into_iter().find(|listed| listed.version == version).ok_or_else(|| unknown(version))?;
        if let Some(stored) = shared.schema(space, &listed).await {
            let read = apart(move || Schema::from_stored(version, &stored)).await?;
            match read {
                Ok(schema) if schema.hash == listed.hash => return Ok(Arc::new(schema)),
                Ok(_) => tracing::warn!(version, "a cached version of the ontology is another one"),
                Err(error) => tracing::warn!(error = %error.chain(), "a cached version of the ontology cannot be read"),
            }
        }
        let schema = self.stored_version(space, version).await?;
        shared.put_schema(space, &listed, &schema.to_stored()?).await;
        Ok(schema)
    }

    /// The version in force right after a commit: versions are listed, which is cheap, and read once.
    async fn in_force(&self, space: SpaceId, seq: Seq) -> Result<Arc<Schema>> {
        let mut after = 0;
        let mut in_force = None;
        loop {
            let page = self.store.schema_versions(space, after, SCHEMA_VERSIONS_PAGE_MAX).await?;
            let listed = page.len();
            let within = page.into_iter().take_while(|version| version.seq <= seq);
            let before = in_force;
            in_force = within.last().map(|version| version.version).or(in_force);
            match in_force {
                Some(version) if listed == SCHEMA_VERSIONS_PAGE_MAX as usize && in_force != before => after = version,
                _ => break,
            }
        }
        self.version(space, in_force.ok_or_else(unpublished)?).await
    }

    #[tracing::instrument(name = "ontology.publish", skip_all, fields(version = publication.schema.version, %id))]
    async fn publish(
        &self,
        ctx: &Context,
        publication: Publication,
        (id, reason): (CommitId, Option<Arc<str>>),
        (event, stated): (Event, NewChanges),
    ) -> Result<Receipt> {
        let changes = (!stated.is_empty()).then(|| Arc::new(stated));
        let commit = Commit {
            id,
            scope: ctx.scope(),
            // The publication is refused by itself when its base moved.
            schema_version: None,
            actor: ctx.actor().clone(),
            at: self.env.now(),
            reason,
            preconditions: Vec::new(),
            changes: vec![Change::Publish(Arc::new(publication))],
            audit: AuditRecord { changes, ..AuditRecord::of(ctx, "ontology.apply") },
            events: vec![event],
        };
        self.committer.commit(commit).await
    }

    /// What an earlier commit with this id published.
    async fn replayed(&self, ctx: &Context, id: CommitId) -> Result<Option<Published>> {
        let Some(receipt) = self.committer.before(ctx, id).await? else { return Ok(None) };
        self.published_by(ctx, receipt).await.map(Some)
    }

    async fn published_by(&self, ctx: &Context, receipt: Receipt) -> Result<Published> {
        let schema = self.in_force(ctx.scope().space, receipt.seq).await?;
        let receipt = Receipt { replayed: true, ..receipt };
        Ok(Published { version: schema.version, hash: schema.hash, receipt: Some(receipt) })
    }
}

fn unknown(version: u32) -> Error {
    Error::not_found("ontology.version.unknown", "there is no such version of the ontology").with("version", version)
}

fn unpublished() -> Error {
    Error::not_found("ontology.unpublished", "the space has no ontology yet")
}

fn published(plan: &Plan, publication: &Publication) -> Event {
    let breaking = plan.findings.iter().any(|finding| finding.class >= Class::Breaking);
    Event {
        r#type: "ontology.published".into(),
        subject: format!("ontology/{}", publication.schema.version).into(),
        data: json!({
            "version": publication.schema.version,
            "hash": publication.schema.hash,
            "base_version": publication.base_version,
            "changes": plan.findings.len(),
            "breaking": breaking,
        }),
    }
}

/// Runs what takes long where it blocks nobody: a large ontology takes a good part of a second to compile.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::internal("ontology.task", "a task of the ontology ended early").caused_by(e))
}

#[async_trait]
impl OntologyService for Ontology {
    async fn schema(&self, ctx: &Context) -> Result<Arc<Schema>> {
        self.admit(ctx, Permission::OntologyRead)?;
        let space = ctx.scope().space;
        // What was read before may be older than what the caller has seen.
        if ctx.least_seq().is_some() { self.refresh(space).await } else { self.current(space).await }
    }

    async fn schema_version(&self, ctx: &Context, version: u32) -> Result<Arc<Schema>> {
        self.admit(ctx, Permission::OntologyRead)?;
        self.version(ctx.scope().space, version).await
    }

    async fn schema_at(&self, ctx: &Context, seq: Seq) -> Result<Arc<Schema>> {
        self.admit(ctx, Permission::OntologyRead)?;
        self.in_force(ctx.scope().space, seq).await
    }

    async fn schema_versions(&self, ctx: &Context, request: ListSchemaVersions) -> Result<SchemaVersions> {
        self.admit(ctx, Permission::OntologyRead)?;
        let limit = request.limit.unwrap_or(SCHEMA_VERSIONS_PAGE_DEFAULT);
        if !(1..=SCHEMA_VERSIONS_PAGE_MAX).contains(&limit) {
            return Err(Error::invalid("ontology.versions.limit", "a page has 1 to 1000 versions")
                .with("limit", limit)
                .with("limit_max", SCHEMA_VERSIONS_PAGE_MAX)
                .at("limit"));
        }
        let mut versions = self.store.schema_versions(ctx.scope().space, request.after, limit + 1).await?;
        let more = versions.len() > limit as usize;
        versions.truncate(limit as usize);
        let next = versions.last().filter(|_| more).map(|last| last.version);
        Ok(SchemaVersions { versions, next })
    }

    async fn validate(&self, ctx: &Context, definition: NewOntology) -> Result<Vec<Error>> {
        self.admit(ctx, Permission::OntologyRead)?;
        apart(move || validate(&definition)).await
    }

    async fn plan(&self, ctx: &Context, definition: NewOntology) -> Result<Plan> {
        self.admit(ctx, Permission::OntologyPlan)?;
        let base = self.read(ctx.scope().space).await?;
        let planning = apart(move || Planning::new(base, definition)).await??;
        let checks = planning.checks();
        let violations =
            if checks.is_empty() { Vec::new() } else { self.store.violations(ctx.scope(), checks).await? };
        let broken = self.policy_findings(ctx, &planning).await?;
        let mut plan = planning.finish(violations)?;
        plan.findings.extend(broken);
        Ok(plan)
    }

    async fn apply(&self, ctx: &Context, request: ApplyPlan) -> Result<Published> {
        self.admit(ctx, Permission::OntologyPublish)?;
        let ApplyPlan { plan, reason, id } = request;
        let id = match id {
            None => self.env.commit_id(),
            Some(id) => match self.replayed(ctx, id).await? {
                Some(published) => return Ok(published),
                None => id,
            },
        };
        plan.check_applicable()?;
        let space = ctx.scope().space;
        let base = self.read(space).await?;
        let (event, publication) = apart(move || {
            let publication = plan.publication(base)?;
            let event = publication.as_ref().map(|publication| published(&plan, publication));
            Ok::<_, Error>((event.map(|event| (event, plan.definition.changes)), publication))
        })
        .await??;
        let (Some(event), Some(publication)) = (event, publication) else {
            let current = self.current(space).await?;
            return Ok(Published { version: current.version, hash: current.hash, receipt: None });
        };
        let schema = Arc::clone(&publication.schema);
        let receipt = self.publish(ctx, publication, (id, reason), event).await?;
        if receipt.replayed {
            return self.published_by(ctx, receipt).await;
        }
        self.cache.advance(space, Arc::clone(&schema));
        Ok(Published { version: schema.version, hash: schema.hash, receipt: Some(receipt) })
    }
}

#[async_trait]
impl SchemaSource for Ontology {
    async fn current(&self, space: SpaceId) -> Result<Arc<Schema>> {
        match self.cache.current(space) {
            Some(schema) => Ok(schema),
            None => self.refresh(space).await,
        }
    }

    async fn at(&self, space: SpaceId, seq: Seq) -> Result<Arc<Schema>> {
        self.in_force(space, seq).await
    }

    async fn refresh(&self, space: SpaceId) -> Result<Arc<Schema>> {
        self.read(space).await?.ok_or_else(unpublished)
    }

    async fn version(&self, space: SpaceId, version: u32) -> Result<Arc<Schema>> {
        Self::version(self, space, version).await
    }

    async fn published(&self, space: SpaceId, after: u32, until: Seq) -> Result<Vec<SchemaVersion>> {
        let (mut after, mut published) = (after, Vec::new());
        loop {
            let page = self.store.schema_versions(space, after, SCHEMA_VERSIONS_PAGE_MAX).await?;
            let listed = page.len();
            published.extend(page.into_iter().take_while(|version| version.seq <= until));
            match published.last() {
                Some(last) if listed == SCHEMA_VERSIONS_PAGE_MAX as usize && last.version != after => {
                    after = last.version;
                }
                _ => return Ok(published),
            }
        }
    }
}

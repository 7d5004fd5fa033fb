//! One ontology over several stores: the service that has it, and the kernel whose objects are of it.
//!
//! Both keep every version, each in its own store. The kernel publishes first, in the commit that brings its objects along, so that no version is in force
//! that stored objects contradict; the service follows. Whoever is behind, because it was down, cut off or is new, follows the other: the same definition,
//! with the changes it states, under the same commit id, comes to the same version.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    ApplyPlan, ListSchemaVersions, NewOntology, Numbering, Ontology, OntologyService, Plan, Published, Schema,
    SchemaHash, SchemaSource as _, SchemaVersions,
};
use crate::relay::RelayStore;
use crate::{Actor, CommitId, Context, Error, Grants, Outcome, Permission, Receipt, Result, Seq};

/// A version as another store publishes it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Publishing {
    /// Its number.
    pub version: u32,
    /// The hash of its content.
    pub hash: SchemaHash,
    /// The definition, with the changes it states.
    pub definition: NewOntology,
    /// What its elements are known by.
    pub numbering: Numbering,
    /// The commit that published it.
    pub commit: CommitId,
    /// By whom.
    pub actor: Actor,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
}

/// An ontology that others follow.
#[async_trait]
pub trait OntologyPeer: OntologyService {
    /// The version after another, as it was published; `None` where that is the newest. Needs `ontology.read`.
    async fn published_after(&self, ctx: &Context, version: u32) -> Result<Option<Publishing>>;
}

/// The ontology of this store, which others follow, and which may follow theirs.
#[derive(Clone, Debug)]
pub struct FollowedOntology {
    ontology: Arc<Ontology>,
    log: Arc<dyn RelayStore>,
    /// The kernel in another process, whose objects the versions are of.
    kernel: Option<Arc<dyn OntologyPeer>>,
}

impl FollowedOntology {
    /// The ontology of a store, whose objects are there as well.
    pub fn new(ontology: Arc<Ontology>, log: Arc<dyn RelayStore>) -> Self {
        Self { ontology, log, kernel: None }
    }

    /// Of objects that another process has: it plans by them, and publishes first.
    #[must_use]
    pub fn of_objects(mut self, kernel: Arc<dyn OntologyPeer>) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// Publishes here what another published and this has not, version by version; answers how many.
    ///
    /// # Errors
    /// What the other answers, and what the store does; `ontology.follow.diverged` when the same definition comes to something else here.
    pub async fn follow(&self, ctx: &Context, other: &dyn OntologyPeer) -> Result<u32> {
        let (bare, mut count) = (bare(ctx), 0);
        loop {
            let version = self.version(&bare).await?;
            let Some(next) = other.published_after(&bare, version).await? else { return Ok(count) };
            self.publish(&bare, next).await?;
            count += 1;
        }
    }

    /// The newest version here, 0 where there is none.
    async fn version(&self, ctx: &Context) -> Result<u32> {
        match self.ontology.refresh(ctx.scope().space).await {
            Ok(schema) => Ok(schema.version),
            Err(error) if error.code() == "ontology.unpublished" => Ok(0),
            Err(error) => Err(error),
        }
    }

    async fn publish(&self, ctx: &Context, next: Publishing) -> Result<()> {
        let Publishing { version, hash, definition, numbering, commit, actor, reason } = next;
        let ctx = ctx.clone().acting_as(actor);
        let plan = self.ontology.plan(&ctx, definition).await?;
        if (plan.base_version + 1, plan.target_hash, &plan.numbering) != (version, hash, &numbering) {
            return Err(diverged(version));
        }
        let request = ApplyPlan { plan, reason, id: Some(commit) };
        match self.ontology.apply(&ctx, request).await {
            Ok(published) if (published.version, published.hash) == (version, hash) => Ok(()),
            Ok(_) => Err(diverged(version)),
            // Another process of this store was first.
            Err(_) if self.version(&ctx).await? >= version => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The commit of this store that published a version.
    async fn receipt(&self, ctx: &Context, version: u32) -> Result<Option<Receipt>> {
        let Some(before) = version.checked_sub(1) else { return Ok(None) };
        let request = ListSchemaVersions { after: before, limit: Some(1) };
        let listed = self.ontology.schema_versions(&bare(ctx), request).await?.versions;
        let Some(listed) = listed.first().filter(|listed| listed.version == version) else { return Ok(None) };
        let entry = self.entry(listed.seq).await?;
        Ok(entry.map(|entry| Receipt { commit: entry.commit, seq: entry.seq, replayed: false }))
    }

    async fn entry(&self, seq: Seq) -> Result<Option<crate::LogEntry>> {
        let page = self.log.log(Seq(seq.0.saturating_sub(1)), 1).await?;
        Ok(page.entries.into_iter().find(|entry| entry.seq == seq))
    }
}

/// In whose name versions are followed: whoever asks need not have the rights to.
fn bare(ctx: &Context) -> Context {
    let granted = [Permission::OntologyRead, Permission::OntologyPlan, Permission::OntologyPublish];
    let granted = granted.into_iter().fold(Grants::NONE, Grants::with);
    let mut bare = Context::new(ctx.scope(), ctx.actor().clone(), ctx.request_id()).granted(granted);
    if let Some(trace) = ctx.trace() {
        bare = bare.traced(trace);
    }
    if let Some(deadline) = ctx.deadline() {
        bare = bare.until(deadline);
    }
    bare
}

fn diverged(version: u32) -> Error {
    let diverged = "the version another store published comes to something else here";
    Error::internal("ontology.follow.diverged", diverged).with("version", version)
}

#[async_trait]
impl OntologyPeer for FollowedOntology {
    async fn published_after(&self, ctx: &Context, version: u32) -> Result<Option<Publishing>> {
        let request = ListSchemaVersions { after: version, limit: Some(1) };
        let listed = self.ontology.schema_versions(ctx, request).await?.versions;
        let Some(next) = listed.into_iter().next() else { return Ok(None) };
        let schema = OntologyService::schema_version(&*self.ontology, ctx, next.version).await?;
        let unlogged = || Error::internal("ontology.version.unlogged", "the log has no commit of a version");
        let entry = self.entry(next.seq).await?.ok_or_else(unlogged)?;
        let changes = entry.audit.changes.as_deref().cloned().unwrap_or_default();
        Ok(Some(Publishing {
            version: next.version,
            hash: next.hash,
            definition: NewOntology { changes, ..schema.definition.clone() },
            numbering: schema.numbering.clone(),
            commit: entry.commit,
            actor: next.actor,
            reason: next.reason,
        }))
    }
}

#[async_trait]
impl OntologyService for FollowedOntology {
    async fn schema(&self, ctx: &Context) -> Result<Arc<Schema>> {
        self.ontology.schema(ctx).await
    }

    async fn schema_version(&self, ctx: &Context, version: u32) -> Result<Arc<Schema>> {
        OntologyService::schema_version(&*self.ontology, ctx, version).await
    }

    async fn schema_at(&self, ctx: &Context, seq: Seq) -> Result<Arc<Schema>> {
        self.ontology.schema_at(ctx, seq).await
    }

    async fn schema_versions(&self, ctx: &Context, request: ListSchemaVersions) -> Result<SchemaVersions> {
        self.ontology.schema_versions(ctx, request).await
    }

    async fn validate(&self, ctx: &Context, definition: NewOntology) -> Result<Vec<Error>> {
        self.ontology.validate(ctx, definition).await
    }

    async fn plan(&self, ctx: &Context, definition: NewOntology) -> Result<Plan> {
        let Some(kernel) = &self.kernel else { return self.ontology.plan(ctx, definition).await };
        ctx.require(Permission::OntologyPlan)?;
        self.follow(ctx, &**kernel).await?;
        kernel.plan(ctx, definition).await
    }

    async fn apply(&self, ctx: &Context, request: ApplyPlan) -> Result<Published> {
        let Some(kernel) = &self.kernel else { return self.ontology.apply(ctx, request).await };
        ctx.require(Permission::OntologyPublish)?;
        let id = request.id.unwrap_or_else(|| self.ontology.env().commit_id());
        let published = kernel.apply(ctx, ApplyPlan { id: Some(id), ..request }).await?;
        // It is published, and asked for again under its id it is answered.
        self.follow(ctx, &**kernel).await.map_err(|error| error.outcome_is(Outcome::Unknown))?;
        let Some(there) = published.receipt else { return Ok(published) };
        let here = self.receipt(ctx, published.version).await?;
        Ok(Published { receipt: here.map(|here| Receipt { replayed: there.replayed, ..here }), ..published })
    }
}

//! The ontology as its callers see it, in the same process or through a client.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{NewOntology, Plan, Schema, SchemaHash, SchemaVersion};
use crate::{CommitId, Context, Error, Receipt, Result, Seq};

/// The most versions on one page.
pub const SCHEMA_VERSIONS_PAGE_MAX: u32 = 1_000;
/// The versions on a page that states no limit.
pub const SCHEMA_VERSIONS_PAGE_DEFAULT: u32 = 100;

/// Which versions to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListSchemaVersions {
    /// Those numbered above this one.
    #[serde(default)]
    pub after: u32,
    /// At most so many, up to [`SCHEMA_VERSIONS_PAGE_MAX`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A page of versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct SchemaVersions {
    /// The versions, oldest first.
    pub versions: Vec<SchemaVersion>,
    /// What to list after for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
}

/// A plan to publish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApplyPlan {
    /// The plan, as it was made.
    pub plan: Plan,
    /// Why, in the writer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// The commit's id: the same again answers the first publication. A fresh one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CommitId>,
}

impl From<Plan> for ApplyPlan {
    fn from(plan: Plan) -> Self {
        Self { plan, reason: None, id: None }
    }
}

/// The version in force after a plan was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Published {
    /// Its number.
    pub version: u32,
    /// The hash of its content.
    pub hash: SchemaHash,
    /// The commit that published it; absent when the plan was empty and nothing was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// Reads, plans and publishes the ontology of the caller's space.
///
/// Every method answers `permission.denied` without the permission it names and `context.deadline` past the context's deadline; those
/// that read a schema answer `ontology.unpublished` where there is none.
#[async_trait]
pub trait OntologyService: std::fmt::Debug + Send + Sync + 'static {
    /// The current schema. Needs `ontology.read`.
    async fn schema(&self, ctx: &Context) -> Result<Arc<Schema>>;

    /// One version. Needs `ontology.read`.
    async fn schema_version(&self, ctx: &Context, version: u32) -> Result<Arc<Schema>>;

    /// The schema in force right after a commit. Needs `ontology.read`.
    async fn schema_at(&self, ctx: &Context, seq: Seq) -> Result<Arc<Schema>>;

    /// A page of the versions. Needs `ontology.read`.
    ///
    /// # Errors
    /// `ontology.versions.limit` for a limit of 0 or above [`SCHEMA_VERSIONS_PAGE_MAX`].
    async fn schema_versions(&self, ctx: &Context, request: ListSchemaVersions) -> Result<SchemaVersions>;

    /// All the faults of a definition, as [`super::validate`]. Needs `ontology.read`.
    async fn validate(&self, ctx: &Context, definition: NewOntology) -> Result<Vec<Error>>;

    /// What publishing a definition comes to, with what the data of the space says of it. Needs `ontology.plan`.
    ///
    /// # Errors
    /// As [`super::Planning::new`].
    async fn plan(&self, ctx: &Context, definition: NewOntology) -> Result<Plan>;

    /// Publishes what was planned. An empty plan publishes nothing and answers the version in force. Needs `ontology.publish`.
    ///
    /// # Errors
    /// As [`Plan::check_applicable`] and [`Plan::publication`]; `ontology.plan.violated` when data written since the plan was made
    /// breaks its rules.
    async fn apply(&self, ctx: &Context, request: ApplyPlan) -> Result<Published>;
}

/// What one does most often, in terms of [`OntologyService`].
#[async_trait]
pub trait OntologyExt: OntologyService {
    /// Plans a definition and applies the plan. Nothing happens where it is what is published already.
    ///
    /// # Errors
    /// As [`OntologyService::plan`] and [`OntologyService::apply`].
    async fn publish(&self, ctx: &Context, definition: NewOntology) -> Result<Published> {
        let plan = self.plan(ctx, definition).await?;
        self.apply(ctx, plan.into()).await
    }
}

impl<T: OntologyService + ?Sized> OntologyExt for T {}

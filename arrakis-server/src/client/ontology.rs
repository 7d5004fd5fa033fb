//! The ontology of another process.

use std::sync::Arc;

use arrakis_core::ontology::{
    ApplyPlan, ListSchemaVersions, NewOntology, OntologyPeer, OntologyService, Plan, Published, Publishing, Schema,
    SchemaVersions,
};
use arrakis_core::{Context, Error, ErrorKind, Result, Seq};
use async_trait::async_trait;

use super::Client;
use crate::api::access::Nothing;
use crate::api::ontology as api;

fn compiled(view: api::SchemaView) -> Result<Arc<Schema>> {
    view.compile().map(Arc::new)
}

#[async_trait]
impl OntologyPeer for Client {
    async fn published_after(&self, ctx: &Context, version: u32) -> Result<Option<Publishing>> {
        self.call(ctx, &api::PUBLISHED_AFTER, &api::PublishedAfter { version }).await
    }
}

#[async_trait]
impl OntologyService for Client {
    async fn schema(&self, ctx: &Context) -> Result<Arc<Schema>> {
        compiled(self.call(ctx, &api::SCHEMA, &Nothing {}).await?)
    }

    async fn schema_version(&self, ctx: &Context, version: u32) -> Result<Arc<Schema>> {
        compiled(self.call(ctx, &api::SCHEMA_VERSION, &api::GetSchemaVersion { version }).await?)
    }

    async fn schema_at(&self, ctx: &Context, seq: Seq) -> Result<Arc<Schema>> {
        compiled(self.call(ctx, &api::SCHEMA_AT, &api::GetSchemaAt { seq }).await?)
    }

    async fn schema_versions(&self, ctx: &Context, request: ListSchemaVersions) -> Result<SchemaVersions> {
        self.call(ctx, &api::SCHEMA_VERSIONS, &request).await
    }

    async fn validate(&self, ctx: &Context, definition: NewOntology) -> Result<Vec<Error>> {
        let faults = self.call(ctx, &api::VALIDATE, &definition).await?.faults;
        Ok(faults.into_iter().map(|fault| fault.into_error(ErrorKind::Invalid)).collect())
    }

    async fn plan(&self, ctx: &Context, definition: NewOntology) -> Result<Plan> {
        self.call(ctx, &api::PLAN, &definition).await
    }

    async fn apply(&self, ctx: &Context, request: ApplyPlan) -> Result<Published> {
        self.call(ctx, &api::APPLY, &request).await
    }
}

//! The ontology over HTTP.

use std::sync::Arc;

use arrakis_core::ontology::{OntologyPeer, OntologyService};

use super::Routes;
use crate::api::ontology as api;
use crate::problem::FieldFault;

impl Routes {
    /// With what processes of a deployment ask of each other's ontology.
    #[must_use]
    pub fn ontology_peers(self, service: &Arc<dyn OntologyPeer>) -> Self {
        self.on(&api::PUBLISHED_AFTER, service, |service, ctx, asked| {
            Box::pin(async move { service.published_after(&ctx, asked.version).await })
        })
    }

    /// With the endpoints of the ontology.
    #[must_use]
    pub fn ontology(self, service: &Arc<dyn OntologyService>) -> Self {
        self.on(&api::SCHEMA, service, |service, ctx, _| {
            Box::pin(async move { Ok(api::SchemaView::of(&*service.schema(&ctx).await?)) })
        })
        .on(&api::SCHEMA_VERSION, service, |service, ctx, asked| {
            Box::pin(async move { Ok(api::SchemaView::of(&*service.schema_version(&ctx, asked.version).await?)) })
        })
        .on(&api::SCHEMA_AT, service, |service, ctx, asked| {
            Box::pin(async move { Ok(api::SchemaView::of(&*service.schema_at(&ctx, asked.seq).await?)) })
        })
        .on(&api::SCHEMA_VERSIONS, service, |service, ctx, asked| {
            Box::pin(async move { service.schema_versions(&ctx, asked).await })
        })
        .on(&api::VALIDATE, service, |service, ctx, definition| {
            Box::pin(async move {
                let faults = service.validate(&ctx, definition).await?;
                Ok(api::Faults { faults: faults.iter().map(FieldFault::of).collect() })
            })
        })
        .on(&api::PLAN, service, |service, ctx, definition| {
            Box::pin(async move { service.plan(&ctx, definition).await })
        })
        .on_write(
            &api::APPLY,
            service,
            |asked, once| once.names(&mut asked.id),
            |service, ctx, asked| Box::pin(async move { service.apply(&ctx, asked).await }),
        )
    }
}

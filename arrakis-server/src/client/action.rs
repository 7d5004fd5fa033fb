//! Actions of another process.

use arrakis_core::kernel::{Act, ActBatch, Acted, ActedBatch, ActionService, Undo, UndoReport, Validation};
use arrakis_core::{Context, Result};
use async_trait::async_trait;

use super::Client;
use crate::api::action as api;

#[async_trait]
impl ActionService for Client {
    async fn validate(&self, ctx: &Context, request: Act) -> Result<Validation> {
        self.call(ctx, &api::VALIDATE, &request).await
    }

    async fn execute(&self, ctx: &Context, request: Act) -> Result<Acted> {
        self.call(ctx, &api::EXECUTE, &request).await
    }

    async fn execute_batch(&self, ctx: &Context, request: ActBatch) -> Result<ActedBatch> {
        self.call(ctx, &api::EXECUTE_BATCH, &request).await
    }

    async fn undo(&self, ctx: &Context, request: Undo) -> Result<UndoReport> {
        self.call(ctx, &api::UNDO, &request).await
    }
}

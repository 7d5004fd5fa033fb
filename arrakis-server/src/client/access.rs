//! Who may do what in another process.

use arrakis_core::access::{AccessService, Check, Explanation, TypeRights};
use arrakis_core::{Context, Result};
use async_trait::async_trait;

use super::Client;
use crate::api::access as api;

#[async_trait]
impl AccessService for Client {
    async fn check(&self, ctx: &Context, request: Check) -> Result<bool> {
        self.call(ctx, &api::CHECK, &request).await.map(|answer| answer.allowed)
    }

    async fn explain(&self, ctx: &Context, request: Check) -> Result<Explanation> {
        self.call(ctx, &api::EXPLAIN, &request).await
    }

    async fn what_can(&self, ctx: &Context) -> Result<Vec<TypeRights>> {
        self.call(ctx, &api::WHAT_CAN, &api::Nothing {}).await
    }
}

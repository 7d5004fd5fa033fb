//! Objects and links of another process.

use arrakis_core::kernel::{
    Aggregate, Cell, GetLinks, GetObjects, Groups, History, KernelService, Links, Load, LoadReport, NeighbourPage,
    Neighbours, Objects, Page, Query, Versions, Write, Written,
};
use arrakis_core::{Context, Result};
use async_trait::async_trait;

use super::Client;
use crate::api::kernel as api;

#[async_trait]
impl KernelService for Client {
    async fn get(&self, ctx: &Context, request: GetObjects) -> Result<Objects> {
        self.call(ctx, &api::GET, &request).await
    }

    async fn query(&self, ctx: &Context, request: Query) -> Result<Page> {
        self.call(ctx, &api::QUERY, &request).await
    }

    async fn aggregate(&self, ctx: &Context, request: Aggregate) -> Result<Groups> {
        self.call(ctx, &api::AGGREGATE, &request).await
    }

    async fn neighbours(&self, ctx: &Context, request: Neighbours) -> Result<NeighbourPage> {
        self.call(ctx, &api::NEIGHBOURS, &request).await
    }

    async fn links(&self, ctx: &Context, request: GetLinks) -> Result<Links> {
        self.call(ctx, &api::LINKS, &request).await
    }

    async fn history(&self, ctx: &Context, request: History) -> Result<Versions> {
        self.call(ctx, &api::HISTORY, &request).await
    }

    async fn write(&self, ctx: &Context, request: Write) -> Result<Written> {
        self.call(ctx, &api::WRITE, &request).await
    }

    async fn load(&self, ctx: &Context, mut request: Load) -> Result<LoadReport> {
        // A value travels in its JSON form, by which it is read the same.
        for cell in request.rows.iter_mut().flat_map(|row| &mut row.cells) {
            if let Cell::Value(value) = cell {
                *cell = Cell::Json(value.to_json());
            }
        }
        self.call(ctx, &api::LOAD, &request).await
    }
}

//! The feed of the kernel.

use async_trait::async_trait;

use super::Kernel;
use crate::kernel::{Changes, ChangesSince, FeedService, Subscribe, Subscription};
use crate::{Context, Permission, Result};

impl Kernel {
    /// Ends every subscription and waits until no task of the kernel reads any more. Requests are still answered.
    pub async fn close(&self) {
        self.feed.close().await;
        if let Some(cache) = &self.cache {
            cache.close().await;
        }
    }
}

#[async_trait]
impl FeedService for Kernel {
    async fn changes(&self, ctx: &Context, request: ChangesSince) -> Result<Changes> {
        self.admit(ctx, Permission::ObjectRead)?;
        let left = ctx.deadline().map(|deadline| deadline.saturating_sub(self.env.monotonic()));
        self.feed.changes(ctx.scope(), &request, left).await
    }

    async fn subscribe(&self, ctx: &Context, request: Subscribe) -> Result<Subscription> {
        self.admit(ctx, Permission::ObjectRead)?;
        let asked = (self.env.clone(), ctx.scope(), ctx.deadline());
        self.feed.subscribe(asked, ctx.least_seq(), request).await.map(Subscription::new)
    }
}

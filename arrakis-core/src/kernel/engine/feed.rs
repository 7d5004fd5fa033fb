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
        let mut changes = self.feed.changes(ctx.scope(), ctx.access().map(|access| &**access), &request, left).await?;
        if ctx.access().is_some() {
            for commit in &mut changes.commits {
                // What actions were given and events tell may be of objects of any type.
                commit.events.clear();
                let action = commit.origin.as_mut().and_then(|origin| origin.audit.action.as_mut());
                if let Some(action) = action {
                    action.parameters.clear();
                }
            }
        }
        Ok(changes)
    }

    async fn subscribe(&self, ctx: &Context, request: Subscribe) -> Result<Subscription> {
        self.admit(ctx, Permission::ObjectRead)?;
        self.feed.subscribe(self.env.clone(), ctx, request).await.map(Subscription::new)
    }
}

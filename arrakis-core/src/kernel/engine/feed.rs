//! The feed of the kernel.

#[cfg(feature = "users")]
use std::time::Duration;

use async_trait::async_trait;

use super::Kernel;
use crate::kernel::{Changes, ChangesSince, FeedService, Subscribe, Subscription};
use crate::{Context, Permission, Result};
#[cfg(feature = "users")]
use crate::{Scope, Seq};

impl Kernel {
    /// Up to which commit there is none of a tenant after one, as [`Feed::quiet_until`](crate::kernel::feed::Feed) tells it.
    ///
    /// # Errors
    /// What the log answers; `feed.closed`.
    #[cfg(feature = "users")]
    pub(crate) async fn quiet_until(&self, scope: Scope, after: Seq, wait: Duration) -> Result<Option<Seq>> {
        self.feed.quiet_until(scope, after, wait).await
    }

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

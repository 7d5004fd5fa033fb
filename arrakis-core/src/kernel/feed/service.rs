//! The feed as its callers see it, in the same process or through a client.

use async_trait::async_trait;

use super::{CHANGES_WAIT_MAX_MS, Changes, ChangesSince, Subscribe, Subscription};
use crate::{Context, Result};

/// Tells what changed: commit by commit, or set by set.
///
/// Every method answers `permission.denied` without `object.read`, `context.deadline` past the context's deadline, and names the path
/// into the request of what it refuses. What belongs to another tenant is absent.
#[async_trait]
pub trait FeedService: std::fmt::Debug + Send + Sync + 'static {
    /// The commits after one, with the values they left. Needs `object.read`.
    ///
    /// # Errors
    /// `feed.after.future`, `feed.limit`, `feed.wait`, `feed.type.unknown`.
    async fn changes(&self, ctx: &Context, request: ChangesSince) -> Result<Changes>;

    /// A set of objects, and from then on what enters it, changes in it and leaves it. Needs `object.read`.
    ///
    /// The deadline of the context bounds the reading of the set, not the subscription.
    ///
    /// # Errors
    /// What a query of the set answers; `feed.from.future`, `feed.buffer`.
    async fn subscribe(&self, ctx: &Context, request: Subscribe) -> Result<Subscription>;
}

/// Pages of changes without end.
#[derive(Debug)]
pub struct ChangesStream<'a> {
    service: &'a dyn FeedService,
    ctx: &'a Context,
    request: ChangesSince,
}

impl<'a> ChangesStream<'a> {
    /// The pages that follow a request's `after`.
    pub fn new(service: &'a dyn FeedService, ctx: &'a Context, request: ChangesSince) -> Self {
        let wait_ms = request.wait_ms.or(Some(CHANGES_WAIT_MAX_MS));
        Self { service, ctx, request: ChangesSince { wait_ms, ..request } }
    }

    /// The next page that has commits. When the future is dropped, no page is lost.
    ///
    /// # Errors
    /// As [`FeedService::changes`]; the stream may be asked again.
    pub async fn next(&mut self) -> Result<Changes> {
        loop {
            let changes = self.service.changes(self.ctx, self.request.clone()).await?;
            self.request.after = changes.next;
            if !changes.commits.is_empty() {
                return Ok(changes);
            }
        }
    }
}

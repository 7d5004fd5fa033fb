//! The data kernel over its ports: resolve, ask the store, answer; decide, commit, answer.

mod act;
mod check;
mod conflict;
mod feed;
mod get;
mod history;
mod link;
mod load;
mod permit;
mod query;
mod seen;
mod undo;
mod view;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::view::InForce;
use super::action::{
    ACTION_BATCH_MAX, Act, ActBatch, Acted, ActedBatch, ActionHandler, ActionLimits, ActionService, CommitValidator,
    HOOK_TIMEOUT_DEFAULT, Hooks, Undo, UndoReport, Validation,
};
use super::feed::Feed;
use super::{
    Aggregate, GetLinks, GetObjects, Groups, History, KernelService, Links, Load, LoadReport, NeighbourPage,
    Neighbours, ObjectStore, Objects, Page, Query, Versions, Write, Written,
};
use crate::cache::ReadCache;
use crate::commit::AuditRecord;
use crate::cursor::CursorKey;
use crate::ontology::SchemaSource;
use crate::{CommitId, Committer, Context, Env, Error, Permission, Result};

/// How often a request is decided anew because the ontology was published meanwhile.
pub const SCHEMA_RETRIES_MAX: u32 = 4;

/// The data kernel in this process.
#[derive(Clone, Debug)]
pub struct Kernel {
    env: Env,
    committer: Committer,
    store: Arc<dyn ObjectStore>,
    schemas: Arc<dyn SchemaSource>,
    cursors: CursorKey,
    in_force: Arc<InForce>,
    feed: Arc<Feed>,
    hooks: Arc<Hooks>,
    hook_timeout: Duration,
    limits: ActionLimits,
    cache: Option<Arc<ReadCache>>,
}

impl Kernel {
    /// A kernel over a store, with the commit log every write goes through.
    pub fn new(env: Env, committer: Committer, store: Arc<dyn ObjectStore>, schemas: Arc<dyn SchemaSource>) -> Self {
        let cursors = CursorKey::new(committer.log().cursor_key());
        let feed = Arc::new(Feed::new(&committer, Arc::clone(&store), Arc::clone(&schemas)));
        Self {
            env,
            committer,
            store,
            schemas,
            cursors,
            in_force: Arc::default(),
            feed,
            hooks: Arc::default(),
            hook_timeout: HOOK_TIMEOUT_DEFAULT,
            limits: ActionLimits::default(),
            cache: None,
        }
    }

    /// With a cache that follows the log this kernel writes to. Reads of present objects by key are answered from it.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<ReadCache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// With other limits on what an action does. More edits than a commit holds are refused whatever the limit.
    #[must_use]
    pub const fn with_action_limits(mut self, limits: ActionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// With another limit on how long host logic may take: a handler or a validator.
    #[must_use]
    pub const fn with_hook_timeout(mut self, timeout: Duration) -> Self {
        self.hook_timeout = timeout;
        self
    }

    /// Lets a handler take part in every call of an action, after its criteria and before it is committed. It takes the place of the
    /// handler the action has; clones of the kernel share it.
    pub fn on_action(&self, action: &str, handler: impl ActionHandler) {
        self.hooks.handle(action, Arc::new(handler));
    }

    /// Lets a validator see every commit of this kernel before it is made: actions, writes, loads and undos.
    pub fn before_commit(&self, validator: impl CommitValidator) {
        self.hooks.validate_with(Arc::new(validator));
    }

    /// Passes with the permission, before the deadline.
    fn admit(&self, ctx: &Context, permission: Permission) -> Result<()> {
        ctx.require(permission)?;
        if let Some(access) = ctx.access() {
            access.check(self.env.now())?;
        }
        match ctx.deadline() {
            Some(deadline) if self.env.monotonic() >= deadline => {
                Err(Error::unavailable("context.deadline", "the deadline has passed"))
            }
            _ => Ok(()),
        }
    }

    /// Passes with the right to execute an action.
    fn admit_action(&self, ctx: &Context, action: &str) -> Result<()> {
        self.admit(ctx, Permission::ActionExecute)?;
        ctx.access().map_or(Ok(()), |access| access.check_action(action).map_err(|e| e.at("action")))
    }

    /// After a failure: whether to try again, under a schema asked for anew.
    async fn moved(&self, ctx: &Context, error: Error, tries: &mut u32) -> Result<()> {
        if error.code() != "kernel.schema.moved" || *tries == SCHEMA_RETRIES_MAX {
            return Err(error);
        }
        *tries += 1;
        tracing::debug!(tries, "the ontology was published meanwhile");
        self.schemas.refresh(ctx.scope().space).await.map(|_| ())
    }
}

/// Tries a request until the schema it is resolved under stays put.
macro_rules! under_schema {
    ($kernel:ident, $ctx:ident, $attempt:expr) => {{
        let mut tries = 0;
        loop {
            match $attempt {
                Ok(answer) => break Ok(answer),
                Err(error) => $kernel.moved($ctx, error, &mut tries).await?,
            }
        }
    }};
}

#[async_trait]
impl KernelService for Kernel {
    async fn get(&self, ctx: &Context, request: GetObjects) -> Result<Objects> {
        self.admit(ctx, Permission::ObjectRead)?;
        under_schema!(self, ctx, self.try_get(ctx, &request).await)
    }

    async fn query(&self, ctx: &Context, request: Query) -> Result<Page> {
        self.admit(ctx, Permission::ObjectRead)?;
        under_schema!(self, ctx, self.try_query(ctx, &request).await)
    }

    async fn aggregate(&self, ctx: &Context, request: Aggregate) -> Result<Groups> {
        self.admit(ctx, Permission::ObjectRead)?;
        under_schema!(self, ctx, self.try_aggregate(ctx, &request).await)
    }

    async fn neighbours(&self, ctx: &Context, request: Neighbours) -> Result<NeighbourPage> {
        self.admit(ctx, Permission::ObjectRead)?;
        under_schema!(self, ctx, self.try_neighbours(ctx, &request).await)
    }

    async fn links(&self, ctx: &Context, request: GetLinks) -> Result<Links> {
        self.admit(ctx, Permission::ObjectRead)?;
        under_schema!(self, ctx, self.try_links(ctx, &request).await)
    }

    async fn history(&self, ctx: &Context, request: History) -> Result<Versions> {
        self.admit(ctx, Permission::ObjectRead)?;
        under_schema!(self, ctx, self.try_history(ctx, &request).await)
    }

    async fn write(&self, ctx: &Context, request: Write) -> Result<Written> {
        self.write_as(ctx, &request, AuditRecord::of(ctx, "kernel.write")).await
    }

    async fn load(&self, ctx: &Context, request: Load) -> Result<LoadReport> {
        self.admit(ctx, Permission::ObjectWrite)?;
        let id = request.id.unwrap_or_else(|| self.env.commit_id());
        under_schema!(self, ctx, self.try_load(ctx, &request, id).await)
    }
}

#[async_trait]
impl ActionService for Kernel {
    async fn validate(&self, ctx: &Context, request: Act) -> Result<Validation> {
        self.admit_action(ctx, &request.action)?;
        under_schema!(self, ctx, self.try_validate(ctx, &request).await)
    }

    async fn execute(&self, ctx: &Context, request: Act) -> Result<Acted> {
        self.admit_action(ctx, &request.action)?;
        let id = request.id.unwrap_or_else(|| self.env.commit_id());
        self.execute_one(ctx, &request, id).await
    }

    async fn execute_batch(&self, ctx: &Context, request: ActBatch) -> Result<ActedBatch> {
        self.admit(ctx, Permission::ActionExecute)?;
        for (index, act) in request.acts.iter().enumerate().take(ACTION_BATCH_MAX) {
            self.admit_action(ctx, &act.action).map_err(|e| e.at(format!("acts[{index}]")))?;
        }
        let ids: Vec<_> = request.acts.iter().map(|act| act.id.unwrap_or_else(|| self.env.commit_id())).collect();
        under_schema!(self, ctx, self.try_batch(ctx, &request, &ids).await)
    }

    async fn undo(&self, ctx: &Context, request: Undo) -> Result<UndoReport> {
        self.admit(ctx, Permission::ActionExecute)?;
        let id = request.id.unwrap_or_else(|| self.env.commit_id());
        under_schema!(self, ctx, self.try_undo(ctx, &request, id).await)
    }
}

impl Kernel {
    /// A write of which the log tells what the caller says of it.
    pub(crate) async fn write_as(&self, ctx: &Context, request: &Write, audit: AuditRecord) -> Result<Written> {
        self.admit(ctx, Permission::ObjectWrite)?;
        let id = request.id.unwrap_or_else(|| self.env.commit_id());
        under_schema!(self, ctx, self.try_write(ctx, request, (id, &audit)).await)
    }

    async fn execute_one(&self, ctx: &Context, act: &Act, id: CommitId) -> Result<Acted> {
        under_schema!(self, ctx, self.try_execute(ctx, act, id).await)
    }
}

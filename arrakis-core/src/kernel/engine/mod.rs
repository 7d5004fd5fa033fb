//! The data kernel over its ports: resolve, ask the store, answer; decide, commit, answer.

mod conflict;
mod get;
mod history;
mod link;
mod load;
mod query;
mod view;
mod write;

use std::sync::Arc;

use async_trait::async_trait;

use self::view::InForce;
use super::{
    Aggregate, GetLinks, GetObjects, Groups, History, KernelService, Links, Load, LoadReport, NeighbourPage,
    Neighbours, ObjectStore, Objects, Page, Query, Versions, Write, Written,
};
use crate::cursor::CursorKey;
use crate::ontology::SchemaSource;
use crate::{Committer, Context, Env, Error, Permission, Result};

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
}

impl Kernel {
    /// A kernel over a store, with the commit log every write goes through.
    pub fn new(env: Env, committer: Committer, store: Arc<dyn ObjectStore>, schemas: Arc<dyn SchemaSource>) -> Self {
        let cursors = CursorKey::new(committer.log().cursor_key());
        Self { env, committer, store, schemas, cursors, in_force: Arc::default() }
    }

    /// Passes with the permission, before the deadline.
    fn admit(&self, ctx: &Context, permission: Permission) -> Result<()> {
        ctx.require(permission)?;
        match ctx.deadline() {
            Some(deadline) if self.env.monotonic() >= deadline => {
                Err(Error::unavailable("context.deadline", "the deadline has passed"))
            }
            _ => Ok(()),
        }
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
        self.admit(ctx, Permission::ObjectWrite)?;
        let id = request.id.unwrap_or_else(|| self.env.commit_id());
        under_schema!(self, ctx, self.try_write(ctx, &request, id).await)
    }

    async fn load(&self, ctx: &Context, request: Load) -> Result<LoadReport> {
        self.admit(ctx, Permission::ObjectWrite)?;
        let id = request.id.unwrap_or_else(|| self.env.commit_id());
        under_schema!(self, ctx, self.try_load(ctx, &request, id).await)
    }
}

//! Spaces and tenants.

use crate::commit::AuditRecord;
use crate::{
    Change, Commit, CommitId, Committer, Context, Env, Error, ErrorKind, Permission, Result, SpaceId, TenancyChange,
    TenantId,
};

/// Creates spaces and tenants. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tenancy {
    env: Env,
    committer: Committer,
}

impl Tenancy {
    /// Over a log.
    pub const fn new(env: Env, committer: Committer) -> Self {
        Self { env, committer }
    }

    /// Creates a space, to hold an ontology of its own, or answers the id of the one of that name.
    ///
    /// # Errors
    /// `permission.denied`; `tenancy.name.malformed`.
    pub async fn create_space(&self, ctx: &Context, name: &str) -> Result<SpaceId> {
        ctx.require(Permission::TenancyManage)?;
        let id = SpaceId::named(name)?;
        self.ensure_space(ctx, id, name).await?;
        Ok(id)
    }

    /// Creates a tenant that uses the ontology of a space, or answers the id of the one of that name.
    ///
    /// # Errors
    /// `permission.denied`; `tenancy.name.malformed`; `tenancy.space.unknown`; `tenancy.tenant.other_space` when the tenant exists in
    /// another space.
    pub async fn create_tenant(&self, ctx: &Context, name: &str, space: SpaceId) -> Result<TenantId> {
        ctx.require(Permission::TenancyManage)?;
        let id = TenantId::named(name)?;
        self.ensure_tenant(ctx, (id, name), space).await?;
        Ok(id)
    }

    /// Makes the space and tenant of a scope that is known elsewhere, where they are not there.
    ///
    /// # Errors
    /// `permission.denied`; `tenancy.tenant.other_space`.
    pub async fn ensure(&self, ctx: &Context, scope: crate::Scope) -> Result<()> {
        ctx.require(Permission::TenancyManage)?;
        match self.committer.log().tenant(scope.tenant).await? {
            Some(tenant) if tenant.space == scope.space => Ok(()),
            _ => {
                self.ensure_space(ctx, scope.space, &scope.space.to_string()).await?;
                self.ensure_tenant(ctx, (scope.tenant, &scope.tenant.to_string()), scope.space).await
            }
        }
    }

    pub(crate) async fn ensure_space(&self, ctx: &Context, id: SpaceId, name: &str) -> Result<()> {
        let change = TenancyChange::CreateSpace { id, name: name.into() };
        match self.commit(ctx, CommitId::from_uuid(id.uuid()), change, "tenancy.create_space").await {
            // The name made the id, so a space of this name is this one, whichever tenant it was created for.
            Err(error) if error.code() == "tenancy.space.exists" || error.code() == "commit.id.taken" => Ok(()),
            other => other,
        }
    }

    pub(crate) async fn ensure_tenant(
        &self,
        ctx: &Context,
        (id, name): (TenantId, &str),
        space: SpaceId,
    ) -> Result<()> {
        let log = self.committer.log();
        if log.tenant(id).await?.is_none() {
            let change = TenancyChange::CreateTenant { id, name: name.into(), space };
            match self.commit(ctx, CommitId::from_uuid(id.uuid()), change, "tenancy.create_tenant").await {
                Err(error) if error.code() != "tenancy.tenant.exists" && error.code() != "commit.id.taken" => {
                    return Err(error);
                }
                _ => {}
            }
        }
        match log.tenant(id).await? {
            Some(tenant) if tenant.space == space => Ok(()),
            _ => Err(Error::new(
                ErrorKind::AlreadyExists,
                "tenancy.tenant.other_space",
                "the tenant exists in another space",
            )
            .with("tenant", id)),
        }
    }

    async fn commit(&self, ctx: &Context, id: CommitId, change: TenancyChange, method: &str) -> Result<()> {
        let commit = Commit {
            id,
            scope: ctx.scope(),
            schema_version: None,
            actor: ctx.actor().clone(),
            at: self.env.now(),
            reason: None,
            preconditions: Vec::new(),
            changes: vec![Change::Tenancy(change)],
            audit: AuditRecord::of(ctx, method),
            events: Vec::new(),
        };
        self.committer.commit(commit).await.map(drop)
    }
}

//! Users, groups, roles and credentials over the data kernel: each tenant's directory is objects in a tenant beside it.

mod account;
mod api_key;
mod auth;
mod bootstrap;
mod group;
mod once;
mod policy;
mod role;
mod session;
mod signing;
mod user;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

pub use self::bootstrap::Bootstrap;
use self::once::Method;
use self::signing::Signer;
use super::row::{Kept, Row};
use super::{DIRECTORY_SPACE, DIRECTORY_SPACE_NAME, Directory, SessionLife, User, directory_context, directory_scope};
use crate::access::{Policy, Scope as Over};
use crate::commit::{AuditRecord, Committer};
use crate::credential::api_key::is_environment;
use crate::credential::hasher::Hasher;
use crate::credential::password::PasswordRules;
use crate::credential::throttle::Throttle;
use crate::credential::token::Verifier;
use crate::credential::{Secret, Vault};
use crate::kernel::{Edit, Kernel, KernelService, ObjectSet, Query, Write};
use crate::ontology::{NewOntology, OntologyExt, OntologyService, PolicySource};
use crate::{ApiName, Context, Env, Error, ErrorKind, Permission, Result, Seq, Tenancy, TenantId, Timestamp};

/// The ontology of every directory.
const ONTOLOGY: &str = include_str!("../ontology.yaml");
/// How often a change is decided anew because others change the same.
const RETRIES_MAX: usize = 16;
/// How long a directory that cannot be read is left alone before it is tried again.
const FOLLOW_AGAIN: Duration = Duration::from_millis(250);

/// What the user service is given.
#[derive(Clone, Debug)]
pub struct UserOptions {
    /// The root secret of the deployment, as [`Vault::new_root`] makes one. It is kept outside of the store, and whoever loses it loses every session, API
    /// key and second factor; passwords stand by themselves.
    pub root: Secret,
    /// Roots of before, whose secrets are still read.
    pub earlier_roots: Vec<Secret>,
    /// Who issues the tokens: the address of the deployment.
    pub issuer: String,
    /// Whom they are for.
    pub audience: String,
    /// The environment API keys name: 1 to 10 lower-case letters.
    pub environment: String,
    /// The rules of new passwords.
    pub password_rules: PasswordRules,
    /// How long sessions last.
    pub life: SessionLife,
    /// Where passwords are hashed; at the cost that suits this machine when absent.
    pub hasher: Option<Hasher>,
}

impl UserOptions {
    /// With a root secret, and everything else as it is by default.
    pub fn new(root: Secret) -> Self {
        Self {
            root,
            earlier_roots: Vec::new(),
            issuer: "arrakis".into(),
            audience: "arrakis".into(),
            environment: "live".into(),
            password_rules: PasswordRules::default(),
            life: SessionLife::default(),
            hasher: None,
        }
    }
}

/// The user service in this process. Cheap to clone; what follows the directories ends with the last clone.
#[derive(Clone)]
pub struct Users {
    inner: Arc<Inner>,
}

struct Inner {
    env: Env,
    kernel: Kernel,
    committer: Committer,
    ontology: Arc<dyn OntologyService>,
    tenancy: Tenancy,
    vault: Vault,
    hasher: Hasher,
    rules: PasswordRules,
    life: SessionLife,
    issuer: String,
    audience: String,
    environment: String,
    verifier: Verifier,
    /// The commit the verifier's keys are of.
    keys_of: AtomicU64,
    signer: Signer,
    accounts: Throttle<(TenantId, String)>,
    networks: Throttle<(TenantId, String)>,
    directories: Mutex<HashMap<TenantId, Arc<Directory>>>,
    /// Held while a directory is opened, so that each is once.
    opening: tokio::sync::Mutex<()>,
    followers: Mutex<JoinSet<()>>,
    policies: OnceLock<Arc<Policies>>,
}

/// What plans of the ontology ask.
#[derive(Debug)]
struct Policies(Weak<Inner>);

#[async_trait]
impl PolicySource for Policies {
    async fn policy_in_force(&self, ctx: &Context) -> Result<Option<Arc<Policy>>> {
        let Some(inner) = self.0.upgrade() else { return Ok(None) };
        let (scope, users) = (ctx.scope(), Users { inner });
        // The ontology of directories has no policy, and a tenant without a directory has none.
        let directory = directory_scope(scope.tenant).tenant;
        if scope.space == DIRECTORY_SPACE || users.inner.committer.log().tenant(directory).await?.is_none() {
            return Ok(None);
        }
        let directory = users.directory(ctx).await?;
        let policy = Arc::clone(&directory.state().policy);
        Ok(Some(policy))
    }
}

impl Users {
    /// Over the kernel and ontology of a store.
    ///
    /// # Errors
    /// `vault.root.malformed`; `user.options` for an access token's life, or an environment, that is none.
    pub async fn start(
        env: Env,
        committer: Committer,
        kernel: Kernel,
        ontology: Arc<dyn OntologyService>,
        options: UserOptions,
    ) -> Result<Self> {
        let vault = Vault::new(env.clone(), &options.root, &options.earlier_roots)?;
        let options_error = |message: &'static str| Error::invalid("user.options", message);
        if !(300..=600).contains(&options.life.access_s) {
            return Err(options_error("an access token lasts 300 to 600 seconds").at("life.access_s"));
        }
        if !is_environment(&options.environment) {
            return Err(options_error("an environment is 1 to 10 lower-case letters").at("environment"));
        }
        let hasher = match options.hasher {
            Some(hasher) => hasher,
            None => Hasher::calibrated(env.clone()).await,
        };
        let verifier = Verifier::new(env.clone(), &*options.issuer, &*options.audience);
        let tenancy = Tenancy::new(env.clone(), committer.clone());
        let inner = Inner {
            env,
            kernel,
            committer,
            ontology,
            tenancy,
            vault,
            hasher,
            rules: options.password_rules,
            life: options.life,
            issuer: options.issuer,
            audience: options.audience,
            environment: options.environment,
            verifier,
            keys_of: AtomicU64::new(0),
            signer: Signer::default(),
            accounts: Throttle::default(),
            networks: Throttle::default(),
            directories: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            followers: Mutex::default(),
            policies: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What an ontology is to consult ([`crate::ontology::Ontology::consult`]), so that a plan tells what it does to the policy in force.
    pub fn policies(&self) -> Weak<dyn PolicySource> {
        let policies = self.inner.policies.get_or_init(|| Arc::new(Policies(Arc::downgrade(&self.inner))));
        let policies: Arc<dyn PolicySource> = Arc::clone(policies) as _;
        Arc::downgrade(&policies)
    }

    /// Follows no directory any more: nobody is known from now on.
    pub async fn close(&self) {
        let mut followers = std::mem::take(&mut *self.inner.followers.lock().unwrap_or_else(PoisonError::into_inner));
        followers.shutdown().await;
        let directories = std::mem::take(&mut *self.inner.directories.lock().unwrap_or_else(PoisonError::into_inner));
        for directory in directories.values() {
            directory.close();
        }
    }

    /// The directory of a context's tenant.
    ///
    /// # Errors
    /// `tenancy.tenant.unknown`; what the store answers.
    pub async fn directory(&self, ctx: &Context) -> Result<Arc<Directory>> {
        self.directory_of(ctx, ctx.scope().tenant, true).await
    }

    async fn directory_of(&self, ctx: &Context, tenant: TenantId, is_checked: bool) -> Result<Arc<Directory>> {
        let open = || self.inner.directories.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned();
        if let Some(directory) = open() {
            return Ok(directory);
        }
        let _opening = self.inner.opening.lock().await;
        if let Some(directory) = open() {
            return Ok(directory);
        }
        if is_checked && self.inner.committer.log().tenant(tenant).await?.is_none() {
            return Err(Error::not_found("tenancy.tenant.unknown", "there is no such tenant").with("tenant", tenant));
        }
        let own = directory_context(&ctx.clone().acting_as(crate::Actor::system()), tenant);
        self.provide(&own).await?;
        let log = Arc::clone(self.inner.committer.log());
        let directory = Directory::load(self.inner.env.clone(), log, &self.inner.kernel, own).await?;
        let directory = Arc::new(directory);
        self.inner.directories.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, Arc::clone(&directory));
        let follower = follow(Arc::clone(&directory), self.inner.kernel.clone());
        self.inner.followers.lock().unwrap_or_else(PoisonError::into_inner).spawn(follower);
        Ok(directory)
    }

    /// Makes the tenant and the ontology of a directory, or brings the ontology up to date.
    async fn provide(&self, own: &Context) -> Result<()> {
        let tenancy = &self.inner.tenancy;
        tenancy.ensure_space(own, DIRECTORY_SPACE, DIRECTORY_SPACE_NAME).await?;
        let tenant = own.scope().tenant;
        tenancy.ensure_tenant(own, (tenant, &format!("{DIRECTORY_SPACE_NAME}.{tenant}")), DIRECTORY_SPACE).await?;
        let definition = NewOntology::from_yaml(ONTOLOGY)?;
        let mut tries = 0;
        loop {
            match self.inner.ontology.publish(own, definition.clone()).await {
                Ok(_) => return Ok(()),
                // Another process publishes the same.
                Err(error) if error.kind() == ErrorKind::Conflict && tries < RETRIES_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Passes with the permission, in force and before the deadline.
    fn admit(&self, ctx: &Context, permission: Option<Permission>) -> Result<()> {
        if let Some(permission) = permission {
            ctx.require(permission)?;
        }
        if let Some(access) = ctx.access() {
            access.check(self.inner.env.now())?;
        }
        match ctx.deadline() {
            Some(deadline) if self.inner.env.monotonic() >= deadline => {
                Err(Error::unavailable("context.deadline", "the deadline has passed"))
            }
            _ => Ok(()),
        }
    }

    /// The directory, for whoever has the permission.
    async fn admitted(&self, ctx: &Context, permission: Permission) -> Result<Arc<Directory>> {
        self.admit(ctx, Some(permission))?;
        self.directory(ctx).await
    }

    /// The user a call is about: whoever acts where none is named. For another, the permission is needed, and, to act in its stead, everything it holds.
    fn whose(&self, ctx: &Context, directory: &Directory, named: Option<&str>, stands_in: bool) -> Result<User> {
        self.admit(ctx, None)?;
        let state = directory.state();
        let own = ctx.access().map(|access| &*access.subject().id);
        let named =
            named.or(own).ok_or_else(|| Error::invalid("user.unnamed", "name the user this is about").at("user"))?;
        let user = state.user(named);
        // Whether there is such a user is told to whom might know.
        if !matches!((&user, own), (Ok(user), Some(own)) if user.id == own) {
            ctx.require(Permission::UserManage)?;
        }
        let user = user?;
        // One who acts by an API key with some of the roles has less than the user it is of.
        if stands_in {
            self.check_holds_what(ctx, &state, &user.id)?;
        }
        Ok(user.clone())
    }

    /// Passes when whoever acts holds everything that a user or group holds, itself and through groups.
    fn check_holds_what(&self, ctx: &Context, state: &super::state::State, holder: &str) -> Result<()> {
        let Some(access) = ctx.access() else { return Ok(()) };
        let groups = state.closure(holder);
        let holders = std::iter::once(holder).chain(groups.iter().map(|group| &*group.id));
        let now = self.now();
        let held = holders.flat_map(|holder| state.held(holder));
        for assignment in held.filter(|assignment| assignment.expires_at.is_none_or(|until| until > now)) {
            // A role that is gone gives nothing.
            if let Ok(role) = state.role(&assignment.role) {
                access
                    .check_covers(role, &super::scope_of(assignment.object_type.as_ref(), assignment.key.as_ref()))?;
            }
        }
        Ok(())
    }

    /// Passes when whoever acts holds what a role gives.
    fn check_gives(ctx: &Context, state: &super::state::State, role: &ApiName, over: &Over) -> Result<()> {
        let Some(access) = ctx.access() else { return Ok(()) };
        access.check_covers(state.role(role)?, over)
    }

    /// Commits edits of a directory as those of a method of this service, and waits until this process has seen them.
    async fn commit(
        &self,
        ctx: &Context,
        directory: &Directory,
        method: &'static str,
        edits: Vec<Edit>,
    ) -> Result<Seq> {
        let own = directory_of(ctx, directory);
        let write = Write { edits, ..Write::default() };
        let seq = self.inner.kernel.write_as(&own, &write, AuditRecord::of(&own, method)).await?.receipt.seq;
        self.seen_here(directory, seq).await;
        Ok(seq)
    }

    /// A method of this service, being called.
    const fn method<'m>(&'m self, ctx: &'m Context, directory: &'m Directory, name: &'static str) -> Method<'m> {
        Method { users: self, ctx, directory, name }
    }

    /// Waits until this process has seen a commit that is made.
    async fn seen_here(&self, directory: &Directory, seq: Seq) {
        if let Err(error) = directory.caught_up(seq).await {
            tracing::warn!(error = error.chain(), "a change of the directory is made, and not seen here yet");
        }
    }

    /// An object of a directory as the store has it now.
    async fn kept<R: Row>(&self, directory: &Directory, id: &str) -> Result<Option<Kept<R>>> {
        let query = Query::of(ObjectSet::ids(R::TYPE, [id]));
        let page = self.inner.kernel.query(directory.context(), query).await?;
        page.objects.first().map(Kept::of).transpose()
    }

    /// Waits until this process has seen every commit there is.
    async fn caught_up(&self, directory: &Directory) -> Result<()> {
        directory.caught_up(self.inner.committer.log().head().await?).await
    }

    fn now(&self) -> Timestamp {
        self.inner.env.now()
    }

    fn id(&self) -> String {
        self.inner.env.uuid().to_string()
    }
}

/// The directory's own context of whoever acts.
fn directory_of(ctx: &Context, directory: &Directory) -> Context {
    directory.context().clone().acting_as(ctx.actor().clone())
}

/// Whether a change was refused because another was made meanwhile, so that it is to be decided anew.
fn has_moved(error: &Error) -> bool {
    error.kind() == ErrorKind::Precondition || matches!(error.code(), "kernel.object.absent" | "kernel.object.exists")
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros_saturating(at.micros().saturating_add(micros))
}

/// Whether an instant is at least so long ago.
fn is_over(since: Timestamp, lasts: Duration, now: Timestamp) -> bool {
    later(since, lasts) <= now
}

/// Keeps a directory up to date for as long as the service lives.
async fn follow(directory: Arc<Directory>, kernel: Kernel) {
    loop {
        if let Err(error) = directory.follow(&kernel).await {
            tracing::warn!(error = error.chain(), "the changes of a directory cannot be read");
            tokio::time::sleep(FOLLOW_AGAIN).await;
        }
        if let Err(error) = api_key::write_used(&directory, &kernel).await {
            tracing::warn!(error = error.chain(), "when API keys were used cannot be written");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let directories = self.directories.get_mut().unwrap_or_else(PoisonError::into_inner);
        for directory in directories.values() {
            directory.close();
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users").field("issuer", &self.inner.issuer).finish_non_exhaustive()
    }
}

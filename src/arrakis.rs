//! The facade: a store, and the services over it.

use std::fmt;
use std::sync::Arc;

use arrakis_core::access::{Access, AccessService, Policy};
use arrakis_core::cache::{CacheReport, ReadCache};
use arrakis_core::kernel::{ActionHandler, ActionService, CommitValidator, FeedService, Kernel, KernelService};
use arrakis_core::ontology::{Class, Finding, NewOntology, Ontology, OntologyService, Published};
use arrakis_core::relay::{Relay, RelayOptions, RelayStatus, Sink};
use arrakis_core::typed::TypedKernel;
use arrakis_core::{
    Actor, Committer, Context, Env, Error, ErrorKind, Grants, RequestId, Result, Scope, SpaceId, Store, Tenancy,
    TenantId,
};

use crate::ArrakisBuilder;

/// An open store with its services. Cheap to clone: clones share it.
///
/// Every service method takes a [`Context`], which says for which tenant, as whom and with which rights it is called:
/// [`Arrakis::context`] is the embedding application's own.
#[derive(Clone)]
pub struct Arrakis {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) scope: Scope,
    pub(crate) actor: Actor,
    pub(crate) ontology: Arc<dyn OntologyService>,
    pub(crate) kernel: Arc<dyn KernelService>,
    pub(crate) feed: Arc<dyn FeedService>,
    pub(crate) actions: Arc<dyn ActionService>,
    pub(crate) access: Arc<dyn AccessService>,
    #[cfg(feature = "users")]
    pub(crate) users: Option<Arc<dyn arrakis_core::user::UserServices>>,
    /// What the services are made of, where they are in this process.
    pub(crate) local: Option<Local>,
}

pub(crate) struct Local {
    store: Arc<dyn Store>,
    committer: Committer,
    tenancy: Tenancy,
    ontology: Arc<Ontology>,
    kernel: Kernel,
    cache: Option<Arc<ReadCache>>,
    #[cfg(feature = "users")]
    users: Option<arrakis_core::user::Users>,
}

impl Arrakis {
    /// Opens a database file, which is created where there is none, with a space and a tenant called `default`.
    ///
    /// # Errors
    /// What the file is refused for: `sqlite.*`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "sqlite")]
    pub async fn open(path: impl AsRef<std::path::Path>) -> Result<Self> {
        Self::builder().open(path).await
    }

    /// Opens a store in a PostgreSQL database, which is made where there is none, with a space and a tenant called `default`. Any number of
    /// processes may open it at the same time.
    ///
    /// # Errors
    /// What [`arrakis_storage::PgStore::open`] answers.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "postgres")]
    pub async fn open_postgres(url: &str) -> Result<Self> {
        Self::builder().open_postgres(url).await
    }

    /// An empty store that lives as long as its last clone, with a space and a tenant called `default`.
    ///
    /// # Errors
    /// None that an empty store gives.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn in_memory() -> Result<Self> {
        Self::builder().in_memory().await
    }

    /// Opens with other settings than the default.
    pub fn builder() -> ArrakisBuilder {
        ArrakisBuilder::default()
    }

    pub(crate) async fn start(settings: ArrakisBuilder, store: Arc<dyn Store>) -> Result<Self> {
        let (limits, hook_timeout) = (settings.action_limits, settings.hook_timeout);
        #[cfg(feature = "users")]
        let user_options = settings.users.clone();
        let cache_options = settings.cache_options().await?;
        let (env, actor, (space, tenant)) = settings.into_parts()?;
        let scope = Scope { tenant: TenantId::named(&tenant)?, space: SpaceId::named(&space)? };
        let committer = Committer::start(Arc::clone(&store) as _);
        let cache =
            cache_options.map(|options| ReadCache::start(env.clone(), &committer, Arc::clone(&store) as _, options));
        let mut ontology = Ontology::new(env.clone(), committer.clone(), Arc::clone(&store) as _);
        if let Some(cache) = &cache {
            ontology = ontology.with_cache(Arc::clone(cache));
        }
        let ontology = Arc::new(ontology);
        let kernel = Kernel::new(env.clone(), committer.clone(), Arc::clone(&store) as _, Arc::clone(&ontology) as _);
        let mut kernel = kernel.with_action_limits(limits).with_hook_timeout(hook_timeout);
        if let Some(cache) = &cache {
            kernel = kernel.with_cache(Arc::clone(cache));
        }
        let tenancy = Tenancy::new(env.clone(), committer.clone());
        #[cfg(feature = "users")]
        let users = match user_options {
            Some(options) => {
                let (committer, service) = (committer.clone(), Arc::clone(&ontology) as _);
                let users = arrakis_core::user::Users::start(env.clone(), committer, kernel.clone(), service, options);
                let users = users.await?;
                ontology.consult(users.policies());
                Some(users)
            }
            None => None,
        };
        let service = Arc::new(kernel.clone());
        let inner = Inner {
            env,
            scope,
            actor,
            ontology: Arc::clone(&ontology) as _,
            kernel: Arc::clone(&service) as _,
            feed: Arc::clone(&service) as _,
            actions: Arc::clone(&service) as _,
            access: service,
            #[cfg(feature = "users")]
            users: users.clone().map(|users| Arc::new(users) as _),
            local: Some(Local {
                store,
                committer,
                tenancy,
                ontology,
                kernel,
                cache,
                #[cfg(feature = "users")]
                users,
            }),
        };
        let arrakis = Self { inner: Arc::new(inner) };
        let ctx = arrakis.context();
        if arrakis.local()?.store.tenant(scope.tenant).await?.is_none() {
            arrakis.create_space(&ctx, &space).await?;
        }
        arrakis.create_tenant(&ctx, &tenant, scope.space).await?;
        Ok(arrakis)
    }

    /// Gives this clone up. When it is the last, ends every subscription, waits for the writes under way, brings the statistics reads
    /// are planned by up to date, and releases the file. Dropping the last clone does the same, but nobody learns when.
    pub async fn close(self) {
        let Some(Inner { local: Some(local), ontology, .. }) = Arc::into_inner(self.inner) else { return };
        #[cfg(feature = "users")]
        if let Some(users) = local.users {
            users.close().await;
        }
        local.kernel.close().await;
        drop((local.tenancy, ontology, local.ontology, local.kernel, local.cache));
        local.committer.close().await;
        let store = local.store;
        // The last reference to a store may wait for its threads. One that panicked has nothing more to release.
        let _ = tokio::task::spawn_blocking(move || drop(store)).await;
    }

    #[cfg(feature = "client")]
    pub(crate) fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    #[cfg(feature = "server")]
    pub(crate) fn env(&self) -> &Env {
        &self.inner.env
    }

    #[cfg(feature = "server")]
    pub(crate) fn services(&self) -> &Inner {
        &self.inner
    }

    #[cfg(feature = "server")]
    pub(crate) fn tenancy(&self) -> Result<&Tenancy> {
        Ok(&self.local()?.tenancy)
    }

    /// Plans of the ontology tell from now on what they do to the policy in force, as this source knows it.
    #[cfg(feature = "server")]
    pub(crate) fn consult(&self, policies: std::sync::Weak<dyn arrakis_core::ontology::PolicySource>) -> Result<()> {
        self.local()?.ontology.consult(policies);
        Ok(())
    }

    /// The ontology of this store, as other processes follow it.
    #[cfg(feature = "server")]
    pub(crate) fn followed_ontology(&self) -> Result<arrakis_core::ontology::FollowedOntology> {
        let Local { ontology, store, .. } = self.local()?;
        Ok(arrakis_core::ontology::FollowedOntology::new(Arc::clone(ontology), Arc::clone(store) as _))
    }

    #[cfg(feature = "server")]
    pub(crate) fn log(&self) -> Result<Arc<dyn arrakis_core::CommitLog>> {
        Ok(Arc::clone(&self.local()?.store) as _)
    }

    /// What the services are made of.
    fn local(&self) -> Result<&Local> {
        self.inner.local.as_ref().ok_or_else(|| {
            let remote = "this is done where the services are, not through a connection to them";
            Error::new(ErrorKind::Unsupported, "arrakis.remote", remote)
        })
    }

    /// The ontology: publish and read schemas.
    pub fn ontology(&self) -> &dyn OntologyService {
        &*self.inner.ontology
    }

    /// The data kernel: write and read objects and links.
    pub fn kernel(&self) -> &dyn KernelService {
        &*self.inner.kernel
    }

    /// The feed: what changed, commit by commit, and sets that tell as they change.
    pub fn feed(&self) -> &dyn FeedService {
        &*self.inner.feed
    }

    /// Tells a sink, such as a bus, of every commit of this store, in order, from where its cursor was left. Any number of processes may start
    /// the same relay: one of them is at work, the others stand by. It ends with what this returns.
    ///
    /// # Errors
    /// What [`Relay::start`] refuses; `arrakis.remote`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn relay(&self, sink: Arc<dyn Sink>, options: RelayOptions) -> Result<Relay> {
        Relay::start(Arc::clone(&self.local()?.store) as _, sink, self.inner.env.clone(), options)
    }

    /// How far each relay of this store has told it, whichever process is at work on it.
    ///
    /// # Errors
    /// What the store answers; `arrakis.remote`.
    pub async fn relays(&self) -> Result<Vec<RelayStatus>> {
        RelayStatus::of(&*self.local()?.store).await
    }

    /// What the cache did so far; `None` without one.
    pub fn cache_report(&self) -> Option<CacheReport> {
        self.inner.local.as_ref()?.cache.as_ref().map(|cache| cache.report())
    }

    /// The actions the ontology declares: validate and execute them, undo what was done.
    pub fn actions(&self) -> &dyn ActionService {
        &*self.inner.actions
    }

    /// Lets a handler of the application take part in every call of an action: it sees what is decided, and may add edits or refuse. It
    /// takes the place of the handler the action has. [`crate::HandlerFn`] makes one of an asynchronous function.
    ///
    /// # Errors
    /// `arrakis.remote`.
    pub fn on_action(&self, action: &str, handler: impl ActionHandler) -> Result<()> {
        self.local()?.kernel.on_action(action, handler);
        Ok(())
    }

    /// Lets a validator of the application see every commit of objects and links before it is made, and veto it.
    ///
    /// # Errors
    /// `arrakis.remote`.
    pub fn before_commit(&self, validator: impl CommitValidator) -> Result<()> {
        self.local()?.kernel.before_commit(validator);
        Ok(())
    }

    /// The data kernel for one who has structs, in a context.
    pub fn typed<'a>(&'a self, ctx: &'a Context) -> TypedKernel<'a> {
        TypedKernel::new(self.kernel(), ctx)
    }

    /// The application's own context: every permission, the tenant this was opened for, a fresh request id.
    pub fn context(&self) -> Context {
        self.context_in(self.inner.scope)
    }

    /// The application's own context for another tenant, by id; [`TenantId::named`] is the id of a name.
    ///
    /// # Errors
    /// `tenancy.tenant.unknown`; `arrakis.remote`.
    pub async fn tenant_context(&self, tenant: TenantId) -> Result<Context> {
        let found = self.local()?.store.tenant(tenant).await?.ok_or_else(|| {
            Error::not_found("tenancy.tenant.unknown", "there is no such tenant").with("tenant", tenant)
        })?;
        Ok(self.context_in(Scope { tenant, space: found.space }))
    }

    /// The context of whoever acts under a policy: of this tenant, with the rights of an access. What it may not read is not there, and what it
    /// may not change is refused; [`crate::access`] says what a policy is.
    pub fn acting(&self, access: Arc<Access>) -> Context {
        self.context().with_access(access)
    }

    /// Users, groups and roles, and who someone is.
    ///
    /// # Errors
    /// `users.off` where this was opened without [`ArrakisBuilder::users`].
    #[cfg(feature = "users")]
    pub fn users(&self) -> Result<&dyn arrakis_core::user::UserServices> {
        self.inner.users.as_deref().ok_or_else(users_off)
    }

    /// What makes the first administrator, and turns the keys that sign.
    ///
    /// # Errors
    /// `users.off`; `arrakis.remote`.
    #[cfg(feature = "users")]
    pub fn user_engine(&self) -> Result<&arrakis_core::user::Users> {
        self.local()?.users.as_ref().ok_or_else(users_off)
    }

    /// The context of whoever has an access token or API key, of this tenant.
    ///
    /// # Errors
    /// What [`arrakis_core::user::AuthService::authenticate`] answers.
    #[cfg(feature = "users")]
    pub async fn authenticate(&self, credential: &arrakis_core::credential::Secret) -> Result<Context> {
        let identity = self.users()?.authenticate(&self.context(), credential).await?;
        Ok(self.acting(identity.access))
    }

    /// What actors may do, and why.
    pub fn access(&self) -> &dyn AccessService {
        &*self.inner.access
    }

    /// Passes for a policy that is sound under the ontology of the context: every name is there, every condition is of the right types.
    ///
    /// # Errors
    /// `access.policy.unsound`, with the first fault as its source, how many there are, and the path to the first; what reading the ontology answers.
    pub async fn check_policy(&self, ctx: &Context, policy: &Policy) -> Result<()> {
        let schema = self.ontology().schema(ctx).await?;
        policy.check(&schema)
    }

    fn context_in(&self, scope: Scope) -> Context {
        let request_id = RequestId::from_uuid(self.inner.env.uuid());
        Context::new(scope, self.inner.actor.clone(), request_id).granted(Grants::all())
    }

    /// Creates a space, to hold an ontology of its own, or answers the id of the one of that name.
    ///
    /// # Errors
    /// `permission.denied`; `tenancy.name.malformed`.
    pub async fn create_space(&self, ctx: &Context, name: &str) -> Result<SpaceId> {
        self.local()?.tenancy.create_space(ctx, name).await
    }

    /// Creates a tenant that uses the ontology of a space, or answers the id of the one of that name.
    ///
    /// # Errors
    /// `permission.denied`; `tenancy.name.malformed`; `tenancy.space.unknown`; `tenancy.tenant.other_space` when the tenant exists in
    /// another space.
    pub async fn create_tenant(&self, ctx: &Context, name: &str, space: SpaceId) -> Result<TenantId> {
        self.local()?.tenancy.create_tenant(ctx, name, space).await
    }

    /// Reads an ontology file, YAML or JSON, and publishes it, unless that takes a person's decision.
    ///
    /// The changes since the version before are applied when each is additive, compatible, or narrows what no stored data breaks; a file
    /// that changes nothing publishes nothing. Everything else is refused whole: what breaks callers by name, such as a rename or a
    /// removal, and what rewrites or drops stored data, even by a migration the file states. Those are for a person to read and apply:
    /// [`OntologyService::plan`] and [`OntologyService::apply`].
    ///
    /// Answers the version now in force.
    ///
    /// # Errors
    /// `permission.denied`; what is wrong with the file; `ontology.publish.undecided` with the rule, the path and the count of the
    /// first change that takes a decision.
    pub async fn publish(&self, ctx: &Context, text: &str) -> Result<Published> {
        let plan = self.ontology().plan(ctx, NewOntology::from_text(text)?).await?;
        let undecided = |finding: &&Finding| {
            let harmless = matches!(finding.class, Class::Additive | Class::Compatible | Class::NeedsValidation);
            finding.refused.is_some() || !harmless
        };
        if let Some(finding) = plan.findings.iter().find(undecided) {
            let count = finding.violations.as_ref().map_or(0, |violations| violations.count);
            return Err(Error::conflict(
                "ontology.publish.undecided",
                "the change takes a person's decision: plan it and apply it",
            )
            .with("rule", finding.rule)
            .with("count", count)
            .at(&finding.path));
        }
        self.ontology().apply(ctx, plan.into()).await
    }
}

#[cfg(feature = "users")]
fn users_off() -> Error {
    Error::new(ErrorKind::Unsupported, "users.off", "this was opened without users")
}

impl fmt::Debug for Arrakis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrakis")
            .field("store", &self.inner.local.as_ref().map(|local| &local.store))
            .field("scope", &self.inner.scope)
            .finish_non_exhaustive()
    }
}

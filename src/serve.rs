//! The services of this process over HTTP.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arrakis_core::access::Policy;
use arrakis_core::credential::Secret;
use arrakis_core::ontology::PolicySource;
use arrakis_core::user::{AuthService, RoleService};
use arrakis_core::{Context, Grants, Permission, Result, Scope, Tenancy, TenantId};
use arrakis_server::client::Client;
use arrakis_server::peer::PeerKey;
use arrakis_server::server::{Door, DoorOptions, ListenOptions, Listener, Routes, StoredTenants, Tenants};
use async_trait::async_trait;

use crate::Arrakis;
use crate::follow::FollowingTenants;

/// A service that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The ontology.
    Ontology,
    /// Objects, links, actions and what changed.
    Kernel,
    /// Users, groups, roles and credentials.
    User,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Ontology, Self::Kernel, Self::User];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ontology => "ontology",
            Self::Kernel => "kernel",
            Self::User => "user",
        }
    }
}

/// What is served, where and how.
#[derive(Clone, Debug)]
pub struct Serve {
    /// The address that is listened to; port 0 for any that is free.
    pub address: SocketAddr,
    /// The services.
    pub services: Vec<Service>,
    /// The root secret of the deployment, by which other processes of it are known; `None` where there are no others.
    pub root: Option<Secret>,
    /// The process that says who someone is, where that is another.
    pub users: Option<Client>,
    /// The process that has the ontology, where that is another with a store of its own: what it published is published here too.
    pub ontology: Option<Client>,
    /// The process that has the objects of the ontology served here, where that is another with a store of its own: it publishes first.
    pub kernel: Option<Client>,
    /// The longest bodies and times.
    pub door: DoorOptions,
    /// The limits of connections.
    pub listen: ListenOptions,
}

impl Serve {
    /// Every service on an address.
    pub fn on(address: SocketAddr) -> Self {
        let (door, listen) = (DoorOptions::default(), ListenOptions::default());
        let services = Service::ALL.to_vec();
        Self { address, services, root: None, users: None, ontology: None, kernel: None, door, listen }
    }

    /// With another process that says who someone is: the services here need no users of their own.
    #[must_use]
    pub fn users(mut self, users: Client) -> Self {
        self.users = Some(users);
        self
    }

    /// With another process that has the ontology, in a store of its own.
    #[must_use]
    pub fn ontology(mut self, ontology: Client) -> Self {
        self.ontology = Some(ontology);
        self
    }

    /// With another process that has the objects, in a store of its own.
    #[must_use]
    pub fn kernel(mut self, kernel: Client) -> Self {
        self.kernel = Some(kernel);
        self
    }

    /// With the root secret of the deployment.
    #[must_use]
    pub fn root(mut self, root: Secret) -> Self {
        self.root = Some(root);
        self
    }
}

/// The tenants of the process that has the users, made here when they are first asked for.
#[derive(Debug)]
struct MirroredTenants {
    client: Client,
    local: Tenancy,
    ctx: Context,
    /// Those that are here.
    made: Mutex<HashSet<TenantId>>,
}

#[async_trait]
impl Tenants for MirroredTenants {
    async fn scope(&self, tenant: TenantId) -> Result<Scope> {
        let scope = self.client.scope(tenant).await?;
        let made = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made().contains(&tenant) {
            self.local.ensure(&self.ctx, scope).await?;
            made().insert(tenant);
        }
        Ok(scope)
    }
}

#[async_trait]
impl PolicySource for MirroredTenants {
    async fn policy_in_force(&self, ctx: &Context) -> Result<Option<Arc<Policy>>> {
        let granted = Grants::NONE.with(Permission::PolicyRead);
        let bare = Context::new(ctx.scope(), self.ctx.actor().clone(), ctx.request_id()).granted(granted);
        Ok(Some(self.client.policy(&bare).await?.policy))
    }
}

/// The tenants of the process that has the users.
#[cfg(feature = "gateway")]
#[derive(Debug)]
struct RemoteTenants(Client);

#[cfg(feature = "gateway")]
#[async_trait]
impl Tenants for RemoteTenants {
    async fn scope(&self, tenant: TenantId) -> Result<Scope> {
        self.0.scope(tenant).await
    }
}

/// Starts an API gateway that asks another process who someone is.
///
/// # Errors
/// As [`arrakis_server::gateway::Gateway::start`].
///
/// # Panics
/// Outside a tokio runtime.
#[cfg(feature = "gateway")]
pub async fn start_gateway(
    users: Client,
    config: arrakis_server::gateway::GatewayConfig,
) -> Result<arrakis_server::gateway::Gateway> {
    let env = arrakis_core::Env::system();
    let tenants = Arc::new(RemoteTenants(users.clone()));
    let door = Door::new(env.clone(), Arc::new(users), tenants, DoorOptions::default());
    arrakis_server::gateway::Gateway::start(env, door, config).await
}

impl Arrakis {
    /// The endpoints of services, behind a door where users are known by their tokens and keys.
    ///
    /// # Errors
    /// `users.off`, `arrakis.remote`, `vault.root.malformed`.
    pub fn routes(&self, serve: &Serve) -> Result<Routes> {
        let mut options = serve.door.clone();
        if let Some(root) = &serve.root {
            options.peers = Some(PeerKey::of(root)?);
        }
        let mut ontology = self.followed_ontology()?;
        let (auth, mut tenants): (Arc<dyn AuthService>, Arc<dyn Tenants>) = if let Some(client) = &serve.users {
            let (local, ctx) = (self.tenancy()?.clone(), self.context());
            let tenants = MirroredTenants { client: client.clone(), local, ctx, made: Mutex::default() };
            let tenants = Arc::new(tenants);
            self.consult(Arc::downgrade(&tenants) as _)?;
            (Arc::new(client.clone()), tenants)
        } else {
            (Arc::new(self.user_engine()?.clone()), Arc::new(StoredTenants::new(self.log()?)))
        };
        if let Some(there) = serve.ontology.as_ref().or(serve.kernel.as_ref()) {
            let named = (self.env().clone(), self.context());
            let following = FollowingTenants::new(tenants, named, ontology.clone(), Arc::new(there.clone()));
            tenants = Arc::new(following);
        }
        if let Some(kernel) = &serve.kernel {
            ontology = ontology.of_objects(Arc::new(kernel.clone()));
        }
        let door = Door::new(self.env().clone(), auth, tenants, options);
        // A kernel is asked for plans by who has the ontology.
        let has_ontology = serve.services.contains(&Service::Ontology) || serve.ontology.is_some();
        let (services, ontology) = (self.services(), Arc::new(ontology));
        let mut routes = Routes::new(door);
        if has_ontology {
            routes = routes.ontology(&(Arc::clone(&ontology) as _)).ontology_peers(&(ontology as _));
        }
        let routes = serve.services.iter().fold(routes, |routes, service| match service {
            Service::Ontology => routes,
            Service::Kernel => {
                let routes = routes.kernel(&services.kernel).actions(&services.actions);
                routes.feed(&services.feed).access(&services.access)
            }
            Service::User => match &services.users {
                Some(users) => routes.users(users),
                None => routes,
            },
        });
        Ok(routes.peers())
    }

    /// Starts an API gateway that finds out who asks by the users here; what it lets through goes to the services its configuration names.
    ///
    /// # Errors
    /// `users.off`, `arrakis.remote`; as [`arrakis_server::gateway::Gateway::start`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "gateway")]
    pub async fn gateway(
        &self,
        config: arrakis_server::gateway::GatewayConfig,
    ) -> Result<arrakis_server::gateway::Gateway> {
        let (users, tenants) = (Arc::new(self.user_engine()?.clone()), Arc::new(StoredTenants::new(self.log()?)));
        let door = Door::new(self.env().clone(), users, tenants, DoorOptions::default());
        arrakis_server::gateway::Gateway::start(self.env().clone(), door, config).await
    }

    /// Serves services over HTTP, until what this returns is closed or dropped.
    ///
    /// # Errors
    /// As [`Arrakis::routes`]; `listen.address`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn serve(&self, serve: Serve) -> Result<Listener> {
        let router = self.routes(&serve)?.into_router();
        Listener::start(serve.address, router, serve.listen).await
    }
}

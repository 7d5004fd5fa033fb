//! The services of this process over HTTP.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arrakis_core::credential::Secret;
use arrakis_core::{Context, Result, Scope, Tenancy, TenantId};
use arrakis_server::client::Client;
use arrakis_server::peer::PeerKey;
use arrakis_server::server::{Door, DoorOptions, ListenOptions, Listener, Routes, StoredTenants, Tenants};
use async_trait::async_trait;

use crate::Arrakis;

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
    /// The longest bodies and times.
    pub door: DoorOptions,
    /// The limits of connections.
    pub listen: ListenOptions,
}

impl Serve {
    /// Every service on an address.
    pub fn on(address: SocketAddr) -> Self {
        let (door, listen) = (DoorOptions::default(), ListenOptions::default());
        Self { address, services: Service::ALL.to_vec(), root: None, users: None, door, listen }
    }

    /// With another process that says who someone is: the services here need no users of their own.
    #[must_use]
    pub fn users(mut self, users: Client) -> Self {
        self.users = Some(users);
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
        let door = if let Some(client) = &serve.users {
            let (local, ctx) = (self.tenancy()?.clone(), self.context());
            let tenants = Arc::new(MirroredTenants { client: client.clone(), local, ctx, made: Mutex::default() });
            Door::new(self.env().clone(), Arc::new(client.clone()), tenants, options)
        } else {
            let (users, tenants) = (Arc::new(self.user_engine()?.clone()), Arc::new(StoredTenants(self.log()?)));
            Door::new(self.env().clone(), users, tenants, options)
        };
        let services = self.services();
        let routes = serve.services.iter().fold(Routes::new(door), |routes, service| match service {
            Service::Ontology => routes.ontology(&services.ontology),
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
        let (users, tenants) = (Arc::new(self.user_engine()?.clone()), Arc::new(StoredTenants(self.log()?)));
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

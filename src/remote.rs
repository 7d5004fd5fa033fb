//! The facade over the services of another process.

use std::sync::Arc;

use arrakis_core::{Actor, Env, Result, Scope, SpaceId, TenantId};
use arrakis_server::client::{Client, ClientOptions, Credentials};

use crate::Arrakis;
use crate::arrakis::Inner;

impl Arrakis {
    /// The services at an address, such as `https://arrakis.example.org`: the same as of a store that is open here, but for what takes the store itself,
    /// which answers `arrakis.remote`. Nothing is asked yet.
    ///
    /// With an access token or API key, whoever it is of acts in its tenant, whatever a context says.
    ///
    /// # Errors
    /// `client.address`.
    pub fn connect(address: &str, credentials: Credentials) -> Result<Self> {
        Self::connect_with(Client::new(address, credentials, Env::system(), ClientOptions::default())?)
    }

    /// The services a client asks.
    ///
    /// # Errors
    /// None that a client gives.
    pub fn connect_with(client: Client) -> Result<Self> {
        let client = Arc::new(client);
        Ok(Self::of(Inner {
            env: Env::system(),
            scope: Scope { tenant: TenantId::DEFAULT, space: SpaceId::DEFAULT },
            actor: Actor::parse("application")?,
            ontology: Arc::clone(&client) as _,
            kernel: Arc::clone(&client) as _,
            feed: Arc::clone(&client) as _,
            actions: Arc::clone(&client) as _,
            access: Arc::clone(&client) as _,
            users: Some(client),
            local: None,
        }))
    }
}

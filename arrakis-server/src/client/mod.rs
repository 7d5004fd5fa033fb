//! The services of another process: every service trait, over HTTP.

mod access;
mod action;
mod call;
mod depth;
mod feed;
mod identity;
mod kernel;
mod ontology;
mod user;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::credential::Secret;
use arrakis_core::{Env, Error, Result, Scope, TenantId};
use tokio::task::JoinSet;

use self::identity::Identities;
use crate::peer::PeerKey;
use crate::tls::{self, ClientTlsFiles};

/// How a client proves who it asks for.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// By an access token or API key: whoever it is of asks, whatever the context says.
    Bearer(Secret),
    /// As a process of the deployment, which vouches for whoever the context says.
    Peer(PeerKey),
    /// Not at all.
    Anonymous,
}

/// How a client asks.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// What servers by `https` are trusted by, and what the client proves itself to them with; the authorities of the internet where it is left out.
    pub tls: Option<ClientTlsFiles>,
    /// How long an answer may take where the context states no deadline.
    pub timeout: Duration,
    /// How long it is believed whose a credential is, before that is asked anew: within it, what was revoked may still be done.
    pub identity_ttl: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { tls: None, timeout: Duration::from_secs(30), identity_ttl: Duration::from_millis(500) }
    }
}

/// The services of another process. Cheap to clone: clones share its connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    /// Without a slash at the end.
    base: String,
    credentials: Credentials,
    env: Env,
    options: ClientOptions,
    /// What is left to be tried again, in tenths of a request.
    budget: AtomicI64,
    identities: Identities,
    /// The spaces of tenants.
    scopes: Mutex<HashMap<TenantId, Scope>>,
    /// Asks anew whose credentials are; ends with the last clone.
    watch: Mutex<JoinSet<()>>,
}

impl Client {
    /// A client of the services at an address, such as `https://arrakis.example.org`. Nothing is asked yet.
    ///
    /// # Errors
    /// `client.address`.
    pub fn new(address: &str, credentials: Credentials, env: Env, options: ClientOptions) -> Result<Self> {
        let malformed = || Error::invalid("client.address", "an address begins with http:// or https://");
        let url = reqwest::Url::parse(address).map_err(|e| malformed().caused_by(e))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || !url.has_host() {
            return Err(malformed());
        }
        let mut http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true);
        if let Some(files) = &options.tls {
            http = tls::trusting(http, files)?;
        }
        let http =
            http.build().map_err(|e| Error::internal("client.http", "no HTTP client can be made").caused_by(e))?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        let (budget, identities) = (AtomicI64::new(call::RETRIES_KEPT_MAX), Identities::default());
        let (scopes, watch) = (Mutex::default(), Mutex::default());
        let inner = Arc::new(Inner { http, base, credentials, env, options, budget, identities, scopes, watch });
        Ok(Self { inner })
    }

    /// The services of another process of the deployment that has this root secret, asked as one of its processes; it watches whose credentials are
    /// ([`Client::watching`]).
    ///
    /// # Errors
    /// `vault.root.malformed`; as [`Client::new`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn peer(address: &str, root: &Secret, options: ClientOptions) -> Result<Self> {
        let credentials = Credentials::Peer(PeerKey::of(root)?);
        Ok(Self::new(address, credentials, Env::system(), options)?.watching())
    }

    /// Asks anew, for as long as this client lives, whose the credentials in use are: so that rights that were taken back are taken back here too, within
    /// [`ClientOptions::identity_ttl`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn watching(self) -> Self {
        let mut watch = self.inner.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.is_empty() {
            watch.spawn(identity::watch(Arc::downgrade(&self.inner)));
        }
        drop(watch);
        self
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.inner.base).finish_non_exhaustive()
    }
}

//! The API gateway: one address in front of the services, which keeps out what is at fault and shares what there is.
//!
//! Every request passes the same steps in the same order: limits of its connection, its framing, its name, where it comes from, its path, its route, the
//! limit of its network, cross-origin rules, who asks, the limits of tenant and asker, its length, its time, a place among those under way, and then an
//! upstream that is healthy.

mod breaker;
pub mod config;
mod cors;
mod gzip;
mod head;
mod passing;
mod path;
mod pipeline;
mod quota;
mod rate;
mod share;
mod upstream;
mod variable;
mod websocket;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use arrakis_core::{Env, Error, ErrorKind, Result};
use axum::Router;
use axum::extract::Request;
use axum::response::Response;

pub use self::config::GatewayConfig;
use self::pipeline::Snapshot;
use self::quota::Ledger;
pub use self::variable::VARIABLE_PREFIX;
use self::websocket::WebSockets;
use crate::server::{Door, Listener};

/// A gateway that is at work.
pub struct Gateway {
    inner: Arc<Inner>,
    listener: Listener,
}

struct Inner {
    env: Env,
    door: Door,
    /// What it works by, and what it worked by before.
    snapshots: RwLock<(Arc<Snapshot>, Option<Arc<Snapshot>>)>,
    standing: Standing,
}

/// What stays whatever configuration there is.
#[derive(Debug)]
struct Standing {
    websockets: WebSockets,
    ledger: Ledger,
}

impl Inner {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.read().unwrap_or_else(PoisonError::into_inner).0)
    }
}

impl Gateway {
    /// Starts one. The door says who asks.
    ///
    /// # Errors
    /// What is wrong with the configuration, as [`GatewayConfig::check`] tells it; `listen.address`.
    pub async fn start(env: Env, door: Door, config: GatewayConfig) -> Result<Self> {
        let (address, listen) = (config.listen, config.listen_options()?);
        let snapshot = Arc::new(Snapshot::new(env.clone(), config)?);
        snapshot.watch();
        let standing = Standing { websockets: WebSockets::new(env.clone()), ledger: Ledger::default() };
        let inner = Arc::new(Inner { env, door, snapshots: RwLock::new((snapshot, None)), standing });
        let working = Arc::clone(&inner);
        let router = Router::new().fallback(move |request: Request| {
            let inner = Arc::clone(&working);
            async move { answered(&inner, request).await }
        });
        let listener = Listener::start(address, router, listen).await?;
        Ok(Self { inner, listener })
    }

    /// What it listens to.
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// What changes the configuration while it is at work.
    pub fn control(&self) -> Control {
        Control { inner: Arc::clone(&self.inner) }
    }

    /// Accepts no more, waits for what is under way, and ends the web sockets.
    pub async fn close(self) {
        self.listener.close().await;
        self.inner.standing.websockets.close().await;
    }
}

/// Changes the configuration of a gateway that is at work. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    inner: Arc<Inner>,
}

impl Control {
    /// Works by another configuration from the next request on; those under way end by the one they began with. Where it listens stays as it is.
    ///
    /// # Errors
    /// What is wrong with the configuration: then the present one stays in force.
    pub fn apply(&self, config: GatewayConfig) -> Result<()> {
        let next = Arc::new(Snapshot::new(self.inner.env.clone(), config)?);
        next.watch();
        let mut snapshots = self.inner.snapshots.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut snapshots.0, next);
        snapshots.1 = Some(before);
        Ok(())
    }

    /// Works by the configuration before the present one again.
    ///
    /// # Errors
    /// `gateway.config.first` where there is none.
    pub fn roll_back(&self) -> Result<()> {
        let mut snapshots = self.inner.snapshots.write().unwrap_or_else(PoisonError::into_inner);
        let first = || Error::new(ErrorKind::Precondition, "gateway.config.first", "there was no configuration before");
        let before = snapshots.1.take().ok_or_else(first)?;
        let present = std::mem::replace(&mut snapshots.0, before);
        snapshots.1 = Some(present);
        Ok(())
    }
}

async fn answered(inner: &Inner, request: Request) -> Response {
    inner.snapshot().answer(&inner.door, &inner.standing, request).await
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("listener", &self.listener).finish_non_exhaustive()
    }
}

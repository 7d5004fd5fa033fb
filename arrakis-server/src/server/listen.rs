//! Connections: accepted one by one, each within its limits.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::{Error, Result};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
    /// The most connections at a time: the next waits to be accepted.
    pub connections_max: usize,
    /// How long the head of a request may take to arrive, and how long a connection may be idle before the next.
    pub header_timeout: Duration,
    /// The most bytes of a request's head.
    pub header_len_max: usize,
    /// The most requests of one connection at a time, over HTTP/2.
    pub streams_max: u32,
    /// How long requests under way may take to end when a listener is closed.
    pub drain: Duration,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            header_timeout: Duration::from_secs(10),
            header_len_max: 128 * 1_024,
            streams_max: 100,
            drain: Duration::from_secs(30),
        }
    }
}

/// Answers connections of an address, until it is closed or dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts answering by a router.
    ///
    /// # Errors
    /// `listen.address` where the address cannot be had.
    pub async fn start(address: SocketAddr, router: Router, options: ListenOptions) -> Result<Self> {
        let refused = |e: io::Error| {
            Error::unavailable("listen.address", "the address cannot be listened to")
                .with("address", address)
                .caused_by(e)
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::runtime::Handle::current().spawn(accept(listener, router, options, stopped));
        Ok(Self { address, stop, task })
    }

    /// What it listens to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more, and waits until the requests under way have been answered, for as long as the options allow.
    pub async fn close(mut self) {
        self.stop.send_replace(true);
        // What panicked has nothing more to be waited for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where the connection of a request was accepted from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddress(pub(crate) SocketAddr);

/// The network an address is of, as what comes from one place is counted by: the address itself, or of IPv6 the 64 bits one customer has.
pub(crate) fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            format!("{}/64", std::net::Ipv6Addr::from(bits))
        }
    }
}

async fn accept(listener: TcpListener, router: Router, options: ListenOptions, mut stopped: watch::Receiver<bool>) {
    let free = Arc::new(Semaphore::new(options.connections_max));
    let graceful = GracefulShutdown::new();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_buf_size(options.header_len_max.max(8_192))
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.streams_max)
        .max_header_list_size(u32::try_from(options.header_len_max).unwrap_or(u32::MAX))
        .keep_alive_interval(options.header_timeout)
        .keep_alive_timeout(options.header_timeout);
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        let place = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            place = Arc::clone(&free).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            accepted = listener.accept() => accepted,
        };
        while tasks.try_join_next().is_some() {}
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of one connection that is gone, or of too many open files: the next may be had.
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        // Small answers must not wait for more to be sent.
        let _ = stream.set_nodelay(true);
        let service = router.clone().map_request(move |request: http::Request<Incoming>| {
            let mut request = Request::from(request.map(axum::body::Body::new));
            request.extensions_mut().insert(PeerAddress(address));
            request
        });
        let service = TowerToHyperService::new(service);
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        tasks.spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "a connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(options.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests under way were given up");
    }
}

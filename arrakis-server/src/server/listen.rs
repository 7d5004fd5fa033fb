//! Connections: accepted one by one, each within its limits.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::{Error, Result, metric};
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::proxy;
use crate::tls::Tls;

/// How often certificates are read again.
const READ_AGAIN_EVERY: Duration = Duration::from_secs(10);

/// The limits of connections.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// The most connections at a time: the next waits to be accepted.
    pub connections_max: usize,
    /// The most connections of one network at a time: an address, or 64 bits of IPv6. One more is closed at once.
    pub network_connections_max: usize,
    /// How long the head of a request may take to arrive, and how long a connection may be idle before the next.
    pub header_timeout: Duration,
    /// The most bytes of a request's head.
    pub header_len_max: usize,
    /// The most requests of one connection at a time, over HTTP/2.
    pub streams_max: u32,
    /// What connections are encrypted with; they are not where it is left out.
    pub tls: Option<Tls>,
    /// Whether a load balancer in front says first where each connection comes from (PROXY protocol): nobody else may reach this.
    pub is_proxied: bool,
    /// How long requests under way may take to end when a listener is closed.
    pub drain: Duration,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            network_connections_max: 1_000,
            header_timeout: Duration::from_secs(10),
            header_len_max: 128 * 1_024,
            streams_max: 100,
            tls: None,
            is_proxied: false,
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

/// The first address of the network an address is of, as what comes from one place is counted by: the address itself, or of IPv6 the 64 bits one customer
/// has.
pub(crate) fn network_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
    }
}

/// The same, as it is written.
pub(crate) fn network_of(address: IpAddr) -> String {
    match network_address(address) {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{address}/64"),
    }
}

/// How the connections of a listener are answered.
struct Answering {
    builder: auto::Builder<TokioExecutor>,
    router: Router,
    options: ListenOptions,
    networks: Arc<Networks>,
}

/// How many connections each network has.
#[derive(Debug, Default)]
struct Networks(Mutex<HashMap<String, usize>>);

/// The place of a connection among those of its network.
struct NetworkPlace {
    networks: Arc<Networks>,
    network: String,
}

impl Networks {
    fn take(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<NetworkPlace> {
        let network = network_of(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(NetworkPlace { networks: Arc::clone(self), network })
    }
}

impl Drop for NetworkPlace {
    fn drop(&mut self) {
        let mut counts = self.networks.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

/// What a connection is read from and written to, as it is or within TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Answering {
    fn new(router: Router, options: ListenOptions) -> Self {
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
        Self { builder, router, options, networks: Arc::default() }
    }

    /// What a connection is read from, where it comes from, and its place among those of its network.
    async fn open(
        &self,
        mut stream: TcpStream,
        address: SocketAddr,
    ) -> io::Result<(Box<dyn Stream>, SocketAddr, NetworkPlace)> {
        // Small answers must not wait for more to be sent.
        let _ = stream.set_nodelay(true);
        let address =
            if self.options.is_proxied { proxy::read(&mut stream).await?.unwrap_or(address) } else { address };
        let place = self.networks.take(address.ip(), self.options.network_connections_max).ok_or_else(|| {
            metric!(monotonic_counter.ark_connections_refused = 1_u64);
            io::Error::other("the network has as many connections as it may")
        })?;
        let stream: Box<dyn Stream> = match &self.options.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(TlsAcceptor::from(tls.current()).accept(stream).await?),
        };
        Ok((stream, address, place))
    }

    async fn answer(&self, stream: TcpStream, address: SocketAddr, watcher: Watcher) {
        let opening = tokio::time::timeout(self.options.header_timeout, self.open(stream, address));
        let (stream, address, _place) = match opening.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return tracing::debug!(%address, %error, "a connection was not opened"),
            Err(_) => return tracing::debug!(%address, "a connection was not opened in time"),
        };
        let service = self.router.clone().map_request(move |request: http::Request<Incoming>| {
            let mut request = Request::from(request.map(axum::body::Body::new));
            request.extensions_mut().insert(PeerAddress(address));
            request
        });
        let service = TowerToHyperService::new(service);
        let connection = self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection.into_owned()).await {
            tracing::debug!(%error, "a connection ended");
        }
    }
}

/// Reads certificates again as long as they are used.
async fn read_again(tls: Tls) {
    loop {
        tokio::time::sleep(READ_AGAIN_EVERY).await;
        let again = tls.clone();
        match tokio::task::spawn_blocking(move || again.read_again()).await {
            Ok(Ok(true)) => tracing::info!("the certificate was read again"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::error!(code = error.code(), "the certificate stays: {}", error.chain()),
            Err(_) => return,
        }
    }
}

async fn accept(listener: TcpListener, router: Router, options: ListenOptions, mut stopped: watch::Receiver<bool>) {
    let free = Arc::new(Semaphore::new(options.connections_max));
    let (graceful, drain) = (GracefulShutdown::new(), options.drain);
    let mut tasks = JoinSet::new();
    let mut certificates = JoinSet::new();
    if let Some(tls) = &options.tls {
        certificates.spawn(read_again(tls.clone()));
    }
    let answering = Arc::new(Answering::new(router, options));
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
        let (answering, watcher) = (Arc::clone(&answering), graceful.watcher());
        tasks.spawn(async move {
            let _place = place;
            answering.answer(stream, address, watcher).await;
        });
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests under way were given up");
    }
}

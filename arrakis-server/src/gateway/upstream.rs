//! Services behind the gateway: their endpoints, which of them are well, and what is tried again.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use arrakis_core::{Env, Error, Result};
use axum::body::Body;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::breaker::Breaker;
use super::config::{UpstreamConfig, endpoint_of};
use crate::tls::{self, ClientTlsFiles};

/// How long a connection to an endpoint may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an endpoint may take to say whether it is well.
const HEALTH: Duration = Duration::from_secs(2);
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
/// How many failed answers about its health make an endpoint unwell.
const UNWELL: u32 = 2;
/// What is kept for trying again, in tenths of a request: each request adds one, each further try takes ten.
const RETRIES_KEPT_MAX: i64 = 100;

/// Connections to the endpoints of a service, kept for the next request.
type Pool = Client<HttpsConnector<HttpConnector>, Body>;

fn pool(files: Option<&ClientTlsFiles>) -> Result<Pool> {
    let mut http = HttpConnector::new();
    http.set_connect_timeout(Some(CONNECT));
    http.set_nodelay(true);
    http.enforce_http(false);
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls::client(files)?).https_or_http().enable_http1();
    let mut client = Client::builder(TokioExecutor::new());
    client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
    Ok(client.build(connector.wrap_connector(http)))
}

/// A service.
#[derive(Debug)]
pub(super) struct Upstream {
    endpoints: Vec<Endpoint>,
    next: AtomicUsize,
    budget: AtomicI64,
    pool: Pool,
    health: PathAndQuery,
    health_every: Duration,
    env: Env,
}

#[derive(Debug)]
struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    breaker: Breaker,
}

/// What is to be sent, as often as is needed.
pub(super) struct Outgoing {
    pub(super) head: http::request::Parts,
    pub(super) body: OutgoingBody,
}

/// The body of what is to be sent.
pub(super) enum OutgoingBody {
    /// It is at hand, and may be sent again.
    Whole(axum::body::Bytes),
    /// It goes through, once.
    Passing(Option<Body>),
}

impl Upstream {
    pub(super) fn new(config: &UpstreamConfig, env: Env) -> Result<Self> {
        let malformed = || Error::invalid("gateway.config.endpoint", "an endpoint is as http://127.0.0.1:7101");
        let endpoint = |text: &String| {
            let (scheme, authority) = endpoint_of(text).ok_or_else(malformed)?;
            Ok(Endpoint { scheme, authority, breaker: Breaker::default() })
        };
        Ok(Self {
            endpoints: config.endpoints.iter().map(endpoint).collect::<Result<_>>()?,
            next: AtomicUsize::new(0),
            budget: AtomicI64::new(RETRIES_KEPT_MAX),
            pool: pool(config.tls.as_ref())?,
            health: config.health.parse().map_err(|_| malformed())?,
            health_every: Duration::from_millis(config.health_ms),
            env,
        })
    }

    /// The next endpoint that may be asked, another than one where there are several.
    fn choose(&self, but: Option<usize>) -> Option<(usize, &Endpoint)> {
        let (now, count) = (self.env.monotonic(), self.endpoints.len());
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let mut order = (0..count).map(|step| (first.wrapping_add(step)) % count);
        order.find_map(|at| {
            let endpoint = self.endpoints.get(at)?;
            ((Some(at) != but || count == 1) && endpoint.breaker.may(now)).then_some((at, endpoint))
        })
    }

    /// Sends a request to an endpoint that is well, and where it may be sent again, to another when that does not answer.
    ///
    /// # Errors
    /// `gateway.upstream.unavailable`, `gateway.upstream.failed`, `gateway.upstream.timeout`.
    pub(super) async fn send(&self, mut outgoing: Outgoing, time: Duration) -> Result<Response<Incoming>> {
        let add = |left: i64| (left < RETRIES_KEPT_MAX).then_some(left + 1);
        // Where it is full it stays so.
        let _ = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        let until = self.env.monotonic().saturating_add(time);
        let mut failed = None;
        loop {
            let but = failed.as_ref().map(|(at, _)| *at);
            let Some((at, endpoint)) = self.choose(but) else {
                let unavailable =
                    Error::unavailable("gateway.upstream.unavailable", "the service cannot be reached now");
                return Err(failed.map_or(unavailable, |(_, error)| error));
            };
            let guard = Guard(Some(&endpoint.breaker));
            let (request, is_last) = outgoing.request(endpoint)?;
            let left = until.saturating_sub(self.env.monotonic());
            let answered = tokio::time::timeout(left, self.pool.request(request)).await;
            let answered = match answered {
                // The endpoint has no part in it.
                Ok(Err(e)) if is_askers(&e) => return Err(cut_off(e)),
                other => other,
            };
            guard.over();
            let error = match answered {
                Ok(Ok(response)) if is_transient(response.status()) => {
                    endpoint.breaker.failed(self.env.monotonic());
                    if is_last || failed.is_some() || !self.may_try_again() {
                        return Ok(response);
                    }
                    Error::unavailable("gateway.upstream.failed", "the service could not answer")
                }
                Ok(Ok(response)) => {
                    endpoint.breaker.succeeded(self.env.monotonic());
                    return Ok(response);
                }
                Ok(Err(e)) => {
                    endpoint.breaker.failed(self.env.monotonic());
                    let error =
                        Error::unavailable("gateway.upstream.failed", "the service did not answer").caused_by(e);
                    if is_last || failed.is_some() || !self.may_try_again() {
                        return Err(error);
                    }
                    error
                }
                Err(_) => {
                    endpoint.breaker.failed(self.env.monotonic());
                    return Err(Error::unavailable("gateway.upstream.timeout", "the service did not answer in time"));
                }
            };
            failed = Some((at, error));
        }
    }

    fn may_try_again(&self) -> bool {
        let take = |left: i64| (left >= 10).then_some(left - 10);
        self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// Whether an answer says that another endpoint might have answered.
fn is_transient(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT)
}

/// Whether it was the body of whoever asks that ended it: too long, or cut off.
fn is_askers(error: &hyper_util::client::legacy::Error) -> bool {
    let of_hyper =
        |cause: &(dyn StdError + 'static)| cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user);
    causes(error).any(of_hyper)
}

fn cut_off(error: hyper_util::client::legacy::Error) -> Error {
    let is_long = causes(&error).any(<dyn StdError>::is::<http_body_util::LengthLimitError>);
    if is_long {
        return Error::invalid("request.body.too_large", "the body is longer than bodies may be");
    }
    Error::invalid("request.body", "the body did not arrive whole").caused_by(error)
}

fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// Notes that what came of a request is not known, where nobody waits for it any more.
struct Guard<'b>(Option<&'b Breaker>);

impl Guard<'_> {
    fn over(mut self) {
        self.0 = None;
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(breaker) = self.0 {
            breaker.left();
        }
    }
}

impl Outgoing {
    /// The request to one endpoint, and whether it is the last there can be.
    fn request(&mut self, endpoint: &Endpoint) -> Result<(Request<Body>, bool)> {
        let (body, is_last) = match &mut self.body {
            OutgoingBody::Whole(bytes) => (Body::from(bytes.clone()), false),
            OutgoingBody::Passing(body) => (body.take().unwrap_or_default(), true),
        };
        let mut uri = self.head.uri.clone().into_parts();
        (uri.scheme, uri.authority) = (Some(endpoint.scheme.clone()), Some(endpoint.authority.clone()));
        let uri = Uri::from_parts(uri).map_err(|e| Error::internal("gateway.uri", "no address").caused_by(e))?;
        let mut request = Request::new(body);
        (*request.method_mut(), *request.uri_mut()) = (self.head.method.clone(), uri);
        *request.headers_mut() = self.head.headers.clone();
        Ok((request, is_last))
    }
}

/// Asks every endpoint of an upstream whether it is well.
pub(super) async fn watch(upstream: Arc<Upstream>) {
    let mut unwell = vec![0_u32; upstream.endpoints.len()];
    loop {
        for (endpoint, unwell) in upstream.endpoints.iter().zip(&mut unwell) {
            let is_well = upstream.is_well(endpoint).await;
            *unwell = if is_well { 0 } else { unwell.saturating_add(1) };
            if is_well || *unwell >= UNWELL {
                endpoint.breaker.is_well(is_well);
            }
        }
        tokio::time::sleep(upstream.health_every).await;
    }
}

impl Upstream {
    async fn is_well(&self, endpoint: &Endpoint) -> bool {
        let uri = Uri::builder().scheme(endpoint.scheme.clone()).authority(endpoint.authority.clone());
        let Ok(uri) = uri.path_and_query(self.health.clone()).build() else { return false };
        let told = tokio::time::timeout(HEALTH, self.pool.get(uri)).await;
        matches!(told, Ok(Ok(response)) if response.status().is_success())
    }
}

//! The steps a request passes, in their order.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::metric;
use arrakis_core::{Actor, Context, Env, Error, ErrorKind, RequestId, Result, TenantId};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::upgrade::OnUpgrade;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::config::{Class, GatewayConfig};
use super::quota::Ledger;
use super::rate::{Allowance, Limiter};
use super::share::Places;
use super::upstream::{Outgoing, OutgoingBody, Upstream, watch};
use super::websocket::Asker;
use super::{Standing, cors, gzip, head, passing, path, websocket};
use crate::api::{ARK_CLIENT_IP, ARK_TIMEOUT_MS, IDEMPOTENCY_KEY, REQUEST_ID};
use crate::server::{Door, PeerAddress, network_address, refusal, request_span};

/// The longest body that is kept to be sent again, bytes.
const KEPT_LEN_MAX: u64 = 65_536;

/// All that requests are answered by, of one configuration.
#[derive(Debug)]
pub(super) struct Snapshot {
    env: Env,
    config: GatewayConfig,
    upstreams: Vec<Arc<Upstream>>,
    /// By prefix, the longest first: the route, and its upstream among them.
    routes: Vec<(String, Route)>,
    networks: Limiter<IpAddr>,
    tenants: Limiter<TenantId>,
    actors: Limiter<(TenantId, Actor)>,
    places: Arc<Places>,
    /// What is said of what is routed.
    #[cfg(feature = "openapi")]
    reference: crate::server::Reference,
    watches: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Route {
    upstream: usize,
    is_open: bool,
    is_websocket: bool,
    class: Class,
    timeout: Duration,
}

/// What is known of a request on its way.
struct Passing<'s> {
    id: RequestId,
    /// The same, as it is told on both sides.
    named: Option<HeaderValue>,
    /// The prefix of its route, once that is known.
    route: &'s str,
    client: IpAddr,
    origin: Option<HeaderValue>,
    allowance: Option<Allowance>,
    /// What the connection goes on as, where it is to be a WebSocket.
    upgrade: Option<OnUpgrade>,
}

impl Snapshot {
    pub(super) fn new(env: Env, config: GatewayConfig) -> Result<Self> {
        config.check()?;
        let names: HashMap<_, _> =
            config.upstreams.keys().enumerate().map(|(index, name)| (name.clone(), index)).collect();
        let upstreams = config.upstreams.values().map(|of| Upstream::new(of, env.clone()).map(Arc::new));
        let upstreams = upstreams.collect::<Result<_>>()?;
        let mut routes: Vec<_> = config
            .routes
            .iter()
            .filter_map(|route| {
                let timeout = Duration::from_millis(route.timeout_ms.unwrap_or(config.limits.timeout_ms));
                let upstream = *names.get(&route.upstream)?;
                let (is_open, is_websocket) = (route.open, route.websocket);
                let answered_by = Route { upstream, is_open, is_websocket, class: route.class, timeout };
                Some((route.prefix.clone(), answered_by))
            })
            .collect();
        routes.sort_by(|(one, _), (other, _)| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        #[cfg(feature = "openapi")]
        let reference = {
            let prefixes: Vec<_> = routes.iter().map(|(prefix, _)| prefix.clone()).collect();
            crate::server::Reference::of(move |path| prefixes.iter().any(|prefix| is_under(path, prefix)))
        };
        let (networks, tenants) = (Limiter::new(config.rates.network), Limiter::new(config.rates.tenant));
        let (actors, places) = (Limiter::new(config.rates.actor), Arc::new(Places::new(config.limits.in_flight_max)));
        Ok(Self {
            env,
            config,
            upstreams,
            routes,
            networks,
            tenants,
            actors,
            places,
            #[cfg(feature = "openapi")]
            reference,
            watches: Mutex::default(),
        })
    }

    /// Asks from now on, for as long as it is there, whether the endpoints are well.
    pub(super) fn watch(&self) {
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        for upstream in &self.upstreams {
            watches.spawn(watch(Arc::clone(upstream)));
        }
    }

    pub(super) async fn answer(&self, door: &Door, standing: &Standing, mut request: Request) -> Response {
        let begun = self.env.monotonic();
        let id = door.request_id(request.headers());
        let span = request_span("gateway", request.headers_mut(), id);
        let (method, target) = (request.method().clone(), request.uri().path().to_owned());
        let connected = request.extensions().get::<PeerAddress>().map(|address| address.0.ip());
        let client = connected.map_or(IpAddr::from([0, 0, 0, 0]), |connected| {
            head::client_of(request.headers(), connected, self.config.trusted_hops)
        });
        let origin = cors::allowed(request.headers(), &self.config.origins);
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let named = HeaderValue::try_from(id.to_string()).ok();
        let mut passing = Passing { id, named, client, origin, allowance: None, route: "", upgrade };
        let mut response = match self.pass(door, standing, &mut passing, request).instrument(span.clone()).await {
            Ok(response) => response,
            Err(error) => {
                metric!(monotonic_counter.ark_gateway_refused = 1_u64, code = error.code());
                refusal(&error, id)
            }
        };
        self.finish(&mut response, &mut passing);
        let (took, status) = (self.env.monotonic().saturating_sub(begun), response.status().as_u16());
        span.record("http.response.status_code", status);
        metric!(
            histogram.ark_gateway_request_duration_seconds = took.as_secs_f64(),
            route = passing.route,
            status = u64::from(status)
        );
        tracing::info!(
            target: "arrakis::access", request = %id, client = %client, method = %method, path = target,
            status, took_ms = took.as_millis(), "http.request"
        );
        response
    }

    async fn pass<'s>(
        &'s self,
        door: &Door,
        standing: &Standing,
        passing: &mut Passing<'s>,
        request: Request,
    ) -> Result<Response> {
        let (mut parts, body) = request.into_parts();
        head::check(&parts, self.config.limits.headers_max)?;
        path::check(parts.uri.path())?;
        if matches!(parts.uri.path(), "/livez" | "/readyz") && parts.method == Method::GET {
            return Ok(Response::new(Body::empty()));
        }
        self.count_network(passing)?;
        #[cfg(feature = "openapi")]
        if let Some(answer) = self.reference(&parts) {
            return Ok(answer);
        }
        if let Some(answer) = cors::preflight(&parts.method, &parts.headers, passing.origin.as_ref()) {
            return Ok(answer);
        }
        let (prefix, route) = self.route(parts.uri.path())?;
        passing.route = prefix;
        let is_websocket = parts.headers.contains_key(header::UPGRADE);
        if is_websocket {
            self.check_websocket(standing, passing, route, &parts.headers)?;
        }
        let ctx = self.identify(door, &parts, passing.id, route).await?;
        if let Some(ctx) = &ctx {
            self.count_asker(&standing.ledger, passing, ctx)?;
        }
        let body = self.limited(&parts.headers, body)?;
        let time = Self::time(&parts.headers, route)?;
        let place = self.places.take(route.class, ctx.as_ref().map(|ctx| ctx.scope().tenant))?;
        let body = self.outgoing(&parts, body).await?;
        let takes_gzip = gzip::is_taken(&parts.headers);
        let said = is_websocket.then(|| ctx.is_some().then(|| parts.headers.clone()));
        Self::name(&mut parts, passing, ctx.as_ref());
        let upstream =
            self.upstreams.get(route.upstream).ok_or_else(|| Error::internal("gateway.route", "no upstream"))?;
        if is_websocket {
            websocket::mark(&mut parts.headers);
        }
        let mut answer = upstream.send(Outgoing { head: parts, body }, time).await?;
        let is_agreed = websocket::is_agreed(answer.status(), answer.headers());
        if let Some(headers) = said.filter(|_| is_agreed)
            && let Some(ours) = passing.upgrade.take()
        {
            let asker = Asker { door: door.clone(), headers, id: passing.id };
            standing.websockets.carry(ours, hyper::upgrade::on(&mut answer), asker);
        } else if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let failed = "the service goes on as what was not asked for";
            return Err(Error::unavailable("gateway.upstream.failed", failed));
        }
        let takes_gzip = self.config.compression.then_some(takes_gzip);
        Ok(passing::on(answer, place, takes_gzip))
    }

    /// What is said of everything that is routed, whichever service has it.
    #[cfg(feature = "openapi")]
    fn reference(&self, parts: &http::request::Parts) -> Option<Response> {
        let is_read = parts.method == Method::GET;
        is_read.then(|| self.reference.answer(parts.uri.path())).flatten()
    }

    /// Refuses a WebSocket where there is none, from a page of elsewhere, or beyond the most there may be. Rules of cross-origin requests do not hold
    /// for them, so it is judged here whose page asks.
    fn check_websocket(
        &self,
        standing: &Standing,
        passing: &Passing<'_>,
        route: &Route,
        headers: &HeaderMap,
    ) -> Result<()> {
        if !route.is_websocket || passing.upgrade.is_none() {
            return Err(Error::invalid("gateway.upgrade", "no WebSocket is offered here"));
        }
        if headers.contains_key(header::ORIGIN) && passing.origin.is_none() {
            let elsewhere = "pages of this origin may not open a WebSocket";
            return Err(Error::new(ErrorKind::Forbidden, "gateway.origin", elsewhere));
        }
        standing.websockets.check(self.config.limits.websockets_max)
    }

    fn count_network(&self, passing: &mut Passing<'_>) -> Result<()> {
        let allowance = self.networks.ask(network_address(passing.client), self.env.monotonic());
        counted(passing, allowance, "network")
    }

    fn count_asker(&self, ledger: &Ledger, passing: &mut Passing<'_>, ctx: &Context) -> Result<()> {
        let (now, tenant) = (self.env.monotonic(), ctx.scope().tenant);
        let actor = || (tenant, ctx.actor().clone());
        counted(passing, self.actors.ask(actor(), now), "actor")?;
        counted(passing, self.tenants.ask(tenant, now), "tenant")?;
        if let Some(quota) = self.config.quotas.actor {
            counted(passing, ledger.actors.ask(quota, actor(), self.env.now()), "actor quota")?;
        }
        if let Some(quota) = self.config.quotas.tenant {
            counted(passing, ledger.tenants.ask(quota, tenant, self.env.now()), "tenant quota")?;
        }
        Ok(())
    }

    fn route(&self, path: &str) -> Result<(&str, &Route)> {
        let found = self.routes.iter().find(|(prefix, _)| is_under(path, prefix)).filter(|_| !path::is_internal(path));
        let absent = || Error::not_found("gateway.route", "nothing is routed under this path");
        found.map(|(prefix, route)| (prefix.as_str(), route)).ok_or_else(absent)
    }

    /// Who asks. On a route that is open to everyone nobody has to say.
    async fn identify(
        &self,
        door: &Door,
        parts: &http::request::Parts,
        id: RequestId,
        route: &Route,
    ) -> Result<Option<Context>> {
        if !parts.headers.contains_key(header::AUTHORIZATION) && route.is_open {
            return Ok(None);
        }
        door.identify(&parts.headers, id).await.map(Some)
    }

    /// A body that is refused where it becomes longer than bodies may be.
    fn limited(&self, headers: &HeaderMap, body: Body) -> Result<Body> {
        let most = self.config.limits.body_len_max;
        let stated = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if stated.is_some_and(|stated| stated > most as u64) {
            let large = Error::invalid("request.body.too_large", "the body is longer than bodies may be");
            return Err(large.with("length_max", most));
        }
        if headers.get(header::CONTENT_ENCODING).is_some_and(|of| of != "identity") {
            return Err(Error::invalid("request.media_type", "a body is sent as it is, without compression"));
        }
        Ok(Body::new(Limited::new(body, most)))
    }

    /// How long the answer may take to begin: as long as is asked, but no longer than the route allows.
    fn time(headers: &HeaderMap, route: &Route) -> Result<Duration> {
        let Some(asked) = headers.get(ARK_TIMEOUT_MS) else { return Ok(route.timeout) };
        let malformed =
            || Error::invalid("request.header", "a whole number is expected").with("header", ARK_TIMEOUT_MS);
        let ms = asked.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
        Ok(Duration::from_millis(ms).min(route.timeout))
    }

    /// A body that may be sent again is kept where it is short; every other goes through.
    async fn outgoing(&self, parts: &http::request::Parts, body: Body) -> Result<OutgoingBody> {
        let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if is_safe && !head::has_body(&parts.headers) {
            return Ok(OutgoingBody::Whole(Bytes::new()));
        }
        let length =
            parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let is_short = length.is_some_and(|length| length <= KEPT_LEN_MAX);
        if is_short && (is_safe || parts.headers.contains_key(IDEMPOTENCY_KEY)) {
            let kept =
                tokio::time::timeout(Duration::from_millis(self.config.limits.header_timeout_ms), body.collect()).await;
            let late = |_| Error::invalid("request.timeout", "the body did not arrive in time");
            let cut = |e| Error::invalid("request.body", "the body did not arrive whole").caused_by(e);
            return Ok(OutgoingBody::Whole(kept.map_err(late)?.map_err(cut)?.to_bytes()));
        }
        Ok(OutgoingBody::Passing(Some(body)))
    }

    /// Says on the way in what is for the gateway to say.
    fn name(parts: &mut http::request::Parts, passing: &Passing<'_>, ctx: Option<&Context>) {
        head::scrub_request(&mut parts.headers);
        let client = HeaderValue::try_from(passing.client.to_string()).ok();
        let said = [(REQUEST_ID, passing.named.clone()), (ARK_CLIENT_IP, client.clone()), ("x-forwarded-for", client)];
        for (name, value) in said {
            if let Some(value) = value {
                parts.headers.insert(HeaderName::from_static(name), value);
            }
        }
        // Who asks of which tenant was found out here, and is found out there anew.
        if let Some(tenant) = ctx.and_then(|ctx| HeaderValue::try_from(ctx.scope().tenant.to_string()).ok()) {
            parts.headers.insert(crate::api::ARK_TENANT, tenant);
        }
    }

    fn finish(&self, response: &mut Response, passing: &mut Passing<'_>) {
        let is_websocket = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        head::scrub_answer(headers);
        if is_websocket {
            websocket::mark(headers);
        }
        if let Some(id) = passing.named.take() {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(allowance) = passing.allowance {
            headers.insert("ratelimit-limit", allowance.limit.into());
            headers.insert("ratelimit-remaining", allowance.remaining.into());
            headers.insert("ratelimit-reset", allowance.reset_s.into());
        }
        if !self.config.origins.is_empty() {
            cors::allow(headers, passing.origin.take());
        }
    }
}

/// Whether a path is one under a prefix, up to a `/` or its end.
fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix == "/")
}

/// Notes the tightest limit.
fn counted(passing: &mut Passing<'_>, allowance: Allowance, what: &'static str) -> Result<()> {
    if passing.allowance.is_none_or(|tightest| allowance.remaining <= tightest.remaining) {
        passing.allowance = Some(allowance);
    }
    let Some(wait) = allowance.wait else { return Ok(()) };
    let error = Error::new(ErrorKind::RateLimited, "gateway.rate", "more is asked than may be");
    Err(error.with("limit", what).with("retry_after_s", wait.as_secs() + 1))
}

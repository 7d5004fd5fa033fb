//! Who asks, and for which tenant: what every request passes before a service sees it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::access::{Access, Policy};
use arrakis_core::credential::Secret;
use arrakis_core::telemetry::is_traceparent;
use arrakis_core::user::AuthService;
use arrakis_core::{
    Actor, CommitLog, Context, Env, Error, ErrorKind, RequestId, Result, Scope, Seq, SpaceId, TenantId,
};
use async_trait::async_trait;
use axum::extract::{RawPathParams, Request};
use axum::response::Response;
use axum::{RequestExt as _, body};
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, Limited};
use uuid::Uuid;

use super::answer::refusal;
use super::asked::Asked;
use super::idempotency::Idempotency;
use super::listen::{PeerAddress, network_of};
use crate::api::{ARK_AT_LEAST, ARK_CLIENT_IP, ARK_TENANT, ARK_TIMEOUT_MS, Meta, REQUEST_ID, TRACEPARENT};
use crate::peer::{PEER_SCHEME, PeerKey, Vouched, grants_of};

/// The longest body, bytes, unless another length is set.
pub const BODY_LEN_MAX_DEFAULT: usize = 32 * 1024 * 1024;
/// The longest an answer may be asked to take, milliseconds.
const TIMEOUT_MS_MAX: u64 = 600_000;
/// How many accesses of those vouched for are kept compiled.
const ACCESSES_MAX: usize = 4_096;
/// How many tenants are remembered with their spaces.
const TENANTS_MAX: usize = 100_000;
/// How many policies of those vouched for are kept.
const POLICIES_MAX: usize = 64;

/// Which tenants there are.
#[async_trait]
pub trait Tenants: fmt::Debug + Send + Sync + 'static {
    /// The tenant with its space.
    ///
    /// # Errors
    /// `tenancy.tenant.unknown`.
    async fn scope(&self, tenant: TenantId) -> Result<Scope>;
}

/// The tenants of a store.
#[derive(Debug)]
pub struct StoredTenants {
    log: Arc<dyn CommitLog>,
    /// Those that were asked for: a tenant stays in its space.
    known: Mutex<HashMap<TenantId, SpaceId>>,
}

impl StoredTenants {
    /// Those of this store.
    pub fn new(log: Arc<dyn CommitLog>) -> Self {
        Self { log, known: Mutex::default() }
    }
}

#[async_trait]
impl Tenants for StoredTenants {
    async fn scope(&self, tenant: TenantId) -> Result<Scope> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(space) = known().get(&tenant).copied() {
            return Ok(Scope { tenant, space });
        }
        let found = self.log.tenant(tenant).await?;
        let absent = || Error::not_found("tenancy.tenant.unknown", "there is no such tenant").with("tenant", tenant);
        let space = found.map(|found| found.space).ok_or_else(absent)?;
        let mut known = known();
        if known.len() >= TENANTS_MAX {
            known.clear();
        }
        known.insert(tenant, space);
        Ok(Scope { tenant, space })
    }
}

/// How a door is kept.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// The longest body, bytes.
    pub body_len_max: usize,
    /// How long a body may take to arrive, and an answer that states no time.
    pub timeout: Duration,
    /// What other processes of the deployment vouch with.
    pub peers: Option<PeerKey>,
    /// Whether nobody but a gateway of the deployment reaches this, so that it is believed where a request comes from.
    pub is_behind_gateway: bool,
}

impl Default for DoorOptions {
    fn default() -> Self {
        Self {
            body_len_max: BODY_LEN_MAX_DEFAULT,
            timeout: Duration::from_secs(30),
            peers: None,
            is_behind_gateway: false,
        }
    }
}

/// What every request passes: who asks is found out, of an access token, an API key or another process that vouches for them, and everyone else is
/// turned away. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Door {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    env: Env,
    auth: Arc<dyn AuthService>,
    tenants: Arc<dyn Tenants>,
    options: DoorOptions,
    idempotency: Arc<Idempotency>,
    known: Mutex<Known>,
}

/// What is known of those vouched for.
#[derive(Debug, Default)]
struct Known {
    policies: HashMap<String, Arc<Policy>>,
    accesses: HashMap<[u8; 32], Arc<Access>>,
}

impl Door {
    /// A door where `auth` says who someone is.
    pub fn new(env: Env, auth: Arc<dyn AuthService>, tenants: Arc<dyn Tenants>, options: DoorOptions) -> Self {
        let (idempotency, known) = (Arc::default(), Mutex::default());
        Self { inner: Arc::new(Inner { env, auth, tenants, options, idempotency, known }) }
    }

    pub(crate) fn env(&self) -> &Env {
        &self.inner.env
    }

    pub(crate) fn idempotency(&self) -> &Arc<Idempotency> {
        &self.inner.idempotency
    }

    /// The hash a policy is told by to other processes, and to be asked for by.
    pub(crate) fn offer(&self, policy: &Arc<Policy>) -> Result<String> {
        let key = self.inner.options.peers.as_ref().ok_or_else(unknown)?;
        let hash = key.policy_hash(policy)?.to_string();
        self.keep_shared(hash.clone(), Arc::clone(policy));
        Ok(hash)
    }

    /// A policy that was offered, or is kept.
    pub(crate) fn policy(&self, hash: &str) -> Result<Arc<Policy>> {
        let known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .policies
            .get(hash)
            .cloned()
            .ok_or_else(|| Error::not_found("peer.policy.unknown", "the policy is not known here").retryable_is(true))
    }

    /// The tenant with its space.
    pub(crate) async fn scope_of(&self, tenant: TenantId) -> Result<Scope> {
        self.inner.tenants.scope(tenant).await
    }

    /// Keeps a policy that those vouched for have rights by.
    pub(crate) fn keep(&self, hash: String, policy: Policy) {
        self.keep_shared(hash, Arc::new(policy));
    }

    fn keep_shared(&self, hash: String, policy: Arc<Policy>) {
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.policies.contains_key(&hash) {
            return;
        }
        if known.policies.len() >= POLICIES_MAX {
            known.policies.clear();
            known.accesses.clear();
        }
        known.policies.insert(hash, policy);
    }

    /// Finds out who asks, of an access token or API key alone.
    #[cfg(feature = "gateway")]
    pub(crate) async fn identify(&self, headers: &HeaderMap, id: RequestId) -> Result<Context> {
        match credential(headers)? {
            Some(said) => self.identified(said, headers, id).await,
            None => Err(unknown()),
        }
    }

    /// Finds out who asks, and takes what they ask.
    pub(crate) async fn admit(&self, meta: &Meta, mut request: Request) -> Result<Asked, Response> {
        let id = self.request_id(request.headers());
        let refused = |error: Error| refusal(&error, id);
        let path = request.extract_parts::<RawPathParams>().await;
        let path = path.map_err(|e| refused(Error::invalid("request.path", e.body_text())))?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (parts, body) = request.into_parts();
        let ctx = self.context(meta, &parts, id).await.map_err(refused)?;
        let body = self.body(body).await.map_err(refused)?;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let network = if is_vouched(&parts.headers) { None } else { self.network(&parts) };
        Ok(Asked { ctx, network, path, query, headers: parts.headers, body })
    }

    /// The name a request is logged under: the one it came with, where that is a UUID.
    pub(crate) fn request_id(&self, headers: &HeaderMap) -> RequestId {
        let given = text_of(headers, REQUEST_ID).and_then(|id| Uuid::try_parse(id).ok());
        RequestId::from_uuid(given.unwrap_or_else(|| self.inner.env.uuid()))
    }

    /// Where a request comes from: the address its connection was accepted from, or what the gateway in front says.
    fn network(&self, parts: &http::request::Parts) -> Option<String> {
        let forwarded = text_of(&parts.headers, ARK_CLIENT_IP).filter(|_| self.inner.options.is_behind_gateway);
        let address = match forwarded {
            Some(address) => address.parse().ok()?,
            None => parts.extensions.get::<PeerAddress>()?.0.ip(),
        };
        Some(network_of(address))
    }

    async fn body(&self, body: body::Body) -> Result<Vec<u8>> {
        let most = self.inner.options.body_len_max;
        let arriving = tokio::time::timeout(self.inner.options.timeout, Limited::new(body, most).collect());
        let late = |_| Error::invalid("request.timeout", "the body did not arrive in time");
        match arriving.await.map_err(late)? {
            Ok(body) => Ok(body.to_bytes().into()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                let large = "the body is longer than bodies may be";
                Err(Error::invalid("request.body.too_large", large).with("length_max", most))
            }
            Err(error) => Err(Error::invalid("request.body", "the body did not arrive whole").caused_by(error)),
        }
    }

    async fn context(&self, meta: &Meta, parts: &http::request::Parts, id: RequestId) -> Result<Context> {
        let headers = &parts.headers;
        let ctx = match credential(headers)? {
            Some(said) if said.starts_with(PEER_SCHEME) => self.vouched(said, parts, id)?,
            _ if meta.is_internal => return Err(unknown()),
            Some(said) if !meta.is_open => self.identified(said, headers, id).await?,
            None if !meta.is_open => return Err(unknown()),
            _ => Context::new(self.scope(headers, None).await.map_err(hidden)?, Actor::parse("anonymous")?, id),
        };
        let timeout = match number(headers, ARK_TIMEOUT_MS)? {
            Some(ms) => Duration::from_millis(ms.min(TIMEOUT_MS_MAX)),
            None => self.inner.options.timeout,
        };
        let mut ctx = ctx.until(self.inner.env.monotonic().saturating_add(timeout));
        if let Some(seq) = number(headers, ARK_AT_LEAST)? {
            ctx = ctx.at_least(Seq(seq));
        }
        Ok(match text_of(headers, TRACEPARENT).filter(|trace| is_traceparent(trace)) {
            Some(trace) => ctx.traced(trace),
            None => ctx,
        })
    }

    /// The tenant a request names, or that its token is of, or the one there is where none is named.
    async fn scope(&self, headers: &HeaderMap, token: Option<&str>) -> Result<Scope> {
        let tenant = match text_of(headers, ARK_TENANT) {
            Some(named) => named.parse().or_else(|_| TenantId::named(named))?,
            None => token.and_then(tenant_of).unwrap_or(TenantId::DEFAULT),
        };
        self.inner.tenants.scope(tenant).await
    }

    async fn identified(&self, said: &str, headers: &HeaderMap, id: RequestId) -> Result<Context> {
        let credential = said.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, credential) = credential.ok_or_else(unknown)?;
        let scope = self.scope(headers, Some(credential)).await.map_err(hidden)?;
        let ctx = Context::new(scope, Actor::parse("anonymous")?, id);
        let identity = self.inner.auth.authenticate(&ctx, &Secret::from(credential.trim())).await?;
        Ok(ctx.with_access(identity.access))
    }

    fn vouched(&self, said: &str, parts: &http::request::Parts, id: RequestId) -> Result<Context> {
        let key = self.inner.options.peers.as_ref().ok_or_else(unknown)?;
        let asked = format!("{} {}", parts.method, parts.uri.path());
        let vouched = key.check(said, &asked, self.inner.env.now())?;
        let ctx = Context::new(vouched.scope(), vouched.actor.clone(), id);
        let ctx = match &vouched.access {
            Some(_) => ctx.with_access(self.access(&vouched)?),
            None => ctx,
        };
        Ok(ctx.granted(grants_of(&vouched.grants)))
    }

    /// The rights of someone vouched for, compiled once.
    fn access(&self, vouched: &Vouched) -> Result<Arc<Access>> {
        let Some((subject, policy)) = &vouched.access else { return Err(unknown()) };
        let text = serde_json::to_vec(&(vouched.tenant, subject, policy))
            .map_err(|e| Error::internal("peer", "not written").caused_by(e))?;
        let hash = *blake3::hash(&text).as_bytes();
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(access) = known.accesses.get(&hash) {
            return Ok(Arc::clone(access));
        }
        let policy = known.policies.get(policy).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Precondition, "peer.policy.unknown", "the policy is not known here yet")
                .with("policy", policy)
                .retryable_is(true)
        })?;
        let access = Arc::new(Access::new(policy, subject.clone()));
        if known.accesses.len() >= ACCESSES_MAX {
            known.accesses.clear();
        }
        known.accesses.insert(hash, Arc::clone(&access));
        Ok(access)
    }
}

/// What says who asks, once.
fn credential(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut credentials = headers.get_all(header::AUTHORIZATION).iter();
    match (credentials.next(), credentials.next()) {
        (None, _) => Ok(None),
        (Some(said), None) => said.to_str().map(Some).map_err(|_| unknown()),
        (Some(_), Some(_)) => Err(Error::invalid("request.authorization", "whoever asks is stated once")),
    }
}

fn is_vouched(headers: &HeaderMap) -> bool {
    text_of(headers, "authorization").is_some_and(|said| said.starts_with(PEER_SCHEME))
}

fn text_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn number(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>> {
    let Some(text) = headers.get(name) else { return Ok(None) };
    let number = text.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| Error::invalid("request.header", "a whole number is expected").with("header", name))
}

/// Whether there is such a tenant is for those who are of it.
fn hidden(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::new(ErrorKind::Unauthenticated, "auth.refused", "this is nobody who is known"),
        _ => error,
    }
}

fn unknown() -> Error {
    Error::new(ErrorKind::Unauthenticated, "auth.required", "say who asks, by an access token or an API key")
}

/// The tenant a token says it is of. Whether it is, is for who verifies it.
fn tenant_of(token: &str) -> Option<TenantId> {
    use base64::Engine as _;

    #[derive(serde::Deserialize)]
    struct Claims {
        tid: TenantId,
    }

    let payload = token.split('.').nth(1).filter(|payload| payload.len() <= 8_192)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&claims).ok().map(|Claims { tid }| tid)
}

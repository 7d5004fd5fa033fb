//! One question, asked until it is answered or there is no use in asking.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrakis_core::telemetry::traceparent;
use arrakis_core::{Context, Error, Outcome, Result};
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tracing::{Instrument as _, Span};

use super::depth::written;
use super::{Client, Credentials};
use crate::api::user::KEEP_POLICY;
use crate::api::{
    ARK_AT_LEAST, ARK_TENANT, ARK_TIMEOUT_MS, Endpoint, IDEMPOTENCY_KEY, JSON, MSGPACK, Meta, REQUEST_ID, TRACEPARENT,
};
use crate::problem::{PROBLEM_JSON, Problem};

/// How often a question is asked in all.
const TRIES_MAX: u32 = 3;
/// What is kept for trying again, in tenths of a request: each request adds one, each further try takes ten.
pub(super) const RETRIES_KEPT_MAX: i64 = 100;
/// What a further try takes.
const RETRY_COST: i64 = 10;
/// The pause before the second try; before each further one it is twice as long.
const PAUSE: Duration = Duration::from_millis(50);
/// How long after its time an answer may still arrive.
const GRACE: Duration = Duration::from_secs(5);

/// A question as it is sent.
pub(super) struct Question {
    meta: &'static Meta,
    path: String,
    query: Option<String>,
    body: Option<Vec<u8>>,
    accept: &'static str,
    key: String,
}

impl Question {
    /// A question of what is asked: the members of the path go there, the others into the query or the body.
    pub(super) fn of(client: &Client, meta: &'static Meta, asked: &impl Serialize) -> Result<Self> {
        let unwritten = |e: &dyn std::fmt::Display| Error::internal("client.question", e.to_string());
        let key = client.inner.env.uuid().to_string();
        let mut question = Self { meta, path: meta.path.into(), query: None, body: None, accept: MSGPACK, key };
        if meta.verb.has_body() && !meta.path.contains('{') {
            question.body = Some(written(asked)?);
            return Ok(question);
        }
        let Json::Object(mut members) = serde_json::from_slice(&written(asked)?).map_err(|e| unwritten(&e))? else {
            return Err(unwritten(&"what is asked has members"));
        };
        let mut path = String::new();
        for part in meta.path.split('/').skip(1) {
            path.push('/');
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                None => path.push_str(part),
                Some(name) => {
                    let value = members.remove(name).ok_or_else(|| unwritten(&"a member of the path is missing"))?;
                    path.push_str(&segment(&text_of(&value)));
                }
            }
        }
        question.path = path;
        if meta.verb.has_body() {
            question.body = Some(written(&members)?);
        } else if members.values().any(|value| !value.is_null()) {
            let given = members.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<_> = given.map(|(name, value)| (name, text_of(value))).collect();
            question.query = Some(serde_urlencoded::to_string(pairs).map_err(|e| unwritten(&e))?);
        }
        Ok(question)
    }

    /// Answered in another form than exactly and at once.
    pub(super) fn accepting(mut self, media_type: &'static str) -> Self {
        self.accept = media_type;
        self
    }
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A segment of a path: everything but unreserved characters is escaped (RFC 3986, 2.3).
fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

impl Client {
    /// Asks, and reads the answer exactly.
    pub(super) async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        ctx: &Context,
        endpoint: &'static Endpoint<Q, A>,
        asked: &Q,
    ) -> Result<A> {
        let question = Question::of(self, &endpoint.meta, asked)?;
        let response = self.ask(ctx, &question, self.time(ctx, self.inner.options.timeout)).await?;
        let unread = |e: &dyn std::fmt::Display| {
            let unread = Error::unavailable("client.answer", "the answer cannot be read").caused_by(e.to_string());
            if question.meta.is_write { unread.outcome_is(Outcome::Unknown) } else { unread }
        };
        let body = response.bytes().await.map_err(|e| unread(&e))?;
        rmp_serde::from_slice(&body).map_err(|e| unread(&e))
    }

    /// How long an answer may take.
    pub(super) fn time(&self, ctx: &Context, otherwise: Duration) -> Duration {
        ctx.deadline().map_or(otherwise, |deadline| deadline.saturating_sub(self.inner.env.monotonic()))
    }

    /// Asks until there is an answer that is one.
    pub(super) async fn ask(&self, ctx: &Context, question: &Question, time: Duration) -> Result<Response> {
        let span = tracing::info_span!("http.client", otel.name = question.meta.id, otel.kind = "client");
        self.ask_within(ctx, question, time).instrument(span).await
    }

    async fn ask_within(&self, ctx: &Context, question: &Question, time: Duration) -> Result<Response> {
        if let Some(access) = ctx.access() {
            access.check(self.inner.env.now())?;
        }
        self.inner
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left < RETRIES_KEPT_MAX).then_some(left + 1))
            .ok();
        let mut is_policy_known = true;
        let mut tries = 0;
        loop {
            tries += 1;
            let failed = match self.try_once(ctx, question, time).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            match failed {
                Failed::Refused(error) if error.code() == "peer.policy.unknown" && is_policy_known => {
                    is_policy_known = false;
                    tries -= 1;
                    Box::pin(self.tell_policy(ctx)).await?;
                }
                Failed::Refused(error) => return Err(error),
                Failed::Unheard(error) if tries == TRIES_MAX || !self.may_try_again() => return Err(error),
                Failed::Unheard(_) => tokio::time::sleep(PAUSE * 2_u32.pow(tries - 1)).await,
            }
        }
    }

    fn may_try_again(&self) -> bool {
        let take = |left: i64| (left >= RETRY_COST).then_some(left - RETRY_COST);
        self.inner.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    async fn try_once(&self, ctx: &Context, question: &Question, time: Duration) -> Result<Response, Failed> {
        let request = self.request(ctx, question, time).map_err(Failed::Refused)?;
        let response = request.send().await.map_err(|e| {
            let may_have_happened = question.meta.is_write && !e.is_connect();
            let error = Error::unavailable("client.unreachable", "the service does not answer").caused_by(e);
            let outcome = if may_have_happened { Outcome::Unknown } else { Outcome::NotApplied };
            Failed::Unheard(error.outcome_is(outcome))
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let media_type = response.headers().get(http::header::CONTENT_TYPE);
        let is_problem = media_type.is_some_and(|of| of.as_bytes() == PROBLEM_JSON.as_bytes());
        let problem = response.bytes().await.ok().filter(|_| is_problem);
        match problem.and_then(|body| serde_json::from_slice::<Problem>(&body).ok()) {
            Some(problem) if problem.code == "server.closing" => Err(Failed::Unheard(problem.into_error())),
            Some(problem) => Err(Failed::Refused(problem.into_error())),
            None => {
                let error = Error::unavailable("client.answer", "something else than the service answers");
                let error = error.with("status", status.as_u16());
                Err(if status.is_server_error() { Failed::Unheard(error) } else { Failed::Refused(error) })
            }
        }
    }

    fn request(&self, ctx: &Context, question: &Question, time: Duration) -> Result<RequestBuilder> {
        let mut url = format!("{}{}", self.inner.base, question.path);
        if let Some(query) = &question.query {
            url.push('?');
            url.push_str(query);
        }
        let method = question.meta.verb.method();
        let asked = format!("{method} {}", question.path);
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut request = self
            .inner
            .http
            .request(method, url)
            .header(http::header::ACCEPT, question.accept)
            .header(ARK_TIMEOUT_MS, ms)
            .header(REQUEST_ID, ctx.request_id().to_string());
        if question.accept == MSGPACK {
            request = request.timeout(time.saturating_add(GRACE));
        }
        if question.meta.is_write {
            let key = ctx.once().map_or(&*question.key, arrakis_core::Once::key);
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(seq) = ctx.least_seq() {
            request = request.header(ARK_AT_LEAST, seq.0);
        }
        if let Some(trace) = traceparent(&Span::current()).or_else(|| ctx.trace().map(str::to_owned)) {
            request = request.header(TRACEPARENT, trace);
        }
        request = match &self.inner.credentials {
            Credentials::Bearer(secret) => request.bearer_auth(secret.expose()),
            Credentials::Peer(key) => {
                let said = key.vouch(ctx, asked, self.inner.env.now())?;
                request.header(http::header::AUTHORIZATION, said.expose())
            }
            Credentials::Anonymous => request.header(ARK_TENANT, ctx.scope().tenant.to_string()),
        };
        Ok(match &question.body {
            Some(body) => request.header(http::header::CONTENT_TYPE, JSON).body(body.clone()),
            None => request,
        })
    }

    /// Tells the service of the policy the rights of a context are by.
    async fn tell_policy(&self, ctx: &Context) -> Result<()> {
        let (Some(access), Credentials::Peer(key)) = (ctx.access(), &self.inner.credentials) else { return Ok(()) };
        let hash = key.policy_hash(access.policy())?.to_string();
        let bare = Context::new(ctx.scope(), ctx.actor().clone(), ctx.request_id());
        let keep = crate::api::user::KeepPolicy { hash, policy: arrakis_core::access::Policy::clone(access.policy()) };
        self.call(&bare, &KEEP_POLICY, &keep).await
    }
}

/// Why a try did not bring an answer.
enum Failed {
    /// The service answered, and another try would be answered the same.
    Refused(Error),
    /// Nobody answered.
    Unheard(Error),
}

//! Endpoints on their way to being a router.

use std::fmt;
use std::sync::Arc;

use arrakis_core::metric;
use arrakis_core::{Context, Error, Once, Result};
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use futures_util::future::BoxFuture;
use http::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use super::answer::{Answer, refusal};
use super::asked::Asked;
use super::door::Door;
use super::idempotency::Claim;
use super::observe::request_span;
#[cfg(feature = "openapi")]
use super::reference::{DOCUMENT, PAGE, Reference};
use crate::api::{Endpoint, IDEMPOTENCY_KEY, Meta, REQUEST_ID, Verb};

/// What a service answers in the end.
pub(crate) type Answered<A> = BoxFuture<'static, Result<A>>;

/// The endpoints of services, behind a door.
pub struct Routes {
    router: Router,
    door: Door,
    metas: Vec<Meta>,
}

/// What works on a request whose asker is known.
pub(crate) type Work = Arc<dyn Fn(Asked, Option<Once>) -> BoxFuture<'static, Result<Answer>> + Send + Sync>;

impl Routes {
    /// No endpoint yet.
    pub fn new(door: Door) -> Self {
        Self { router: Router::new(), door, metas: Vec::new() }
    }

    /// Every endpoint, as it was added.
    pub fn metas(&self) -> &[Meta] {
        &self.metas
    }

    /// The router. What it does not know is answered with a problem too.
    pub fn into_router(self) -> Router {
        let (unknown, other) = (self.door.clone(), self.door);
        let absent = move |request: Request| {
            let id = unknown.request_id(request.headers());
            async move { refusal(&Error::not_found("request.path", "there is nothing under this path"), id) }
        };
        let method = move |request: Request| {
            let id = other.request_id(request.headers());
            async move { refusal(&Error::invalid("request.method", "this is not done with what is under this path"), id) }
        };
        #[cfg(feature = "openapi")]
        let router = described(self.router, &self.metas);
        #[cfg(not(feature = "openapi"))]
        let router = self.router;
        let well = || async { http::StatusCode::OK };
        let router = router.route("/livez", on(MethodFilter::GET, well)).route("/readyz", on(MethodFilter::GET, well));
        router.fallback(absent).method_not_allowed_fallback(method)
    }

    pub(crate) fn door(&self) -> &Door {
        &self.door
    }

    /// Answers an endpoint by a service.
    pub(crate) fn on<S, Q, A>(
        self,
        endpoint: &'static Endpoint<Q, A>,
        service: &Arc<S>,
        call: fn(Arc<S>, Context, Q) -> Answered<A>,
    ) -> Self
    where
        S: ?Sized + Send + Sync + 'static,
        Q: DeserializeOwned + Send + 'static,
        A: Serialize + Send + 'static,
    {
        self.on_write(endpoint, service, |_, _| true, call)
    }

    /// Answers an endpoint that makes commits, which get their ids of an idempotency key where the request names none itself.
    pub(crate) fn on_write<S, Q, A>(
        self,
        endpoint: &'static Endpoint<Q, A>,
        service: &Arc<S>,
        name: fn(&mut Q, &Once) -> bool,
        call: fn(Arc<S>, Context, Q) -> Answered<A>,
    ) -> Self
    where
        S: ?Sized + Send + Sync + 'static,
        Q: DeserializeOwned + Send + 'static,
        A: Serialize + Send + 'static,
    {
        let service = Arc::clone(service);
        let work: Work = Arc::new(move |asked, once| {
            let service = Arc::clone(&service);
            Box::pin(async move {
                let mut question: Q = asked.read(&endpoint.meta)?;
                let ctx = match once {
                    Some(once) if name(&mut question, &once) => asked.ctx.clone().under(once),
                    _ => asked.ctx.clone(),
                };
                let answer = call(service, ctx, question).await?;
                Answer::of(endpoint, &asked, &answer)
            })
        });
        self.on_asked(&endpoint.meta, work)
    }

    /// Answers an endpoint by what sees the request as it came.
    pub(crate) fn on_asked(self, meta: &'static Meta, work: Work) -> Self {
        let door = self.door.clone();
        self.on_request(meta, move |request| {
            let (door, work) = (door.clone(), Arc::clone(&work));
            Box::pin(async move { answered(&door, meta, &work, request).await })
        })
    }

    /// Answers an endpoint with a response of its own.
    pub(crate) fn on_request(
        mut self,
        meta: &'static Meta,
        work: impl Fn(Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static,
    ) -> Self {
        let filter = match meta.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Put => MethodFilter::PUT,
            Verb::Patch => MethodFilter::PATCH,
            Verb::Delete => MethodFilter::DELETE,
        };
        let door = self.door.clone();
        let work = move |request: Request| observed(door.clone(), meta, request, work.clone());
        self.router = self.router.route(meta.path, on(filter, work));
        self.metas.push(*meta);
        self
    }
}

/// With the description of what is served, and a page to read it by.
#[cfg(feature = "openapi")]
fn described(router: Router, metas: &[Meta]) -> Router {
    let paths: Vec<_> = metas.iter().map(|meta| meta.path).collect();
    let reference = Arc::new(Reference::of(move |path| paths.contains(&path)));
    [DOCUMENT, PAGE].into_iter().fold(router, |router, path| {
        let reference = Arc::clone(&reference);
        let told = move || {
            let answer = reference.answer(path).unwrap_or_default();
            async move { answer }
        };
        router.route(path, on(MethodFilter::GET, told))
    })
}

/// Answers a request within a span of its trace, and counts it.
async fn observed(
    door: Door,
    meta: &'static Meta,
    mut request: Request,
    work: impl Fn(Request) -> BoxFuture<'static, Response>,
) -> Response {
    let begun = door.env().monotonic();
    let id = door.request_id(request.headers());
    let span = request_span(meta.id, request.headers_mut(), id);
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        request.headers_mut().insert(REQUEST_ID, id);
    }
    let response = work(request).instrument(span.clone()).await;
    let (endpoint, status) = (meta.id, u64::from(response.status().as_u16()));
    span.record("http.response.status_code", status);
    let seconds = door.env().monotonic().saturating_sub(begun).as_secs_f64();
    metric!(histogram.ark_http_request_duration_seconds = seconds, endpoint, status);
    response
}

async fn answered(door: &Door, meta: &Meta, work: &Work, request: Request) -> Response {
    let asked = match door.admit(meta, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let id = asked.ctx.request_id();
    let key = asked.headers.get(IDEMPOTENCY_KEY).filter(|_| meta.is_write);
    // One that is no text is refused as one that is none, rather than left out.
    let key = key.map(|key| key.to_str().unwrap_or_default().to_owned());
    let answer = match key {
        Some(key) => once(door, meta, work, (asked, &key)).await,
        None => work(asked, None).await,
    };
    match answer {
        Ok(answer) => answer.into_response(id),
        Err(error) => refusal(&error, id),
    }
}

/// Does what is sent under an idempotency key once.
async fn once(door: &Door, meta: &Meta, work: &Work, (asked, key): (Asked, &str)) -> Result<Answer> {
    let path = asked.path.iter().fold(meta.id.to_owned(), |all, (_, value)| all + "\n" + value);
    let which = format!("{path}\n{}\n{}", asked.query, asked.header("if-match").unwrap_or_default());
    let now = door.env().monotonic();
    let once = Once::new(&asked.ctx, key, &[which.as_bytes(), &asked.body])?;
    match door.idempotency().claim(&asked.ctx, &once, now)? {
        Claim::Done(answer) => Ok(Answer::clone(&answer)),
        Claim::Do(pending) => {
            let answer = work(asked, Some(once)).await?;
            pending.done(&answer);
            Ok(answer)
        }
    }
}

/// What `If-Match` and `If-None-Match` expect of the object a write is about.
pub(crate) fn expected(asked: &Asked) -> Result<Option<arrakis_core::kernel::Expect>> {
    use arrakis_core::Seq;
    use arrakis_core::kernel::Expect;

    let malformed = || Error::invalid("request.if_match", "one revision in quotes is expected, as an ETag gave it");
    match (asked.header("if-match"), asked.header("if-none-match")) {
        (None, None) => Ok(None),
        (Some(tag), None) => {
            let revision = tag.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            revision.and_then(|of| of.parse().ok()).map(|of| Some(Expect::At(Seq(of)))).ok_or_else(malformed)
        }
        (None, Some(tag)) if tag.trim() == "*" => Ok(Some(Expect::Absent)),
        _ => Err(malformed()),
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").field("endpoints", &self.metas.len()).finish_non_exhaustive()
    }
}

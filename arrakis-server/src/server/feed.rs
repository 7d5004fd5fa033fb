//! What changed, over HTTP: page by page, and as events that come while one listens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::kernel::{ChangesSince, ChangesStream, FeedService, SetEvent, Subscribe, Subscription};
use arrakis_core::{Context, Error, Result, Seq};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures_util::{Stream, stream};
use http::{HeaderValue, header};
use serde::Serialize;

use super::answer::{exact, json, refusal};
use super::asked::Asked;
use super::{Door, Routes};
use crate::api::{EVENT_STREAM, MSGPACK_STREAM, feed as api};
use crate::problem::Problem;

/// How long nothing is told before a sign of life is.
const HEARTBEAT: Duration = Duration::from_secs(15);

impl Routes {
    /// With the endpoints of the feed.
    #[must_use]
    pub fn feed(self, service: &Arc<dyn FeedService>) -> Self {
        let (door, sets, changes) = (self.door().clone(), Arc::clone(service), Arc::clone(service));
        let listening = door.clone();
        self.on(&api::CHANGES, service, |service, ctx, asked| {
            Box::pin(async move { service.changes(&ctx, asked).await })
        })
        .on_request(&api::SUBSCRIBE.meta, move |request| {
            let (door, service) = (door.clone(), Arc::clone(&sets));
            Box::pin(async move { subscribe(&door, service, request).await })
        })
        .on_request(&api::FOLLOW.meta, move |request| {
            let (door, service) = (listening.clone(), Arc::clone(&changes));
            Box::pin(async move { follow(&door, service, request).await })
        })
    }
}

/// One event as it is sent.
struct Frame {
    /// What one goes on from when it was the last heard.
    seq: Option<Seq>,
    name: &'static str,
    json: Vec<u8>,
    exact: Vec<u8>,
}

impl Frame {
    fn of(name: &'static str, seq: Option<Seq>, told: &impl Serialize, is_exact: bool) -> Result<Self> {
        let (json, exact) = if is_exact { (Vec::new(), exact(told)?) } else { (json(told)?, Vec::new()) };
        Ok(Self { seq, name, json, exact })
    }

    /// The end, with why.
    fn end(error: &Error, asked: &Asked) -> Self {
        let problem = Problem::of(error, Some(asked.ctx.request_id()));
        let json = serde_json::to_vec(&problem).unwrap_or_default();
        // An exact event that is a problem is one of JSON, which no exact one begins as.
        Self { seq: None, name: "problem", exact: json.clone(), json }
    }

    fn bytes(self, is_exact: bool) -> Bytes {
        if is_exact {
            let len = u32::try_from(self.exact.len()).unwrap_or(u32::MAX);
            return [&len.to_be_bytes()[..], &self.exact].concat().into();
        }
        let mut text = Vec::with_capacity(self.json.len() + 64);
        if let Some(Seq(seq)) = self.seq {
            text.extend_from_slice(format!("id: {seq}\n").as_bytes());
        }
        text.extend_from_slice(format!("event: {}\ndata: ", self.name).as_bytes());
        text.extend_from_slice(&self.json);
        text.extend_from_slice(b"\n\n");
        text.into()
    }
}

/// What events come from.
#[async_trait::async_trait]
trait Source: Send + 'static {
    /// The next one; `None` after the last.
    async fn next(&mut self) -> Option<Result<Frame>>;
}

/// Where an asker goes on, as browsers say it.
fn last_heard(asked: &Asked) -> Result<Option<Seq>> {
    let Some(id) = asked.header("last-event-id").filter(|id| !id.is_empty()) else { return Ok(None) };
    id.parse()
        .map(|id| Some(Seq(id)))
        .map_err(|_| Error::invalid("request.last_event_id", "the id of an event is a commit"))
}

async fn subscribe(door: &Door, service: Arc<dyn FeedService>, request: Request) -> Response {
    let asked = match door.admit(&api::SUBSCRIBE.meta, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let begun = async {
        let mut request: Subscribe = asked.read(&api::SUBSCRIBE.meta)?;
        if let Some(seq) = last_heard(&asked)? {
            request.from = Some(seq);
        }
        let subscription = service.subscribe(&asked.ctx, request.clone()).await?;
        let ctx = asked.ctx.clone();
        Ok(SetSource { service, ctx, request, subscription, is_exact: asked.wants(MSGPACK_STREAM) })
    };
    match begun.await {
        Ok(source) => told(asked, source),
        Err(error) => refusal(&error, asked.ctx.request_id()),
    }
}

struct SetSource {
    service: Arc<dyn FeedService>,
    ctx: Context,
    request: Subscribe,
    subscription: Subscription,
    is_exact: bool,
}

#[async_trait::async_trait]
impl Source for SetSource {
    async fn next(&mut self) -> Option<Result<Frame>> {
        loop {
            let event = match self.subscription.next().await? {
                Ok(event) => event,
                Err(error) => return Some(Err(error)),
            };
            let (name, seq) = match &event {
                // One who has heard a part of the whole goes on from nothing.
                SetEvent::Initial(page) => ("initial", (!page.more).then_some(page.seq)),
                SetEvent::Delta(delta) => ("delta", Some(delta.seq)),
                SetEvent::Lagging { resume_from } if self.is_exact => ("lagging", Some(*resume_from)),
                // Whoever is too slow for a buffer is told from the log, at its own pace.
                SetEvent::Lagging { resume_from } => {
                    self.request.from = Some(*resume_from);
                    match self.service.subscribe(&self.ctx, self.request.clone()).await {
                        Ok(again) => self.subscription = again,
                        Err(error) => return Some(Err(error)),
                    }
                    continue;
                }
            };
            return Some(Frame::of(name, seq, &event, self.is_exact));
        }
    }
}

async fn follow(door: &Door, service: Arc<dyn FeedService>, request: Request) -> Response {
    let asked = match door.admit(&api::FOLLOW.meta, request).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let begun = async {
        let request: api::FollowChanges = asked.read(&api::FOLLOW.meta)?;
        let after = last_heard(&asked)?.unwrap_or(Seq(request.after));
        let types = request.types.map(|types| types.split(',').map(str::to_owned).collect());
        let mut since = ChangesSince { after, types, ..ChangesSince::default() };
        // What is refused is refused before anything is told.
        let first = service.changes(&asked.ctx, since.clone()).await?;
        since.after = first.next;
        let first = (!first.commits.is_empty()).then_some(first);
        let ctx = asked.ctx.clone();
        Ok(ChangesSource { service, ctx, since, first, is_exact: asked.wants(MSGPACK_STREAM) })
    };
    match begun.await {
        Ok(source) => told(asked, source),
        Err(error) => refusal(&error, asked.ctx.request_id()),
    }
}

struct ChangesSource {
    service: Arc<dyn FeedService>,
    ctx: Context,
    since: ChangesSince,
    first: Option<arrakis_core::kernel::Changes>,
    is_exact: bool,
}

#[async_trait::async_trait]
impl Source for ChangesSource {
    async fn next(&mut self) -> Option<Result<Frame>> {
        let page = if let Some(first) = self.first.take() {
            first
        } else {
            // Who listens has no deadline.
            let ctx = self.ctx.clone().without_deadline();
            match ChangesStream::new(&*self.service, &ctx, self.since.clone()).next().await {
                Ok(page) => page,
                Err(error) => return Some(Err(error)),
            }
        };
        self.since.after = page.next;
        Some(Frame::of("changes", Some(page.next), &page, self.is_exact))
    }
}

/// Tells events until there are no more, or the asker is gone.
fn told(asked: Asked, source: impl Source) -> Response {
    let is_exact = asked.wants(MSGPACK_STREAM);
    let mut response = Response::new(Body::from_stream(frames(asked, source, is_exact)));
    let media_type = if is_exact { MSGPACK_STREAM } else { EVENT_STREAM };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // What comes between must not gather events.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn frames(asked: Asked, source: impl Source, is_exact: bool) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let sign = move || if is_exact { Bytes::from_static(&[0; 4]) } else { Bytes::from_static(b": \n\n") };
    // The first sign of life says that the asker is listened to.
    stream::unfold(Some((asked, source, true)), move |state| async move {
        let (asked, mut source, is_first) = state?;
        if is_first {
            return Some((Ok(sign()), Some((asked, source, false))));
        }
        match tokio::time::timeout(HEARTBEAT, source.next()).await {
            Err(_) => Some((Ok(sign()), Some((asked, source, false)))),
            Ok(None) => None,
            Ok(Some(Ok(frame))) => Some((Ok(frame.bytes(is_exact)), Some((asked, source, false)))),
            Ok(Some(Err(error))) => Some((Ok(Frame::end(&error, &asked).bytes(is_exact)), None)),
        }
    })
}

//! What changed in another process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::access::Access;
use arrakis_core::kernel::{Changes, ChangesSince, FeedService, SetEvent, SetEvents, Subscribe, Subscription};
use arrakis_core::{Context, Error, Result, Timestamp};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::Mutex;

use super::Client;
use super::call::Question;
use crate::api::{MSGPACK_STREAM, feed as api};
use crate::problem::Problem;

/// How long nothing may be heard, not even a sign of life.
const SILENCE: Duration = Duration::from_secs(45);
/// The longest event, bytes.
const EVENT_LEN_MAX: usize = 256 * 1024 * 1024;

#[async_trait]
impl FeedService for Client {
    async fn changes(&self, ctx: &Context, request: ChangesSince) -> Result<Changes> {
        let wait = Duration::from_millis(request.wait_ms.unwrap_or_default());
        let until = self.inner.env.monotonic().saturating_add(self.inner.options.timeout).saturating_add(wait);
        let ctx = if ctx.deadline().is_some() { ctx.clone() } else { ctx.clone().until(until) };
        self.call(&ctx, &api::CHANGES, &request).await
    }

    async fn subscribe(&self, ctx: &Context, request: Subscribe) -> Result<Subscription> {
        let question = Question::of(self, &api::SUBSCRIBE.meta, &request)?.accepting(MSGPACK_STREAM);
        let response = self.ask(ctx, &question, self.time(ctx, self.inner.options.timeout)).await?;
        let chunks = response.bytes_stream().map(|chunk| chunk.map(Into::into)).boxed();
        let access = ctx.access().cloned();
        Ok(Subscription::new(Events { chunks: Mutex::new(chunks), access, heard: Vec::new(), is_over: false }))
    }
}

/// Events as they are heard.
struct Events {
    chunks: Mutex<BoxStream<'static, reqwest::Result<Vec<u8>>>>,
    /// The rights of whoever listens: with them it ends.
    access: Option<Arc<Access>>,
    /// What was heard and not told yet.
    heard: Vec<u8>,
    is_over: bool,
}

impl Events {
    /// The next event that was heard whole; `None` where more has to be heard.
    fn whole(&mut self) -> Option<Result<SetEvent>> {
        loop {
            let (len, rest) = self.heard.split_first_chunk::<4>()?;
            let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
            if len > EVENT_LEN_MAX {
                return Some(Err(unreadable("an event is longer than events may be")));
            }
            let event = rest.get(..len)?;
            let told = (len > 0).then(|| read(event));
            self.heard.drain(..4 + len);
            if told.is_some() {
                return told;
            }
        }
    }
}

fn read(event: &[u8]) -> Result<SetEvent> {
    if event.first() == Some(&b'{') {
        let problem: Problem = serde_json::from_slice(event).map_err(|e| unreadable(e.to_string()))?;
        return Err(problem.into_error());
    }
    rmp_serde::from_slice(event).map_err(|e| unreadable(e.to_string()))
}

fn unreadable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable("client.answer", "the events cannot be read").caused_by(why)
}

#[async_trait]
impl SetEvents for Events {
    async fn next(&mut self) -> Option<Result<SetEvent>> {
        while !self.is_over {
            if let Some(event) = self.whole() {
                self.is_over = event.is_err() || matches!(event, Ok(SetEvent::Lagging { .. }));
                return Some(event);
            }
            let revoked = async {
                match &self.access {
                    Some(access) => access.revoked().await,
                    None => std::future::pending().await,
                }
            };
            let heard = tokio::select! {
                biased;
                () = revoked => {
                    self.is_over = true;
                    let refused = self.access.as_ref().map(|access| access.check(Timestamp::from_micros_saturating(0)));
                    return refused.and_then(Result::err).map(Err);
                }
                heard = tokio::time::timeout(SILENCE, self.chunks.get_mut().next()) => heard,
            };
            match heard {
                Ok(Some(Ok(chunk))) => self.heard.extend(chunk),
                Ok(None) if self.heard.is_empty() => self.is_over = true,
                Ok(Some(Err(_)) | None) | Err(_) => {
                    self.is_over = true;
                    return Some(Err(Error::unavailable("feed.closed", "the service tells no more")));
                }
            }
        }
        None
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("heard", &self.heard.len()).finish_non_exhaustive()
    }
}

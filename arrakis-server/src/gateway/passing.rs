//! The body of an answer on its way from a service to whoever asked.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::response::Response;
use http::header::{self, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::gzip::{self, Gzip};
use super::share::Place;
use crate::api::{EVENT_STREAM, MSGPACK_STREAM};

/// How long nothing of an answer may come; events have a sign of life more often.
const SILENCE: Duration = Duration::from_secs(60);

/// The answer as it is passed on: it holds its place for as long as it is under way, ends where nothing of it comes for long, and is in gzip where that
/// is taken and pays. Who listens to events takes no place.
pub(super) fn on(answer: http::Response<Incoming>, place: Place, takes_gzip: Option<bool>) -> Response {
    let media_type = answer.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_listening =
        media_type.is_some_and(|of| [EVENT_STREAM, MSGPACK_STREAM].iter().any(|stream| of == stream.as_bytes()));
    let (head, body) = answer.into_parts();
    let mut response = Response::from_parts(head, Body::empty());
    let gzip = takes_gzip.and_then(|is_taken| gzip::begin(&mut response, is_taken));
    let place = (!is_listening).then_some(place);
    response.map(|_| Body::new(Passing { body, silence: None, gzip, _place: place }))
}

struct Passing {
    body: Incoming,
    /// Runs while something is waited for.
    silence: Option<Pin<Box<Sleep>>>,
    gzip: Option<Gzip>,
    _place: Option<Place>,
}

impl Passing {
    fn waited(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let silence = self.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(SILENCE)));
        silence.as_mut().poll(cx).map(|()| Some(Err("the service tells no more".into())))
    }
}

impl HttpBody for Passing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Pending => this.waited(cx),
            Poll::Ready(told) => {
                this.silence = None;
                let told = match (told, &mut this.gzip) {
                    (Some(Ok(frame)), Some(gzip)) => Some(Ok(frame.map_data(|chunk| gzip.chunk(&chunk)))),
                    (None, gzip @ Some(_)) => gzip.take().map(|gzip| Ok(Frame::data(gzip.end()))),
                    (told, _) => told.map(|told| told.map_err(Into::into)),
                };
                Poll::Ready(told)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.gzip.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.gzip.is_some() { SizeHint::default() } else { self.body.size_hint() }
    }
}

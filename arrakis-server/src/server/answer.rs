//! An answer on its way out.

use arrakis_core::{Error, ErrorKind, RequestId, Result, Seq};
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::asked::Asked;
use crate::api::{ARK_SEQ, Endpoint, JSON, MSGPACK, REQUEST_ID};
use crate::problem::{PROBLEM_JSON, Problem, status_of};

/// What a service answered, in the form it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) media_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) seq: Option<Seq>,
    pub(crate) etag: Option<String>,
}

impl Answer {
    /// An answer of an endpoint: nothing but that it is the same where the asker has it already.
    pub(crate) fn of<Q, A: Serialize>(endpoint: &Endpoint<Q, A>, asked: &Asked, answer: &A) -> Result<Self> {
        let (seq, etag) = ((endpoint.seq)(answer), (endpoint.etag)(answer).map(|tag| format!("\"{tag}\"")));
        let is_known = etag.as_ref().is_some_and(|etag| {
            let known = asked.header("if-none-match").unwrap_or_default();
            known.split(',').any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == etag)
        });
        if is_known && !endpoint.meta.is_write {
            return Ok(Self { status: StatusCode::NOT_MODIFIED, media_type: JSON, body: Vec::new(), seq, etag });
        }
        let is_exact = asked.is_exact();
        Ok(Self {
            status: StatusCode::OK,
            media_type: if is_exact { MSGPACK } else { JSON },
            body: if is_exact { exact(answer)? } else { json(answer)? },
            seq,
            etag,
        })
    }

    pub(crate) fn into_response(self, request: RequestId) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.status != StatusCode::NOT_MODIFIED {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seq) = self.seq {
            headers.insert(ARK_SEQ, seq.0.into());
        }
        if let Some(etag) = self.etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            headers.insert(header::ETAG, etag);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        }
        named(response, request)
    }
}

pub(crate) fn json(answer: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(answer).map_err(|e| Error::internal("answer.json", "the answer cannot be written").caused_by(e))
}

pub(crate) fn exact(answer: &impl Serialize) -> Result<Vec<u8>> {
    rmp_serde::to_vec_named(answer)
        .map_err(|e| Error::internal("answer.msgpack", "the answer cannot be written").caused_by(e))
}

fn named(mut response: Response, request: RequestId) -> Response {
    if let Ok(id) = HeaderValue::try_from(request.to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// A refusal. What is a defect is logged here, and nowhere told.
pub(crate) fn refusal(error: &Error, request: RequestId) -> Response {
    let status = status_of(error);
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(request = %request, code = error.code(), "the request could not be answered: {}", error.chain());
    }
    let body = serde_json::to_vec(&Problem::of(error, Some(request))).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if error.kind() == ErrorKind::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::RateLimited) {
        let after = error.param("retry_after_s").and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or(1);
        headers.insert(header::RETRY_AFTER, after.max(1).into());
    }
    named(response, request)
}

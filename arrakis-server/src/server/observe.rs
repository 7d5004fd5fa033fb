//! Requests as spans of a trace.

use arrakis_core::RequestId;
use arrakis_core::telemetry::{follow, traceparent};
use http::{HeaderMap, HeaderValue};
use tracing::Span;
use tracing::field::Empty;

use crate::api::TRACEPARENT;

/// The span of a request, which goes on under its name: what is asked of others on its behalf is of the same trace.
pub(crate) fn request_span(name: &str, headers: &mut HeaderMap, id: RequestId) -> Span {
    let span = tracing::info_span!(
        "http.server", otel.name = name, otel.kind = "server", request = %id, http.response.status_code = Empty
    );
    follow(&span, headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()));
    if let Some(Ok(trace)) = traceparent(&span).map(HeaderValue::try_from) {
        headers.insert(TRACEPARENT, trace);
    }
    span
}

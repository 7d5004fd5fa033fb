//! Spans by the name other processes know them by.

use std::collections::HashMap;

use arrakis_core::telemetry::{Tracer, is_traceparent};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: &str = "traceparent";

/// The spans that are recorded.
#[derive(Debug)]
pub(super) struct Spans;

impl Tracer for Spans {
    fn follow(&self, span: &Span, traceparent: &str) {
        if is_traceparent(traceparent) {
            let said = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
            // A span that is not recorded has no parent.
            let _ = span.set_parent(TraceContextPropagator::new().extract(&said));
        }
    }

    fn traceparent(&self, span: &Span) -> Option<String> {
        let context = span.context();
        if !context.span().span_context().is_valid() {
            return None;
        }
        let mut said = HashMap::new();
        TraceContextPropagator::new().inject_context(&context, &mut said);
        said.remove(TRACEPARENT)
    }
}

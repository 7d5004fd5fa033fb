//! What a process tells of its work: spans, which may belong to the trace of another process, and numbers.
//!
//! Both go through `tracing`, so this crate needs to know of no collector. A number is an event of the target [`METRIC`] whose field begins with
//! `monotonic_counter.`, `gauge.` or `histogram.`; its other fields are the labels it is counted under. Where nobody asked for them, one costs the
//! reading of a flag.

use std::fmt;
use std::sync::OnceLock;

use tracing::Span;

/// The target of events that are numbers.
pub const METRIC: &str = "arrakis::metric";

/// Tells a number, as an event of the target [`telemetry::METRIC`](crate::telemetry::METRIC), to whoever asked for numbers.
#[macro_export]
macro_rules! metric {
    ($($field:tt)*) => { ::tracing::event!(target: "arrakis::metric", ::tracing::Level::TRACE, { $($field)* }) };
}

/// Knows spans by what they are called in other processes: the `traceparent` of W3C Trace Context.
pub trait Tracer: fmt::Debug + Send + Sync + 'static {
    /// Makes a span that has not begun yet the child of another process's.
    fn follow(&self, span: &Span, traceparent: &str);

    /// What other processes know a span by; `None` for one that is not recorded.
    fn traceparent(&self, span: &Span) -> Option<String>;
}

static TRACER: OnceLock<Box<dyn Tracer>> = OnceLock::new();

/// Sets the one tracer of this process; whether it was the first.
pub fn set_tracer(tracer: impl Tracer) -> bool {
    TRACER.set(Box::new(tracer)).is_ok()
}

/// Makes a span the child of another process's, where there is a tracer and one is named.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    if let (Some(tracer), Some(traceparent)) = (TRACER.get(), traceparent) {
        tracer.follow(span, traceparent);
    }
}

/// What other processes know a span by, where there is a tracer that records it.
pub fn traceparent(span: &Span) -> Option<String> {
    TRACER.get()?.traceparent(span)
}

/// Whether a text is a `traceparent` of version 00 (W3C Trace Context, 3.2.2).
pub fn is_traceparent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut is_hex = |len: usize| {
        let part = parts.next().filter(|part| part.len() == len);
        part.is_some_and(|part| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
    };
    let is_formed = text.starts_with("00-") && is_hex(2) && is_hex(32) && is_hex(16) && is_hex(2);
    let zeroes = |part: Option<&str>| part.is_some_and(|part| part.bytes().all(|byte| byte == b'0'));
    is_formed && parts.next().is_none() && !zeroes(text.get(3..35)) && !zeroes(text.get(36..52))
}

#[cfg(test)]
mod tests {
    use super::is_traceparent;

    #[test]
    fn a_traceparent_is_of_one_form() {
        assert!(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        for other in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-001",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\n",
        ] {
            assert!(!is_traceparent(other), "{other}");
        }
    }
}

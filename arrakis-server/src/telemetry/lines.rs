//! The log: a line of JSON for each event, with the request it belongs to.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use arrakis_core::Env;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The field of a span that names the request it is of.
const REQUEST: &str = "request";
/// The longest line that is kept to be written over, bytes.
const KEPT_LEN_MAX: usize = 16_384;

thread_local! {
    /// The line being written, and a text on its way into it.
    static LINE: RefCell<(Vec<u8>, String)> = const { RefCell::new((Vec::new(), String::new())) };
}

/// Writes events as lines.
#[derive(Debug)]
pub(super) struct Lines {
    env: Env,
}

impl Lines {
    /// On standard error.
    pub(super) fn new() -> Self {
        Self { env: Env::system() }
    }

    fn write<S: Subscriber + for<'s> LookupSpan<'s>>(
        &self,
        event: &Event<'_>,
        ctx: &Context<'_, S>,
        (line, text): (&mut Vec<u8>, &mut String),
    ) -> io::Result<()> {
        let of = event.metadata();
        write!(line, "{{\"timestamp\":\"{}\",\"level\":\"{}\"", self.env.now(), of.level())?;
        event.record(&mut Members { line, text });
        line.extend_from_slice(b",\"target\":");
        serde_json::to_writer(&mut *line, of.target())?;
        if let Some(span) = ctx.event_span(event) {
            line.extend_from_slice(b",\"span\":{\"name\":");
            serde_json::to_writer(&mut *line, span.name())?;
            for span in span.scope() {
                if let Some(Request(request)) = span.extensions().get() {
                    line.extend_from_slice(b",\"request\":");
                    serde_json::to_writer(&mut *line, request)?;
                    break;
                }
            }
            line.push(b'}');
        }
        line.extend_from_slice(b"}\n");
        io::stderr().lock().write_all(line)
    }
}

/// The request a span is of.
struct Request(String);

impl Visit for Request {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == REQUEST {
            // Writing to a string does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if attributes.metadata().fields().field(REQUEST).is_none() {
            return;
        }
        let mut request = Request(String::new());
        attributes.record(&mut request);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(request);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        LINE.with(|line| {
            // Something that tells of itself while it is told of has no line of its own.
            let Ok(mut line) = line.try_borrow_mut() else { return };
            let (line, text) = &mut *line;
            // Nobody is left to be told where standard error is gone.
            let _ = self.write(event, &ctx, (line, text));
            line.clear();
            line.shrink_to(KEPT_LEN_MAX);
        });
    }
}

/// The fields of an event as members of its line.
struct Members<'l> {
    line: &'l mut Vec<u8>,
    text: &'l mut String,
}

impl Members<'_> {
    fn member(&mut self, field: &Field, value: &impl serde::Serialize) {
        self.line.push(b',');
        let name = field.name();
        // Texts and numbers have a JSON form, and a vector takes it.
        let _ = serde_json::to_writer(&mut *self.line, name.strip_prefix("r#").unwrap_or(name));
        self.line.push(b':');
        let _ = serde_json::to_writer(&mut *self.line, value);
    }
}

impl Visit for Members<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, &value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.member(field, &value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.member(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = std::mem::take(self.text);
        text.clear();
        let _ = write!(text, "{value:?}");
        self.member(field, &text);
        *self.text = text;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    /// What would be written, of everything told meanwhile.
    struct Kept(Lines, std::sync::Arc<std::sync::Mutex<Vec<serde_json::Value>>>);

    impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Kept {
        fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
            self.0.on_new_span(attributes, id, ctx);
        }

        fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
            let (mut line, mut text) = (Vec::new(), String::new());
            self.0.write(event, &ctx, (&mut line, &mut text)).unwrap();
            assert_eq!(line.pop(), Some(b'\n'));
            self.1.lock().unwrap().push(serde_json::from_slice(&line).unwrap());
        }
    }

    #[test]
    fn a_line_tells_its_event_and_its_request() {
        let told = std::sync::Arc::default();
        let lines = tracing_subscriber::registry().with(Kept(Lines::new(), std::sync::Arc::clone(&told)));
        tracing::subscriber::with_default(lines, || {
            let request = tracing::info_span!("http.server", request = %"7d\"4", status = tracing::field::Empty);
            request.record("status", 200);
            request.in_scope(|| {
                let path = "/a\n\"ü";
                tracing::info_span!("commit", changes = 3).in_scope(|| {
                    tracing::warn!(target: "arrakis::x", path, took_ms = 7_u128, of = ?Some(1), r#type = 2.5, is = true, "told");
                });
            });
            tracing::info!(nan = f64::NAN, "alone");
        });
        let told = told.lock().unwrap();
        let [within, alone] = &told[..] else { panic!("{told:?}") };
        assert!(within["timestamp"].as_str().is_some_and(|at| at.parse::<arrakis_core::Timestamp>().is_ok()));
        let expected = serde_json::json!({
            "timestamp": within["timestamp"], "level": "WARN", "message": "told", "target": "arrakis::x",
            "path": "/a\n\"ü", "took_ms": 7, "of": "Some(1)", "type": 2.5, "is": true,
            "span": { "name": "commit", "request": "7d\"4" },
        });
        assert_eq!(*within, expected);
        assert_eq!((&alone["message"], &alone["nan"], &alone["span"]), (&"alone".into(), &().into(), &().into()));
    }
}

//! What a process tells of itself: lines of a log, traces and metrics, set up once.
//!
//! The log is lines of JSON on standard error, with the request they belong to. Metrics are read by Prometheus ([`Telemetry::metrics`]), sent to an
//! OpenTelemetry collector, or written as lines of `CloudWatch`'s embedded metric format. Traces go to a collector, such as Jaeger, and follow the
//! `traceparent` (W3C Trace Context) of requests, commits and events.

mod admin;
mod collector;
mod emf;
mod lines;
mod trace;

use std::fmt;
use std::time::Duration;

use arrakis_core::telemetry::METRIC;
use arrakis_core::{Error, Result};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, PeriodicReader, SdkMeterProvider, Stream};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use prometheus::{Registry, TextEncoder};
use tracing::Level;
use tracing_opentelemetry::{MetricsLayer, OpenTelemetryLayer};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry as Spans, reload};

pub use self::admin::Admin;

/// How many combinations of labels a metric has at most: what comes beyond them is counted together, under `otel_metric_overflow`.
pub const LABELS_MAX: usize = 2_000;
/// The upper bounds of the buckets of times, seconds.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The upper bounds of the buckets of counts.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

/// What is told, and to whom.
#[derive(Clone, Debug)]
pub struct TelemetryOptions {
    /// What the process is called, such as `arrakis-gateway`.
    pub service: String,
    /// What is logged: a level, or levels of targets such as `warn,arrakis::access=info`.
    pub log: String,
    /// The collector traces and metrics are sent to by OTLP over HTTP, such as `http://localhost:4318`.
    pub collector: Option<String>,
    /// The share of traces that are recorded among those that begin here, from 0 to 1; whoever asks within a trace decides for it.
    pub sampled: f64,
    /// Whether metrics are written as lines of `CloudWatch`'s embedded metric format too.
    pub is_emf: bool,
    /// How often metrics are sent and written.
    pub every: Duration,
}

impl TelemetryOptions {
    /// A log of level `info`, and metrics for whoever reads them.
    pub fn new(service: impl Into<String>) -> Self {
        let (log, every) = ("info".into(), Duration::from_secs(30));
        Self { service: service.into(), log, collector: None, sampled: 1.0, is_emf: false, every }
    }
}

/// The telemetry of this process. What was not sent yet is sent when it is closed.
pub struct Telemetry {
    filter: reload::Handle<EnvFilter, Spans>,
    registry: Registry,
    meters: SdkMeterProvider,
    tracers: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Tells from now on.
    ///
    /// # Errors
    /// `telemetry.log`, `telemetry.collector`, `telemetry.taken`.
    ///
    /// # Panics
    /// Outside a tokio runtime, with a collector.
    pub fn start(options: &TelemetryOptions) -> Result<Self> {
        let resource = Resource::builder().with_service_name(options.service.clone()).build();
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        watch_process(&registry)?;
        let meters = meters(options, &resource, &registry)?;
        let tracers = match &options.collector {
            Some(collector) => Some(
                SdkTracerProvider::builder()
                    .with_resource(resource)
                    .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.sampled))))
                    .with_batch_exporter(collector::spans(collector)?)
                    .build(),
            ),
            None => None,
        };
        let (filter, handle) = reload::Layer::new(filter_of(&options.log)?);
        let lines = lines::Lines::new().with_filter(filter_fn(|of| of.target() != METRIC));
        // Spans of ours alone: a driver's would be most of a trace.
        let is_ours = filter_fn(|of| of.target().starts_with("arrakis") && *of.level() <= Level::INFO);
        // Where none are sent none are made.
        let spans = tracers.as_ref().map(|tracers| {
            let spans = OpenTelemetryLayer::new(tracers.tracer("arrakis")).with_location(false).with_threads(false);
            spans.with_filter(is_ours)
        });
        let numbers = MetricsLayer::new(meters.clone()).with_filter(filter_fn(|of| of.target() == METRIC));
        let layers = Spans::default().with(lines.with_filter(filter)).with(spans).with(numbers);
        let taken = |e| Error::internal("telemetry.taken", "this process tells of itself already").caused_by(e);
        layers.try_init().map_err(taken)?;
        if tracers.is_some() {
            arrakis_core::telemetry::set_tracer(trace::Spans);
        }
        Ok(Self { filter: handle, registry, meters, tracers })
    }

    /// What is logged at present.
    pub fn filter(&self) -> String {
        self.filter.with_current(ToString::to_string).unwrap_or_default()
    }

    /// Logs something else from now on.
    ///
    /// # Errors
    /// `telemetry.log`: what was logged is logged still.
    pub fn set_filter(&self, log: &str) -> Result<()> {
        self.filter.reload(filter_of(log)?).map_err(|e| Error::internal("telemetry.log", "not set").caused_by(e))
    }

    /// Every metric, in the text format of Prometheus.
    ///
    /// # Errors
    /// `telemetry.metrics`.
    pub fn metrics(&self) -> Result<String> {
        let unread = |e| Error::internal("telemetry.metrics", "the metrics cannot be read").caused_by(e);
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(unread)
    }

    /// Sends what was not sent yet. Blocks for as long as the collector takes, 5 s at most.
    pub fn close(&self) {
        // Whoever closes has nobody to tell any more.
        let _ = self.meters.shutdown();
        if let Some(tracers) = &self.tracers {
            let _ = tracers.shutdown();
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("filter", &self.filter()).finish_non_exhaustive()
    }
}

fn filter_of(log: &str) -> Result<EnvFilter> {
    let malformed = |e| Error::invalid("telemetry.log", "this is no filter of what is logged").caused_by(e);
    EnvFilter::try_new(log).map_err(malformed)
}

/// Adds what the system counts of the process.
#[cfg(target_os = "linux")]
fn watch_process(registry: &Registry) -> Result<()> {
    let process = prometheus::process_collector::ProcessCollector::for_self();
    let taken = |e| Error::internal("telemetry.process", "the process cannot be watched").caused_by(e);
    registry.register(Box::new(process)).map_err(taken)
}

fn meters(options: &TelemetryOptions, resource: &Resource, registry: &Registry) -> Result<SdkMeterProvider> {
    let scraped =
        opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false).build();
    let scraped = scraped.map_err(|e| Error::internal("telemetry.metrics", "no metrics are kept").caused_by(e))?;
    let mut meters = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(scraped).with_view(view);
    if let Some(collector) = &options.collector {
        let sent = collector::metrics(collector)?;
        meters = meters.with_reader(PeriodicReader::builder(sent).with_interval(options.every).build());
    }
    if options.is_emf {
        let written = emf::Emf::new(options.service.clone());
        meters = meters.with_reader(PeriodicReader::builder(written).with_interval(options.every).build());
    }
    Ok(meters.build())
}

/// How each metric is kept.
fn view(of: &Instrument) -> Option<Stream> {
    let stream = Stream::builder().with_cardinality_limit(LABELS_MAX);
    let buckets =
        |bounds: &[f64]| Aggregation::ExplicitBucketHistogram { boundaries: bounds.to_vec(), record_min_max: true };
    let stream = match of.name().rsplit('_').next() {
        Some("seconds") => stream.with_aggregation(buckets(&SECONDS)),
        Some("size") => stream.with_aggregation(buckets(&SIZES)),
        _ => stream,
    };
    stream.build().ok()
}

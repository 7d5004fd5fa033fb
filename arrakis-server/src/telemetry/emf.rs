//! Metrics as lines of `CloudWatch`'s embedded metric format, which its agent and Lambda take from a log
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>). A histogram is a set of
//! statistics, as the OpenTelemetry exporter for `CloudWatch` writes it.

use std::future::{Future, ready};
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::KeyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, Metric, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use serde_json::{Map, Value as Json, json};

/// The namespace of the metrics.
const NAMESPACE: &str = "arrakis";
/// The most dimensions a metric has: those beyond are left out.
const DIMENSIONS_MAX: usize = 30;

/// Writes metrics to standard error, each with what was counted since the last time.
#[derive(Debug)]
pub(super) struct Emf {
    service: String,
}

impl Emf {
    pub(super) const fn new(service: String) -> Self {
        Self { service }
    }

    fn lines(&self, metrics: &ResourceMetrics) -> Vec<Json> {
        let mut lines = Vec::new();
        for metric in metrics.scope_metrics().flat_map(ScopeMetrics::metrics) {
            match metric.data() {
                AggregatedMetrics::F64(data) => self.points(metric, data, &mut lines),
                AggregatedMetrics::U64(data) => self.points(metric, data, &mut lines),
                AggregatedMetrics::I64(data) => self.points(metric, data, &mut lines),
            }
        }
        lines
    }

    fn points<T: Copy + Into<Number>>(&self, metric: &Metric, data: &MetricData<T>, lines: &mut Vec<Json>) {
        let number = |value: T| value.into().0;
        match data {
            MetricData::Gauge(gauge) => {
                let at = gauge.time();
                lines.extend(gauge.data_points().map(|of| self.line(metric, at, of.attributes(), number(of.value()))));
            }
            MetricData::Sum(sum) => {
                let at = sum.time();
                lines.extend(sum.data_points().map(|of| self.line(metric, at, of.attributes(), number(of.value()))));
            }
            MetricData::Histogram(all) => {
                let at = all.time();
                let points = all.data_points().filter(|of| of.count() > 0);
                lines.extend(points.map(|of| self.line(metric, at, of.attributes(), statistics(of))));
            }
            // None is asked for.
            MetricData::ExponentialHistogram(_) => {}
        }
    }

    fn line<'a>(
        &self,
        metric: &Metric,
        at: SystemTime,
        labels: impl Iterator<Item = &'a KeyValue>,
        value: Json,
    ) -> Json {
        let mut line = Map::from_iter([("service".to_owned(), Json::from(self.service.as_str()))]);
        for label in labels.take(DIMENSIONS_MAX - 1) {
            line.insert(label.key.to_string(), label.value.to_string().into());
        }
        let dimensions: Vec<_> = line.keys().cloned().collect();
        let name = metric.name();
        let unit = if name.ends_with("_seconds") { "Seconds" } else { "Count" };
        let at_ms = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        line.insert(name.to_owned(), value);
        line.insert(
            "_aws".into(),
            json!({ "Timestamp": u64::try_from(at_ms).unwrap_or(u64::MAX), "CloudWatchMetrics": [{
                "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": [{ "Name": name, "Unit": unit }],
            }] }),
        );
        Json::Object(line)
    }
}

/// A number of a metric.
struct Number(Json);

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(value.into())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value.into())
    }
}

fn statistics<T: Copy + Into<Number>>(of: &HistogramDataPoint<T>) -> Json {
    let number = |value: Option<T>| value.map_or(Json::Null, |value| value.into().0);
    json!({
        "Count": of.count(), "Sum": of.sum().into().0, "Min": number(of.min()), "Max": number(of.max()),
    })
}

impl PushMetricExporter for Emf {
    fn export(&self, metrics: &ResourceMetrics) -> impl Future<Output = OTelSdkResult> + Send {
        let mut out = std::io::stderr().lock();
        for line in self.lines(metrics) {
            // Who does not read it does without.
            let _ = writeln!(out, "{line}");
        }
        drop(out);
        ready(Ok(()))
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Delta
    }
}

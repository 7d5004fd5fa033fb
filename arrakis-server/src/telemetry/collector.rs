//! An OpenTelemetry collector, by OTLP over HTTP.

use std::time::Duration;

use arrakis_core::{Error, Result};
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::metrics::Temporality;
use tokio::runtime::Handle;

/// How long the collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer that is read, bytes.
const ANSWER_LEN_MAX: usize = 65_536;

/// Sends spans.
pub(super) fn spans(collector: &str) -> Result<SpanExporter> {
    let exporter = SpanExporter::builder().with_http().with_http_client(Sender::new()?);
    exporter.with_endpoint(address(collector, "v1/traces")?).with_timeout(TIMEOUT).build().map_err(refused)
}

/// Sends metrics.
pub(super) fn metrics(collector: &str) -> Result<MetricExporter> {
    let exporter = MetricExporter::builder().with_http().with_http_client(Sender::new()?);
    let exporter = exporter.with_endpoint(address(collector, "v1/metrics")?).with_timeout(TIMEOUT);
    exporter.with_temporality(Temporality::Cumulative).build().map_err(refused)
}

fn address(collector: &str, path: &str) -> Result<String> {
    let is_http = ["http://", "https://"].iter().any(|scheme| collector.starts_with(scheme));
    let malformed = || Error::invalid("telemetry.collector", "an address over http or https is expected");
    is_http.then(|| format!("{}/{path}", collector.trim_end_matches('/'))).ok_or_else(malformed)
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::invalid("telemetry.collector", "nothing can be sent to this collector").caused_by(error)
}

/// Sends from a thread of its own, by the runtime of the process.
#[derive(Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
}

impl Sender {
    fn new() -> Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        Ok(Self { http: http.map_err(refused)?, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let mut answer = http.execute(request).await?;
            let mut body = Vec::new();
            while let Some(part) = answer.chunk().await? {
                body.extend_from_slice(&part);
                if body.len() > ANSWER_LEN_MAX {
                    break;
                }
            }
            Ok::<_, reqwest::Error>((answer.status(), body))
        });
        let (status, body) = sent.await??;
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        Ok(response)
    }
}

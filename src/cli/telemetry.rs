//! What a process that serves tells of itself, and to whom.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrakis::server::Listener;
use arrakis::telemetry::{Admin, Telemetry, TelemetryOptions};
use clap::Args;

use super::failure::Result;

/// What is told: the log goes to standard error, a line of JSON each.
#[derive(Debug, Args)]
pub(crate) struct Telling {
    /// What is logged: a level, or levels of targets such as `warn,arrakis::access=info`
    #[arg(long, value_name = "FILTER", default_value = "info", env = "ARRAKIS_LOG")]
    log: String,
    /// The private address for those who run it: /metrics, /log, and the gateway's /config
    #[arg(long, value_name = "ADDRESS", env = "ARRAKIS_ADMIN")]
    admin: Option<SocketAddr>,
    /// The OpenTelemetry collector that traces and metrics are sent to, by OTLP over HTTP
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    collector: Option<String>,
    /// The share of traces that are recorded among those that begin here, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, env = "OTEL_TRACES_SAMPLER_ARG")]
    sampled: f64,
    /// Write metrics to the log as well, in `CloudWatch`'s embedded metric format
    #[arg(long, env = "ARRAKIS_EMF")]
    emf: bool,
    /// How often metrics are sent and written, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    metrics_every: u64,
}

impl Telling {
    /// Tells from now on, as a process of this name.
    ///
    /// # Errors
    /// `telemetry.*`.
    pub(crate) fn start(&self, service: &str) -> Result<Told> {
        let mut options = TelemetryOptions::new(service);
        options.log.clone_from(&self.log);
        options.collector.clone_from(&self.collector);
        (options.sampled, options.is_emf) = (self.sampled, self.emf);
        options.every = Duration::from_secs(self.metrics_every);
        Ok(Told { telemetry: Arc::new(Telemetry::start(&options)?), address: self.admin, listener: None })
    }
}

/// What tells of this process for as long as it runs.
#[derive(Debug)]
pub(crate) struct Told {
    telemetry: Arc<Telemetry>,
    address: Option<SocketAddr>,
    listener: Option<Listener>,
}

impl Told {
    /// Answers those who run it, where they asked for an address; `more` adds what they may do.
    ///
    /// # Errors
    /// `listen.address`.
    pub(crate) async fn listen(&mut self, more: impl FnOnce(Admin) -> Admin) -> Result<()> {
        if let Some(address) = self.address {
            let listener = more(Admin::new(Arc::clone(&self.telemetry))).start(address).await?;
            tracing::info!(address = %listener.address(), "those who run this are answered");
            self.listener = Some(listener);
        }
        Ok(())
    }

    /// Sends what was not sent yet.
    pub(crate) async fn close(self) {
        if let Some(listener) = self.listener {
            listener.close().await;
        }
        let telemetry = self.telemetry;
        // What is left is sent from a thread that may wait for the collector.
        let _ = tokio::task::spawn_blocking(move || telemetry.close()).await;
    }
}

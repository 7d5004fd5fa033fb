//! What a process that serves tells of itself: a line of JSON each, on standard error.

use arrakis::Error;
use clap::Args;
use tracing_subscriber::EnvFilter;

use super::failure::Result;

/// What is told.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// What is logged: a level, or levels of targets such as `warn,arrakis::access=info`
    #[arg(long = "log", value_name = "FILTER", default_value = "info")]
    filter: String,
}

impl Log {
    /// Logs from now on.
    ///
    /// # Errors
    /// `log.filter` for one that is none.
    pub(crate) fn start(&self) -> Result<()> {
        let malformed = |e| Error::invalid("log.filter", "this is no filter of what is logged").caused_by(e);
        let filter = EnvFilter::try_new(&self.filter).map_err(|e| malformed(e.to_string()))?;
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter);
        let taken =
            |e: Box<dyn std::error::Error + Send + Sync>| Error::internal("log.taken", "it logs already").caused_by(e);
        Ok(lines.with_writer(std::io::stderr).try_init().map_err(taken)?)
    }
}

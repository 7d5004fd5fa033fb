//! Runs the API gateway.

use std::io::Write as _;
use std::path::PathBuf;

use arrakis::gateway::GatewayConfig;
use arrakis::{root_secret, start_gateway};
use clap::Args;

use super::failure::{Result, Verdict};
use super::input::unreadable;
use super::log::Log;
use super::serve::{client, ended};

/// What stands in front of which services.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The configuration, in TOML
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The address of the process that has the users
    #[arg(long, value_name = "URL")]
    users: String,
    /// The file with the root secret of the deployment
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Judge the configuration, and run nothing
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    log: Log,
}

impl Command {
    /// Runs until it is told to end.
    ///
    /// # Errors
    /// `gateway.config.*`, `listen.address`, `input.unreadable`.
    pub(crate) async fn run(self) -> Result<Verdict> {
        let text = std::fs::read_to_string(&self.config).map_err(|e| unreadable(&self.config, e))?;
        let config = GatewayConfig::from_toml(&text)?;
        if self.check {
            return Ok(Verdict::Done);
        }
        self.log.start()?;
        // None is made: it would be another deployment's.
        std::fs::metadata(&self.secret).map_err(|e| unreadable(&self.secret, e))?;
        let (root, _) = root_secret(&self.secret)?;
        let gateway = start_gateway(client(&self.users, &root)?, config).await?;
        // Who is not listened to is served all the same.
        let mut out = std::io::stdout();
        let _ = writeln!(out, "http://{}", gateway.address()).and_then(|()| out.flush());
        ended().await?;
        gateway.close().await;
        Ok(Verdict::Done)
    }
}

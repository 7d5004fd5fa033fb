//! Runs the API gateway.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrakis::gateway::{Control, GatewayConfig};
use arrakis::{root_secret, start_gateway};
use clap::Args;

use super::failure::{Result, Verdict};
use super::input::unreadable;
use super::serve::{Signal, Signals, client};
use super::telemetry::Telling;
use super::tls::Trust;

/// What stands in front of which services.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The configuration, in TOML; variables such as `ARRAKIS_GATEWAY__LIMITS__TIMEOUT_MS` take precedence
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The address of the process that has the users
    #[arg(long, value_name = "URL", env = "ARRAKIS_USERS")]
    users: String,
    /// The file with the root secret of the deployment
    #[arg(long, value_name = "FILE", env = "ARRAKIS_SECRET")]
    secret: PathBuf,
    /// Judge the configuration, and run nothing
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    telemetry: Telling,
}

impl Command {
    /// Runs until it is told to end. At SIGHUP the configuration is read again.
    ///
    /// # Errors
    /// `gateway.config.*`, `listen.address`, `input.unreadable`.
    pub(crate) async fn run(self) -> Result<Verdict> {
        let config = read(&self.config)?;
        if self.check {
            return Ok(Verdict::Done);
        }
        let mut told = self.telemetry.start("arrakis-gateway")?;
        // None is made: it would be another deployment's.
        std::fs::metadata(&self.secret).map_err(|e| unreadable(&self.secret, e))?;
        let (root, _) = root_secret(&self.secret)?;
        let mut signals = Signals::listen()?;
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let gateway = start_gateway(client(&self.users, &root, &self.trust)?, config).await?;
        let (control, before, file) = (gateway.control(), gateway.control(), self.config.clone());
        let put = move |text: &str| match text {
            "" => reload(&control, &file),
            text => control.apply(parse(text)?),
        };
        told.listen(|admin| admin.put("/config", put, move || before.roll_back())).await?;
        // Who is not listened to is served all the same.
        let mut out = std::io::stdout();
        let _ = writeln!(out, "{scheme}://{}", gateway.address()).and_then(|()| out.flush());
        while signals.next().await == Signal::Reload {
            match reload(&gateway.control(), &self.config) {
                Ok(()) => tracing::info!("the configuration was read again"),
                Err(error) => tracing::error!(code = error.code(), "the configuration stays: {}", error.chain()),
            }
        }
        gateway.close().await;
        told.close().await;
        Ok(Verdict::Done)
    }
}

/// Works by the file as it is now.
fn reload(control: &Control, file: &Path) -> arrakis::Result<()> {
    control.apply(read(file)?)
}

fn read(file: &Path) -> arrakis::Result<GatewayConfig> {
    parse(&std::fs::read_to_string(file).map_err(|e| unreadable(file, e))?)
}

#[expect(clippy::disallowed_methods, reason = "a program reads its environment")]
fn parse(text: &str) -> arrakis::Result<GatewayConfig> {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    GatewayConfig::from_toml_with(text, variables)
}

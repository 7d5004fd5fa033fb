//! Serves a database over HTTP.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrakis::client::{Client, ClientOptions};
use arrakis::credential::Secret;
use arrakis::{Arrakis, BusSink, Env, Error, NatsBus, NatsOptions, Relay, RelayOptions, Serve, Service};
use clap::Args;

use super::Global;
use super::directory::Directory;
use super::failure::{Failure, Result, Verdict};
use super::telemetry::Telling;
use super::tls::{Shown, Trust};

/// How often what is counted is told.
const OBSERVED_EVERY: Duration = Duration::from_secs(5);

/// What is served, and where.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    directory: Directory,
    /// The address that is listened to; port 0 for any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7117")]
    listen: SocketAddr,
    /// The services: all, or some of ontology, kernel and user
    #[arg(long, value_name = "SERVICES", value_delimiter = ',', default_value = "all")]
    services: Vec<String>,
    /// The address of the process that has the users, where that is another: it has the same root secret
    #[arg(long, value_name = "URL")]
    users: Option<String>,
    /// The address of the process that has the ontology, where that is another with a database of its own
    #[arg(long, value_name = "URL", env = "ARRAKIS_ONTOLOGY")]
    ontology: Option<String>,
    /// The address of the process that has the objects, where that is another with a database of its own
    #[arg(long, value_name = "URL", env = "ARRAKIS_KERNEL")]
    kernel: Option<String>,
    /// Believe where requests come from as the gateway in front says it: nobody else must reach this
    #[arg(long)]
    behind_gateway: bool,
    /// The Redis that objects and ontologies are cached in, for all processes of the database
    #[arg(long, value_name = "URL", env = "ARRAKIS_REDIS", hide_env_values = true)]
    redis: Option<String>,
    /// The NATS server whose JetStream is told of every commit
    #[arg(long, value_name = "URL", env = "ARRAKIS_NATS", hide_env_values = true)]
    nats: Option<String>,
    /// What the deployment is called in the events it tells
    #[arg(long, value_name = "NAME", default_value = "arrakis", env = "ARRAKIS_DEPLOYMENT")]
    deployment: String,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    telemetry: Telling,
}

impl Command {
    /// Serves until it is told to end.
    ///
    /// # Errors
    /// `listen.address`, `secret.*`, and what the store answers.
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let services = services(&self.services)?;
        let mut signals = Signals::listen()?;
        let name = services.iter().map(|service| service.name()).collect::<Vec<_>>().join("-");
        let mut told = self.telemetry.start(&format!("arrakis-{name}"))?;
        let (arrakis, root, ctx) = self.directory.open_or_create(self.redis.as_deref(), global).await?;
        let other = |address: &Option<String>| {
            address.as_deref().map(|address| client(address, &root, &self.trust)).transpose()
        };
        let (users, ontology, kernel) = (other(&self.users)?, other(&self.ontology)?, other(&self.kernel)?);
        if users.is_none()
            && services.contains(&Service::User)
            && let Some(first) = arrakis.user_engine()?.bootstrap(&ctx).await?
        {
            let (name, password) = (&first.name, first.password.expose());
            eprintln!("the first administrator is {name}, whose password is told this once: {password}");
        }
        let mut serve = Serve { services, users, ontology, kernel, ..Serve::on(self.listen).root(root) };
        serve.door.is_behind_gateway = self.behind_gateway;
        serve.listen.tls = self.shown.read()?;
        let mut observed = arrakis.observed(OBSERVED_EVERY);
        let relay = match &self.nats {
            Some(url) => Some(relay(&arrakis, url, &self.deployment, &name).await?),
            None => None,
        };
        told.listen(|admin| admin).await?;
        let is_encrypted = serve.listen.tls.is_some();
        let listener = arrakis.serve(serve).await?;
        // Who is not listened to is served all the same.
        let mut out = std::io::stdout();
        let scheme = if is_encrypted { "https" } else { "http" };
        let _ = writeln!(out, "{scheme}://{}", listener.address()).and_then(|()| out.flush());
        // There is nothing to read again.
        while signals.next().await == Signal::Reload {}
        listener.close().await;
        if let Some(relay) = relay {
            relay.stop().await;
        }
        observed.shutdown().await;
        arrakis.close().await;
        told.close().await;
        Ok(Verdict::Done)
    }
}

/// Tells `JetStream` of every commit, from where that was left.
async fn relay(arrakis: &Arrakis, url: &str, deployment: &str, name: &str) -> Result<Relay> {
    let env = Env::system();
    let bus = NatsBus::connect(env.clone(), NatsOptions::new(url)).await?;
    let sink = BusSink::new(Arc::new(bus), deployment, name);
    Ok(arrakis.relay(Arc::new(sink), RelayOptions::new("events", &env))?)
}

/// Asks another process of the deployment.
pub(crate) fn client(address: &str, root: &Secret, trust: &Trust) -> Result<Client> {
    let options = ClientOptions { tls: trust.files(), ..ClientOptions::default() };
    Ok(Client::peer(address, root, options)?)
}

/// Prints the description of what is served.
///
/// # Errors
/// What writing to standard output answers.
pub(crate) fn describe() -> Result<Verdict> {
    let document = arrakis::api::openapi::document();
    super::format::print_text(&format!("{document:#}"))?;
    Ok(Verdict::Done)
}

fn services(names: &[String]) -> Result<Vec<Service>> {
    if names == ["all"] {
        return Ok(Service::ALL.to_vec());
    }
    let known = |name: &String| Service::ALL.into_iter().find(|service| service.name() == name);
    let unknown = |name: &String| Failure::Usage(format!("there is no service called {name}"));
    names.iter().map(|name| known(name).ok_or_else(|| unknown(name))).collect()
}

/// What a process is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To end.
    End,
    /// To read its configuration again.
    Reload,
}

/// Hears what the process is told.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    heard: [tokio::signal::unix::Signal; 3],
}

#[cfg(unix)]
impl Signals {
    /// Hears it from now on.
    ///
    /// # Errors
    /// `signal.unavailable`.
    pub(crate) fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let heard = |kind| signal(kind).map_err(unheard);
        let heard = [heard(SignalKind::terminate())?, heard(SignalKind::interrupt())?, heard(SignalKind::hangup())?];
        Ok(Self { heard })
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) -> Signal {
        let [terminate, interrupt, hangup] = &mut self.heard;
        tokio::select! {
            _ = terminate.recv() => Signal::End,
            _ = interrupt.recv() => Signal::End,
            _ = hangup.recv() => Signal::Reload,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Hears it from now on.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next.
    pub(crate) async fn next(&mut self) -> Signal {
        // One that cannot be waited for is one to end by.
        let _ = tokio::signal::ctrl_c().await;
        Signal::End
    }
}

#[cfg(unix)]
fn unheard(error: std::io::Error) -> Error {
    Error::unavailable("signal.unavailable", "no signal can be waited for").caused_by(error)
}

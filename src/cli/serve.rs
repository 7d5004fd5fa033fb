//! Serves a database over HTTP.

use std::io::Write as _;
use std::net::SocketAddr;

use arrakis::client::{Client, ClientOptions, Credentials};
use arrakis::credential::Secret;
use arrakis::peer::PeerKey;
use arrakis::{Env, Error, Serve, Service};
use clap::Args;

use super::Global;
use super::directory::Directory;
use super::failure::{Failure, Result, Verdict};
use super::log::Log;

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
    /// Believe where requests come from as the gateway in front says it: nobody else must reach this
    #[arg(long)]
    behind_gateway: bool,
    #[command(flatten)]
    log: Log,
}

impl Command {
    /// Serves until it is told to end.
    ///
    /// # Errors
    /// `listen.address`, `secret.*`, and what the store answers.
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        self.log.start()?;
        let services = services(&self.services)?;
        let (arrakis, root, ctx) = self.directory.open_or_create(global).await?;
        let users = self.users.as_deref().map(|address| client(address, &root)).transpose()?;
        if users.is_none()
            && services.contains(&Service::User)
            && let Some(first) = arrakis.user_engine()?.bootstrap(&ctx).await?
        {
            let (name, password) = (&first.name, first.password.expose());
            eprintln!("the first administrator is {name}, whose password is told this once: {password}");
        }
        let mut serve = Serve { services, users, ..Serve::on(self.listen).root(root) };
        serve.door.is_behind_gateway = self.behind_gateway;
        let listener = arrakis.serve(serve).await?;
        // Who is not listened to is served all the same.
        let mut out = std::io::stdout();
        let _ = writeln!(out, "http://{}", listener.address()).and_then(|()| out.flush());
        ended().await?;
        listener.close().await;
        arrakis.close().await;
        Ok(Verdict::Done)
    }
}

/// Asks another process of the deployment.
pub(crate) fn client(address: &str, root: &Secret) -> Result<Client> {
    let credentials = Credentials::Peer(PeerKey::of(root)?);
    Ok(Client::new(address, credentials, Env::system(), ClientOptions::default())?.watching())
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

/// Waits until the process is told to end.
pub(crate) async fn ended() -> Result<()> {
    let unheard =
        |e: std::io::Error| Error::unavailable("signal.unavailable", "no signal can be waited for").caused_by(e);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(|e| unheard(e).into())
}

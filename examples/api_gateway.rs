//! The API gateway, in front of the services its configuration names:
//! `cargo run --release --example api_gateway --features gateway -- CONFIG SECRET USERS`
//!
//! CONFIG is a file as docs/gateway.md describes it, SECRET the file with the root secret of the deployment, USERS the address of the users.

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use std::path::Path;

use arrakis::client::{Client, ClientOptions};
use arrakis::gateway::GatewayConfig;
use arrakis::{Error, Result, root_secret, start_gateway};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [config, secret, users] = arguments.as_slice() else {
        return Err(Error::invalid("arguments", "CONFIG SECRET USERS are expected"));
    };
    let unread = |e: std::io::Error| Error::invalid("config", "the configuration cannot be read").caused_by(e);
    let config = GatewayConfig::from_toml(&std::fs::read_to_string(config).map_err(unread)?)?;
    let (root, _) = root_secret(Path::new(secret))?;
    let users = Client::peer(users, &root, ClientOptions::default())?;
    let gateway = start_gateway(users, config).await?;
    println!("http://{}", gateway.address());
    let unheard = |e: std::io::Error| Error::unavailable("signal", "no signal can be waited for").caused_by(e);
    tokio::signal::ctrl_c().await.map_err(unheard)?;
    gateway.close().await;
    Ok(())
}

//! The objects, as a process of its own over a PostgreSQL database of its own:
//! `cargo run --release --example kernel_service --features nats,postgres,redis,server -- DATABASE ADDRESS SECRET USERS ONTOLOGY REDIS NATS`
//!
//! SECRET is the file with the root secret of the deployment; USERS and ONTOLOGY are the addresses of those services.

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use std::path::Path;
use std::sync::Arc;

use arrakis::client::{Client, ClientOptions};
use arrakis::{Arrakis, BusSink, Env, Error, NatsBus, NatsOptions, RelayOptions, Result, Serve, Service, root_secret};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [database, address, secret, users, ontology, redis, nats] = arguments.as_slice() else {
        return Err(Error::invalid("arguments", "DATABASE ADDRESS SECRET USERS ONTOLOGY REDIS NATS are expected"));
    };
    let address = address.parse().map_err(|_| Error::invalid("address", "an address is as 127.0.0.1:7103"))?;
    let (root, _) = root_secret(Path::new(secret))?;
    let other = |address: &str| Client::peer(address, &root, ClientOptions::default());
    let arrakis = Arrakis::builder().redis(redis).open_postgres(database).await?;
    let env = Env::system();
    let bus = Arc::new(NatsBus::connect(env.clone(), NatsOptions::new(nats)).await?);
    let relay = arrakis.relay(Arc::new(BusSink::new(bus, "arrakis", "kernel")), RelayOptions::new("events", &env))?;
    let serve = Serve::on(address).users(other(users)?).ontology(other(ontology)?).root(root.clone());
    let mut serve = Serve { services: vec![Service::Kernel], ..serve };
    serve.door.is_behind_gateway = true;
    let listener = arrakis.serve(serve).await?;
    println!("http://{}", listener.address());
    let unheard = |e: std::io::Error| Error::unavailable("signal", "no signal can be waited for").caused_by(e);
    tokio::signal::ctrl_c().await.map_err(unheard)?;
    listener.close().await;
    relay.stop().await;
    arrakis.close().await;
    Ok(())
}

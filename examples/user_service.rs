//! The users, as a process of their own over a PostgreSQL database of their own:
//! `cargo run --release --example user_service --features postgres,server -- DATABASE ADDRESS SECRET`
//!
//! SECRET is the file with the root secret of the deployment, which is made where there is none.

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use std::path::Path;

use arrakis::user::UserOptions;
use arrakis::{Arrakis, Error, Result, Serve, Service, root_secret};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [database, address, secret] = arguments.as_slice() else {
        return Err(Error::invalid("arguments", "DATABASE ADDRESS SECRET are expected"));
    };
    let address = address.parse().map_err(|_| Error::invalid("address", "an address is as 127.0.0.1:7101"))?;
    let (root, _) = root_secret(Path::new(secret))?;
    let arrakis = Arrakis::builder().users(UserOptions::new(root.clone())).open_postgres(database).await?;
    if let Some(first) = arrakis.user_engine()?.bootstrap(&arrakis.context()).await? {
        println!("administrator {}, password {} (told this once)", first.name, first.password.expose());
    }
    let mut serve = Serve { services: vec![Service::User], ..Serve::on(address).root(root) };
    serve.door.is_behind_gateway = true;
    let listener = arrakis.serve(serve).await?;
    println!("http://{}", listener.address());
    let unheard = |e: std::io::Error| Error::unavailable("signal", "no signal can be waited for").caused_by(e);
    tokio::signal::ctrl_c().await.map_err(unheard)?;
    listener.close().await;
    arrakis.close().await;
    Ok(())
}

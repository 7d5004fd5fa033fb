//! Everything on one port, from an embedded file: `cargo run --release --example all_in_one --features server [FILE [ADDRESS]]`
//!
//! Prints the address, and an access token of the first administrator where the file is new.

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use std::path::{Path, PathBuf};

use arrakis::user::{AuthService, Login, UserOptions};
use arrakis::{Arrakis, Error, Result, Serve, root_secret};

const ONTOLOGY: &str = "
object_types:
  - name: City
    primary_key: name
    properties:
      - {name: name, type: string}
      - {name: people, type: integer}
";

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "arrakis.db".into());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7117".into());
    let address = address.parse().map_err(|_| Error::invalid("address", "an address is as 127.0.0.1:7117"))?;

    let (root, _) = root_secret(&secret_beside(Path::new(&file)))?;
    let arrakis = Arrakis::builder().users(UserOptions::new(root.clone())).open(&file).await?;
    let (ctx, users) = (arrakis.context(), arrakis.user_engine()?);
    let first = users.bootstrap(&ctx).await?;
    if first.is_some() {
        arrakis.publish(&ctx, ONTOLOGY).await?;
    }
    let listener = arrakis.serve(Serve::on(address).root(root)).await?;
    println!("http://{}", listener.address());
    if let Some(first) = first {
        println!("administrator {}, password {} (told this once)", first.name, first.password.expose());
        let (name, password, client) = (first.name, first.password, "all_in_one".into());
        let login = Login { name, password, second: None, client, device: None, network: None };
        println!("token {}", users.login(&ctx, login).await?.access.expose());
    }
    let unheard = |e: std::io::Error| Error::unavailable("signal", "no signal can be waited for").caused_by(e);
    tokio::signal::ctrl_c().await.map_err(unheard)?;
    listener.close().await;
    arrakis.close().await;
    Ok(())
}

fn secret_beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".secret");
    name.into()
}

//! Airports and flights in one file: `cargo run --release --example quickstart`, with `-- --store memory` or `-- --store PATH` to keep
//! them elsewhere than in `airline.db`, with `--features postgres` also `-- --store postgres://…`. A second run changes nothing.

#![expect(clippy::print_stdout, reason = "what an example prints is what it is for")]

mod access;
mod action;
mod load;
mod question;
mod table;

use std::path::Path;
use std::process::ExitCode;

use arrakis::{Arrakis, Env, Error, Result};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error[{}]: {}", error.code(), error.chain());
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let env = Env::system();
    let store = store()?;
    let arrakis = match store.as_str() {
        "memory" => Arrakis::in_memory().await?,
        #[cfg(feature = "postgres")]
        url if url.starts_with("postgres://") => Arrakis::open_postgres(url).await?,
        path => Arrakis::open(path).await?,
    };
    let ctx = arrakis.context();
    println!("store: {}", store.rsplit('@').next().unwrap_or_default());
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/airline");
    let ontology = load::text(&data.join("ontology.yaml"))?;
    arrakis.publish(&ctx, &ontology).await?;
    load::all(&arrakis, &ctx, &data, &env).await?;
    question::busiest(&arrakis, &ctx, &env).await?;
    question::within_two_hops(&arrakis, &ctx, &env).await?;
    question::two_pages(&arrakis, &ctx, &env).await?;
    question::before_an_update(&arrakis, &ctx, &env).await?;
    action::renamed_and_back(&arrakis, &ctx, &env).await?;
    access::two_actors(&arrakis, &ctx, &data, &env).await?;
    arrakis.close().await;
    Ok(())
}

fn store() -> Result<String> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => Ok("airline.db".to_owned()),
        (Some("--store"), Some(store), None) => Ok(store),
        _ => Err(Error::invalid("quickstart.usage", "usage: quickstart [--store memory|PATH|URL]")),
    }
}

//! Repository automation, called as `cargo xtask test | ci | services | tidy`.
#![expect(clippy::print_stdout, reason = "a command line speaks on its standard output")]

mod ci;
mod deny;
mod lean;
mod quickstart;
mod schemathesis;
mod servers;
mod tally;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::{Outcome, Workspace};
use xtask::services::Kind;

const USAGE: &str = "\
Usage: cargo xtask <command>

  test [--require KINDS] [-- ARGS…]
                      unit and integration tests, then doctests, with the servers they need; ARGS go to `cargo test`.
                      KINDS, such as postgres,redis,nats, are those without which the run fails
  services up [--pgvector]
                      starts PostgreSQL, Redis and NATS for many runs, and prints the variables that tell of them;
                      with --pgvector also a PostgreSQL with that extension, which it installs from PyPI
  services down       stops them and removes their data
  services status     says which are there
  services install    installs the Debian packages of those that are missing
  ci [--keep-going]   everything CI checks, in order; stops at the first failure unless told to keep going
  schemathesis        asks the example all_in_one what its description says can be asked, and much that it does not
  tidy                the house rules no compiler checks";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Outcome {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let workspace = Workspace::of_this_source();
    match words.as_slice() {
        ["test"] => test::run(&workspace, &[], &[]),
        ["test", "--", rest @ ..] => test::run(&workspace, &[], rest),
        ["test", "--require", kinds] => test::run(&workspace, &servers::parse(kinds)?, &[]),
        ["test", "--require", kinds, "--", rest @ ..] => test::run(&workspace, &servers::parse(kinds)?, rest),
        ["services", "up"] => servers::up(&workspace, &Kind::ALL),
        ["services", "up", "--pgvector"] => servers::up(&workspace, &servers::EVERY),
        ["services", "down"] => servers::down(&workspace),
        ["services", "status"] => servers::status(&workspace),
        ["services", "install"] => servers::install(),
        ["ci"] => ci::run(&workspace, ci::OnFailure::Stop),
        ["ci", "--keep-going"] => ci::run(&workspace, ci::OnFailure::KeepGoing),
        ["schemathesis"] => schemathesis::run(&workspace),
        ["tidy"] => tidy::run(&workspace),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(format!("cannot read `{}`\n\n{USAGE}", args.join(" ")).into()),
    }
}

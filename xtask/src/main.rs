//! Repository automation, called as `cargo xtask test | ci | tidy`.
#![expect(clippy::print_stdout, reason = "a command line speaks on its standard output")]

mod ci;
mod deny;
mod lean;
mod quickstart;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use workspace::{Outcome, Workspace};

const USAGE: &str = "\
Usage: cargo xtask <command>

  test [-- ARGS…]     unit and integration tests, then doctests; ARGS go to `cargo test`
  ci [--keep-going]   everything CI checks, in order; stops at the first failure unless told to keep going
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
        ["test"] => test::run(&workspace, &[]),
        ["test", "--", rest @ ..] => test::run(&workspace, rest),
        ["ci"] => ci::run(&workspace, ci::OnFailure::Stop),
        ["ci", "--keep-going"] => ci::run(&workspace, ci::OnFailure::KeepGoing),
        ["tidy"] => tidy::run(&workspace),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(format!("cannot read `{}`\n\n{USAGE}", args.join(" ")).into()),
    }
}

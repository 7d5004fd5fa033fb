//! `arrakis action`: one file a command.

mod call;
mod run;
mod undo;
mod validate;

use clap::Subcommand;

use super::Global;
use super::failure::{Result, Verdict};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(validate::Command),
    Run(run::Command),
    Undo(undo::Command),
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        match self {
            Self::Validate(command) => command.run(global).await,
            Self::Run(command) => command.run(global).await,
            Self::Undo(command) => command.run(global).await,
        }
    }
}

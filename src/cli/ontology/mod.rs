//! `arrakis ontology`: one file a command.

mod apply;
mod check;
mod export;
mod plan;
mod schema;
mod show;
mod validate;
mod versions;

use std::path::Path;

use arrakis::NewOntology;
use clap::Subcommand;

use super::failure::{Result, Verdict};
use super::{Global, input};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(validate::Command),
    Plan(plan::Command),
    Apply(apply::Command),
    Show(show::Command),
    Export(export::Command),
    Check(check::Command),
    Versions(versions::Command),
    Schema(schema::Command),
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        match self {
            Self::Validate(command) => command.run(global),
            Self::Plan(command) => command.run(global).await,
            Self::Apply(command) => command.run(global).await,
            Self::Show(command) => command.run(global).await,
            Self::Export(command) => command.run(global).await,
            Self::Check(command) => command.run(global).await,
            Self::Versions(command) => command.run(global).await,
            Self::Schema(command) => command.run(),
        }
    }
}

/// Reads an ontology file.
fn read(file: &Path) -> arrakis::Result<NewOntology> {
    parse(&input::text(file)?, file)
}

fn parse(text: &str, file: &Path) -> arrakis::Result<NewOntology> {
    NewOntology::from_text(text).map_err(|e| e.with("file", file.display()))
}

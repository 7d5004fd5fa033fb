//! `arrakis objects`: one file a command.

mod aggregate;
mod get;
mod history;
mod links;
mod load;
mod query;
mod selection;
mod watch;
mod write;

use clap::Subcommand;

use super::Global;
use super::failure::{Result, Verdict};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Load(load::Command),
    Get(get::Command),
    Query(query::Command),
    Aggregate(aggregate::Command),
    History(history::Command),
    Links(links::Command),
    Write(write::Command),
    Watch(watch::Command),
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        match self {
            Self::Load(command) => command.run(global).await,
            Self::Get(command) => command.run(global).await,
            Self::Query(command) => command.run(global).await,
            Self::Aggregate(command) => command.run(global).await,
            Self::History(command) => command.run(global).await,
            Self::Links(command) => command.run(global).await,
            Self::Write(command) => command.run(global).await,
            Self::Watch(command) => command.run(global).await,
        }
    }
}

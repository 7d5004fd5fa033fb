//! The `arrakis` command line: standard output is data, standard error is everything else, and the exit code says which.

mod action;
mod argument;
mod configuration;
mod database;
mod directory;
mod failure;
mod format;
mod gateway;
mod groups;
mod input;
mod keys;
mod measure;
mod moving;
mod objects;
mod ontology;
mod policy;
mod roles;
mod rows;
mod serve;
mod telemetry;
mod text;
mod tls;
mod users;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use self::failure::{Failure, Result, Verdict};
use self::format::Format;

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 refused or failed (standard error says why), 2 the command line is wrong.";

/// Ontologies and their objects in an Arrakis database file.
#[derive(Debug, Parser)]
#[command(name = "arrakis", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    group: Group,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Who acts, as the history will tell
    #[arg(long, global = true, value_name = "NAME", default_value = "cli", value_parser = argument::actor)]
    actor: arrakis::Actor,
    /// Whose data: the name or id of a tenant [default: the tenant a database starts with]
    #[arg(long, global = true, value_name = "TENANT", value_parser = argument::tenant)]
    tenant: Option<arrakis::TenantId>,
    /// How the answer is written
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Group {
    /// Judge, plan, publish and read ontologies
    #[command(subcommand)]
    Ontology(ontology::Command),
    /// Load, write, read and watch objects and links
    #[command(subcommand)]
    Objects(Box<objects::Command>),
    /// Validate, run and undo actions
    #[command(subcommand)]
    Action(action::Command),
    /// Create, list, suspend, invite and delete users
    #[command(subcommand)]
    Users(users::Command),
    /// Create and fill groups
    #[command(subcommand)]
    Groups(groups::Command),
    /// Assign the roles of the policy, and take them away
    #[command(subcommand)]
    Roles(roles::Command),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Put a policy in force, and ask what it comes to
    #[command(subcommand)]
    Policy(policy::Command),
    /// Serve the ontology, the objects and the users of a database over HTTP
    Serve(Box<serve::Command>),
    /// Run the API gateway in front of services
    Gateway(gateway::Command),
    /// Print the description of the HTTP interface, as OpenAPI 3.1
    Openapi,
    /// Print what processes are configured by, in Markdown
    Configuration,
    /// Move a whole database, with its history, to where there is none, and compare both
    Move(moving::Command),
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // What cannot be told cannot be told.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    failure::exit(run(cli))
}

fn run(cli: Cli) -> Result<Verdict> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| {
        Failure::from(arrakis::Error::unavailable("runtime.unavailable", "no threads can be started").caused_by(e))
    })?;
    runtime.block_on(async {
        match cli.group {
            Group::Ontology(command) => command.run(&cli.global).await,
            Group::Objects(command) => command.run(&cli.global).await,
            Group::Action(command) => command.run(&cli.global).await,
            Group::Users(command) => command.run(&cli.global).await,
            Group::Groups(command) => command.run(&cli.global).await,
            Group::Roles(command) => command.run(&cli.global).await,
            Group::Keys(command) => command.run(&cli.global).await,
            Group::Policy(command) => command.run(&cli.global).await,
            Group::Serve(command) => command.run(&cli.global).await,
            Group::Gateway(command) => command.run().await,
            Group::Openapi => serve::describe(),
            Group::Configuration => configuration::print(),
            Group::Move(command) => command.run(&cli.global).await,
        }
    })
}

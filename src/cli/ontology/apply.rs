//! `arrakis ontology apply`: publishes a plan, or a file by way of one.

use std::path::PathBuf;

use arrakis::{ApplyPlan, CommitId, Plan};
use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::print;
use crate::cli::{Global, argument, input};

/// Publish exactly a plan, or an ontology file by way of a plan made now. Asks nothing.
///
/// A plan is refused when the ontology was published since it was made. A change of which stored data breaks the rule is refused unless
/// the file states a migration. A database that does not exist is created.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The plan, or the ontology file in YAML or JSON; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    database: Database,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The idempotency key: the same plan with the same id again answers the first publication
    #[arg(long, value_name = "UUID", value_parser = argument::commit_id)]
    id: Option<CommitId>,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let text = input::text(&self.file)?;
        let given = if is_plan(&text) {
            Given::Plan(Plan::from_json(&text)?)
        } else {
            Given::Definition(super::parse(&text, &self.file)?)
        };
        let (arrakis, ctx) = self.database.open_or_create(global).await?;
        let plan = match given {
            Given::Plan(plan) => plan,
            Given::Definition(definition) => arrakis.ontology().plan(&ctx, definition).await?,
        };
        let request = ApplyPlan { plan, reason: self.reason.map(Into::into), id: self.id };
        let published = arrakis.ontology().apply(&ctx, request).await?;
        arrakis.close().await;
        if published.receipt.is_none() {
            eprintln!("nothing changes since version {}", published.version);
        }
        let row = vec![
            ("version", json!(published.version)),
            ("hash", json!(published.hash)),
            ("seq", json!(published.receipt.map(|receipt| receipt.seq))),
        ];
        print(global.format, &published, row)?;
        Ok(Verdict::Done)
    }
}

enum Given {
    Plan(Plan),
    Definition(arrakis::NewOntology),
}

/// Whether a text is the document of a plan, which no ontology file looks like.
fn is_plan(text: &str) -> bool {
    let members = |json: Json| json.get("digest").is_some() && json.get("plan").is_some();
    text.trim_start().starts_with('{') && serde_json::from_str(text).is_ok_and(members)
}

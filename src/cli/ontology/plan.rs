//! `arrakis ontology plan`: what publishing a file would change, and what the stored data says of it.

use std::path::PathBuf;

use arrakis::{Error, ErrorKind, Finding, Plan};
use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::Global;
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;

/// Compare an ontology file with what is published, and list every change with its rule, its class and the data that breaks it.
///
/// Nothing is changed; a database that does not exist counts as empty and is not created. The exit code is 1 when a change is refused.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The ontology file, YAML or JSON; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    database: Database,
    /// Write the plan to a file that `apply` takes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let definition = super::read(&self.file)?;
        let (arrakis, ctx) = self.database.open_or_empty(global).await?;
        let plan = arrakis.ontology().plan(&ctx, definition).await?;
        if let Some(out) = &self.out {
            std::fs::write(out, plan.to_json()?).map_err(|e| {
                Error::new(ErrorKind::Unavailable, "output.unwritable", "the plan cannot be written")
                    .with("file", out.display())
                    .caused_by(e)
            })?;
        }
        show(&plan, global)?;
        Ok(if plan.refusals().next().is_some() { Verdict::Refused } else { Verdict::Done })
    }
}

/// Prints the findings of a plan, and says on standard error what it comes to.
fn show(plan: &Plan, global: &Global) -> Result<()> {
    let mut list = List::begin(global.format, "findings")?;
    list.columns(["rule", "class", "path", "count", "samples", "consumers", "message", "refused"])?;
    for finding in &plan.findings {
        list.push(finding, || row(finding))?;
    }
    list.end(&[
        ("base_version", json!(plan.base_version)),
        ("base_hash", json!(plan.base_hash)),
        ("target_hash", json!(plan.target_hash)),
    ])?;
    match (plan.is_empty(), plan.findings.len()) {
        (true, _) => eprintln!("nothing changes since version {}", plan.base_version),
        (false, changes) => {
            let (noun, refused) = (if changes == 1 { "change" } else { "changes" }, plan.refusals().count());
            eprintln!("{changes} {noun} since version {}, {refused} refused", plan.base_version);
        }
    }
    Ok(())
}

fn row(finding: &Finding) -> Vec<Json> {
    let violations = finding.violations.as_ref();
    vec![
        json!(finding.rule),
        json!(finding.class),
        json!(finding.path),
        json!(violations.map(|violations| violations.count)),
        json!(violations.map(|violations| violations.samples.join(", "))),
        json!(finding.consumers.join(", ")),
        json!(finding.message),
        json!(finding.refused),
    ]
}

//! `arrakis action undo`: take a commit back.

use arrakis::{CommitId, NamedEffect, OnConflict, Undo, UndoReport};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::{Format, List, print};
use crate::cli::{Global, argument};

/// Take back what an action, a write, a load or an undo did, as a commit of its own.
///
/// What was changed since is listed, and refuses the undo unless --on-conflict says otherwise.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    /// The commit, as `run`, `write` and `history` print it
    #[arg(value_name = "COMMIT", value_parser = argument::commit_id)]
    commit: CommitId,
    /// What to do about what was changed since
    #[arg(long, value_enum, default_value_t = Conflict::Refuse)]
    on_conflict: Conflict,
    /// Only tell what would happen
    #[arg(long)]
    dry_run: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The idempotency key: the same undo with the same id again changes nothing
    #[arg(long, value_name = "UUID", value_parser = argument::commit_id)]
    id: Option<CommitId>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Conflict {
    /// Undo nothing
    Refuse,
    /// Leave it as it is, and undo the rest
    Skip,
    /// Undo it too
    Override,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let on_conflict = match self.on_conflict {
            Conflict::Refuse => OnConflict::Refuse,
            Conflict::Skip => OnConflict::Skip,
            Conflict::Override => OnConflict::Override,
        };
        let request =
            Undo { commit: self.commit, on_conflict, dry_run: self.dry_run, id: self.id, reason: self.reason };
        let report = arrakis.actions().undo(&ctx, request).await?;
        arrakis.close().await;
        if global.format == Format::Json {
            print(Format::Json, &report, Vec::new())?;
        } else {
            show(&report, global)?;
        }
        Ok(Verdict::Done)
    }
}

/// One line for each object or link that changes, and each that was changed since.
fn show(report: &UndoReport, global: &Global) -> Result<()> {
    let mut list = List::begin(global.format, "undone")?;
    list.columns(["what", "name", "change"])?;
    let mut line = |what: &str, name: Json, change: Json| {
        let record = json!({ "what": what, "name": name, "change": change });
        list.push(&record, || vec![json!(what), name.clone(), change.clone()])
    };
    for since in &report.changed_since {
        let target = since.target.as_ref().map(|target| format!(" → {target}")).unwrap_or_default();
        let property = since.property.as_ref().map(|property| format!(".{property}")).unwrap_or_default();
        let by = since.by.as_ref().map(|by| json!(format!("by {} in commit {}", by.actor, by.seq)));
        line(
            "changed since",
            json!(format!("{}/{}{target}{property}", since.r#type, since.key)),
            by.unwrap_or_default(),
        )?;
    }
    for effect in &report.effects {
        let (name, change) = named(effect);
        line("effect", name, change)?;
    }
    list.end(&[])?;
    match &report.receipt {
        Some(receipt) => eprintln!("undone in commit {}", receipt.seq),
        None => eprintln!("nothing was done"),
    }
    Ok(())
}

/// What changes, and how.
pub(super) fn named(effect: &NamedEffect) -> (Json, Json) {
    match effect {
        NamedEffect::Object { object_type, key, change } => (json!(format!("{object_type}/{key}")), json!(change)),
        NamedEffect::Link { link_type, source, target, change } => {
            (json!(format!("{link_type}/{source} → {target}")), json!(change))
        }
    }
}

//! `arrakis action validate`: what an action would do.

use arrakis::{Fault, Validation};
use clap::Args;
use serde_json::{Value as Json, json};

use super::call::Call;
use crate::cli::Global;
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::{Format, List, print};

/// Print what an action would do, and everything that stands in its way; nothing happens.
///
/// The exit code is 1 when it would be refused. `--format json` prints the whole of it, with the edits and events.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    call: Call,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let act = self.call.into_act()?;
        let (arrakis, ctx) = self.database.open(global).await?;
        let validation = arrakis.actions().validate(&ctx, act).await?;
        arrakis.close().await;
        if global.format == Format::Json {
            print(Format::Json, &validation, Vec::new())?;
        } else {
            show(&validation, global)?;
        }
        Ok(if validation.valid { Verdict::Done } else { Verdict::Refused })
    }
}

/// One line for each parameter, criterion, and object or link that would change.
fn show(validation: &Validation, global: &Global) -> Result<()> {
    let mut list = List::begin(global.format, "verdicts")?;
    list.columns(["what", "name", "verdict"])?;
    let told = |fault: &Fault| json!(format!("{}: {}", fault.code, fault.message));
    let mut line = |what: &str, name: Json, verdict: Json| {
        let record = json!({ "what": what, "name": name, "verdict": verdict });
        list.push(&record, || vec![json!(what), name.clone(), verdict.clone()])
    };
    for verdict in &validation.parameters {
        line("parameter", json!(verdict.name), verdict.fault.as_ref().map_or_else(|| json!("ok"), told))?;
    }
    for verdict in &validation.criteria {
        let held = match verdict.holds {
            Some(true) => json!("holds"),
            Some(false) => json!("does not hold"),
            None => verdict.fault.as_ref().map_or_else(|| json!("unknown"), told),
        };
        line("criterion", json!(verdict.message), held)?;
    }
    if let Some(fault) = &validation.fault {
        line("fault", json!(fault.path), told(fault))?;
    }
    for effect in &validation.effects {
        let (name, change) = super::undo::named(effect);
        line("effect", name, change)?;
    }
    list.end(&[])?;
    eprintln!("{}", if validation.valid { "valid" } else { "refused" });
    Ok(())
}

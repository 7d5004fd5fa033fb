//! `arrakis action run`: execute an action.

use arrakis::CommitId;
use clap::Args;
use serde_json::json;

use super::call::Call;
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::print;
use crate::cli::{Global, argument};

/// Execute an action: all of it in one commit, or nothing.
///
/// The commit printed is the id by which `arrakis action undo` takes the action back.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    call: Call,
    /// The idempotency key: the same action with the same id again changes nothing
    #[arg(long, value_name = "UUID", value_parser = argument::commit_id)]
    id: Option<CommitId>,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let act = arrakis::Act { id: self.id, ..self.call.into_act()? };
        let (arrakis, ctx) = self.database.open(global).await?;
        let acted = arrakis.actions().execute(&ctx, act).await?;
        arrakis.close().await;
        let receipt = &acted.receipt;
        let row =
            vec![("seq", json!(receipt.seq)), ("commit", json!(receipt.commit)), ("replayed", json!(receipt.replayed))];
        print(global.format, receipt, row)?;
        Ok(Verdict::Done)
    }
}

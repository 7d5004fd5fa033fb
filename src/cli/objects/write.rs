//! `arrakis objects write`: edits in one commit.

use arrakis::{CommitId, Write};
use clap::Args;
use serde_json::json;

use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::print;
use crate::cli::{Global, argument, input};

/// Apply edits of objects and links in one commit: all of them, or none.
///
/// FILE holds a write in JSON: {"edits": [{"create": {"type": "City", "properties": {"name": "Oslo"}}}, …]}, with `create`, `modify`,
/// `upsert`, `delete`, `link` and `unlink`.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    /// A file with the write; - for standard input
    #[arg(value_name = "FILE")]
    file: std::path::PathBuf,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The idempotency key: the same write with the same id again changes nothing
    #[arg(long, value_name = "UUID", value_parser = argument::commit_id)]
    id: Option<CommitId>,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let mut write: Write = input::json_file(&self.file)?;
        let (arrakis, ctx) = self.database.open(global).await?;
        write.id = self.id.or(write.id);
        write.reason = self.reason.or(write.reason);
        let written = arrakis.kernel().write(&ctx, write).await?;
        arrakis.close().await;
        let receipt = &written.receipt;
        let row =
            vec![("seq", json!(receipt.seq)), ("commit", json!(receipt.commit)), ("replayed", json!(receipt.replayed))];
        print(global.format, receipt, row)?;
        Ok(Verdict::Done)
    }
}

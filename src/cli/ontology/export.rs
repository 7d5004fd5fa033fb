//! `arrakis ontology export`: a published version as a file.

use clap::Args;

use super::versions::VersionArgument;
use crate::cli::Global;
use crate::cli::database::Database;
use crate::cli::failure::{Failure, Result, Verdict};
use crate::cli::format::{Format, print_text};

/// Print a published version as an ontology file: YAML, or JSON with --format json.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    version: VersionArgument,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let schema = self.version.schema(&arrakis, &ctx).await?;
        let text = match global.format {
            Format::Table => schema.definition.to_yaml()?,
            Format::Json => schema.definition.to_json()?,
            Format::Ndjson | Format::Csv => {
                return Err(Failure::Usage("an ontology file is YAML, or JSON with --format json".to_owned()));
            }
        };
        print_text(&text)?;
        Ok(Verdict::Done)
    }
}

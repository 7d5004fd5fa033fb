//! `arrakis ontology versions`: what was published when, by whom and why.

use std::sync::Arc;

use arrakis::{Arrakis, Context, ListSchemaVersions, Schema};
use clap::Args;
use serde_json::json;

use crate::cli::Global;
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;

/// List the published versions, oldest first.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let mut list = List::begin(global.format, "versions")?;
        list.columns(["version", "hash", "seq", "at", "actor", "reason"])?;
        let mut after = 0;
        loop {
            let page = arrakis.ontology().schema_versions(&ctx, ListSchemaVersions { after, limit: None }).await?;
            for version in &page.versions {
                list.push(version, || {
                    vec![
                        json!(version.version),
                        json!(version.hash),
                        json!(version.seq),
                        json!(version.at),
                        json!(version.actor),
                        json!(version.reason),
                    ]
                })?;
            }
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        list.end(&[])?;
        Ok(Verdict::Done)
    }
}

/// Which version is meant.
#[derive(Debug, Args)]
pub(super) struct VersionArgument {
    /// The version [default: the newest]
    #[arg(id = "schema_version", long = "version", value_name = "N")]
    version: Option<u32>,
}

impl VersionArgument {
    /// That version.
    pub(super) async fn schema(&self, arrakis: &Arrakis, ctx: &Context) -> arrakis::Result<Arc<Schema>> {
        match self.version {
            Some(version) => arrakis.ontology().schema_version(ctx, version).await,
            None => arrakis.ontology().schema(ctx).await,
        }
    }
}

//! `arrakis ontology check`: where an application's structs and an ontology say different things.

use std::path::PathBuf;
use std::sync::Arc;

use arrakis::{Schema, Severity, ShapeDifference, Shapes};
use clap::Args;
use serde_json::{Value as Json, json};

use super::versions::VersionArgument;
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;
use crate::cli::{Global, input};

/// Compare an application's structs with an ontology, and list every difference, field by field.
///
/// The structs are those that derive `arrakis::Object`; the application writes them down with `arrakis::shapes_json`. The exit code is 1
/// when there is a fault: a read or write through a struct that would fail, or lose something. A warning is none.
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// What `arrakis::shapes_json` wrote; - for standard input
    #[arg(value_name = "SHAPES")]
    shapes: PathBuf,
    /// The database file with the published ontology
    #[arg(long = "db", value_name = "FILE", required_unless_present = "file")]
    db: Option<PathBuf>,
    /// An ontology file in its place, YAML or JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["db", "schema_version"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    version: VersionArgument,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let Shapes { shapes } = input::json_file(&self.shapes)?;
        let schema = self.schema(global).await?;
        let mut list = List::begin(global.format, "differences")?;
        list.columns(["severity", "type", "property", "rule", "struct says", "ontology says"])?;
        let mut faults = 0;
        for difference in shapes.iter().flat_map(|shape| shape.differences(&schema)) {
            faults += usize::from(difference.severity == Severity::Fault);
            list.push(&difference, || row(&difference))?;
        }
        list.end(&[("hash", json!(schema.hash))])?;
        match faults {
            0 => eprintln!("no faults"),
            1 => eprintln!("1 fault"),
            count => eprintln!("{count} faults"),
        }
        Ok(if faults == 0 { Verdict::Done } else { Verdict::Refused })
    }

    async fn schema(&self, global: &Global) -> Result<Arc<Schema>> {
        if let Some(db) = &self.db {
            let (arrakis, ctx) = Database::at(db.clone()).open(global).await?;
            return Ok(self.version.schema(&arrakis, &ctx).await?);
        }
        let mut definition = super::read(self.file.as_deref().unwrap_or_else(|| "-".as_ref()))?;
        // How one gets there from the version before says nothing of what is there.
        drop(std::mem::take(&mut definition.changes));
        Ok(Arc::new(Schema::first(definition)?))
    }
}

fn row(difference: &ShapeDifference) -> Vec<Json> {
    vec![
        json!(difference.severity),
        json!(difference.object_type),
        json!(difference.property),
        json!(difference.rule),
        json!(difference.expected),
        json!(difference.found),
    ]
}

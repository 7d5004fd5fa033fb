//! `arrakis objects get`: objects by key.

use arrakis::{GetObjects, Key};
use clap::Args;
use serde_json::Value as Json;

use super::selection::{ObjectColumns, State};
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;
use crate::cli::text::printable;
use crate::cli::{Global, argument};

/// Print objects by key, in the order asked.
///
/// A key without an object is named on standard error, and the exit code is 1.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    /// The type of the objects
    #[arg(long = "type", value_name = "TYPE")]
    object_type: String,
    /// Their keys
    #[arg(required = true, value_name = "KEY", value_parser = argument::key)]
    keys: Vec<Key>,
    /// Only these properties, in this order, parted by commas
    #[arg(long, value_name = "PROPERTIES", value_delimiter = ',')]
    select: Option<Vec<String>>,
    #[command(flatten)]
    state: State,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let schema = arrakis.ontology().schema(&ctx).await?;
        let request = GetObjects {
            select: self.select,
            as_of: self.state.as_of,
            ..GetObjects::of(self.object_type, self.keys.iter().cloned())
        };
        let answer = arrakis.kernel().get(&ctx, request).await?;
        let mut list = List::begin(global.format, "objects")?;
        let columns = answer.objects.iter().flatten().next().map(|object| ObjectColumns::of(object, &schema));
        if let Some(columns) = &columns {
            list.columns(columns.names())?;
        }
        let mut verdict = Verdict::Done;
        for (key, object) in self.keys.iter().zip(&answer.objects) {
            if let Some(object) = object {
                list.push(object, || columns.as_ref().map(|columns| columns.cells(object)).unwrap_or_default())?;
            } else {
                eprintln!("absent: {}", printable(&key.to_string()));
                verdict = Verdict::Refused;
            }
        }
        list.end(&[("seq", Json::from(answer.seq.0))])?;
        Ok(verdict)
    }
}

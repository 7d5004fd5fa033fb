//! `arrakis objects history`: the versions of an object or a link.

use arrakis::{History, Key, Properties, Seq, Version};
use clap::Args;
use serde_json::{Value as Json, json};

use super::selection::cells;
use crate::cli::database::Database;
use crate::cli::failure::{Failure, Result, Verdict};
use crate::cli::format::List;
use crate::cli::{Global, argument};

/// Print the versions of an object or a link, oldest first: who changed it, when, why, and to what.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    /// The type of the object
    #[arg(long = "type", value_name = "TYPE", requires = "key", required_unless_present = "link_type")]
    object_type: Option<String>,
    /// The key of the object
    #[arg(value_name = "KEY", value_parser = argument::key)]
    key: Option<Key>,
    /// The type of the link
    #[arg(long = "link", value_name = "LINK_TYPE", requires_all = ["source", "target"], conflicts_with_all = ["object_type", "key"])]
    link_type: Option<String>,
    /// The key at the source end of the link
    #[arg(long, value_name = "KEY", requires = "link_type", value_parser = argument::key)]
    source: Option<Key>,
    /// The key at the target end of the link
    #[arg(long, value_name = "KEY", requires = "link_type", value_parser = argument::key)]
    target: Option<Key>,
    /// Only versions after this commit
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: u64,
    /// How many versions [default: 100]
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Go on to the last version
    #[arg(long)]
    all: bool,
    /// Also what each version changed, property by property, in JSON
    #[arg(long)]
    diff: bool,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let of = match (self.object_type, self.key, self.link_type, self.source, self.target) {
            (Some(object_type), Some(key), ..) => History::of_object(object_type, key),
            (_, _, Some(link_type), Some(source), Some(target)) => History::of_link(link_type, source, target),
            _ => {
                return Err(Failure::Usage(
                    "--type and KEY, or --link with --source and --target, are needed".to_owned(),
                ));
            }
        };
        let mut request = History { after: Seq(self.after), limit: self.limit, diff: self.diff, ..of };
        let mut list = List::begin(global.format, "versions")?;
        let mut columns: Option<Vec<String>> = None;
        loop {
            let answer = arrakis.kernel().history(&ctx, request.clone()).await?;
            for version in &answer.versions {
                if columns.is_none() {
                    columns = Some(names(&answer.versions));
                    list.columns(FIXED.into_iter().map(str::to_owned).chain(columns.clone().unwrap_or_default()))?;
                }
                list.push(version, || row(version, columns.as_deref().unwrap_or_default()))?;
            }
            match answer.next {
                Some(next) if self.all => request.after = next,
                next => {
                    if columns.is_none() {
                        eprintln!("no versions");
                    }
                    list.end(&[("next", json!(next)), ("seq", Json::from(answer.seq.0))])?;
                    if let Some(next) = next {
                        eprintln!("later versions: --after {next}");
                    }
                    return Ok(Verdict::Done);
                }
            }
        }
    }
}

const FIXED: [&str; 6] = ["revision", "change", "at", "actor", "reason", "action"];

/// The properties of the newest version that has any: a type gains properties, and older versions lack those.
fn names(versions: &[Version]) -> Vec<String> {
    let newest = versions.iter().rev().find_map(|version| version.properties.as_ref());
    newest.map(|properties| properties.names().iter().map(ToString::to_string).collect()).unwrap_or_default()
}

fn row(version: &Version, names: &[String]) -> Vec<Json> {
    let fixed = [
        Json::from(version.revision.0),
        json!(version.change),
        json!(version.at),
        json!(version.actor),
        json!(version.reason),
        json!(version.action),
    ];
    let values = |properties: &Properties| {
        let by_name: Vec<_> = properties.names().iter().map(ToString::to_string).zip(cells(properties)).collect();
        names
            .iter()
            .map(|name| by_name.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default())
            .collect()
    };
    let values: Vec<Json> = match &version.properties {
        Some(properties) => values(properties),
        None => vec![Json::Null; names.len()],
    };
    fixed.into_iter().chain(values).collect()
}

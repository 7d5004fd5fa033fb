//! `arrakis objects links`: the links at an object, with the objects they lead to.

use arrakis::{Filter, Key, Neighbours, Schema};
use clap::Args;
use serde_json::Value as Json;

use super::selection::{Paging, State, cells};
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;
use crate::cli::{Global, argument};

/// Print the links at an object by the name its type gives them, ordered by the key at the far end.
///
/// Tables and CSV show the links and the title of each far object; JSON carries the far objects whole.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    /// The type of the object
    #[arg(long = "type", value_name = "TYPE")]
    object_type: String,
    /// The key of the object
    #[arg(value_name = "KEY", value_parser = argument::key)]
    key: Key,
    /// What the object calls the far end, as destinations
    #[arg(long, value_name = "NAME")]
    link: String,
    /// Only links whose properties satisfy a filter
    #[arg(long = "where", value_name = "FILTER", value_parser = argument::filter)]
    filter: Option<Filter>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    state: State,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let schema = arrakis.ontology().schema(&ctx).await?;
        let all = self.paging.all;
        let mut request = Neighbours {
            link_where: self.filter,
            page: self.paging.page(),
            as_of: self.state.as_of,
            ..Neighbours::of(self.object_type, self.key, self.link)
        };
        let mut list = List::begin(global.format, "neighbours")?;
        let mut began = false;
        loop {
            let page = arrakis.kernel().neighbours(&ctx, request.clone()).await?;
            for neighbour in &page.neighbours {
                let link = &neighbour.link;
                if !began {
                    let names = link.properties.names().iter().map(ToString::to_string);
                    list.columns(
                        ["source", "target"].map(str::to_owned).into_iter().chain(names).chain(["title".to_owned()]),
                    )?;
                    began = true;
                }
                list.push(neighbour, || {
                    let ends = [&link.source, &link.target].map(|key| key.to_value().to_json());
                    ends.into_iter().chain(cells(&link.properties)).chain([title(&schema, &neighbour.object)]).collect()
                })?;
            }
            if all && page.next.is_some() {
                request.page.cursor = page.next;
                continue;
            }
            if !began {
                eprintln!("no links");
            }
            list.end(&[("next", Json::from(page.next.clone())), ("seq", Json::from(page.seq.0))])?;
            if let Some(next) = page.next {
                eprintln!("next page: --cursor {next}");
            }
            return Ok(Verdict::Done);
        }
    }
}

fn title(schema: &Schema, object: &arrakis::Object) -> Json {
    let property = schema
        .object_type(object.object_type.as_str())
        .ok()
        .and_then(|of| of.title.and_then(|title| of.names.get(title)))
        .and_then(|name| object.properties.get(name.as_str()));
    property.map(arrakis::Value::to_json).unwrap_or_default()
}

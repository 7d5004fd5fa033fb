//! `arrakis objects query`: pages of an object set.

use arrakis::{Arrakis, Context, ObjectSet, OrderBy, Query, Schema};
use clap::Args;
use serde_json::Value as Json;

use super::selection::{ObjectColumns, Paging, Selection, State, Work};
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;
use crate::cli::{Global, argument};

/// Print a page of a set of objects, or all of it.
///
/// Standard error says the cursor of the next page; JSON carries it as `next`. Pages that follow one another read the state the first
/// one read.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    selection: Selection,
    /// Only these properties, in this order, parted by commas
    #[arg(long, value_name = "PROPERTIES", value_delimiter = ',')]
    select: Option<Vec<String>>,
    /// The order: names parted by commas, largest first after a minus, as in name,-state
    #[arg(long, value_name = "TERMS", value_delimiter = ',', allow_hyphen_values = true, value_parser = argument::order_by)]
    order_by: Vec<OrderBy>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    work: Work,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let schema = arrakis.ontology().schema(&ctx).await?;
        let set = self.selection.set()?;
        let all = self.paging.all;
        let query = Query {
            select: self.select,
            order_by: self.order_by,
            page: self.paging.page(),
            as_of: self.state.as_of,
            budget: self.work.budget(),
            ..Query::of(set)
        };
        print(&arrakis, &ctx, &schema, query, (global, all)).await?;
        Ok(Verdict::Done)
    }
}

async fn print(
    arrakis: &Arrakis,
    ctx: &Context,
    schema: &Schema,
    mut query: Query,
    (global, all): (&Global, bool),
) -> Result<()> {
    let mut list = List::begin(global.format, "objects")?;
    let mut columns = None;
    loop {
        let page = arrakis.kernel().query(ctx, query.clone()).await?;
        for object in &page.objects {
            if columns.is_none() {
                let found = ObjectColumns::of(object, schema);
                list.columns(found.names())?;
                columns = Some(found);
            }
            list.push(object, || columns.as_ref().map(|columns| columns.cells(object)).unwrap_or_default())?;
        }
        if all && page.next.is_some() {
            query.page.cursor = page.next;
            continue;
        }
        if columns.is_none() {
            list.columns(empty_columns(&query, schema))?;
            eprintln!("no objects");
        }
        list.end(&[("next", Json::from(page.next.clone())), ("seq", Json::from(page.seq.0))])?;
        if let Some(next) = page.next {
            eprintln!("next page: --cursor {next}");
        }
        return Ok(());
    }
}

/// The header of an empty answer: what was selected, or all of the type asked for.
fn empty_columns(query: &Query, schema: &Schema) -> Vec<String> {
    fn type_of(set: &ObjectSet) -> Option<&str> {
        match set {
            ObjectSet::Type(name) => Some(name),
            ObjectSet::Filter { from, .. } => type_of(from),
            _ => None,
        }
    }
    match (&query.select, type_of(&query.set).map(|name| schema.object_type(name))) {
        (Some(select), _) => select.clone(),
        (None, Some(Ok(object_type))) => object_type.names.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

//! `arrakis objects aggregate`: groups of a set and measures over them.

use arrakis::{Aggregate, Filter, GroupBy, Metric, OrderBy};
use clap::Args;
use serde_json::Value as Json;

use super::selection::{Selection, State, Work, cells};
use crate::cli::database::Database;
use crate::cli::failure::{Result, Verdict};
use crate::cli::format::List;
use crate::cli::{Global, argument, measure};

/// Print groups of a set of objects and measures over them.
///
/// A property is the objects' own, or, as destinations.flights, one of the links they call `destinations`; destinations.key is the
/// key at the far end. Over links, each object counts once per link.
#[derive(Debug, Args)]
pub(crate) struct Command {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    selection: Selection,
    /// What to group by: PROPERTY, UNIT(PROPERTY) with hour, day, week, month, quarter or year, or ranges(PROPERTY,A,B,…); NAME= before it names it
    #[arg(long, value_name = "KEY", value_parser = measure::group_by)]
    group_by: Vec<GroupBy>,
    /// What to measure: NAME=FUNCTION(PROPERTY) with sum, avg, min, max, count or `count_distinct`, as departures=sum(destinations.flights)
    #[arg(long, value_name = "METRIC", value_parser = measure::metric)]
    metric: Vec<Metric>,
    /// Only groups that satisfy a filter on the names of keys and metrics
    #[arg(long, value_name = "FILTER", value_parser = argument::filter)]
    having: Option<Filter>,
    /// The order: names of keys and metrics parted by commas, largest first after a minus
    #[arg(long, value_name = "TERMS", value_delimiter = ',', allow_hyphen_values = true, value_parser = argument::order_by)]
    order_by: Vec<OrderBy>,
    /// Only the first so many groups
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    work: Work,
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<Verdict> {
        let (arrakis, ctx) = self.database.open(global).await?;
        let request = Aggregate {
            group_by: self.group_by,
            metrics: self.metric,
            having: self.having,
            order_by: self.order_by,
            limit: self.limit,
            as_of: self.state.as_of,
            budget: self.work.budget(),
            ..Aggregate::of(self.selection.set()?)
        };
        let answer = arrakis.kernel().aggregate(&ctx, request).await?;
        let mut list = List::begin(global.format, "groups")?;
        if let Some(first) = answer.groups.first() {
            list.columns(first.keys.names().iter().chain(first.metrics.names().iter()).map(ToString::to_string))?;
        } else {
            eprintln!("no groups");
        }
        for group in &answer.groups {
            list.push(group, || cells(&group.keys).into_iter().chain(cells(&group.metrics)).collect())?;
        }
        list.end(&[("total", Json::from(answer.total)), ("seq", Json::from(answer.seq.0))])?;
        Ok(Verdict::Done)
    }
}

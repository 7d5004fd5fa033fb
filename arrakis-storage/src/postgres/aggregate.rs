//! Groups of sets and what is measured in them.

use arrakis_core::kernel::Snapshot;
use arrakis_core::kernel::plan::{AggregatePlan, RawGroup};
use arrakis_core::{Result, Scope};
use sqlx::postgres::PgRow;

use super::reading::{Readers, Reading, Request, own_columns};
use super::value::RowReader;
use crate::sql::{Builder, Statement, SumForm, group_of_nothing, read_group};

pub(super) async fn groups(readers: &Readers, scope: Scope, plan: &AggregatePlan) -> Result<Snapshot<Vec<RawGroup>>> {
    let request = Request { scope, at: plan.at, budget: plan.budget };
    let (seq, mut value) = if plan.budget.rows.is_none() && plan.budget.ms.is_none() {
        let (head, rows) = readers.single(request, |builder| statement(builder, plan)).await?;
        (plan.at.unwrap_or(head), read(plan, rows.iter().map(own_columns))?)
    } else {
        let mut reading = readers.begin(request).await?;
        let rows = within_budget(&mut reading, plan).await?;
        let seq = reading.seq;
        reading.end().await?;
        (seq, read(plan, rows.iter().map(RowReader::new))?)
    };
    value.extend(group_of_nothing(plan, &value)?);
    Ok(Snapshot { seq, value })
}

fn statement(builder: &Builder<'_>, plan: &AggregatePlan) -> Result<Option<Statement>> {
    Ok(builder.aggregate(plan, SumForm::Digits)?.map(|statement| builder.dialect.select(&statement)))
}

async fn within_budget(reading: &mut Reading<'_>, plan: &AggregatePlan) -> Result<Vec<PgRow>> {
    if let Some(limit) = plan.budget.rows {
        let count = reading.build(|builder| {
            let count = builder.count_unfolded(plan, limit.saturating_add(1))?;
            Ok(count.map(|count| builder.dialect.select(&count)))
        })?;
        if let Some(count) = count {
            plan.budget.check_rows(reading.count(&count).await?)?;
        }
    }
    match reading.build(|builder| statement(builder, plan))? {
        Some(statement) => reading.rows(&statement).await,
        None => Ok(Vec::new()),
    }
}

fn read<'r>(plan: &AggregatePlan, rows: impl Iterator<Item = RowReader<'r>>) -> Result<Vec<RawGroup>> {
    let Some(first) = plan.branches.first() else { return Ok(Vec::new()) };
    rows.map(|mut row| read_group(&mut row, plan, first, SumForm::Digits)).collect()
}

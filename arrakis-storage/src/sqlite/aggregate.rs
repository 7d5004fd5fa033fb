//! Groups of sets and what is measured in them.

use arrakis_core::Result;
use arrakis_core::kernel::Snapshot;
use arrakis_core::kernel::plan::{AggregatePlan, RawGroup};

use super::error::is_statement;
use super::reading::Reading;
use crate::sql::{Builder, SumForm, group_of_nothing, read_group};

pub(super) fn groups(reading: &Reading<'_>, plan: &AggregatePlan) -> Result<Snapshot<Vec<RawGroup>>> {
    let mut value = match reading.builder()? {
        None => Vec::new(),
        Some(builder) => {
            check_rows(reading, &builder, plan)?;
            match read(reading, &builder, plan, SumForm::Whole) {
                // The sum passed 64 bits, or the statement is wrong: then it fails again.
                Err(error) if is_statement(&error) => read(reading, &builder, plan, SumForm::Halves)?,
                result => result?,
            }
        }
    };
    value.extend(group_of_nothing(plan, &value)?);
    Ok(Snapshot { seq: reading.seq, value })
}

fn check_rows(reading: &Reading<'_>, builder: &Builder<'_>, plan: &AggregatePlan) -> Result<()> {
    let Some(limit) = plan.budget.rows else { return Ok(()) };
    let Some(count) = builder.count_unfolded(plan, limit.saturating_add(1))? else { return Ok(()) };
    plan.budget.check_rows(reading.count(&builder.dialect.select(&count))?)
}

fn read(reading: &Reading<'_>, builder: &Builder<'_>, plan: &AggregatePlan, form: SumForm) -> Result<Vec<RawGroup>> {
    let mut groups = Vec::new();
    let (Some(first), Some(statement)) = (plan.branches.first(), builder.aggregate(plan, form)?) else {
        return Ok(groups);
    };
    reading.each(&builder.dialect.select(&statement), |row| {
        groups.push(read_group(row, plan, first, form)?);
        Ok(())
    })?;
    Ok(groups)
}

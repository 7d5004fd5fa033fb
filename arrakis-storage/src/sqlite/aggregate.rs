//! Groups of sets and what is measured in them.

use arrakis_core::kernel::Snapshot;
use arrakis_core::kernel::plan::{
    Accumulator, AggregateBranch, AggregatePlan, GroupKey, MeasureFunction, Operand, RawGroup,
};
use arrakis_core::{BaseType, Result, Value};

use super::error::is_statement;
use super::reading::Reading;
use super::value::RowReader;
use crate::sql::{Builder, SumForm, operand_base};

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
    if value.is_empty() && plan.branches.iter().all(|branch| branch.groups.is_empty()) {
        value.push(RawGroup { keys: Vec::new(), accumulators: nothing(plan)? });
    }
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
        let keys = first.groups.iter().map(|group| key(row, first, group)).collect::<Result<_>>()?;
        let measures = plan.measures.iter().enumerate();
        let accumulators = measures
            .map(|(index, function)| accumulator(row, *function, base_of(first, index)?, form))
            .collect::<Result<_>>()?;
        groups.push(RawGroup { keys, accumulators });
        Ok(())
    })?;
    Ok(groups)
}

fn base_of(branch: &AggregateBranch, measure: usize) -> Result<Option<&BaseType>> {
    let operand: Option<Operand> = branch.operands.get(measure).copied().flatten();
    operand.map(|operand| operand_base(branch, operand)).transpose()
}

fn key(row: &mut RowReader<'_, '_>, branch: &AggregateBranch, group: &GroupKey) -> Result<Value> {
    match group {
        GroupKey::Exact(operand) | GroupKey::Bucket(operand, _) => row.value(operand_base(branch, *operand)?),
        GroupKey::Ranges(..) => row.value(&BaseType::Integer),
    }
}

fn accumulator(
    row: &mut RowReader<'_, '_>,
    function: MeasureFunction,
    base: Option<&BaseType>,
    form: SumForm,
) -> Result<Accumulator> {
    Ok(match (function, base) {
        (MeasureFunction::Count | MeasureFunction::CountDistinct, _) | (_, None) => Accumulator::Count(row.count()?),
        (MeasureFunction::Min | MeasureFunction::Max, Some(base)) => Accumulator::Value(row.value(base)?),
        (MeasureFunction::Sum | MeasureFunction::Avg, Some(BaseType::Double)) => {
            Accumulator::Double(row.get()?, row.count()?)
        }
        (MeasureFunction::Sum | MeasureFunction::Avg, Some(_)) => {
            let mut part = || Ok(i128::from(row.get::<Option<i64>>()?.unwrap_or(0)));
            let sum = match form {
                SumForm::Whole => part()?,
                SumForm::Halves => (part()? << u32::BITS) + part()?,
            };
            Accumulator::Exact(sum, row.count()?)
        }
    })
}

/// What is accumulated over no rows.
fn nothing(plan: &AggregatePlan) -> Result<Vec<Accumulator>> {
    let of = |(index, function): (usize, &MeasureFunction)| {
        let base = plan.branches.first().map(|branch| base_of(branch, index)).transpose()?.flatten();
        Ok(match (function, base) {
            (MeasureFunction::Count | MeasureFunction::CountDistinct, _) => Accumulator::Count(0),
            (MeasureFunction::Min | MeasureFunction::Max, _) => Accumulator::Value(Value::Null),
            (MeasureFunction::Sum | MeasureFunction::Avg, Some(BaseType::Double)) => Accumulator::Double(0.0, 0),
            (MeasureFunction::Sum | MeasureFunction::Avg, _) => Accumulator::Exact(0, 0),
        })
    };
    plan.measures.iter().enumerate().map(of).collect()
}

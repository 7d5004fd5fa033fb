//! Groups from their rows.

use arrakis_core::kernel::plan::{
    Accumulator, AggregateBranch, AggregatePlan, GroupKey, MeasureFunction, Operand, RawGroup,
};
use arrakis_core::{BaseType, Result, Value};

use super::{ReadRow, SumForm, operand_base};

/// Reads a row of [`super::Builder::aggregate`].
pub(crate) fn read_group(
    row: &mut impl ReadRow,
    plan: &AggregatePlan,
    first: &AggregateBranch,
    form: SumForm,
) -> Result<RawGroup> {
    let keys = first.groups.iter().map(|group| key(row, first, group)).collect::<Result<_>>()?;
    let measures = plan.measures.iter().enumerate();
    let accumulators = measures
        .map(|(index, function)| accumulator(row, *function, base_of(first, index)?, form))
        .collect::<Result<_>>()?;
    Ok(RawGroup { keys, accumulators })
}

/// The one group there is without group keys, where no row made it.
pub(crate) fn group_of_nothing(plan: &AggregatePlan, found: &[RawGroup]) -> Result<Option<RawGroup>> {
    if !found.is_empty() || plan.branches.iter().any(|branch| !branch.groups.is_empty()) {
        return Ok(None);
    }
    Ok(Some(RawGroup { keys: Vec::new(), accumulators: nothing(plan)? }))
}

fn base_of(branch: &AggregateBranch, measure: usize) -> Result<Option<&BaseType>> {
    let operand: Option<Operand> = branch.operands.get(measure).copied().flatten();
    operand.map(|operand| operand_base(branch, operand)).transpose()
}

fn key(row: &mut impl ReadRow, branch: &AggregateBranch, group: &GroupKey) -> Result<Value> {
    match group {
        GroupKey::Exact(operand) | GroupKey::Bucket(operand, _) => row.value(operand_base(branch, *operand)?),
        GroupKey::Ranges(..) => row.value(&BaseType::Integer),
    }
}

fn accumulator(
    row: &mut impl ReadRow,
    function: MeasureFunction,
    base: Option<&BaseType>,
    form: SumForm,
) -> Result<Accumulator> {
    Ok(match (function, base) {
        (MeasureFunction::Count | MeasureFunction::CountDistinct, _) | (_, None) => Accumulator::Count(row.count()?),
        (MeasureFunction::Min | MeasureFunction::Max, Some(base)) => Accumulator::Value(row.value(base)?),
        (MeasureFunction::Sum | MeasureFunction::Avg, Some(BaseType::Double)) => {
            Accumulator::Double(row.real()?, row.count()?)
        }
        (MeasureFunction::Sum | MeasureFunction::Avg, Some(_)) => {
            let sum = match form {
                SumForm::Whole | SumForm::Digits => row.whole()?,
                SumForm::Halves => (row.whole()? << u32::BITS) + row.whole()?,
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

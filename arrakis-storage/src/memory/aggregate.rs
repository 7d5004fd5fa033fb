//! Groups of sets and what is measured in them.

use std::collections::{BTreeMap, BTreeSet};

use arrakis_core::kernel::ExactSum;
use arrakis_core::kernel::plan::{
    Accumulator, AggregateBranch, AggregatePlan, Comparison, GroupKey, MeasureFunction, Operand, RawGroup,
};
use arrakis_core::{BaseType, Key, Ranked, Result, Value};

use super::view::{Edge, View, holder_type};

type Groups = BTreeMap<Vec<Ranked>, Vec<Running>>;

/// What one measure has accumulated.
enum Running {
    Rows(u64),
    Present(u64),
    Distinct(BTreeSet<Ranked>),
    Exact(i128, u64),
    Double(Box<ExactSum>, u64),
    Least(Value),
    Largest(Value),
}

/// What a row of the aggregate reads from: an object, with one of its links when the aggregate is over links.
struct Row<'a> {
    values: &'a [Value],
    edge: Option<&'a Edge>,
}

pub(super) fn groups(view: &View<'_>, plan: &AggregatePlan) -> Result<Vec<RawGroup>> {
    let mut groups = Groups::new();
    let mut rows = 0;
    for branch in &plan.branches {
        let object_type = &branch.object_type;
        for key in view.set(object_type, &branch.rel)? {
            let Some(object) = view.row(object_type, &key) else { continue };
            let links = branch.over.as_ref().map(|over| {
                let holder_type = holder_type(&over.link_type, over.end, object_type, &over.far_type);
                view.adjacency(&over.link_type, over.end, holder_type).get(&key).cloned().unwrap_or_default()
            });
            let each = match &links {
                Some(links) => links.iter().map(Some).collect(),
                None => vec![None],
            };
            for edge in each {
                view.check_time()?;
                rows += 1;
                view.budget().check_rows(rows)?;
                add(&mut groups, branch, &plan.measures, &Row { values: &object.values, edge });
            }
        }
    }
    if groups.is_empty() && plan.branches.iter().all(|branch| branch.groups.is_empty()) {
        groups.insert(Vec::new(), start(plan.branches.first(), &plan.measures));
    }
    Ok(groups.into_iter().map(finish).collect())
}

fn add(groups: &mut Groups, branch: &AggregateBranch, measures: &[MeasureFunction], row: &Row<'_>) {
    let keys = branch.groups.iter().map(|group| Ranked(group_key(group, row))).collect();
    let running = groups.entry(keys).or_insert_with(|| start(Some(branch), measures));
    for (running, operand) in running.iter_mut().zip(&branch.operands) {
        running.add(&operand.map_or(Value::Null, |operand| row.value(operand)));
    }
}

fn finish((keys, running): (Vec<Ranked>, Vec<Running>)) -> RawGroup {
    RawGroup {
        keys: keys.into_iter().map(|Ranked(key)| key).collect(),
        accumulators: running.into_iter().map(Running::finish).collect(),
    }
}

fn group_key(group: &GroupKey, row: &Row<'_>) -> Value {
    match group {
        GroupKey::Exact(operand) => row.value(*operand),
        GroupKey::Ranges(operand, ranges) => {
            let value = row.value(*operand);
            let holds = |(from, to): &(Option<Value>, Option<Value>)| {
                !value.is_null()
                    && from.as_ref().is_none_or(|from| Comparison::Ge.holds(&value, from))
                    && to.as_ref().is_none_or(|to| Comparison::Lt.holds(&value, to))
            };
            let number = ranges.iter().position(holds).and_then(|number| i64::try_from(number).ok());
            number.map_or(Value::Null, Value::Integer)
        }
        GroupKey::Bucket(operand, unit) => unit.start_of(&row.value(*operand)),
    }
}

impl Row<'_> {
    fn value(&self, operand: Operand) -> Value {
        let found = match operand {
            Operand::Property(property) => self.values.get(property).cloned(),
            Operand::LinkProperty(property) => self.edge.and_then(|edge| edge.values.get(property).cloned()),
            Operand::FarKey => self.edge.map(|edge| Key::to_value(&edge.far)),
        };
        found.unwrap_or_default()
    }
}

fn start(branch: Option<&AggregateBranch>, measures: &[MeasureFunction]) -> Vec<Running> {
    let operands = branch.map_or(&[][..], |branch| &branch.operands);
    let operands = operands.iter().copied().chain(std::iter::repeat(None));
    let running = |(function, operand): (&MeasureFunction, Option<Operand>)| match function {
        MeasureFunction::Count if operand.is_none() => Running::Rows(0),
        MeasureFunction::Count => Running::Present(0),
        MeasureFunction::CountDistinct => Running::Distinct(BTreeSet::new()),
        MeasureFunction::Sum | MeasureFunction::Avg if adds_doubles(branch, operand) => {
            Running::Double(Box::default(), 0)
        }
        MeasureFunction::Sum | MeasureFunction::Avg => Running::Exact(0, 0),
        MeasureFunction::Min => Running::Least(Value::Null),
        MeasureFunction::Max => Running::Largest(Value::Null),
    };
    measures.iter().zip(operands).map(running).collect()
}

fn adds_doubles(branch: Option<&AggregateBranch>, operand: Option<Operand>) -> bool {
    let property = match (branch, operand) {
        (Some(branch), Some(Operand::Property(property))) => branch.object_type.properties.get(property),
        (Some(branch), Some(Operand::LinkProperty(property))) => {
            branch.over.as_ref().and_then(|over| over.link_type.properties.get(property))
        }
        _ => None,
    };
    property.is_some_and(|property| property.data_type.base == BaseType::Double)
}

impl Running {
    fn add(&mut self, value: &Value) {
        if let Self::Rows(count) = self {
            *count += 1;
            return;
        }
        if value.is_null() {
            return;
        }
        match self {
            Self::Rows(_) => {}
            Self::Present(count) => *count += 1,
            Self::Distinct(values) => {
                values.insert(Ranked(value.clone()));
            }
            Self::Exact(sum, count) => {
                *sum += exact(value);
                *count += 1;
            }
            Self::Double(sum, count) => {
                if let Value::Double(term) = value {
                    sum.add(*term);
                }
                *count += 1;
            }
            Self::Least(least) => {
                if least.is_null() || value.compare(least).is_lt() {
                    *least = value.clone();
                }
            }
            Self::Largest(largest) => {
                if value.compare(largest).is_gt() {
                    *largest = value.clone();
                }
            }
        }
    }

    fn finish(self) -> Accumulator {
        match self {
            Self::Rows(count) | Self::Present(count) => Accumulator::Count(count),
            Self::Distinct(values) => Accumulator::Count(u64::try_from(values.len()).unwrap_or(u64::MAX)),
            Self::Exact(sum, count) => Accumulator::Exact(sum, count),
            Self::Double(sum, count) => Accumulator::Double(sum.value(), count),
            Self::Least(value) | Self::Largest(value) => Accumulator::Value(value),
        }
    }
}

/// The whole number behind a value. A sum of fewer than 2⁶⁴ of them stays within 128 bits.
fn exact(value: &Value) -> i128 {
    match value {
        Value::Integer(number) => i128::from(*number),
        Value::Decimal(decimal) => i128::from(decimal.unscaled()),
        Value::Duration(duration) => i128::from(duration.micros()),
        _ => 0,
    }
}

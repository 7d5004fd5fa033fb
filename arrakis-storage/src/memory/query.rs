//! Pages of sets.

use std::cmp::Ordering;
use std::sync::Arc;

use arrakis_core::kernel::plan::{Position, QueryPlan, SortDirection};
use arrakis_core::kernel::{Object, Properties, QueryRows};
use arrakis_core::{Result, Value};

use super::view::View;

pub(super) fn page(view: &View<'_>, plan: &QueryPlan) -> Result<QueryRows> {
    let mut found = all(view, plan)?;
    found.sort_by(|(a, _), (b, _)| compare(a, b, &plan.order));
    if let Some(after) = &plan.after {
        found.retain(|(position, _)| compare(position, after, &plan.order).is_gt());
    }
    let more = found.len() > plan.limit as usize;
    found.truncate(plan.limit as usize);
    let next = found.last().filter(|_| more).map(|(position, _)| position.clone());
    Ok(QueryRows { objects: found.into_iter().map(|(_, object)| object).collect(), next })
}

fn all(view: &View<'_>, plan: &QueryPlan) -> Result<Vec<(Position, Object)>> {
    let mut found = Vec::new();
    for branch in &plan.branches {
        let object_type = &branch.object_type;
        for key in view.set(object_type, &branch.rel)? {
            view.check_time()?;
            let Some(row) = view.row(object_type, &key) else { continue };
            let pick = |properties: &[usize]| -> Vec<Value> {
                properties.iter().map(|property| row.values.get(*property).cloned().unwrap_or_default()).collect()
            };
            let position = Position { values: pick(&branch.order), object_type: object_type.id, key: key.clone() };
            found.push((
                position,
                Object {
                    object_type: object_type.api_name.clone(),
                    key,
                    revision: row.revision,
                    properties: Properties::new(Arc::clone(&plan.names), pick(&branch.output)),
                },
            ));
            view.budget().check_rows(u64::try_from(found.len()).unwrap_or(u64::MAX))?;
        }
    }
    Ok(found)
}

/// The order of a query: each term in its direction, ties by type and key in the direction of the last.
fn compare(a: &Position, b: &Position, order: &[SortDirection]) -> Ordering {
    let directed = |ordering: Ordering, direction: SortDirection| match direction {
        SortDirection::Asc => ordering,
        SortDirection::Desc => ordering.reverse(),
    };
    let terms = a.values.iter().zip(&b.values).zip(order);
    let by_values = terms.map(|((a, b), direction)| directed(a.compare(b), *direction));
    let ties = a.object_type.cmp(&b.object_type).then_with(|| a.key.cmp(&b.key));
    let last = order.last().copied().unwrap_or_default();
    by_values.fold(Ordering::Equal, Ordering::then).then(directed(ties, last))
}

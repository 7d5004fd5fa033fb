//! Pages of sets.

use std::collections::HashMap;

use arrakis_core::commit::StoredRow;
use arrakis_core::kernel::plan::{Branch, Position, QueryPlan};
use arrakis_core::kernel::{Object, QueryRows, Snapshot};
use arrakis_core::{Error, Key, ObjectTypeId, Result, Scope};

use super::object;
use super::reading::{Readers, Reading, Request, own_columns};
use super::value::RowReader;
use crate::sql::{Builder, Page, Slice, Statement, is_indexed, read_place, segments, selected};

pub(super) async fn page(readers: &Readers, scope: Scope, plan: &QueryPlan) -> Result<Snapshot<QueryRows>> {
    let request = Request { scope, at: plan.at, budget: plan.budget };
    if let ([branch], None, None) = (plan.branches.as_slice(), plan.budget.rows, plan.budget.ms)
        && stretches(plan, branch).len() == 1
    {
        let mut page = Page::new(plan);
        let segment = stretches(plan, branch).pop().flatten();
        let wanted = page.wanted();
        let statement = |builder: &Builder<'_>| stretch(builder, plan, branch, segment, wanted);
        let (head, rows) = readers.single(request, statement).await?;
        rows.iter().try_for_each(|row| page.read(&mut own_columns(row), branch))?;
        return Ok(Snapshot { seq: plan.at.unwrap_or(head), value: page.finish() });
    }
    let mut reading = readers.begin(request).await?;
    check_rows(&mut reading, plan).await?;
    let value = match plan.branches.as_slice() {
        [branch] => one_type(&mut reading, plan, branch).await?,
        _ => several_types(&mut reading, plan).await?,
    };
    let seq = reading.seq;
    reading.end().await?;
    Ok(Snapshot { seq, value })
}

async fn check_rows(reading: &mut Reading<'_>, plan: &QueryPlan) -> Result<()> {
    let Some(limit) = plan.budget.rows else { return Ok(()) };
    let count = reading.build(|builder| {
        let count = builder.count(&plan.branches, limit.saturating_add(1))?;
        Ok(count.map(|count| builder.dialect.select(&count)))
    })?;
    match count {
        Some(count) => plan.budget.check_rows(reading.count(&count).await?),
        None => Ok(()),
    }
}

/// The stretches a page is read in: ranges of an index, or everything at once.
fn stretches(plan: &QueryPlan, branch: &Branch) -> Vec<Option<usize>> {
    if is_indexed(branch, &plan.order) {
        (0..segments(&plan.order, plan.after.as_ref())).map(Some).collect()
    } else {
        vec![None]
    }
}

fn stretch(
    builder: &Builder<'_>,
    plan: &QueryPlan,
    branch: &Branch,
    segment: Option<usize>,
    limit: u64,
) -> Result<Option<Statement>> {
    let slice = Slice { order: &plan.order, after: plan.after.as_ref(), segment, limit };
    Ok(builder.page(branch, &slice)?.map(|statement| builder.dialect.select(&statement)))
}

async fn one_type(reading: &mut Reading<'_>, plan: &QueryPlan, branch: &Branch) -> Result<QueryRows> {
    let mut page = Page::new(plan);
    for segment in stretches(plan, branch) {
        if page.is_full() {
            break;
        }
        let wanted = page.wanted();
        let statement = reading.build(|builder| stretch(builder, plan, branch, segment, wanted))?;
        let Some(statement) = statement else { continue };
        let rows = reading.rows(&statement).await?;
        rows.iter().try_for_each(|row| page.read(&mut RowReader::new(row), branch))?;
    }
    Ok(page.finish())
}

/// Finds the places first, in one order over all types, then reads the objects of each type by their keys.
async fn several_types(reading: &mut Reading<'_>, plan: &QueryPlan) -> Result<QueryRows> {
    let Some(first) = plan.branches.first() else { return Ok(QueryRows { objects: Vec::new(), next: None }) };
    let limit = u64::from(plan.limit).saturating_add(1);
    let statement = reading.build(|builder| {
        let slice = Slice { order: &plan.order, after: plan.after.as_ref(), segment: None, limit };
        Ok(builder.places(&plan.branches, &slice)?.map(|statement| builder.dialect.select(&statement)))
    })?;
    let Some(statement) = statement else { return Ok(QueryRows { objects: Vec::new(), next: None }) };
    let rows = reading.rows(&statement).await?;
    let mut places = rows.iter().map(|row| read_place(&mut RowReader::new(row), first)).collect::<Result<Vec<_>>>()?;
    let more = places.len() > plan.limit as usize;
    places.truncate(plan.limit as usize);
    let objects = objects_at(reading, plan, &places).await?;
    Ok(QueryRows { objects, next: places.pop().filter(|_| more) })
}

async fn objects_at(reading: &mut Reading<'_>, plan: &QueryPlan, places: &[Position]) -> Result<Vec<Object>> {
    let mut types: HashMap<ObjectTypeId, (&Branch, HashMap<Key, StoredRow>)> = HashMap::new();
    for branch in &plan.branches {
        let of_type = places.iter().filter(|place| place.object_type == branch.object_type.id);
        let keys: Vec<Key> = of_type.map(|place| place.key.clone()).collect();
        types.insert(branch.object_type.id, (branch, object::rows(reading, &branch.object_type, &keys).await?));
    }
    let lost = || Error::internal("store.page.lost", "an object of the page is not there in the same snapshot");
    let object = |place: &Position| {
        let (branch, rows) = types.get(&place.object_type).ok_or_else(lost)?;
        Ok(selected(plan, branch, &place.key, rows.get(&place.key).ok_or_else(lost)?))
    };
    places.iter().map(object).collect()
}

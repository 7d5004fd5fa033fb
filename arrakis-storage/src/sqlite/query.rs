//! Pages of sets.

use std::collections::HashMap;

use arrakis_core::kernel::plan::{Branch, Position, QueryPlan};
use arrakis_core::kernel::{Object, QueryRows, Snapshot};
use arrakis_core::{Error, ObjectTypeId, Result};

use super::object::Rows;
use super::reading::Reading;
use crate::sql::{Builder, Page, Slice, is_indexed, read_place, segments, selected};

pub(super) fn page(reading: &Reading<'_>, plan: &QueryPlan) -> Result<Snapshot<QueryRows>> {
    let value = match reading.builder()? {
        None => QueryRows { objects: Vec::new(), next: None },
        Some(builder) => {
            check_rows(reading, &builder, plan)?;
            match plan.branches.as_slice() {
                [branch] => one_type(reading, &builder, plan, branch)?,
                _ => several_types(reading, &builder, plan)?,
            }
        }
    };
    Ok(Snapshot { seq: reading.seq, value })
}

fn check_rows(reading: &Reading<'_>, builder: &Builder<'_>, plan: &QueryPlan) -> Result<()> {
    let Some(limit) = plan.budget.rows else { return Ok(()) };
    let Some(count) = builder.count(&plan.branches, limit.saturating_add(1))? else { return Ok(()) };
    plan.budget.check_rows(reading.count(&builder.dialect.select(&count))?)
}

fn one_type(reading: &Reading<'_>, builder: &Builder<'_>, plan: &QueryPlan, branch: &Branch) -> Result<QueryRows> {
    let mut page = Page::new(plan);
    let after = plan.after.as_ref();
    let indexed = is_indexed(branch, &plan.order);
    let stretches = if indexed { (0..segments(&plan.order, after)).map(Some).collect() } else { vec![None] };
    for segment in stretches {
        if page.is_full() {
            break;
        }
        let slice = Slice { order: &plan.order, after, segment, limit: page.wanted() };
        let Some(statement) = builder.page(branch, &slice)? else { continue };
        reading.each(&builder.dialect.select(&statement), |row| page.read(row, branch))?;
    }
    Ok(page.finish())
}

/// Finds the places first, in one order over all types, then reads each object by its key.
fn several_types(reading: &Reading<'_>, builder: &Builder<'_>, plan: &QueryPlan) -> Result<QueryRows> {
    let Some(first) = plan.branches.first() else { return Ok(QueryRows { objects: Vec::new(), next: None }) };
    let mut places = Vec::new();
    let limit = u64::from(plan.limit).saturating_add(1);
    let slice = Slice { order: &plan.order, after: plan.after.as_ref(), segment: None, limit };
    if let Some(statement) = builder.places(&plan.branches, &slice)? {
        reading.each(&builder.dialect.select(&statement), |row| {
            places.push(read_place(row, first)?);
            Ok(())
        })?;
    }
    let more = places.len() > plan.limit as usize;
    places.truncate(plan.limit as usize);
    let objects = objects_at(reading, plan, &places)?;
    Ok(QueryRows { objects, next: places.pop().filter(|_| more) })
}

fn objects_at(reading: &Reading<'_>, plan: &QueryPlan, places: &[Position]) -> Result<Vec<Object>> {
    let mut types: HashMap<ObjectTypeId, (&Branch, Rows<'_>)> = HashMap::new();
    for branch in &plan.branches {
        types.insert(branch.object_type.id, (branch, Rows::new(reading, &branch.object_type)?));
    }
    let lost = || Error::internal("store.page.lost", "an object of the page is not there in the same snapshot");
    let object = |place: &Position| {
        let (branch, rows) = types.get_mut(&place.object_type).ok_or_else(lost)?;
        let row = rows.row(&place.key)?.ok_or_else(lost)?;
        Ok(selected(plan, branch, &place.key, &row))
    };
    places.iter().map(object).collect()
}

//! Pages of sets.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis_core::kernel::plan::{Branch, Position, QueryPlan};
use arrakis_core::kernel::{Object, Properties, QueryRows, Snapshot};
use arrakis_core::{Error, Key, ObjectTypeId, Result, Value};

use super::object::Rows;
use super::reading::Reading;
use super::value::RowReader;
use crate::sql::{Builder, Columns, Slice, is_indexed, segments};

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

/// What is read of a page: one row more than it may have tells whether there are more.
struct Page<'p> {
    plan: &'p QueryPlan,
    objects: Vec<Object>,
    last: Option<Position>,
    more: bool,
}

impl Page<'_> {
    fn limit(&self) -> usize {
        self.plan.limit as usize
    }

    fn wanted(&self) -> u64 {
        u64::try_from((self.limit() + 1).saturating_sub(self.objects.len())).unwrap_or(u64::MAX)
    }

    fn finish(self) -> QueryRows {
        QueryRows { next: self.last.filter(|_| self.more), objects: self.objects }
    }
}

fn one_type(reading: &Reading<'_>, builder: &Builder<'_>, plan: &QueryPlan, branch: &Branch) -> Result<QueryRows> {
    let mut page = Page { plan, objects: Vec::new(), last: None, more: false };
    let after = plan.after.as_ref();
    let indexed = is_indexed(branch, &plan.order);
    let stretches = if indexed { (0..segments(&plan.order, after)).map(Some).collect() } else { vec![None] };
    for segment in stretches {
        if page.more {
            break;
        }
        let slice = Slice { order: &plan.order, after, segment, limit: page.wanted() };
        let Some(statement) = builder.page(branch, &slice)? else { continue };
        reading.each(&builder.dialect.select(&statement), |row| {
            if page.objects.len() == page.limit() {
                page.more = true;
                return Ok(());
            }
            let object = read_object(row, branch, &mut page)?;
            page.objects.push(object);
            Ok(())
        })?;
    }
    Ok(page.finish())
}

fn read_object(row: &mut RowReader<'_, '_>, branch: &Branch, page: &mut Page<'_>) -> Result<Object> {
    let columns = Columns::of_object(&branch.object_type);
    let key = row.key()?;
    let revision = row.seq()?;
    if page.objects.len() + 1 == page.limit() {
        let values = order_values(row, branch)?;
        page.last = Some(Position { values, object_type: branch.object_type.id, key: key.clone() });
    } else {
        row.skip(branch.order.len());
    }
    let mut values = Vec::with_capacity(branch.output.len());
    for &property in &branch.output {
        values.push(if columns.is_key(property) { key.to_value() } else { row.value(columns.base(property)?)? });
    }
    let properties = Properties::new(Arc::clone(&page.plan.names), values);
    Ok(Object { object_type: branch.object_type.api_name.clone(), key, revision, properties })
}

fn order_values(row: &mut RowReader<'_, '_>, branch: &Branch) -> Result<Vec<Value>> {
    let columns = Columns::of_object(&branch.object_type);
    branch.order.iter().map(|&property| row.value(columns.base(property)?)).collect()
}

/// Finds the places first, in one order over all types, then reads each object by its key.
fn several_types(reading: &Reading<'_>, builder: &Builder<'_>, plan: &QueryPlan) -> Result<QueryRows> {
    let Some(first) = plan.branches.first() else { return Ok(QueryRows { objects: Vec::new(), next: None }) };
    let mut places = Vec::new();
    let limit = u64::from(plan.limit).saturating_add(1);
    let slice = Slice { order: &plan.order, after: plan.after.as_ref(), segment: None, limit };
    if let Some(statement) = builder.places(&plan.branches, &slice)? {
        reading.each(&builder.dialect.select(&statement), |row| {
            let values = order_values(row, first)?;
            let object_type = ObjectTypeId(row.get()?);
            places.push(Position { values, object_type, key: row.key()? });
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
        let value = |property: &usize| row.values.get(*property).cloned().unwrap_or_default();
        Ok(Object {
            object_type: branch.object_type.api_name.clone(),
            key: Key::clone(&place.key),
            revision: row.revision,
            properties: Properties::new(Arc::clone(&plan.names), branch.output.iter().map(value).collect()),
        })
    };
    places.iter().map(object).collect()
}

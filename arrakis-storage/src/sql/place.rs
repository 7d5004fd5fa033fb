//! Pages from their rows.

use std::sync::Arc;

use arrakis_core::commit::StoredRow;
use arrakis_core::kernel::plan::{Branch, Position, QueryPlan};
use arrakis_core::kernel::{Object, Properties, QueryRows};
use arrakis_core::{Key, ObjectTypeId, Result, Value};

use super::value::mistyped;
use super::{Columns, ReadRow};

/// What is read of a page: one row more than it may have tells whether there are more.
pub(crate) struct Page<'p> {
    plan: &'p QueryPlan,
    objects: Vec<Object>,
    last: Option<Position>,
    more: bool,
}

impl<'p> Page<'p> {
    pub(crate) fn new(plan: &'p QueryPlan) -> Self {
        Self { plan, objects: Vec::new(), last: None, more: false }
    }

    /// Whether nothing more is to be read.
    pub(crate) fn is_full(&self) -> bool {
        self.more
    }

    fn limit(&self) -> usize {
        self.plan.limit as usize
    }

    /// How many rows are still to be read, at most.
    pub(crate) fn wanted(&self) -> u64 {
        u64::try_from((self.limit() + 1).saturating_sub(self.objects.len())).unwrap_or(u64::MAX)
    }

    /// Reads a row of [`super::Builder::page`].
    pub(crate) fn read(&mut self, row: &mut impl ReadRow, branch: &Branch) -> Result<()> {
        if self.objects.len() == self.limit() {
            self.more = true;
            return Ok(());
        }
        let columns = Columns::of_object(&branch.object_type);
        let key = row.key()?;
        let revision = row.seq()?;
        if self.objects.len() + 1 == self.limit() {
            let values = order_values(row, branch)?;
            self.last = Some(Position { values, object_type: branch.object_type.id, key: key.clone() });
        } else {
            row.skip(branch.order.len());
        }
        let mut values = Vec::with_capacity(branch.output.len());
        for &property in &branch.output {
            values.push(if columns.is_key(property) { key.to_value() } else { row.value(columns.base(property)?)? });
        }
        let properties = Properties::new(Arc::clone(&self.plan.names), values);
        self.objects.push(Object { object_type: branch.object_type.api_name.clone(), key, revision, properties });
        Ok(())
    }

    pub(crate) fn finish(self) -> QueryRows {
        QueryRows { next: self.last.filter(|_| self.more), objects: self.objects }
    }
}

/// Reads a row of [`super::Builder::places`].
pub(crate) fn read_place(row: &mut impl ReadRow, first: &Branch) -> Result<Position> {
    let values = order_values(row, first)?;
    let object_type = u32::try_from(row.integer()?).map_err(|_| mistyped("object type"))?;
    let key = match row.optional_integer()? {
        Some(number) => {
            row.skip(1);
            Key::Integer(number)
        }
        None => row.key()?,
    };
    Ok(Position { values, object_type: ObjectTypeId(object_type), key })
}

fn order_values(row: &mut impl ReadRow, branch: &Branch) -> Result<Vec<Value>> {
    let columns = Columns::of_object(&branch.object_type);
    branch.order.iter().map(|&property| row.value(columns.base(property)?)).collect()
}

/// The object of a row that was read whole, with the properties a plan selects.
pub(crate) fn selected(plan: &QueryPlan, branch: &Branch, key: &Key, row: &StoredRow) -> Object {
    let value = |property: &usize| row.values.get(*property).cloned().unwrap_or_default();
    Object {
        object_type: branch.object_type.api_name.clone(),
        key: key.clone(),
        revision: row.revision,
        properties: Properties::new(Arc::clone(&plan.names), branch.output.iter().map(value).collect()),
    }
}

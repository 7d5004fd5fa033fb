//! The links at one object.

use arrakis_core::kernel::plan::LinksPlan;
use arrakis_core::ontology::{Backing, ObjectType};
use arrakis_core::{Key, Result};
use sea_query::{Expr, ExprTrait, Order, SelectStatement, UnionType};

use super::column::scalar;
use super::condition::Condition;
use super::source::end_column;
use super::{Builder, ColumnKind};

impl Builder<'_> {
    /// Selects the links of a plan, ordered by far key: the far key as `k`, `rev`, then the link's stored properties.
    pub(crate) fn links(&self, plan: &LinksPlan) -> Result<Option<SelectStatement>> {
        let statement = match (plan.link_type.backing, &plan.holder_type) {
            (Backing::Join, _) => self.joined(plan)?,
            (Backing::ForeignKey { holder, property }, Some(holder_type)) => {
                self.held(plan, holder_type, property, holder == plan.end)?
            }
            (Backing::ForeignKey { .. }, None) => None,
        };
        Ok(statement.map(|mut statement| {
            statement.order_by("k", Order::Asc).limit(u64::from(plan.limit));
            statement
        }))
    }

    fn joined(&self, plan: &LinksPlan) -> Result<Option<SelectStatement>> {
        let Some(table) = self.tables.link_table(plan.link_type.id)? else { return Ok(None) };
        let link = self.link_row(&plan.link_type);
        self.union_parts(&table, &link, UnionType::All, |select, _| {
            let far = link.fixed(end_column(plan.end.far()));
            select.expr_as(far.clone(), "k").expr_as(link.fixed("rev"), "rev");
            for (name, _) in link.columns.stored() {
                select.expr(Expr::col((link.name.clone(), name)));
            }
            let near = link.fixed(end_column(plan.end)).eq(scalar(&plan.key.to_value())?);
            let edge = plan.edge.as_ref().map_or(Ok(Condition::Always), |edge| self.predicate(&link, edge))?;
            Ok(Condition::all([Condition::When(near), self.asked(&far, plan)?, edge]))
        })
    }

    fn held(
        &self,
        plan: &LinksPlan,
        holder_type: &ObjectType,
        property: usize,
        from_holder: bool,
    ) -> Result<Option<SelectStatement>> {
        let Some(table) = self.tables.object_table(holder_type.id)? else { return Ok(None) };
        let row = self.object_row(holder_type);
        self.union_parts(&table, &row, UnionType::All, |select, _| {
            let held = row.property(property)?;
            let (near, far) = if from_holder { (row.fixed("k"), held) } else { (held, row.fixed("k")) };
            select.expr_as(far.clone(), "k").expr_as(row.fixed("rev"), "rev");
            let near = near.eq(scalar(&plan.key.to_value())?);
            Ok(Condition::all([
                Condition::When(near),
                Condition::When(far.clone().is_not_null()),
                self.asked(&far, plan)?,
            ]))
        })
    }

    /// Which far keys are asked for.
    fn asked(&self, far: &Expr, plan: &LinksPlan) -> Result<Condition> {
        let listed = match &plan.far {
            None => Condition::Always,
            Some(keys) => {
                let values = |wanted: fn(&Key) -> bool| {
                    keys.iter().filter(|key| wanted(key)).map(|key| scalar(&key.to_value())).collect::<Result<Vec<_>>>()
                };
                let integers = values(|key| matches!(key, Key::Integer(_)))?;
                let strings = values(|key| matches!(key, Key::String(_)))?;
                Condition::any([
                    self.in_values(far.clone(), integers, ColumnKind::Integer),
                    self.in_values(far.clone(), strings, ColumnKind::Text),
                ])
            }
        };
        let after = match &plan.after {
            None => Condition::Always,
            Some(key) => Condition::When(far.clone().gt(scalar(&key.to_value())?)),
        };
        Ok(listed.and(after))
    }
}

//! Groups of sets and what is measured in them.

use arrakis_core::kernel::plan::{AggregateBranch, AggregatePlan, GroupKey, MeasureFunction, Operand, Over, TimeUnit};
use arrakis_core::ontology::Backing;
use arrakis_core::{BaseType, Error, Result, Value};
use sea_query::{CaseStatement, Expr, ExprTrait, Func, Query, SelectStatement, UnionType};

use super::column::scalar;
use super::condition::Condition;
use super::dialect::Function;
use super::page::count_of;
use super::source::{Part, Row, end_column, union_of};
use super::{Builder, Table};

/// How whole numbers are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SumForm {
    /// By the database, which refuses a sum beyond 64 bits.
    Whole,
    /// As two sums, of the upper and of the lower 32 bits, which never pass 64 bits.
    Halves,
    /// By the database, whose sums have any number of digits, as text.
    Digits,
}

/// What one row of an aggregate is made of: an object, with one of its links when the aggregate is over links.
struct Unfolded<'t> {
    object: Row<'t>,
    /// The row the link is read from, where that is another than the object's own.
    link: Option<(Row<'t>, &'t Table, Part)>,
    /// The key at the far end of the link.
    far: Option<Expr>,
    /// What makes the link one of the object's.
    linked: Condition,
}

/// What is selected of each row.
type SelectColumns<'f> = dyn FnMut(&mut SelectStatement, &AggregateBranch, &Unfolded<'_>) -> Result<()> + 'f;

/// The type of an operand's values.
pub(crate) fn operand_base(branch: &AggregateBranch, operand: Operand) -> Result<&BaseType> {
    let over = || branch.over.as_ref().ok_or_else(no_links);
    Ok(match operand {
        Operand::Property(property) => super::Columns::of_object(&branch.object_type).base(property)?,
        Operand::LinkProperty(property) => {
            let over = over()?;
            let properties = &over.link_type.properties;
            &properties.get(property).ok_or_else(no_links)?.data_type.base
        }
        Operand::FarKey => &over()?.far_type.key_property()?.data_type.base,
    })
}

impl Builder<'_> {
    /// Selects the groups of a plan: the group keys, two columns for a geopoint, then per measure its accumulators. `Sum` and `Avg` of
    /// whole numbers take one or two columns for the sum by its form, of doubles one; then one for how many.
    pub(crate) fn aggregate(&self, plan: &AggregatePlan, form: SumForm) -> Result<Option<SelectStatement>> {
        let Some(first) = plan.branches.first() else { return Ok(None) };
        let Some(rows) = self.unfold_all(plan, &mut |select, branch, row| self.inner(select, branch, row))? else {
            return Ok(None);
        };
        let mut select = Query::select();
        for (index, group) in first.groups.iter().enumerate() {
            for name in group_names(first, index, group)? {
                select.column(("s", name.clone())).group_by_col(("s", name));
            }
        }
        for (index, function) in plan.measures.iter().enumerate() {
            let operand = first.operands.get(index).copied().flatten();
            self.measure(&mut select, *function, index, operand.map(|of| operand_base(first, of)).transpose()?, form);
        }
        if plan.measures.is_empty() {
            // Without a measure the rows would not be taken together.
            select.expr(Expr::cust("COUNT(*)"));
        }
        Ok(Some(select.from_subquery(rows, "s").take()))
    }

    /// Selects how many rows an aggregate reads, counting no further than `most`.
    pub(crate) fn count_unfolded(&self, plan: &AggregatePlan, most: u64) -> Result<Option<SelectStatement>> {
        let rows = self.unfold_all(plan, &mut |select, _, _| {
            select.expr_as(Expr::val(1_i64), "x");
            Ok(())
        })?;
        Ok(rows.map(|rows| count_of(rows, most)))
    }

    fn unfold_all(&self, plan: &AggregatePlan, columns: &mut SelectColumns<'_>) -> Result<Option<SelectStatement>> {
        let mut all = None;
        for branch in &plan.branches {
            all = union_of(all, self.unfold(branch, columns)?, UnionType::All);
        }
        Ok(all)
    }

    fn unfold(&self, branch: &AggregateBranch, columns: &mut SelectColumns<'_>) -> Result<Option<SelectStatement>> {
        let Some(table) = self.tables.object_table(branch.object_type.id)? else { return Ok(None) };
        let object = self.object_row(&branch.object_type);
        let mut all = None;
        for &part in self.parts(&table) {
            let statement = match &branch.over {
                None => {
                    let row = Unfolded { object: object.clone(), link: None, far: None, linked: Condition::Always };
                    self.unfolded(branch, (&table, part), &row, columns)?
                }
                Some(over) => self.over_links(branch, over, (&table, part, &object), columns)?,
            };
            all = union_of(all, statement, UnionType::All);
        }
        Ok(all)
    }

    fn over_links(
        &self,
        branch: &AggregateBranch,
        over: &Over,
        (table, part, object): (&Table, Part, &Row<'_>),
        columns: &mut SelectColumns<'_>,
    ) -> Result<Option<SelectStatement>> {
        let (links, row, near, far) = match over.link_type.backing {
            Backing::ForeignKey { holder, property } if holder == over.end => {
                let held = object.property(property)?;
                let linked = Condition::When(held.clone().is_not_null());
                let row = Unfolded { object: object.clone(), link: None, far: Some(held), linked };
                return self.unfolded(branch, (table, part), &row, columns);
            }
            Backing::ForeignKey { property, .. } => {
                let row = self.object_row(&over.far_type);
                let (near, far) = (row.property(property)?, row.fixed("k"));
                (self.tables.object_table(over.far_type.id)?, row, near, far)
            }
            Backing::Join => {
                let row = self.link_row(&over.link_type);
                let (near, far) = (row.fixed(end_column(over.end)), row.fixed(end_column(over.end.far())));
                (self.tables.link_table(over.link_type.id)?, row, near, far)
            }
        };
        let Some(links) = links else { return Ok(None) };
        let mut all = None;
        for &part_of_links in self.parts(&links) {
            let row = Unfolded {
                object: object.clone(),
                link: Some((row.clone(), &links, part_of_links)),
                far: Some(far.clone()),
                linked: Condition::When(near.clone().eq(object.fixed("k"))),
            };
            all = union_of(all, self.unfolded(branch, (table, part), &row, columns)?, UnionType::All);
        }
        Ok(all)
    }

    fn unfolded(
        &self,
        branch: &AggregateBranch,
        (table, part): (&Table, Part),
        row: &Unfolded<'_>,
        columns: &mut SelectColumns<'_>,
    ) -> Result<Option<SelectStatement>> {
        let mut select = Query::select();
        let mut conditions = vec![self.from(&mut select, table, part, &row.object)];
        if let Some((link, table, part)) = &row.link {
            conditions.push(self.from(&mut select, table, *part, link));
        }
        columns(&mut select, branch, row)?;
        conditions.push(row.linked.clone());
        conditions.push(self.set(&row.object, &branch.object_type, &branch.rel)?);
        Ok(Condition::all(conditions).restrict(select))
    }

    /// The columns of one row: group keys as `g0…`, what is measured as `m0…`.
    fn inner(&self, select: &mut SelectStatement, branch: &AggregateBranch, row: &Unfolded<'_>) -> Result<()> {
        for (index, group) in branch.groups.iter().enumerate() {
            for (name, value) in
                group_names(branch, index, group)?.into_iter().zip(self.group_values(branch, group, row)?)
            {
                select.expr_as(value, name);
            }
        }
        for (index, operand) in branch.operands.iter().enumerate() {
            let Some(operand) = *operand else { continue };
            let value = match (operand_base(branch, operand)?, row.value(operand)?) {
                (BaseType::Geopoint, lat) => self.dialect.call(Function::Point, vec![lat, row.longitude(operand)?]),
                (_, value) => value,
            };
            select.expr_as(value, format!("m{index}"));
        }
        // A subquery selects something, if only to be counted.
        select.expr_as(Expr::val(1_i64), "x");
        Ok(())
    }

    fn group_values(&self, branch: &AggregateBranch, group: &GroupKey, row: &Unfolded<'_>) -> Result<Vec<Expr>> {
        Ok(match group {
            GroupKey::Exact(operand) => match (operand_base(branch, *operand)?, row.value(*operand)?) {
                (BaseType::Geopoint, lat) => vec![lat, row.longitude(*operand)?],
                (_, value) => vec![value],
            },
            GroupKey::Ranges(operand, ranges) => vec![range_number(&row.value(*operand)?, ranges)?],
            GroupKey::Bucket(operand, unit) => {
                let function = match operand_base(branch, *operand)? {
                    BaseType::Date => Function::StartOfDate,
                    _ => Function::StartOfTimestamp,
                };
                vec![self.dialect.call(function, vec![Expr::val(unit_number(*unit)), row.value(*operand)?])]
            }
        })
    }

    fn measure(
        &self,
        select: &mut SelectStatement,
        function: MeasureFunction,
        index: usize,
        base: Option<&BaseType>,
        form: SumForm,
    ) {
        let Some(base) = base else {
            select.expr(Expr::cust("COUNT(*)"));
            return;
        };
        let value = || Expr::col(("s", format!("m{index}")));
        match function {
            MeasureFunction::Count => select.expr(Func::count(value())),
            MeasureFunction::CountDistinct => select.expr(Func::count_distinct(value())),
            MeasureFunction::Min => select.expr(Func::min(value())),
            MeasureFunction::Max => select.expr(Func::max(value())),
            MeasureFunction::Sum | MeasureFunction::Avg => {
                match (base, form) {
                    (BaseType::Double, _) => select.expr(self.dialect.call(Function::SumDouble, vec![value()])),
                    (_, SumForm::Whole) => select.expr(Func::sum(value())),
                    (_, SumForm::Digits) => select.expr(Expr::from(Func::sum(value())).cast_as("text")),
                    (_, SumForm::Halves) => select
                        .expr(Func::sum(value().right_shift(32_i64)))
                        .expr(Func::sum(value().bit_and(i64::from(u32::MAX)))),
                };
                select.expr(Func::count(value()))
            }
        };
    }
}

impl Unfolded<'_> {
    fn value(&self, operand: Operand) -> Result<Expr> {
        match operand {
            Operand::Property(property) => self.object.property(property),
            Operand::LinkProperty(property) => {
                let (link, _, _) = self.link.as_ref().ok_or_else(no_links)?;
                link.property(property)
            }
            Operand::FarKey => self.far.clone().ok_or_else(no_links),
        }
    }

    fn longitude(&self, operand: Operand) -> Result<Expr> {
        match (operand, &self.link) {
            (Operand::Property(property), _) => self.object.longitude(property),
            (Operand::LinkProperty(property), Some((link, _, _))) => link.longitude(property),
            (Operand::LinkProperty(_) | Operand::FarKey, _) => Err(no_links()),
        }
    }
}

/// The names of a group key's columns.
fn group_names(branch: &AggregateBranch, index: usize, group: &GroupKey) -> Result<Vec<String>> {
    let geopoint = match group {
        GroupKey::Exact(operand) => matches!(operand_base(branch, *operand)?, BaseType::Geopoint),
        GroupKey::Ranges(..) | GroupKey::Bucket(..) => false,
    };
    let name = format!("g{index}");
    Ok(if geopoint { vec![name.clone(), format!("{name}x")] } else { vec![name] })
}

fn range_number(value: &Expr, ranges: &[(Option<Value>, Option<Value>)]) -> Result<Expr> {
    let mut case = CaseStatement::new();
    for (number, (from, to)) in ranges.iter().enumerate() {
        let mut holds = value.clone().is_not_null();
        if let Some(from) = from {
            holds = holds.and(value.clone().gte(scalar(from)?));
        }
        if let Some(to) = to {
            holds = holds.and(value.clone().lt(scalar(to)?));
        }
        case = case.case(holds, Expr::val(i64::try_from(number).unwrap_or(i64::MAX)));
    }
    Ok(if ranges.is_empty() { Expr::cust("NULL") } else { case.into() })
}

/// How a calendar unit is handed to a function of the database.
pub(crate) const fn unit_number(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Hour => 0,
        TimeUnit::Day => 1,
        TimeUnit::Week => 2,
        TimeUnit::Month => 3,
        TimeUnit::Quarter => 4,
        TimeUnit::Year => 5,
    }
}

/// The calendar unit of a number, the other way round.
#[cfg(feature = "sqlite")]
pub(crate) const fn unit_of_number(number: i64) -> Option<TimeUnit> {
    match number {
        0 => Some(TimeUnit::Hour),
        1 => Some(TimeUnit::Day),
        2 => Some(TimeUnit::Week),
        3 => Some(TimeUnit::Month),
        4 => Some(TimeUnit::Quarter),
        5 => Some(TimeUnit::Year),
        _ => None,
    }
}

fn no_links() -> Error {
    Error::internal("kernel.plan.no_links", "a plan reads a link of an aggregate that is not over links")
}

//! Pages of sets: order, keyset positions, and what is selected.

use arrakis_core::kernel::plan::{Branch, Comparison, Position, Predicate, Rel, SortDirection};
use arrakis_core::ontology::Index;
use arrakis_core::{BaseType, Result, Value};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, UnionType};

use super::column::scalar;
use super::condition::Condition;
use super::source::{Row, union_of};
use super::{Builder, ColumnKind};

/// The ordered part of a page: what of it is asked for in one statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice<'a> {
    /// The directions of the order terms.
    pub(crate) order: &'a [SortDirection],
    /// After this position.
    pub(crate) after: Option<&'a Position>,
    /// Of the [`segments`] after the position, this one; all of them for `None`.
    pub(crate) segment: Option<usize>,
    /// The most rows.
    pub(crate) limit: u64,
}

/// How a row compares with a position at one place of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Equal up to a term and strictly after in it, by a present value.
    Beyond(usize),
    /// Equal up to a term and absent in it, which comes after every present value of a descending term.
    Absent(usize),
    /// Equal in every term, and after by type and key.
    Tie,
}

/// In how many stretches, one after the other in the order, the rows after a position lie. Each is one range of an index that has
/// the order's columns.
pub(crate) fn segments(order: &[SortDirection], after: Option<&Position>) -> usize {
    after.map_or(1, |after| steps(order, after).len())
}

/// Whether the primary key or an index of the type gives this order among the branch's rows, so that the segments after a position are
/// ranges of it. An index may lead with properties the branch fixes to one value each.
pub(crate) fn is_indexed(branch: &Branch, order: &[SortDirection]) -> bool {
    let one_way = order.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
    let object_type = &branch.object_type;
    // What follows the key in an order decides nothing.
    let terms = branch.order.split(|&term| term == object_type.primary_key).next().unwrap_or_default();
    let gives = |index: &Index| {
        let fixed = index.properties.strip_suffix(terms);
        fixed.is_some_and(|fixed| fixed.iter().all(|&property| is_fixed(&branch.rel, property)))
    };
    one_way && (terms.is_empty() || object_type.indexes.iter().any(gives))
}

/// Whether a property has the same value in every object of a set, as far as that is plain to see.
fn is_fixed(rel: &Rel, property: usize) -> bool {
    match rel {
        Rel::Filter(from, predicate) => is_compared(predicate, property) || is_fixed(from, property),
        Rel::Intersect(sets) => sets.iter().any(|set| is_fixed(set, property)),
        Rel::Subtract(from, _) => is_fixed(from, property),
        Rel::All | Rel::Nothing | Rel::Keys(_) | Rel::Union(_) | Rel::Traverse(_) => false,
    }
}

fn is_compared(predicate: &Predicate, property: usize) -> bool {
    match predicate {
        Predicate::And(all) => all.iter().any(|each| is_compared(each, property)),
        Predicate::Compare(compared, Comparison::Eq, _) => *compared == property,
        _ => false,
    }
}

fn steps(order: &[SortDirection], after: &Position) -> Vec<Step> {
    let mut steps = vec![Step::Tie];
    for (term, direction) in order.iter().enumerate().rev() {
        let absent = after.values.get(term).is_none_or(Value::is_null);
        match direction {
            SortDirection::Asc => steps.push(Step::Beyond(term)),
            SortDirection::Desc if absent => {}
            SortDirection::Desc => steps.extend([Step::Beyond(term), Step::Absent(term)]),
        }
    }
    steps
}

impl Builder<'_> {
    /// Selects one branch's rows in order: `k`, `rev`, the order terms as `o0…`, then the outputs.
    pub(crate) fn page(&self, branch: &Branch, slice: &Slice<'_>) -> Result<Option<SelectStatement>> {
        let Some(table) = self.tables.object_table(branch.object_type.id)? else { return Ok(None) };
        let row = self.object_row(&branch.object_type);
        let statement = self.union_parts(&table, &row, UnionType::All, |select, _| {
            select.expr_as(row.fixed("k"), "k").expr_as(row.fixed("rev"), "rev");
            order_columns(select, &row, branch)?;
            for &property in branch.output.iter().filter(|property| !row.columns.is_key(**property)) {
                select.expr(row.property(property)?);
                if matches!(row.columns.base(property)?, BaseType::Geopoint) {
                    select.expr(row.longitude(property)?);
                }
            }
            let after = after(&row, branch, slice)?;
            Ok(self.set(&row, &branch.object_type, &branch.rel)?.and(after))
        })?;
        Ok(statement.map(|statement| self.ordered(statement, slice)))
    }

    /// Selects the places of the rows of several branches in order: the order terms as `o0…`, the type as `y`, the key as `k` when it is an
    /// integer and as `kt` when it is text. The other is absent; rows of one type have keys of one kind.
    pub(crate) fn places(&self, branches: &[Branch], slice: &Slice<'_>) -> Result<Option<SelectStatement>> {
        let mut all = None;
        for branch in branches {
            let Some(table) = self.tables.object_table(branch.object_type.id)? else { continue };
            let row = self.object_row(&branch.object_type);
            let statement = self.union_parts(&table, &row, UnionType::All, |select, _| {
                order_columns(select, &row, branch)?;
                select.expr_as(Expr::val(i64::from(branch.object_type.id.0)), "y");
                let absent = |of: &'static str| Expr::cust("NULL").cast_as(of);
                let (integer, text) = match ColumnKind::of(&branch.object_type.key_property()?.data_type.base) {
                    ColumnKind::Integer => (row.fixed("k"), absent("text")),
                    ColumnKind::Real | ColumnKind::Text | ColumnKind::Blob => (absent("bigint"), row.fixed("k")),
                };
                select.expr_as(integer, "k").expr_as(text, "kt");
                let after = after(&row, branch, slice)?;
                Ok(self.set(&row, &branch.object_type, &branch.rel)?.and(after))
            })?;
            all = union_of(all, statement, UnionType::All);
        }
        Ok(all.map(|mut statement| {
            let last = last_direction(slice.order);
            self.order_terms(&mut statement, slice.order);
            statement.order_by("y", last.clone()).order_by("k", last.clone()).order_by("kt", last).limit(slice.limit);
            statement
        }))
    }

    /// Selects how many rows a set has, counting no further than `most`.
    pub(crate) fn count(&self, branches: &[Branch], most: u64) -> Result<Option<SelectStatement>> {
        let mut all = None;
        for branch in branches {
            let Some(table) = self.tables.object_table(branch.object_type.id)? else { continue };
            let row = self.object_row(&branch.object_type);
            let statement = self.union_parts(&table, &row, UnionType::All, |select, _| {
                select.expr_as(Expr::val(1_i64), "x");
                self.set(&row, &branch.object_type, &branch.rel)
            })?;
            all = union_of(all, statement, UnionType::All);
        }
        Ok(all.map(|all| count_of(all, most)))
    }

    fn ordered(&self, mut statement: SelectStatement, slice: &Slice<'_>) -> SelectStatement {
        self.order_terms(&mut statement, slice.order);
        statement.order_by("k", last_direction(slice.order)).limit(slice.limit);
        statement
    }

    fn order_terms(&self, statement: &mut SelectStatement, order: &[SortDirection]) {
        for (term, direction) in order.iter().enumerate() {
            let name = order_name(term);
            match self.dialect.nulls_lowest(*direction == SortDirection::Asc) {
                Some(nulls) => statement.order_by_with_nulls(name, sql_order(*direction), nulls),
                None => statement.order_by(name, sql_order(*direction)),
            };
        }
    }
}

fn order_columns(select: &mut SelectStatement, row: &Row<'_>, branch: &Branch) -> Result<()> {
    for (term, &property) in branch.order.iter().enumerate() {
        select.expr_as(row.property(property)?, order_name(term));
    }
    Ok(())
}

fn after(row: &Row<'_>, branch: &Branch, slice: &Slice<'_>) -> Result<Condition> {
    let Some(after) = slice.after else { return Ok(Condition::Always) };
    let mut conditions = Vec::new();
    let steps = steps(slice.order, after);
    let asked = |index: usize| slice.segment.is_none_or(|segment| segment == index);
    for (_, step) in steps.into_iter().enumerate().filter(|(index, _)| asked(*index)) {
        conditions.push(step_condition(row, branch, slice.order, after, step)?);
    }
    Ok(Condition::any(conditions))
}

fn step_condition(
    row: &Row<'_>,
    branch: &Branch,
    order: &[SortDirection],
    after: &Position,
    step: Step,
) -> Result<Condition> {
    let value = |term: usize| after.values.get(term).unwrap_or(&Value::Null);
    let column = |term: usize| row.property(branch.order.get(term).copied().unwrap_or(usize::MAX));
    let equal_before = match step {
        Step::Beyond(term) | Step::Absent(term) => term,
        Step::Tie => order.len(),
    };
    let mut conditions = Vec::new();
    for term in 0..equal_before {
        let column = column(term)?;
        conditions.push(Condition::When(match value(term) {
            Value::Null => column.is_null(),
            value => column.eq(scalar(value)?),
        }));
    }
    conditions.push(match step {
        Step::Absent(term) => Condition::When(column(term)?.is_null()),
        Step::Beyond(term) => {
            let ascending = order.get(term) == Some(&SortDirection::Asc);
            let column = column(term)?;
            Condition::When(match value(term) {
                Value::Null => column.is_not_null(),
                value if ascending => column.gt(scalar(value)?),
                value => column.lt(scalar(value)?),
            })
        }
        Step::Tie => tie(row, branch, order, after)?,
    });
    Ok(Condition::all(conditions))
}

fn tie(row: &Row<'_>, branch: &Branch, order: &[SortDirection], after: &Position) -> Result<Condition> {
    let ascending = order.last() != Some(&SortDirection::Desc);
    let by_type = branch.object_type.id.cmp(&after.object_type);
    if by_type.is_ne() {
        return Ok(if by_type.is_gt() == ascending { Condition::Always } else { Condition::Never });
    }
    let key = row.fixed("k");
    let position = scalar(&after.key.to_value())?;
    // A key of the other type is no place among these: integers come before strings.
    let integers = ColumnKind::of(&branch.object_type.key_property()?.data_type.base) == ColumnKind::Integer;
    let comparable = integers == matches!(after.key, arrakis_core::Key::Integer(_));
    if !comparable {
        return Ok(if integers == ascending { Condition::Never } else { Condition::Always });
    }
    Ok(Condition::When(if ascending { key.gt(position) } else { key.lt(position) }))
}

/// Selects how many rows a statement has, counting no further than `most`.
pub(super) fn count_of(mut statement: SelectStatement, most: u64) -> SelectStatement {
    statement.limit(most);
    Query::select().expr(Expr::cust("COUNT(*)")).from_subquery(statement, "s").take()
}

fn order_name(term: usize) -> String {
    format!("o{term}")
}

const fn sql_order(direction: SortDirection) -> Order {
    match direction {
        SortDirection::Asc => Order::Asc,
        SortDirection::Desc => Order::Desc,
    }
}

fn last_direction(order: &[SortDirection]) -> Order {
    order.last().map_or(Order::Asc, |direction| sql_order(*direction))
}

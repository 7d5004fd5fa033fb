//! Sets of objects as conditions on a row.

use arrakis_core::kernel::plan::{Rel, Traverse};
use arrakis_core::ontology::{Backing, End, ObjectType};
use arrakis_core::{Key, Result};
use sea_query::{CommonTableExpression, DynIden, Expr, ExprTrait, Query, SelectStatement, UnionType, WithClause};

use super::condition::{Condition, in_select, subquery};
use super::source::{Row, end_column, union_of};
use super::{Builder, ColumnKind};

/// The keys a walk may start from.
enum Start {
    /// Any object.
    Anywhere,
    /// None.
    Nowhere,
    /// The right side of `near IN`.
    In(Expr),
}

impl Builder<'_> {
    /// Whether the object of a row is in the set.
    pub(super) fn set(&self, row: &Row<'_>, object_type: &ObjectType, rel: &Rel) -> Result<Condition> {
        match rel {
            Rel::All => Ok(Condition::Always),
            Rel::Nothing => Ok(Condition::Never),
            Rel::Keys(keys) => self.keys(row.fixed("k"), object_type, keys),
            Rel::Filter(inner, predicate) => {
                Ok(self.set(row, object_type, inner)?.and(self.predicate(row, predicate)?))
            }
            Rel::Union(sets) => self.union(row, object_type, sets),
            Rel::Intersect(sets) => Condition::try_all(sets.iter().map(|set| self.set(row, object_type, set))),
            Rel::Subtract(from, gone) => {
                Ok(self.set(row, object_type, from)?.and(self.set(row, object_type, gone)?.negated()))
            }
            Rel::Traverse(walk) => Ok(match self.walk(walk, object_type)? {
                Some(reached) => Condition::When(in_select(row.fixed("k"), reached)),
                None => Condition::Never,
            }),
        }
    }

    /// Whether a key is one of those given. A key of another type than the object type's is nobody's.
    pub(super) fn keys(&self, left: Expr, object_type: &ObjectType, keys: &[Key]) -> Result<Condition> {
        let (values, kind) = key_values(object_type, keys)?;
        Ok(self.in_values(left, values, kind))
    }

    /// Each set is selected by itself, so that each is found by its own index.
    fn union(&self, row: &Row<'_>, object_type: &ObjectType, sets: &[Rel]) -> Result<Condition> {
        if let [only] = sets {
            return self.set(row, object_type, only);
        }
        let mut all: Option<SelectStatement> = None;
        for set in sets {
            if matches!(set, Rel::All) {
                return Ok(Condition::Always);
            }
            all = union_of(all, self.select_keys(object_type, set)?, UnionType::Distinct);
        }
        Ok(all.map_or(Condition::Never, |all| Condition::When(in_select(row.fixed("k"), all))))
    }

    /// Selects the keys of a set as `k`; `None` when there are none.
    fn select_keys(&self, object_type: &ObjectType, rel: &Rel) -> Result<Option<SelectStatement>> {
        let Some(table) = self.tables.object_table(object_type.id)? else { return Ok(None) };
        let row = self.object_row(object_type);
        self.union_parts(&table, &row, UnionType::All, |select, _| {
            select.expr_as(row.fixed("k"), "k");
            self.set(&row, object_type, rel)
        })
    }

    /// Selects the keys a walk ends at as `k`: each number of links is one step from the one before.
    fn walk(&self, walk: &Traverse, to: &ObjectType) -> Result<Option<SelectStatement>> {
        let start = self.start(walk)?;
        let Some(first) = self.step(walk, to, &start)? else { return Ok(None) };
        if walk.max <= 1 {
            return Ok(Some(first));
        }
        let mut with = WithClause::new();
        let mut reached = None;
        let mut step = Some(first);
        for links in 1..=walk.max {
            let Some(statement) = step else { break };
            let name = self.fresh("w");
            let mut layer = CommonTableExpression::new();
            layer.table_name(name.clone()).column("k").query(statement);
            with.cte(layer);
            if links >= walk.min {
                reached = union_of(reached, Some(select_layer(&name)), UnionType::Distinct);
            }
            step =
                if links < walk.max { self.step(walk, to, &Start::In(subquery(select_layer(&name))))? } else { None };
        }
        Ok(reached.map(|mut reached| {
            reached.with_cte(with);
            reached
        }))
    }

    fn start(&self, walk: &Traverse) -> Result<Start> {
        Ok(match &walk.from {
            // A link's ends exist, so every near end is an object.
            Rel::All => Start::Anywhere,
            Rel::Nothing => Start::Nowhere,
            Rel::Keys(keys) => {
                let (values, kind) = key_values(&walk.from_type, keys)?;
                if values.is_empty() { Start::Nowhere } else { Start::In(self.dialect.list(values, kind)) }
            }
            from => match self.select_keys(&walk.from_type, from)? {
                Some(keys) => Start::In(subquery(keys)),
                None => Start::Nowhere,
            },
        })
    }

    /// Selects the far ends of the links at a start, once each.
    fn step(&self, walk: &Traverse, to: &ObjectType, start: &Start) -> Result<Option<SelectStatement>> {
        if matches!(start, Start::Nowhere) {
            return Ok(None);
        }
        let forth = self.links_from(walk, walk.end, to, start)?;
        if !walk.either {
            return Ok(forth);
        }
        Ok(union_of(forth, self.links_from(walk, walk.end.far(), to, start)?, UnionType::Distinct))
    }

    fn links_from(&self, walk: &Traverse, end: End, to: &ObjectType, start: &Start) -> Result<Option<SelectStatement>> {
        let near = |near: Expr| match start {
            Start::Anywhere => Condition::Always,
            Start::Nowhere => Condition::Never,
            Start::In(keys) => Condition::When(near.binary(sea_query::BinOper::In, keys.clone())),
        };
        match walk.link_type.backing {
            Backing::Join => {
                let Some(table) = self.tables.link_table(walk.link_type.id)? else { return Ok(None) };
                let link = self.link_row(&walk.link_type);
                self.union_parts(&table, &link, UnionType::Distinct, |select, _| {
                    select.distinct().expr_as(link.fixed(end_column(end.far())), "k");
                    let edge = walk.edge.as_ref().map_or(Ok(Condition::Always), |edge| self.predicate(&link, edge))?;
                    Ok(near(link.fixed(end_column(end))).and(edge))
                })
            }
            Backing::ForeignKey { holder, property } => {
                let holder_type = if holder == end { &*walk.from_type } else { to };
                let Some(table) = self.tables.object_table(holder_type.id)? else { return Ok(None) };
                let row = self.object_row(holder_type);
                self.union_parts(&table, &row, UnionType::Distinct, |select, _| {
                    let held = row.property(property)?;
                    let (near_end, far_end) =
                        if holder == end { (row.fixed("k"), held.clone()) } else { (held.clone(), row.fixed("k")) };
                    select.distinct().expr_as(far_end, "k");
                    Ok(near(near_end).and(Condition::When(held.is_not_null())))
                })
            }
        }
    }
}

fn select_layer(name: &DynIden) -> SelectStatement {
    Query::select().column("k").from(name.clone()).take()
}

fn key_values(object_type: &ObjectType, keys: &[Key]) -> Result<(Vec<sea_query::Value>, ColumnKind)> {
    let kind = ColumnKind::of(&object_type.key_property()?.data_type.base);
    let value = |key: &Key| match (key, kind) {
        (Key::Integer(number), ColumnKind::Integer) => Some((*number).into()),
        (Key::String(text), ColumnKind::Text) => Some(text.as_ref().into()),
        _ => None,
    };
    Ok((keys.iter().filter_map(value).collect(), kind))
}

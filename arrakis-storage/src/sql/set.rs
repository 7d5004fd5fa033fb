//! Sets of objects as conditions on a row.

use arrakis_core::kernel::plan::{Rel, Traverse};
use arrakis_core::ontology::{Backing, End, ObjectType};
use arrakis_core::{Key, Result};
use sea_query::{
    CommonTableExpression, DynIden, Expr, ExprTrait, JoinType, Query, SelectStatement, UnionType, WithClause,
};

use super::condition::{Condition, in_select, truth};
use super::source::{Row, end_column, union_of};
use super::{Builder, ColumnKind};

/// The keys a walk may start from.
enum Start {
    /// Any object.
    Anywhere,
    /// None.
    Nowhere,
    /// These.
    Keys(Vec<sea_query::Value>, ColumnKind),
    /// Those a statement selects.
    Selected(Box<SelectStatement>),
}

/// One step of a walk.
enum Step {
    /// The first.
    From(Start),
    /// One more, from the places reached so far, while there are fewer links than the most.
    On { places: DynIden, max: u32 },
    /// The same, of one place that another statement selects.
    Aside { places: DynIden },
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

    /// Selects the keys a walk ends at as `k`.
    fn walk(&self, walk: &Traverse, to: &ObjectType) -> Result<Option<SelectStatement>> {
        let start = self.start(walk)?;
        match walk.max {
            1 => self.step(walk, to, &Step::From(start)),
            _ => self.walk_on(walk, to, start),
        }
    }

    /// A walk of several links, step by step: every place reached with every number of links it is reached by.
    fn walk_on(&self, walk: &Traverse, to: &ObjectType, start: Start) -> Result<Option<SelectStatement>> {
        let name = self.fresh("w");
        let Some(first) = self.step(walk, to, &Step::From(start))? else { return Ok(None) };
        let next = if self.dialect.recurses_aside() {
            self.step(walk, to, &Step::Aside { places: name.clone() })?.map(|step| aside(&name, step, walk.max))
        } else {
            self.step(walk, to, &Step::On { places: name.clone(), max: walk.max })?
        };
        let Some(steps) = union_of(Some(first), next, UnionType::Distinct) else { return Ok(None) };
        let mut places = CommonTableExpression::new();
        places.table_name(name.clone()).columns(["k", "d"]).query(steps);
        let mut with = WithClause::new();
        with.recursive(true).cte(places);
        let mut reached = Query::select();
        reached.column("k").from(name).cond_where(Expr::col("d").gte(i64::from(walk.min))).with_cte(with);
        Ok(Some(reached))
    }

    fn start(&self, walk: &Traverse) -> Result<Start> {
        Ok(match &walk.from {
            // A link's ends exist, so every near end is an object.
            Rel::All => Start::Anywhere,
            Rel::Nothing => Start::Nowhere,
            Rel::Keys(keys) => {
                let (values, kind) = key_values(&walk.from_type, keys)?;
                Start::Keys(values, kind)
            }
            // So is what another walk ends at.
            Rel::Traverse(before) => selected(self.walk(before, &walk.from_type)?),
            from => selected(self.select_keys(&walk.from_type, from)?),
        })
    }

    /// Selects the far ends of the links of one step, once each: as `k`, in a walk of several links with their number.
    fn step(&self, walk: &Traverse, to: &ObjectType, step: &Step) -> Result<Option<SelectStatement>> {
        let forth = self.links_from(walk, walk.end, to, step)?;
        if !walk.either {
            return Ok(forth);
        }
        Ok(union_of(forth, self.links_from(walk, walk.end.far(), to, step)?, UnionType::Distinct))
    }

    fn links_from(&self, walk: &Traverse, end: End, to: &ObjectType, step: &Step) -> Result<Option<SelectStatement>> {
        match walk.link_type.backing {
            Backing::Join => {
                let Some(table) = self.tables.link_table(walk.link_type.id)? else { return Ok(None) };
                let link = self.link_row(&walk.link_type);
                self.union_parts(&table, &link, UnionType::Distinct, |select, _| {
                    let (near, far) = (link.fixed(end_column(end)), link.fixed(end_column(end.far())));
                    let edge = walk.edge.as_ref().map_or(Ok(Condition::Always), |edge| self.predicate(&link, edge))?;
                    Ok(self.take(step, select, walk, (near, far)).and(edge))
                })
            }
            Backing::ForeignKey { holder, property } => {
                let holder_type = if holder == end { &*walk.from_type } else { to };
                let Some(table) = self.tables.object_table(holder_type.id)? else { return Ok(None) };
                let row = self.object_row(holder_type);
                self.union_parts(&table, &row, UnionType::Distinct, |select, _| {
                    let (held, key) = (row.property(property)?, row.fixed("k"));
                    let there = Condition::When(held.clone().is_not_null());
                    let (near, far) = if holder == end { (key, held) } else { (held, key) };
                    Ok(self.take(step, select, walk, (near, far)).and(there))
                })
            }
        }
    }

    /// Selects the far end of a link that leads on, and says when it does.
    fn take(&self, step: &Step, select: &mut SelectStatement, walk: &Traverse, (near, far): (Expr, Expr)) -> Condition {
        select.expr_as(far, "k");
        match step {
            Step::From(start) => {
                if walk.max > 1 {
                    select.expr_as(Expr::val(1_i64), "d");
                }
                match start {
                    Start::Anywhere => Condition::Always,
                    Start::Nowhere => Condition::Never,
                    Start::Keys(keys, kind) => self.in_values(near, keys.clone(), *kind),
                    Start::Selected(keys) => Condition::When(in_select(near, (**keys).clone())),
                }
            }
            Step::On { places, max } => {
                let links = Expr::col((places.clone(), "d"));
                select.expr(links.clone().add(1_i64)).from(places.clone());
                let on = near.eq(Expr::col((places.clone(), "k")));
                Condition::When(on.and(links.lt(i64::from(*max))))
            }
            Step::Aside { places } => Condition::When(near.eq(Expr::col((places.clone(), "k")))),
        }
    }
}

/// Selects what a step leads to from each place reached so far, while there are fewer links than the most.
fn aside(places: &DynIden, step: SelectStatement, max: u32) -> SelectStatement {
    let links = Expr::col((places.clone(), "d"));
    let mut select = Query::select();
    select.expr(Expr::col(("s", "k"))).expr(links.clone().add(1_i64)).from(places.clone());
    select.join_lateral(JoinType::InnerJoin, step, "s", truth(true)).cond_where(links.lt(i64::from(max))).take()
}

fn selected(statement: Option<SelectStatement>) -> Start {
    statement.map_or(Start::Nowhere, |statement| Start::Selected(Box::new(statement)))
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

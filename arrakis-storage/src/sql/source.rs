//! Where rows come from: a tenant's part of a table, now or as of a commit.

use std::cell::Cell;

use arrakis_core::ontology::{End, LinkType, ObjectType};
use arrakis_core::{LinkTypeId, ObjectTypeId, Result, Seq};
use sea_query::{DynIden, Expr, ExprTrait, IntoIden, Query, SelectStatement, UnionType};

use super::condition::Condition;
use super::table::TableNames;
use super::{Columns, Dialect, TableKind};

/// A typed table of the store.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) names: TableNames,
    /// Whether it has a table of superseded versions; it is made when the first version is superseded.
    pub(crate) superseded: bool,
}

impl Table {
    pub(crate) fn new(kind: TableKind, number: i64, superseded: bool) -> Self {
        Self { names: TableNames::new(kind, number), superseded }
    }
}

/// Finds the tables of a space.
pub(crate) trait Tables {
    /// The table of an object type; `None` when none was published in what is read.
    fn object_table(&self, id: ObjectTypeId) -> Result<Option<Table>>;

    /// The table of a join-table backed link type; `None` when none was published in what is read.
    fn link_table(&self, id: LinkTypeId) -> Result<Option<Table>>;
}

/// Builds the statements of one read: of one tenant, as of one commit.
pub(crate) struct Builder<'a> {
    pub(crate) dialect: &'a dyn Dialect,
    pub(crate) tables: &'a dyn Tables,
    pub(crate) tenant: i64,
    /// As of this commit; `None` for now.
    pub(crate) at: Option<Seq>,
    names_used: Cell<u32>,
}

/// Which of a table's rows a statement reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The current rows.
    Now,
    /// The current rows that existed already.
    Standing,
    /// The versions superseded since.
    Superseded,
}

/// A row of a statement: the name of its table there and its columns.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    pub(super) name: DynIden,
    pub(super) columns: Columns<'a>,
}

impl Row<'_> {
    pub(super) fn fixed(&self, column: &'static str) -> Expr {
        Expr::col((self.name.clone(), column))
    }

    pub(super) fn property(&self, property: usize) -> Result<Expr> {
        Ok(Expr::col((self.name.clone(), self.columns.name(property)?)))
    }

    pub(super) fn longitude(&self, property: usize) -> Result<Expr> {
        Ok(Expr::col((self.name.clone(), self.columns.longitude(property)?)))
    }
}

/// The column of a link table that holds the key at an end.
pub(super) const fn end_column(end: End) -> &'static str {
    match end {
        End::Source => "a",
        End::Target => "b",
    }
}

/// The same, as a name.
pub(crate) fn end_name(end: End) -> DynIden {
    end_column(end).into_iden()
}

impl<'a> Builder<'a> {
    pub(crate) fn new(dialect: &'a dyn Dialect, tables: &'a dyn Tables, tenant: i64, at: Option<Seq>) -> Self {
        Self { dialect, tables, tenant, at, names_used: Cell::new(0) }
    }

    /// A name no other part of the statement has.
    pub(super) fn fresh(&self, prefix: &str) -> DynIden {
        let number = self.names_used.get();
        self.names_used.set(number + 1);
        format!("{prefix}{number}").into_iden()
    }

    pub(super) fn object_row<'t>(&self, object_type: &'t ObjectType) -> Row<'t> {
        Row { name: self.fresh("o"), columns: Columns::of_object(object_type) }
    }

    pub(super) fn link_row<'t>(&self, link_type: &'t LinkType) -> Row<'t> {
        Row { name: self.fresh("l"), columns: Columns::of_link(link_type) }
    }

    /// The parts of a table that together hold what is read.
    pub(super) fn parts(&self, table: &Table) -> &'static [Part] {
        match (self.at, table.superseded) {
            (None, _) => &[Part::Now],
            (Some(_), false) => &[Part::Standing],
            (Some(_), true) => &[Part::Standing, Part::Superseded],
        }
    }

    /// `FROM` a part of a table under a row's name, with the condition that keeps to the tenant and the commit.
    pub(super) fn from(&self, select: &mut SelectStatement, table: &Table, part: Part, row: &Row<'_>) -> Condition {
        let from = match part {
            Part::Now | Part::Standing => table.names.current.clone(),
            Part::Superseded => table.names.superseded.clone(),
        };
        select.from_as(from, row.name.clone());
        self.within(part, row)
    }

    /// The condition that keeps a row to the tenant and the commit.
    pub(super) fn within(&self, part: Part, row: &Row<'_>) -> Condition {
        let own = Condition::When(row.fixed("t").eq(self.tenant));
        let at = self.at.map_or(i64::MAX, seq_value);
        match part {
            Part::Now => own,
            Part::Standing => own.and(Condition::When(row.fixed("rev").lte(at))),
            Part::Superseded => {
                let term = row.fixed("rev").lte(at).and(row.fixed("rev_to").gt(at));
                own.and(Condition::When(term))
            }
        }
    }

    /// One statement per part of the table, joined. `select` states what is selected and the condition on the row.
    pub(super) fn union_parts(
        &self,
        table: &Table,
        row: &Row<'_>,
        union: UnionType,
        mut select: impl FnMut(&mut SelectStatement, Part) -> Result<Condition>,
    ) -> Result<Option<SelectStatement>> {
        let mut all: Option<SelectStatement> = None;
        for &part in self.parts(table) {
            let mut statement = Query::select();
            let within = self.from(&mut statement, table, part, row);
            let condition = select(&mut statement, part)?;
            all = union_of(all, within.and(condition).restrict(statement), union);
        }
        Ok(all)
    }
}

/// Joins two statements, either of which may select nothing.
pub(super) fn union_of(
    first: Option<SelectStatement>,
    second: Option<SelectStatement>,
    union: UnionType,
) -> Option<SelectStatement> {
    match (first, second) {
        (Some(mut first), Some(second)) => {
            first.union(union, second);
            Some(first)
        }
        (first, second) => first.or(second),
    }
}

/// A seq as a bound value. Seqs stay far below 2⁶³.
pub(crate) fn seq_value(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A seq from its stored value.
pub(crate) fn seq_of(value: i64) -> Seq {
    Seq(u64::try_from(value).unwrap_or(0))
}

//! Statements on single rows: their text is made once per type and schema version, their values are bound per row.

use std::collections::HashSet;

use arrakis_core::ontology::End;
use arrakis_core::{BaseType, Error, Result};
use sea_query::{DynIden, Expr, ExprTrait, IntoIden, JoinType, OnConflict, Order, Query, SelectStatement, UnionType};

use super::source::end_column;
use super::{Columns, Dialect, Table, TableKind};

/// The columns a table's rows are found by, in the order they are bound; the tenant leads.
pub(crate) const fn key_columns(kind: TableKind) -> &'static [&'static str] {
    match kind {
        TableKind::Object => &["t", "k"],
        TableKind::Link => &["t", "a", "b"],
    }
}

/// The statements on one row of a table. Each binds what its comment says, in that order; `stored` are the values of the properties
/// in the order of [`Columns::stored`].
#[derive(Debug)]
pub(crate) struct RowText {
    /// Binds the keys; answers the revision and stored.
    pub(crate) get: String,
    /// As of a commit, for a table without and with superseded versions. Binds the keys and the commit; then, with superseded versions, the
    /// keys and the commit twice. Answers the revision and stored.
    pub(crate) get_at: [String; 2],
    /// Binds the keys; answers the head's seq, then the revision and stored, absent when there is no such row.
    pub(crate) get_with_head: String,
    /// Binds the keys, the revision and stored; writes nothing when the keys are taken.
    pub(crate) insert: String,
    /// Binds the revision, stored and the keys.
    pub(crate) update: String,
    /// Binds the keys.
    pub(crate) delete: String,
    /// Copies a row to the superseded versions. Binds the revision that ends it and the keys.
    pub(crate) supersede: String,
    /// Binds the tenant; answers the keys but the tenant, the revision and stored, in key order.
    pub(crate) scan: String,
}

impl RowText {
    /// `every` are all columns of the table that hold properties, those of properties that are gone included.
    pub(crate) fn new(
        dialect: &dyn Dialect,
        (kind, table): (TableKind, &Table),
        columns: Columns<'_>,
        every: &[DynIden],
    ) -> Result<Self> {
        let keys = key_columns(kind);
        let stored: Vec<DynIden> = columns.stored().map(|(name, _)| name).collect();
        let current = &table.names.current;
        let there: HashSet<&DynIden> = every.iter().collect();
        // A schema that is not published yet may have columns its table does not have yet.
        let value = |name: &DynIden| if there.contains(name) { Expr::col(name.clone()) } else { Expr::cust("NULL") };
        let values: Vec<Expr> = stored.iter().map(value).collect();
        let of_row = |select: &mut SelectStatement| {
            select.column("rev").exprs(values.iter().cloned()).from(current.clone());
        };
        let mut get = Query::select();
        of_row(&mut get);
        get.cond_where(all_equal(keys));

        let mut scan = Query::select();
        scan.columns(keys.iter().skip(1).copied());
        of_row(&mut scan);
        scan.cond_where(equal("t"));
        for key in keys.iter().skip(1) {
            scan.order_by(*key, Order::Asc);
        }

        let mut delete = Query::delete();
        delete.from_table(current.clone()).cond_where(all_equal(keys));
        Ok(Self {
            get: dialect.select(&get).text,
            get_at: [false, true].map(|superseded| get_at(dialect, table, keys, &values, superseded)),
            get_with_head: get_with_head(dialect, (kind, table), columns),
            insert: insert(dialect, table, keys, &stored)?,
            update: update(dialect, table, keys, (&stored, every)),
            delete: dialect.delete(&delete).text,
            supersede: supersede(dialect, table, keys, every)?,
            scan: dialect.select(&scan).text,
        })
    }
}

fn get_at(dialect: &dyn Dialect, table: &Table, keys: &[&'static str], values: &[Expr], superseded: bool) -> String {
    let of_row = |from: &DynIden| {
        let mut select = Query::select();
        select.column("rev").exprs(values.iter().cloned()).from(from.clone());
        select.cond_where(all_equal(keys).and(Expr::col("rev").lte(bound())));
        select
    };
    let mut select = of_row(&table.names.current);
    if superseded {
        let mut versions = of_row(&table.names.superseded);
        select.union(UnionType::All, versions.and_where(Expr::col("rev_to").gt(bound())).to_owned());
    }
    dialect.select(&select).text
}

/// Reads one row together with the head, in one snapshot. Binds the keys; answers the head's seq, then the revision and stored, absent when
/// there is no such row.
pub(crate) fn get_with_head(dialect: &dyn Dialect, (kind, table): (TableKind, &Table), columns: Columns<'_>) -> String {
    let of_row = |column: DynIden| Expr::col(("o", column));
    let mut select = Query::select();
    select.column(("h", "seq")).expr(of_row("rev".into_iden())).exprs(columns.stored().map(|(name, _)| of_row(name)));
    let on = join_all(key_columns(kind).iter().map(|key| of_row((*key).into_iden()).eq(bound())));
    select.from_as("head", "h").join_as(JoinType::LeftJoin, table.names.current.clone(), "o", on);
    dialect.select(&select).text
}

fn insert(dialect: &dyn Dialect, table: &Table, keys: &[&'static str], stored: &[DynIden]) -> Result<String> {
    let columns: Vec<DynIden> =
        keys.iter().copied().chain(["rev"]).map(IntoIden::into_iden).chain(stored.iter().cloned()).collect();
    let mut insert = Query::insert();
    insert.into_table(table.names.current.clone());
    let values: Vec<Expr> = columns.iter().map(|_| bound()).collect();
    insert.columns(columns).values(values).map_err(unbuildable)?.on_conflict(OnConflict::new().do_nothing().to_owned());
    Ok(dialect.insert(&insert).text)
}

/// What is gone from the schema is gone from the new version: a reader with an old schema must not find the old value in it.
fn update(
    dialect: &dyn Dialect,
    table: &Table,
    keys: &[&'static str],
    (stored, every): (&[DynIden], &[DynIden]),
) -> String {
    let mut update = Query::update();
    update.table(table.names.current.clone()).value("rev", bound());
    for name in stored {
        update.value(name.clone(), bound());
    }
    let kept: HashSet<&DynIden> = stored.iter().collect();
    for name in every.iter().filter(|name| !kept.contains(name)) {
        update.value(name.clone(), Expr::cust("NULL"));
    }
    update.cond_where(all_equal(keys));
    dialect.update(&update).text
}

fn supersede(dialect: &dyn Dialect, table: &Table, keys: &[&'static str], every: &[DynIden]) -> Result<String> {
    let mut select = copied(table, keys, every);
    select.cond_where(all_equal(keys));
    copy(dialect, table, keys, every, select)
}

/// Copies every row to the superseded versions. Binds the revision that ends them.
pub(crate) fn supersede_all(
    dialect: &dyn Dialect,
    (kind, table): (TableKind, &Table),
    every: &[DynIden],
) -> Result<String> {
    let keys = key_columns(kind);
    copy(dialect, table, keys, every, copied(table, keys, every))
}

/// Deletes every row.
pub(crate) fn delete_all(dialect: &dyn Dialect, table: &Table) -> String {
    dialect.delete(Query::delete().from_table(table.names.current.clone())).text
}

/// Selects something when the table has a row.
pub(crate) fn any_row(table: &Table) -> SelectStatement {
    Query::select().expr(bound()).from(table.names.current.clone()).limit(1).take()
}

fn copied(table: &Table, keys: &[&'static str], every: &[DynIden]) -> SelectStatement {
    let mut select = Query::select();
    select.columns(keys.iter().copied()).column("rev").expr(bound()).columns(every.iter().cloned());
    select.from(table.names.current.clone());
    select
}

fn copy(
    dialect: &dyn Dialect,
    table: &Table,
    keys: &[&'static str],
    every: &[DynIden],
    select: SelectStatement,
) -> Result<String> {
    let columns = keys.iter().copied().chain(["rev", "rev_to"]).map(IntoIden::into_iden).chain(every.iter().cloned());
    let mut insert = Query::insert();
    insert.into_table(table.names.superseded.clone()).columns(columns).select_from(select).map_err(unbuildable)?;
    Ok(dialect.insert(&insert).text)
}

/// The keys of objects that hold a value in a property. Binds the tenant, the value (both parts of a geopoint) and the limit.
pub(crate) fn keys_with(dialect: &dyn Dialect, table: &Table, columns: Columns<'_>, property: usize) -> Result<String> {
    let mut condition = equal("t").and(equal(columns.name(property)?));
    if matches!(columns.base(property)?, BaseType::Geopoint) {
        condition = condition.and(equal(columns.longitude(property)?));
    }
    let mut select = Query::select();
    select.column("k").from(table.names.current.clone()).cond_where(condition).order_by("k", Order::Asc).limit(0);
    Ok(dialect.select(&select).text)
}

/// The links of one object. Binds the tenant, the key and the limit; answers both ends, the revision and stored, ordered by far key.
pub(crate) fn links_of(dialect: &dyn Dialect, table: &Table, columns: Columns<'_>, end: End) -> String {
    let mut select = Query::select();
    select.columns(["a", "b", "rev"]).columns(columns.stored().map(|(name, _)| name));
    select.from(table.names.current.clone()).cond_where(equal("t").and(equal(end_column(end))));
    select.order_by(end_column(end.far()), Order::Asc).limit(0);
    dialect.select(&select).text
}

/// A bound value; which one, the order of binding says.
fn bound() -> Expr {
    Expr::val(0_i64)
}

fn equal(column: impl IntoIden) -> Expr {
    Expr::col(column.into_iden()).eq(bound())
}

fn all_equal(columns: &[&'static str]) -> Expr {
    join_all(columns.iter().map(|column| equal(*column)))
}

fn join_all(mut terms: impl Iterator<Item = Expr>) -> Expr {
    let first = terms.next().unwrap_or_else(|| super::condition::truth(true));
    terms.fold(first, ExprTrait::and)
}

fn unbuildable(error: sea_query::error::Error) -> Error {
    Error::internal("store.statement.unbuildable", "a statement has more columns than values").caused_by(error)
}

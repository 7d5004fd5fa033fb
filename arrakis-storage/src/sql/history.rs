//! The versions of one row.

use arrakis_core::Seq;
use sea_query::{DynIden, Expr, ExprTrait, Order, Query, SelectStatement, UnionType};

use super::row::key_columns;
use super::source::seq_value;
use super::{Columns, Table, TableKind};

/// Selects the versions of a row that began or ended after a commit, oldest first: `rev`, `rev_to` (absent for the current one), then
/// stored.
pub(crate) fn versions(
    (kind, table): (TableKind, &Table),
    columns: Columns<'_>,
    keys: &[sea_query::Value],
    after: Seq,
    limit: u64,
) -> SelectStatement {
    let stored: Vec<DynIden> = columns.stored().map(|(name, _)| name).collect();
    let of_row = key_columns(kind)
        .iter()
        .zip(keys)
        .map(|(column, key)| Expr::col(*column).eq(key.clone()))
        .reduce(ExprTrait::and)
        .unwrap_or_else(|| super::condition::truth(false));
    let mut select = Query::select();
    select.column("rev").expr_as(Expr::cust("NULL"), "rev_to").columns(stored.iter().cloned());
    select.from(table.names.current.clone()).cond_where(of_row.clone());
    if table.superseded {
        let mut superseded = Query::select();
        superseded.columns(["rev", "rev_to"]).columns(stored).from(table.names.superseded.clone());
        superseded.cond_where(of_row.and(Expr::col("rev_to").gt(seq_value(after))));
        select.union(UnionType::All, superseded);
    }
    select.order_by("rev", Order::Asc).limit(limit).take()
}

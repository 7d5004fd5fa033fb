//! The versions of one row.

use std::sync::Arc;

use arrakis_core::kernel::plan::{HistoryPlan, HistorySubject};
use arrakis_core::ontology::Property;
use arrakis_core::{ApiName, EffectKind, Key, Result, Seq, Value};
use sea_query::{DynIden, Expr, ExprTrait, Order, Query, SelectStatement, UnionType};

use super::row::key_columns;
use super::source::{seq_of, seq_value};
use super::{Columns, ReadRow, Table, TableKind, read_row};

/// A row from one commit on, until another.
pub(crate) struct RowVersion {
    from: Seq,
    to: Option<Seq>,
    values: Vec<Value>,
}

/// Whose history is read.
pub(crate) struct Subject<'p> {
    pub(crate) kind: TableKind,
    /// The number of the type in its space.
    pub(crate) of: u32,
    pub(crate) names: &'p Arc<[ApiName]>,
    keys: Vec<&'p Key>,
    properties: &'p [Property],
    columns: Columns<'p>,
    /// The key property and the key, for an object.
    key: Option<(usize, &'p Key)>,
    /// Whether the key is of the type's key type.
    #[cfg(feature = "postgres")]
    pub(crate) fits: bool,
}

impl<'p> Subject<'p> {
    pub(crate) fn of(plan: &'p HistoryPlan) -> Self {
        match &plan.subject {
            HistorySubject::Object(object_type, key) => Self {
                kind: TableKind::Object,
                of: object_type.id.0,
                names: &object_type.names,
                keys: vec![key],
                properties: &object_type.properties,
                columns: Columns::of_object(object_type),
                key: Some((object_type.primary_key, key)),
                #[cfg(feature = "postgres")]
                fits: super::fits(object_type, key),
            },
            HistorySubject::Link(link_type, source, target) => Self {
                kind: TableKind::Link,
                of: link_type.id.0,
                names: &link_type.names,
                keys: vec![source, target],
                properties: &link_type.properties,
                columns: Columns::of_link(link_type),
                key: None,
                #[cfg(feature = "postgres")]
                fits: true,
            },
        }
    }

    /// Selects the versions that began or ended after the plan's commit, oldest first; enough of them for its limit.
    pub(crate) fn versions(&self, table: &Table, tenant: i64, plan: &HistoryPlan) -> SelectStatement {
        let key = |key: &Key| match key {
            Key::Integer(number) => (*number).into(),
            Key::String(text) => text.as_ref().into(),
        };
        let keys: Vec<_> = std::iter::once(tenant.into()).chain(self.keys.iter().map(|each| key(each))).collect();
        let limit = u64::from(plan.limit).saturating_add(1);
        versions((self.kind, table), self.columns, &keys, plan.after, limit)
    }

    /// Reads a row of [`Subject::versions`].
    pub(crate) fn version(&self, row: &mut impl ReadRow) -> Result<RowVersion> {
        let (from, to) = (row.seq()?, row.optional_integer()?.map(seq_of));
        Ok(RowVersion { from, to, values: read_row(row, self.properties, self.key)? })
    }
}

/// Selects the versions of a row that began or ended after a commit, oldest first: `rev`, `rev_to` (absent for the current one), then
/// stored.
fn versions(
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

/// What each commit after one did to the row. A version that begins where the one before it ends modified it.
pub(crate) fn changes(rows: Vec<RowVersion>, after: Seq) -> Vec<(Seq, EffectKind, Option<Vec<Value>>)> {
    let mut changes = Vec::new();
    let mut ended = None;
    for row in rows {
        let kind = match ended {
            Some(end) if end == row.from => EffectKind::Modified,
            Some(end) => {
                changes.push((end, EffectKind::Deleted, None));
                EffectKind::Created
            }
            None => EffectKind::Created,
        };
        changes.push((row.from, kind, Some(row.values)));
        ended = row.to;
    }
    changes.extend(ended.map(|end| (end, EffectKind::Deleted, None)));
    changes.retain(|(seq, _, _)| *seq > after);
    changes
}

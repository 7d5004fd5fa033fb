//! Rows of the database as a transaction reads them: by what they hold, and all of a type.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrakis_core::commit::{StoredRow, VisitLink, VisitObject};
use arrakis_core::ontology::{End, LinkType, ObjectType, Property};
use arrakis_core::{Key, Result, SpaceId, TenantId, Value};
use sqlx::postgres::PgRow;

use super::cell::{Cells, key_cell, value_cells};
use super::dialect::quoted;
use super::overlay::{Found, Of, Place, Slot, stored_link};
use super::row::{key_names, type_name};
use super::statement;
use super::table::{self, TableText};
use super::txn::PgTxn;
use super::value::{Binder, RowReader};
use crate::sql::{ColumnKind, Columns, ReadRow, TableId, TableKind, read_row};

/// The rows of a type read at a time when all of them are.
const SCAN_ROWS: usize = 5_000;

/// What is looked up in the database.
pub(super) enum Lookup<'a> {
    /// Objects of a tenant that hold a value in a property.
    Value { tenant: i64, property: usize, value: &'a Value },
    /// Links of a tenant with a key at an end.
    End { tenant: i64, end: End, key: &'a Key },
}

/// Reads the keys of a row that begin its columns.
pub(super) fn place(row: &mut RowReader<'_>, kind: TableKind) -> Result<Place> {
    let (tenant, first) = (row.integer()?, row.key()?);
    let second = if kind == TableKind::Link { Some(row.key()?) } else { None };
    Ok(Place { tenant, first, second })
}

/// Reads the stored properties of a row.
pub(super) fn values(row: &mut RowReader<'_>, of: &Of, place: &Place) -> Result<Vec<Value>> {
    read_row(row, of.properties(), of.key().map(|key| (key, &place.first)))
}

/// Looks one thing up, up to so many rows.
pub(super) fn look_up(txn: &mut PgTxn<'_>, id: TableId, lookup: &Lookup<'_>, limit: usize) -> Result<Found> {
    let mut found = look_up_all(txn, id, std::slice::from_ref(lookup), limit)?;
    Ok(found.pop().unwrap_or_default())
}

/// Looks things of one kind up, up to so many rows of each: all by the same property, or all at the same end.
pub(super) fn look_up_all(
    txn: &mut PgTxn<'_>,
    id: TableId,
    lookups: &[Lookup<'_>],
    limit: usize,
) -> Result<Vec<Found>> {
    let mut found: Vec<Found> = lookups.iter().map(|_| Found { places: Vec::new(), is_all: true }).collect();
    let Some(of) = txn.rows.get(&id).map(|rows| rows.of.clone()) else { return Ok(found) };
    let Some(text) = txn.text(id, &of)? else { return Ok(found) };
    let Some(query) = Query::of(&text, &of, id.kind, lookups)? else { return Ok(found) };
    let sql = query.sql(&text, id.kind, limit);
    let arguments = query.lists.into_iter().try_fold(Binder::default(), Binder::bind)?.done();
    let answer = txn.session.rows(sql, arguments);
    for row in &txn.kept(answer)? {
        let mut row = RowReader::new(row);
        let number = usize::try_from(row.integer()? - 1).unwrap_or(usize::MAX);
        let (place, revision) = (place(&mut row, id.kind)?, row.seq()?);
        let values = values(&mut row, &of, &place)?;
        if let Some(rows) = txn.rows.get_mut(&id) {
            let base = Some(StoredRow { revision, values });
            rows.slots.entry(place.clone()).or_insert_with(|| Slot::found(base));
        }
        if let Some(found) = found.get_mut(number) {
            found.places.push(place);
            found.is_all = found.places.len() < limit;
        }
    }
    Ok(found)
}

/// A statement that looks many things up.
struct Query {
    /// The tenants, and what is sought in each column.
    lists: Vec<Cells>,
    /// The columns that are compared, with how they are stored.
    columns: Vec<(String, ColumnKind)>,
    /// The columns whose order the rows come in.
    order: &'static str,
}

impl Query {
    fn of(text: &TableText, of: &Of, kind: TableKind, lookups: &[Lookup<'_>]) -> Result<Option<Self>> {
        let Some(first) = lookups.first() else { return Ok(None) };
        let (columns, order) = match (first, of) {
            (Lookup::Value { property, .. }, Of::Object(object_type)) => {
                let own = Columns::of_object(object_type);
                let (base, mut columns) = (own.base(*property)?, vec![quoted(&own.name(*property)?)]);
                if matches!(base, arrakis_core::BaseType::Geopoint) {
                    columns.push(quoted(&own.longitude(*property)?));
                }
                let kind = ColumnKind::of(base);
                (columns.into_iter().map(|name| (name, kind)).collect::<Vec<_>>(), "\"k\"")
            }
            (Lookup::End { end, .. }, Of::Link(_)) => {
                let (near, far) = if *end == End::Source { (1, "\"b\"") } else { (2, "\"a\"") };
                let name = key_names(kind).get(near).map(|name| format!("\"{name}\"")).unwrap_or_default();
                let kind = text.many.keys.get(near).copied().unwrap_or(ColumnKind::Text);
                (vec![(name, kind)], far)
            }
            _ => return Ok(None),
        };
        let mut lists = vec![Cells::new(ColumnKind::Integer)];
        lists.extend(columns.iter().map(|(_, kind)| Cells::new(*kind)));
        for lookup in lookups {
            let cells = match (lookup, of) {
                (Lookup::Value { tenant, property, value }, Of::Object(object_type)) => {
                    let base = Columns::of_object(object_type).base(*property)?;
                    let (first, second) = value_cells(value, base);
                    vec![Some(super::cell::Cell::Integer(*tenant)), Some(first), second]
                }
                (Lookup::End { tenant, key, .. }, _) => {
                    vec![Some(super::cell::Cell::Integer(*tenant)), Some(key_cell(key)), None]
                }
                _ => continue,
            };
            for (list, cell) in lists.iter_mut().zip(cells.into_iter().flatten()) {
                list.push(&cell);
            }
        }
        Ok(Some(Self { lists, columns, order }))
    }

    fn sql(&self, text: &TableText, kind: TableKind, limit: usize) -> String {
        let table = quoted(&text.table.names.current);
        let arrays: Vec<_> = self
            .lists
            .iter()
            .enumerate()
            .map(|(index, list)| format!("${}::{}", index + 1, list.array_name()))
            .collect();
        let names: Vec<_> = (0..self.columns.len()).map(|index| format!("v{index}")).collect();
        let same = self.columns.iter().zip(&names).map(|((column, _), name)| format!(" AND r.{column} = u.{name}"));
        let keys: Vec<_> = key_names(kind).iter().map(|key| format!("o.\"{key}\"")).collect();
        let stored = text.many.stored_of("o.");
        format!(
            "SELECT u.i, {}, o.\"rev\"{stored} FROM UNNEST({}) WITH ORDINALITY AS u (t, {}, i) \
             CROSS JOIN LATERAL (SELECT * FROM {table} AS r WHERE r.\"t\" = u.t{} ORDER BY r.{} LIMIT {limit}) AS o \
             ORDER BY u.i, o.{}",
            keys.join(", "),
            arrays.join(", "),
            names.join(", "),
            same.collect::<String>(),
            self.order,
            self.order
        )
    }
}

/// The tenants of a space, with their numbers in keys.
fn tenants_of(txn: &mut PgTxn<'_>, space: SpaceId) -> Result<Vec<(i64, TenantId)>> {
    let answer = txn.session.rows(statement::TENANTS_OF_SPACE, Binder::default().bind(space.uuid())?.done());
    let tenant = |row: &PgRow| {
        let mut row = RowReader::new(row);
        Ok((row.integer()?, TenantId::from_uuid(row.uuid()?)))
    };
    txn.kept(answer)?.iter().map(tenant).collect()
}

/// The statements on a table read as one version of its type, which need not be the current one.
fn text_of(
    txn: &mut PgTxn<'_>,
    id: TableId,
    (properties, columns): (&[Property], Columns<'_>),
) -> Result<Option<Arc<TableText>>> {
    let Some(table) = txn.table(id)? else { return Ok(None) };
    let answer = table::layout(&mut txn.session, &table);
    let layout = txn.kept(answer)?;
    Ok(Some(Arc::new(TableText::new(id.kind, table, layout, (properties, columns)))))
}

/// What a scan calls for each row, with its tenant; it may break off.
type VisitRow<'v> = dyn FnMut(TenantId, &Place, StoredRow) -> Result<ControlFlow<()>> + 'v;

pub(super) fn objects(
    txn: &mut PgTxn<'_>,
    space: SpaceId,
    object_type: &ObjectType,
    visit: &mut VisitObject<'_>,
) -> Result<()> {
    let of_type = (&*object_type.properties, Columns::of_object(object_type));
    let id = TableId::of_object(space, object_type);
    rows(txn, id, of_type, Some(object_type.primary_key), &mut |tenant, place, row| visit(tenant, &place.first, &row))
}

pub(super) fn links(
    txn: &mut PgTxn<'_>,
    space: SpaceId,
    link_type: &LinkType,
    visit: &mut VisitLink<'_>,
) -> Result<()> {
    let of_type = (&*link_type.properties, Columns::of_link(link_type));
    let id = TableId::of_link(space, link_type);
    rows(txn, id, of_type, None, &mut |tenant, place, row| visit(tenant, &stored_link(place, &row)))
}

/// Visits every row of a table, in tenant and key order. `key` is the property that is the key and has no column of its own.
fn rows(
    txn: &mut PgTxn<'_>,
    id: TableId,
    of_type: (&[Property], Columns<'_>),
    key: Option<usize>,
    visit: &mut VisitRow<'_>,
) -> Result<()> {
    let Some(text) = text_of(txn, id, of_type)? else { return Ok(()) };
    for (number, tenant) in tenants_of(txn, id.space)? {
        let mut after = None;
        loop {
            let rows = stretch(txn, &text, id.kind, number, after.as_ref())?;
            for row in &rows {
                let mut row = RowReader::new(row);
                let (place, revision) = (place(&mut row, id.kind)?, row.seq()?);
                let values = read_row(&mut row, of_type.0, key.map(|key| (key, &place.first)))?;
                if visit(tenant, &place, StoredRow { revision, values })?.is_break() {
                    return Ok(());
                }
                after = Some(place);
            }
            if rows.len() < SCAN_ROWS {
                break;
            }
        }
    }
    Ok(())
}

/// The next rows of a tenant in the order of the keys.
fn stretch(
    txn: &mut PgTxn<'_>,
    text: &TableText,
    kind: TableKind,
    tenant: i64,
    after: Option<&Place>,
) -> Result<Vec<PgRow>> {
    let names = key_names(kind);
    let own: Vec<_> = names.iter().skip(1).map(|name| format!("\"{name}\"")).collect();
    let mut binder = Binder::default().bind(tenant)?;
    let mut beyond = String::new();
    if let Some(place) = after {
        binder = binder.key(&place.first)?;
        if let Some(second) = &place.second {
            binder = binder.key(second)?;
        }
        let bound = text.many.keys.iter().skip(1).enumerate();
        let bound: Vec<_> = bound.map(|(index, kind)| format!("${}::{}", index + 2, type_name(*kind))).collect();
        beyond = format!(" AND ({}) > ({})", own.join(", "), bound.join(", "));
    }
    let stored = text.many.stored_of("");
    let sql = format!(
        "SELECT \"t\", {own}, \"rev\"{stored} FROM {} WHERE \"t\" = $1{beyond} ORDER BY {own} LIMIT {SCAN_ROWS}",
        quoted(&text.table.names.current),
        own = own.join(", ")
    );
    let answer = txn.session.rows(sql, binder.done());
    txn.kept(answer)
}

//! The port that reads objects and links.

use std::sync::Arc;

use arrakis_core::commit::StoredRow;
use arrakis_core::kernel::plan::{AggregatePlan, HistoryPlan, LinksPlan, QueryPlan, RawGroup};
use arrakis_core::kernel::{Budget, Link, Object, ObjectStore, QueryRows, Snapshot, Version};
use arrakis_core::ontology::ObjectType;
use arrakis_core::{Key, Result, Scope, Seq};
use async_trait::async_trait;
use rusqlite::{CachedStatement, Connection};

use super::catalog::Catalog;
use super::error::sqlite;
use super::reading::{Reading, Request, tenant_number};
use super::table::{self, TableText};
use super::value::{Binder, RowReader};
use super::{SqliteStore, aggregate, history, link, query};
use crate::sql::{self, Columns, ReadRow, TableId, TableKind, fits, read_row, seq_value, whole};

#[async_trait]
impl ObjectStore for SqliteStore {
    async fn objects(
        &self,
        scope: Scope,
        object_type: &Arc<ObjectType>,
        keys: &[Key],
        at: Option<Seq>,
    ) -> Result<Snapshot<Vec<Option<Object>>>> {
        if let ([key], None) = (keys, at) {
            let catalog = self.readers.catalog();
            let found = self.readers.statement(|connection| one(connection, catalog, scope, object_type, key)).await?;
            if let Some((seq, object)) = found {
                return Ok(Snapshot { seq, value: vec![object] });
            }
        }
        if let ([key], Some(at)) = (keys, at) {
            let catalog = self.readers.catalog();
            let read = |connection: &Connection| one_at(connection, catalog, scope, (object_type, key), at);
            if let Some((seq, object)) = self.readers.statement(read).await? {
                return Ok(Snapshot { seq, value: vec![object] });
            }
        }
        let request = Request { scope, at, budget: Budget::default() };
        self.readers.read(request, &(Arc::clone(object_type), keys.to_vec()), many).await
    }

    async fn query(&self, scope: Scope, plan: &QueryPlan) -> Result<Snapshot<QueryRows>> {
        self.readers.read(Request { scope, at: plan.at, budget: plan.budget }, plan, query::page).await
    }

    async fn aggregate(&self, scope: Scope, plan: &AggregatePlan) -> Result<Snapshot<Vec<RawGroup>>> {
        self.readers.read(Request { scope, at: plan.at, budget: plan.budget }, plan, aggregate::groups).await
    }

    async fn links(&self, scope: Scope, plan: &LinksPlan) -> Result<Snapshot<Vec<Link>>> {
        self.readers.read(Request { scope, at: plan.at, budget: Budget::default() }, plan, link::page).await
    }

    async fn history(&self, scope: Scope, plan: &HistoryPlan) -> Result<Snapshot<Vec<Version>>> {
        self.readers.read(Request::now(scope), plan, history::versions).await
    }
}

/// The newest version of one object with the head it is as of, in one statement; `None` where that statement is not to be had.
fn one(
    connection: &Connection,
    catalog: &Catalog,
    scope: Scope,
    object_type: &ObjectType,
    key: &Key,
) -> Result<Option<(Seq, Option<Object>)>> {
    // A snapshot the connection is held at may be older than the tables that are known.
    let has_own_snapshot = connection.is_autocommit();
    let tenant = tenant_number(connection, catalog, scope)?.filter(|_| has_own_snapshot && fits(object_type, key));
    let Some(tenant) = tenant else { return Ok(None) };
    let Some(text) = text_of(connection, catalog, scope, object_type)? else { return Ok(None) };
    let mut get = connection.prepare_cached(&text.text.get_with_head).map_err(sqlite)?;
    Binder::new(&mut get).bind(tenant)?.key(key)?;
    let mut rows = get.raw_query();
    let Some(row) = rows.next().map_err(sqlite)? else { return Ok(None) };
    let mut row = RowReader::new(row);
    let head = row.seq()?;
    let Some(revision) = row.optional_integer()?.map(sql::seq_of) else { return Ok(Some((head, None))) };
    let values = read_row(&mut row, &object_type.properties, Some((object_type.primary_key, key)))?;
    Ok(Some((head, Some(whole(object_type, key, StoredRow { revision, values })))))
}

/// One object as of a commit, in one statement; `None` where that statement is not to be had. The past stays as it is, so no transaction
/// has to hold it.
fn one_at(
    connection: &Connection,
    catalog: &Catalog,
    scope: Scope,
    (object_type, key): (&ObjectType, &Key),
    at: Seq,
) -> Result<Option<(Seq, Option<Object>)>> {
    let has_own_snapshot = connection.is_autocommit();
    let tenant = tenant_number(connection, catalog, scope)?.filter(|_| has_own_snapshot && fits(object_type, key));
    // A table that has no superseded versions may have got some since it was looked at.
    let id = TableId::of_object(scope.space, object_type);
    let known = catalog.tables.get(&id).filter(|found| found.table.superseded);
    let (Some(tenant), Some(_)) = (tenant, known) else { return Ok(None) };
    let Some(text) = text_of(connection, catalog, scope, object_type)? else { return Ok(None) };
    let [_, sql] = &text.text.get_at;
    let mut get = connection.prepare_cached(sql).map_err(sqlite)?;
    let mut binder = Binder::new(&mut get);
    binder.bind(tenant)?.key(key)?.bind(seq_value(at))?;
    binder.bind(tenant)?.key(key)?.bind(seq_value(at))?.bind(seq_value(at))?;
    let mut rows = get.raw_query();
    let Some(row) = rows.next().map_err(sqlite)? else { return Ok(Some((at, None))) };
    let mut row = RowReader::new(row);
    let revision = row.seq()?;
    let values = read_row(&mut row, &object_type.properties, Some((object_type.primary_key, key)))?;
    Ok(Some((at, Some(whole(object_type, key, StoredRow { revision, values })))))
}

fn many(
    reading: &Reading<'_>,
    (object_type, keys): &(Arc<ObjectType>, Vec<Key>),
) -> Result<Snapshot<Vec<Option<Object>>>> {
    let mut rows = Rows::new(reading, object_type)?;
    let object = |key| Ok(rows.row(key)?.map(|row| whole(object_type, key, row)));
    Ok(Snapshot { seq: reading.seq, value: keys.iter().map(object).collect::<Result<_>>()? })
}

/// The statements on one row of a type, kept from one read to the next.
fn text_of(
    connection: &Connection,
    catalog: &Catalog,
    scope: Scope,
    object_type: &ObjectType,
) -> Result<Option<Arc<TableText>>> {
    let id = TableId::of_object(scope.space, object_type);
    if let Some(text) = catalog.texts.get(&id).filter(|text| text.fits(&object_type.properties)) {
        return Ok(Some(text));
    }
    let Some(found) = table::find(connection, id)? else { return Ok(None) };
    let of_type = (&*object_type.properties, Columns::of_object(object_type));
    let text = Arc::new(TableText::new(connection, TableKind::Object, found, of_type)?);
    catalog.texts.set(id, Arc::clone(&text));
    Ok(Some(text))
}

/// Reads objects of one type by key within a read.
pub(super) struct Rows<'r> {
    object_type: &'r ObjectType,
    /// As of what, when not now; and whether there are superseded versions to look among.
    at: Option<(Seq, bool)>,
    get: Option<(i64, CachedStatement<'r>)>,
}

impl<'r> Rows<'r> {
    pub(super) fn new(reading: &'r Reading<'_>, object_type: &'r ObjectType) -> Result<Self> {
        let id = TableId::of_object(reading.scope.space, object_type);
        let (Some(tenant), Some(found)) = (reading.tenant()?, reading.table(id)?) else {
            return Ok(Self { object_type, at: None, get: None });
        };
        let at = reading.at.map(|at| (at, found.table.superseded));
        let Some(text) = reading.text(object_type)? else { return Ok(Self { object_type, at: None, get: None }) };
        let [standing, with_superseded] = &text.text.get_at;
        let sql = match at {
            Some((_, true)) => with_superseded,
            Some((_, false)) => standing,
            None => &text.text.get,
        };
        let get = reading.connection.prepare_cached(sql).map_err(sqlite)?;
        Ok(Self { object_type, at, get: Some((tenant, get)) })
    }

    pub(super) fn row(&mut self, key: &Key) -> Result<Option<StoredRow>> {
        let Some((tenant, get)) = &mut self.get else { return Ok(None) };
        if !fits(self.object_type, key) {
            return Ok(None);
        }
        let mut binder = Binder::new(get);
        binder.bind(*tenant)?.key(key)?;
        if let Some((at, superseded)) = self.at {
            binder.bind(seq_value(at))?;
            if superseded {
                binder.bind(*tenant)?.key(key)?.bind(seq_value(at))?.bind(seq_value(at))?;
            }
        }
        let mut rows = get.raw_query();
        let Some(row) = rows.next().map_err(sqlite)? else { return Ok(None) };
        let mut row = RowReader::new(row);
        let revision = row.seq()?;
        let properties = &self.object_type.properties;
        let values = read_row(&mut row, properties, Some((self.object_type.primary_key, key)))?;
        Ok(Some(StoredRow { revision, values }))
    }
}

impl Reading<'_> {
    fn text(&self, object_type: &ObjectType) -> Result<Option<Arc<TableText>>> {
        text_of(self.connection, self.catalog(), self.scope, object_type)
    }
}

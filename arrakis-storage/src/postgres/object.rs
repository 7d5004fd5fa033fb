//! The port that reads objects and links.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis_core::commit::StoredRow;
use arrakis_core::kernel::plan::{AggregatePlan, HistoryPlan, LinksPlan, QueryPlan, RawGroup};
use arrakis_core::kernel::{Budget, Link, Object, ObjectStore, QueryRows, Snapshot, Version};
use arrakis_core::ontology::ObjectType;
use arrakis_core::{Key, Result, Scope, Seq};
use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Executor};

use super::cell::key_cell;
use super::connection::Purpose;
use super::error::corrupt;
use super::reading::{Readers, Reading, Request, answered};
use super::retry::Tries;
use super::table::TableText;
use super::value::{Binder, RowReader, no_elements};
use super::{PgStore, aggregate, history, link, query};
use crate::sql::{ColumnKind, ReadRow, TableId, fits, read_row, seq_of, seq_value, whole};

#[async_trait]
impl ObjectStore for PgStore {
    async fn objects(
        &self,
        scope: Scope,
        object_type: &Arc<ObjectType>,
        keys: &[Key],
        at: Option<Seq>,
    ) -> Result<Snapshot<Vec<Option<Object>>>> {
        if let ([key], None) = (keys, at)
            && let Some((seq, object)) = one(&self.readers, scope, object_type, key).await?
        {
            return Ok(Snapshot { seq, value: vec![object] });
        }
        let mut reading = self.readers.begin(Request { scope, at, budget: Budget::default() }).await?;
        let found = rows(&mut reading, object_type, keys).await?;
        let seq = reading.seq;
        reading.end().await?;
        let object = |key: &Key| found.get(key).map(|row| whole(object_type, key, row.clone()));
        Ok(Snapshot { seq, value: keys.iter().map(object).collect() })
    }

    async fn query(&self, scope: Scope, plan: &QueryPlan) -> Result<Snapshot<QueryRows>> {
        query::page(&self.readers, scope, plan).await
    }

    async fn aggregate(&self, scope: Scope, plan: &AggregatePlan) -> Result<Snapshot<Vec<RawGroup>>> {
        aggregate::groups(&self.readers, scope, plan).await
    }

    async fn links(&self, scope: Scope, plan: &LinksPlan) -> Result<Snapshot<Vec<Link>>> {
        link::page(&self.readers, scope, plan).await
    }

    async fn history(&self, scope: Scope, plan: &HistoryPlan) -> Result<Snapshot<Vec<Version>>> {
        history::versions(&self.readers, scope, plan).await
    }
}

/// The newest version of one object with the head it is as of, in one statement; `None` where that statement is not known yet.
async fn one(
    readers: &Readers,
    scope: Scope,
    object_type: &ObjectType,
    key: &Key,
) -> Result<Option<(Seq, Option<Object>)>> {
    let known = readers.catalog.texts.get(&TableId::of_object(scope.space, object_type));
    let text = known.filter(|text| text.fits(&object_type.properties) && fits(object_type, key));
    let (Some(text), Some(tenant)) = (text, readers.number(scope).await?) else { return Ok(None) };
    let mut tries = Tries::default();
    let row = loop {
        match one_once(readers, &text, tenant, key).await {
            Err(error) if tries.again(&readers.pool, &error) => {}
            answer => break answer?,
        }
    };
    let mut row = RowReader::new(&row);
    let head = row.seq()?;
    let Some(revision) = row.optional_integer()?.map(seq_of) else { return Ok(Some((head, None))) };
    let values = read_row(&mut row, &object_type.properties, Some((object_type.primary_key, key)))?;
    Ok(Some((head, Some(whole(object_type, key, StoredRow { revision, values })))))
}

async fn one_once(readers: &Readers, text: &TableText, tenant: i64, key: &Key) -> Result<PgRow> {
    let arguments = Binder::default().bind(tenant)?.key(key)?.done();
    let query = sqlx::query_with(AssertSqlSafe(Arc::clone(&text.one)), arguments);
    let mut lease = readers.pool.lease(Some(tenant)).await?;
    let row = answered(&readers.settings, Purpose::Read, lease.connection()?.fetch_optional(query)).await?;
    lease.done();
    row.ok_or_else(corrupt)
}

/// Objects of one type by their keys; those that are absent are left out.
pub(super) async fn rows(
    reading: &mut Reading<'_>,
    object_type: &ObjectType,
    keys: &[Key],
) -> Result<HashMap<Key, StoredRow>> {
    let mut found = HashMap::new();
    let keys: Vec<&Key> = keys.iter().filter(|key| fits(object_type, key)).collect();
    let (Some(tenant), Some(first)) = (reading.tenant, keys.first()) else { return Ok(found) };
    let Some(text) = reading.text(object_type).await? else { return Ok(found) };
    let kind = if matches!(first, Key::Integer(_)) { ColumnKind::Integer } else { ColumnKind::Text };
    let mut sought = no_elements(kind);
    for key in &keys {
        sought.push(&key_cell(key));
    }
    let mut binder = Binder::default().bind(tenant)?.bind(sought)?;
    let sql = match reading.at {
        None => &text.many.get,
        Some(at) => {
            binder = binder.bind(seq_value(at))?;
            &text.many.get_at
        }
    };
    for row in reading.fetch(sql, binder.done()).await? {
        let (key, row) = read(&row, object_type)?;
        found.insert(key, row);
    }
    Ok(found)
}

fn read(row: &PgRow, object_type: &ObjectType) -> Result<(Key, StoredRow)> {
    let mut row = RowReader::new(row);
    let (key, revision) = (row.key()?, row.seq()?);
    let values = read_row(&mut row, &object_type.properties, Some((object_type.primary_key, &key)))?;
    Ok((key, StoredRow { revision, values }))
}

//! Versions of objects and links.

use std::sync::Arc;

use arrakis_core::kernel::plan::{HistoryPlan, HistorySubject};
use arrakis_core::kernel::{Properties, Snapshot, Version};
use arrakis_core::ontology::Property;
use arrakis_core::{ApiName, CommitId, EffectKind, Error, Key, Result, Seq, Value};
use rusqlite::OptionalExtension;

use super::commit_log::author;
use super::dialect::SqliteDialect;
use super::error::sqlite;
use super::reading::Reading;
use super::row::read_row;
use super::statement;
use super::table::TableId;
use super::txn::uuid;
use crate::sql::{self, Columns, Dialect, TableKind};

/// A row from one commit on, until another.
struct RowVersion {
    from: Seq,
    to: Option<Seq>,
    values: Vec<Value>,
}

/// Whose history is read.
struct Subject<'p> {
    id: TableId,
    keys: Vec<&'p Key>,
    properties: &'p [Property],
    names: &'p Arc<[ApiName]>,
    columns: Columns<'p>,
    /// The key property and the key, for an object.
    key: Option<(usize, &'p Key)>,
}

impl<'p> Subject<'p> {
    fn of(reading: &Reading<'_>, plan: &'p HistoryPlan) -> Self {
        match &plan.subject {
            HistorySubject::Object(object_type, key) => Self {
                id: TableId::of_object(reading.scope.space, object_type),
                keys: vec![key],
                properties: &object_type.properties,
                names: &object_type.names,
                columns: Columns::of_object(object_type),
                key: Some((object_type.primary_key, key)),
            },
            HistorySubject::Link(link_type, source, target) => Self {
                id: TableId::of_link(reading.scope.space, link_type),
                keys: vec![source, target],
                properties: &link_type.properties,
                names: &link_type.names,
                columns: Columns::of_link(link_type),
                key: None,
            },
        }
    }

    fn kind(&self) -> TableKind {
        self.id.kind
    }
}

pub(super) fn versions(reading: &Reading<'_>, plan: &HistoryPlan) -> Result<Snapshot<Vec<Version>>> {
    let subject = Subject::of(reading, plan);
    let rows = rows(reading, &subject, plan)?;
    let changes = changes(rows, plan.after).into_iter().take(plan.limit as usize);
    let version = |(seq, change, values): (Seq, EffectKind, Option<Vec<Value>>)| {
        version(reading, seq, change, values.map(|values| Properties::new(Arc::clone(subject.names), values)))
    };
    Ok(Snapshot { seq: reading.seq, value: changes.map(version).collect::<Result<_>>()? })
}

/// The versions that began or ended after the plan's commit, oldest first; enough of them for its limit.
fn rows(reading: &Reading<'_>, subject: &Subject<'_>, plan: &HistoryPlan) -> Result<Vec<RowVersion>> {
    let mut versions = Vec::new();
    let (Some(tenant), Some(table)) = (reading.tenant()?, reading.table_with_versions(subject.id)?) else {
        return Ok(versions);
    };
    let key = |key: &Key| match key {
        Key::Integer(number) => (*number).into(),
        Key::String(text) => text.as_ref().into(),
    };
    let keys: Vec<_> = std::iter::once(tenant.into()).chain(subject.keys.iter().map(|each| key(each))).collect();
    let limit = u64::from(plan.limit).saturating_add(1);
    let statement = sql::versions((subject.kind(), &table), subject.columns, &keys, plan.after, limit);
    reading.each(&SqliteDialect.select(&statement), |row| {
        let (from, to) = (row.seq()?, row.get::<Option<i64>>()?.map(sql::seq_of));
        versions.push(RowVersion { from, to, values: read_row(row, subject.properties, subject.key)? });
        Ok(())
    })?;
    Ok(versions)
}

/// What each commit after one did to the row. A version that begins where the one before it ends modified it.
fn changes(rows: Vec<RowVersion>, after: Seq) -> Vec<(Seq, EffectKind, Option<Vec<Value>>)> {
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

fn version(reading: &Reading<'_>, seq: Seq, change: EffectKind, properties: Option<Properties>) -> Result<Version> {
    let mut found = reading.connection.prepare_cached(statement::LOG_AUTHOR).map_err(sqlite)?;
    let row = found.query_row([sql::seq_value(seq)], |row| Ok((author(row, 0), uuid(row.get(3)?), row.get(4)?)));
    let (author, commit, action) = row
        .optional()
        .map_err(sqlite)?
        .ok_or_else(|| Error::corrupt("store.log.gap", "a row was written by a commit that is not in the log"))?;
    let author = author?;
    Ok(Version {
        revision: seq,
        change,
        at: author.at,
        actor: author.actor,
        reason: author.reason,
        action,
        commit: CommitId::from_uuid(commit),
        properties,
        diff: None,
    })
}

//! Versions of objects and links.

use std::sync::Arc;

use arrakis_core::kernel::plan::HistoryPlan;
use arrakis_core::kernel::{Properties, Snapshot, Version};
use arrakis_core::{CommitId, EffectKind, Error, Result, Seq, Value};
use rusqlite::OptionalExtension;

use super::commit_log::author;
use super::dialect::SqliteDialect;
use super::error::sqlite;
use super::reading::Reading;
use super::statement;
use super::txn::uuid;
use crate::sql::{self, Dialect, RowVersion, Subject, TableId, changes};

pub(super) fn versions(reading: &Reading<'_>, plan: &HistoryPlan) -> Result<Snapshot<Vec<Version>>> {
    let subject = Subject::of(plan);
    let rows = rows(reading, &subject, plan)?;
    let changes = changes(rows, plan.after).into_iter().take(plan.limit as usize);
    let version = |(seq, change, values): (Seq, EffectKind, Option<Vec<Value>>)| {
        version(reading, seq, change, values.map(|values| Properties::new(Arc::clone(subject.names), values)))
    };
    Ok(Snapshot { seq: reading.seq, value: changes.map(version).collect::<Result<_>>()? })
}

/// The versions that began or ended after the plan's commit, oldest first; enough of them for its limit.
fn rows(reading: &Reading<'_>, subject: &Subject<'_>, plan: &HistoryPlan) -> Result<Vec<RowVersion>> {
    let id = TableId { kind: subject.kind, space: reading.scope.space, of: subject.of };
    let mut versions = Vec::new();
    let (Some(tenant), Some(table)) = (reading.tenant()?, reading.table_with_versions(id)?) else {
        return Ok(versions);
    };
    reading.each(&SqliteDialect.select(&subject.versions(&table, tenant, plan)), |row| {
        versions.push(subject.version(row)?);
        Ok(())
    })?;
    Ok(versions)
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

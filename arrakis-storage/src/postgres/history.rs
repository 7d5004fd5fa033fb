//! Versions of objects and links.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis_core::kernel::plan::HistoryPlan;
use arrakis_core::kernel::{Budget, Properties, Snapshot, Version};
use arrakis_core::{CommitId, EffectKind, Error, Result, Scope, Seq, Value};
use sqlx::postgres::PgRow;

use super::cell::Cells;
use super::commit_log::author;
use super::dialect::PgDialect;
use super::reading::{Readers, Reading, Request};
use super::statement;
use super::value::{Binder, RowReader};
use crate::sql::{self, Dialect, ReadRow, Subject, changes};

pub(super) async fn versions(readers: &Readers, scope: Scope, plan: &HistoryPlan) -> Result<Snapshot<Vec<Version>>> {
    let subject = Subject::of(plan);
    let mut reading = readers.begin(Request { scope, at: None, budget: Budget::default() }).await?;
    let rows = rows(&mut reading, &subject, plan).await?;
    let changes: Vec<_> = changes(rows, plan.after).into_iter().take(plan.limit as usize).collect();
    let seqs = Cells::integers(changes.iter().map(|(seq, _, _)| sql::seq_value(*seq)));
    let seq = reading.seq;
    reading.end().await?;
    // A publication rewrites the rows of every tenant of its space, so an author may be of another one; entries of the log never change.
    let authors = readers.rows_of_all(statement::LOG_AUTHORS, &Binder::default().bind(seqs)?.done()).await?;
    let mut by_seq = HashMap::new();
    for row in &authors {
        by_seq.insert(RowReader::new(row).seq()?, row);
    }
    let version = |(seq, change, values): (Seq, EffectKind, Option<Vec<Value>>)| {
        let properties = values.map(|values| Properties::new(Arc::clone(subject.names), values));
        version(by_seq.get(&seq), seq, change, properties)
    };
    Ok(Snapshot { seq, value: changes.into_iter().map(version).collect::<Result<_>>()? })
}

/// The versions that began or ended after the plan's commit, oldest first; enough of them for its limit.
async fn rows(reading: &mut Reading<'_>, subject: &Subject<'_>, plan: &HistoryPlan) -> Result<Vec<sql::RowVersion>> {
    let table = reading.table(subject.kind, subject.of);
    let (Some(tenant), Some(table)) = (reading.tenant, table) else { return Ok(Vec::new()) };
    if !subject.fits {
        return Ok(Vec::new());
    }
    let rows = reading.rows(&PgDialect.select(&subject.versions(&table, tenant, plan))).await?;
    rows.iter().map(|row| subject.version(&mut RowReader::new(row))).collect()
}

fn version(row: Option<&&PgRow>, seq: Seq, change: EffectKind, properties: Option<Properties>) -> Result<Version> {
    let row =
        row.ok_or_else(|| Error::corrupt("store.log.gap", "a row was written by a commit that is not in the log"))?;
    let mut row = RowReader::after(row, 1);
    let author = author(&mut row)?;
    let commit = CommitId::from_uuid(row.uuid()?);
    let action = row.optional_text()?.map(Into::into);
    Ok(Version {
        revision: seq,
        change,
        at: author.at,
        actor: author.actor,
        reason: author.reason,
        action,
        commit,
        properties,
        diff: None,
    })
}

//! What a batch wrote, sent to the database: a few statements for each table, however many rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis_core::commit::StoredRow;
use arrakis_core::{Result, Seq, Timestamp};

use super::cell::{Cell, Cells, CopyRows, key_cell, row_cells};
use super::creation::{self, Plan};
use super::overlay::{Of, Place, Rows, Slot, key_lists};
use super::statement;
use super::table::TableText;
use super::txn::PgTxn;
use super::value::Binder;
use crate::sql::{Table, TableId, missing_table, seq_value};

/// New rows of a table from which on they are copied instead of inserted.
const COPY_ROWS_MIN: usize = 512;
/// Bytes of rows that are copied in one message.
const COPY_LEN_MAX: usize = 4 << 20;
/// Rows in one statement.
const ROWS_MAX: usize = 10_000;
/// Rows kept in memory from which on a batch is sent in parts.
const KEPT_MAX: usize = 50_000;

/// Whether so much is kept that it is to be sent before the batch ends.
pub(super) fn is_due(txn: &PgTxn<'_>) -> bool {
    txn.rows.values().map(|rows| rows.slots.len()).sum::<usize>() > KEPT_MAX
}

/// Sends the rows that were written.
pub(super) fn rows(txn: &mut PgTxn<'_>) -> Result<()> {
    let written = std::mem::take(&mut txn.rows);
    let mut ids: Vec<_> = written.iter().filter(|(_, rows)| rows.is_changed()).map(|(id, _)| *id).collect();
    ids.sort_by_key(|id| (id.space, id.kind as u8, id.of));
    for id in ids {
        if let Some(rows) = written.get(&id) {
            table(txn, id, rows)?;
        }
    }
    txn.rows = written;
    Ok(())
}

/// Sends the log, and moves the head.
pub(super) fn log(txn: &mut PgTxn<'_>, head: Seq, last_at: Timestamp) -> Result<()> {
    let log = std::mem::take(&mut txn.log);
    let entries = || log.iter().map(|row| &row.entry);
    let catalog = if txn.changed_catalog { seq_value(head) } else { 0 };
    let arguments = Binder::default()
        .bind(Cells::integers(entries().map(|entry| seq_value(entry.seq))))?
        .bind(Cells::uuids(entries().map(|entry| entry.commit.uuid())))?
        .bind(Cells::uuids(entries().map(|entry| entry.tenant.uuid())))?
        .bind(Cells::integers(entries().map(|entry| entry.at.micros())))?
        .bind(Cells::texts(entries().map(|entry| Some(entry.actor.as_str()))))?
        .bind(Cells::texts(entries().map(|entry| entry.reason.as_deref())))?
        .bind(Cells::texts(entries().map(|entry| entry.audit.action.as_ref().map(|action| &*action.name))))?
        .bind(Cells::texts(log.iter().map(|row| Some(&*row.body))))?
        .bind(seq_value(head))?
        .bind(last_at.micros())?
        .bind(catalog)?
        .done();
    txn.session.execute(statement::LOG_INSERT, arguments).map(drop)
}

/// What becomes of the rows of one table.
#[derive(Default)]
struct Work<'a> {
    superseded: Vec<(&'a Place, Seq)>,
    past: Vec<(&'a Place, &'a StoredRow, Seq)>,
    inserted: Vec<(&'a Place, &'a StoredRow)>,
    updated: Vec<(&'a Place, &'a StoredRow)>,
    deleted: Vec<&'a Place>,
}

impl<'a> Work<'a> {
    fn of(slots: &'a HashMap<Place, Slot>) -> Self {
        let mut work = Self::default();
        let mut slots: Vec<_> = slots.iter().filter(|(_, slot)| !slot.is_unchanged()).collect();
        // In the order of the keys, so that neighbours share pages.
        slots.sort_by_key(|(place, _)| *place);
        for (place, slot) in slots {
            work.superseded.extend(slot.base_to.map(|to| (place, to)));
            work.past.extend(slot.past.iter().map(|(row, to)| (place, &**row, *to)));
            match (&slot.base, &slot.now) {
                (None, Some(now)) => work.inserted.push((place, now)),
                (Some(_), Some(now)) => work.updated.push((place, now)),
                (Some(_), None) => work.deleted.push(place),
                (None, None) => {}
            }
        }
        work
    }

    fn is_empty(&self) -> bool {
        self.past.is_empty() && self.inserted.is_empty() && self.updated.is_empty() && self.deleted.is_empty()
    }

    /// The first commit that wrote one of the rows.
    fn first_seq(&self) -> Seq {
        let past = self.past.iter().map(|(_, row, _)| row.revision);
        let now = self.inserted.iter().chain(&self.updated).map(|(_, row)| row.revision);
        past.chain(now).min().unwrap_or_default()
    }
}

fn table(txn: &mut PgTxn<'_>, id: TableId, rows: &Rows) -> Result<()> {
    let work = Work::of(&rows.slots);
    if work.is_empty() {
        return Ok(());
    }
    let mut unindexed = None;
    if txn.table(id)?.is_none() {
        unindexed = make(txn, id, &work)?;
    }
    let text = txn.text(id, &rows.of)?.ok_or_else(missing_table)?;
    for part in work.superseded.chunks(ROWS_MAX) {
        let ended = Cells::integers(part.iter().map(|(_, to)| seq_value(*to)));
        let lists = key_lists(&text, part.iter().map(|(place, _)| *place)).into_iter().chain([ended]);
        execute(txn, &text.many.supersede, lists)?;
    }
    for part in work.past.chunks(ROWS_MAX) {
        let mut lists = key_lists(&text, part.iter().map(|(place, _, _)| *place));
        lists.push(Cells::integers(part.iter().map(|(_, row, _)| seq_value(row.revision))));
        lists.push(Cells::integers(part.iter().map(|(_, _, to)| seq_value(*to))));
        lists.extend(stored_lists(&text, &rows.of, part.iter().map(|(_, row, _)| *row)));
        execute(txn, &text.many.past, lists)?;
    }
    for part in work.deleted.chunks(ROWS_MAX) {
        execute(txn, &text.many.delete, key_lists(&text, part.iter().copied()))?;
    }
    for part in work.updated.chunks(ROWS_MAX) {
        execute(txn, &text.many.update, row_lists(&text, &rows.of, part))?;
    }
    if work.inserted.len() >= COPY_ROWS_MIN {
        copy(txn, &text, &rows.of, &work.inserted)?;
    } else if !work.inserted.is_empty() {
        execute(txn, &text.many.insert, row_lists(&text, &rows.of, &work.inserted))?;
    }
    if let Some((table, plan)) = unindexed {
        creation::create_indexes(&mut txn.session, &table, &plan.indexes)?;
    }
    Ok(())
}

/// Makes the table of a type. Its indexes are left for the end when it is filled at once: building one sorts its entries.
fn make(txn: &mut PgTxn<'_>, id: TableId, work: &Work<'_>) -> Result<Option<(Table, Plan)>> {
    let schema = txn.memory.schemas.get(&id.space).cloned().flatten().ok_or_else(missing_table)?;
    let plan = Plan::of(&schema, id)?.ok_or_else(missing_table)?;
    let number = creation::create_bare(&mut txn.session, id, &plan.layout, work.first_seq())?;
    let table = Table::new(id.kind, number, true);
    txn.changed_catalog = true;
    if let Some(tables) = txn.memory.spaces.get_mut(&id.space) {
        tables.numbers.insert((id.kind, id.of), number);
    }
    if work.inserted.len() >= COPY_ROWS_MIN {
        return Ok(Some((table, plan)));
    }
    creation::create_indexes(&mut txn.session, &table, &plan.indexes)?;
    Ok(None)
}

fn execute(txn: &mut PgTxn<'_>, sql: &str, lists: impl IntoIterator<Item = Cells>) -> Result<()> {
    let arguments = lists.into_iter().try_fold(Binder::default(), Binder::bind)?.done();
    txn.session.execute(sql, arguments).map(drop)
}

/// Whole rows: the keys, the revision and stored, a list per column.
fn row_lists(text: &Arc<TableText>, of: &Of, rows: &[(&Place, &StoredRow)]) -> Vec<Cells> {
    let mut lists = key_lists(text, rows.iter().map(|(place, _)| *place));
    lists.push(Cells::integers(rows.iter().map(|(_, row)| seq_value(row.revision))));
    lists.extend(stored_lists(text, of, rows.iter().map(|(_, row)| *row)));
    lists
}

fn stored_lists<'r>(text: &TableText, of: &'r Of, rows: impl Iterator<Item = &'r StoredRow>) -> Vec<Cells> {
    let mut lists: Vec<Cells> = text.many.stored.iter().map(|kind| Cells::new(*kind)).collect();
    for row in rows {
        for (list, cell) in lists.iter_mut().zip(row_cells(of.properties(), of.key(), row)) {
            list.push(&cell);
        }
    }
    lists
}

fn copy(txn: &mut PgTxn<'_>, text: &TableText, of: &Of, rows: &[(&Place, &StoredRow)]) -> Result<()> {
    let columns = text.many.keys.len() + 1 + text.many.stored.len();
    let mut copied = CopyRows::new();
    for (place, row) in rows {
        copied.begin_row(columns);
        copied.push(&Cell::Integer(place.tenant));
        copied.push(&key_cell(&place.first));
        place.second.iter().for_each(|key| copied.push(&key_cell(key)));
        copied.push(&Cell::Integer(seq_value(row.revision)));
        row_cells(of.properties(), of.key(), row).for_each(|cell| copied.push(&cell));
        if copied.len() >= COPY_LEN_MAX {
            copied.end();
            txn.session.copy(&text.many.copy, &copied.take())?;
            copied = CopyRows::new();
        }
    }
    copied.end();
    txn.session.copy(&text.many.copy, &copied.take())
}

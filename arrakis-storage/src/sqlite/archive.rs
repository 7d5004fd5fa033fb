//! Everything in the file, in plain values.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrakis_core::archive::{
    ArchiveReader, ArchiveStore, CursorPlace, Outline, PAGE_BYTES_MAX, PAGE_ROWS_MAX, Part, Row, SchemaOutline, Space,
    TableOutline,
};
use arrakis_core::ontology::SchemaHash;
use arrakis_core::{Error, LogEntry, Result, Seq, SpaceId, Tenant, TenantId, Timestamp};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};

use super::commit_log::entry;
use super::dialect::SqliteDialect;
use super::error::{corrupt, sqlite};
use super::reading::{head, run_static};
use super::txn::uuid;
use super::value::{Binder, RowReader};
use super::{SqliteStore, statement, table};
use crate::sql::archive::{self, check_gap};
use crate::sql::{Table, TableId, TableKind, seq_of, seq_value, unreadable};

/// A connection that one call at a time uses, on a thread that may block.
pub(super) type Shared = Arc<Mutex<Connection>>;

pub(super) fn locked(shared: &Shared) -> MutexGuard<'_, Connection> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Works with a connection on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
) -> Result<T> {
    let shared = Arc::clone(shared);
    let ended = tokio::task::spawn_blocking(move || work(&locked(&shared))).await;
    ended.map_err(|e| Error::internal("store.read.ended", "a read ended early").caused_by(e))?
}

/// A reader of the file.
#[derive(Debug)]
pub(super) struct SqliteArchive {
    connection: Shared,
    known: Arc<Known>,
}

/// What is known of the snapshot.
#[derive(Debug)]
struct Known {
    outline: Outline,
    tenants: HashMap<i64, TenantId>,
    numbers: HashMap<TenantId, i64>,
    tables: HashMap<TableId, Table>,
}

impl SqliteArchive {
    /// Reads through a connection whose snapshot is fixed, or that nobody writes to meanwhile.
    pub(super) async fn new(connection: Shared) -> Result<Self> {
        let known = blocking(&connection, Known::read).await?;
        Ok(Self { connection, known: Arc::new(known) })
    }
}

impl Known {
    fn read(connection: &Connection) -> Result<Self> {
        let (head, at) = head(connection)?;
        let cursor_key = connection.query_row(statement::META, [], |row| row.get(0)).map_err(sqlite)?;
        let mut known = Self {
            outline: Outline {
                head,
                at: Timestamp::from_micros(at).map_err(|e| unreadable("head", e))?,
                cursor_key,
                spaces: all(connection, statement::SPACES, |row| {
                    Ok(Space { id: SpaceId::from_uuid(uuid(row.get(0)?)), name: row.get(1)? })
                })?,
                tenants: Vec::new(),
                schemas: all(connection, statement::SCHEMAS, |row| {
                    let space = SpaceId::from_uuid(uuid(row.get(0)?));
                    let (version, hash) = (row.get(1)?, SchemaHash(row.get(2)?));
                    Ok(SchemaOutline { space, version, hash, seq: seq_of(row.get(3)?) })
                })?,
                tables: Vec::new(),
                cursors: all(connection, statement::RELAYS, |row| {
                    Ok(CursorPlace { name: row.get(0)?, at: seq_of(row.get(1)?), epoch: seq_of(row.get(2)?).0 })
                })?,
            },
            tenants: HashMap::new(),
            numbers: HashMap::new(),
            tables: HashMap::new(),
        };
        for (number, tenant) in all(connection, statement::TENANTS, |row| {
            let (id, space) = (TenantId::from_uuid(uuid(row.get(1)?)), SpaceId::from_uuid(uuid(row.get(3)?)));
            Ok((row.get::<_, i64>(0)?, Tenant { id, name: row.get(2)?, space }))
        })? {
            known.tenants.insert(number, tenant.id);
            known.numbers.insert(tenant.id, number);
            known.outline.tenants.push(tenant);
        }
        let tables = all(connection, statement::TABLES, |row| {
            let kind = if row.get::<_, i64>(0)? == 0 { TableKind::Object } else { TableKind::Link };
            let id = TableId { kind, space: SpaceId::from_uuid(uuid(row.get(1)?)), of: row.get(2)? };
            Ok((id, Table::new(kind, row.get(3)?, row.get::<_, i64>(4)? != 0)))
        })?;
        for (id, table) in tables {
            known.outline.tables.push(archive::outline_of(id, &table::layout(connection, &table)?)?);
            known.tables.insert(id, table);
        }
        Ok(known)
    }

    fn rows(&self, connection: &Connection, table: &TableOutline, part: Part, after: Option<&Row>) -> Result<Vec<Row>> {
        let found = self.tables.get(&archive::table_id(table)).ok_or_else(corrupt)?;
        if part == Part::Superseded && !found.superseded {
            return Ok(Vec::new());
        }
        let numbered = |row: &Row| self.numbers.get(&row.tenant).copied().ok_or_else(corrupt);
        let after = after.map(|row| Ok((numbered(row)?, row))).transpose()?;
        let page = archive::page(&SqliteDialect, (table, found), part, after);
        let mut select = connection.prepare_cached(&page.text).map_err(sqlite)?;
        Binder::new(&mut select).all(&page.values)?;
        let mut found = select.raw_query();
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(row) = found.next().map_err(sqlite)? {
            let row = archive::read(&mut RowReader::new(row), table, part, &self.tenants)?;
            bytes += row.bytes();
            rows.push(row);
            if bytes >= PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(rows)
    }
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut select = connection.prepare(sql).map_err(sqlite)?;
    select.query_map([], read).and_then(Iterator::collect).map_err(sqlite)
}

fn log(connection: &Connection, after: Seq) -> Result<Vec<LogEntry>> {
    let mut select = connection.prepare_cached(statement::LOG_ALL).map_err(sqlite)?;
    let limit = i64::try_from(PAGE_ROWS_MAX).unwrap_or(i64::MAX);
    let mut found = select.query((seq_value(after), limit)).map_err(sqlite)?;
    let (mut entries, mut bytes, mut last) = (Vec::new(), 0, after);
    while let Some(row) = found.next().map_err(sqlite)? {
        let entry = entry(row)?;
        check_gap(last, entry.seq)?;
        last = entry.seq;
        entries.push(entry);
        bytes += row.get_ref(6).map_err(sqlite)?.as_str().map_or(0, str::len);
        if bytes >= PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(entries)
}

#[async_trait]
impl ArchiveReader for SqliteArchive {
    async fn outline(&mut self) -> Result<Outline> {
        Ok(self.known.outline.clone())
    }

    async fn schema(&mut self, space: SpaceId, version: u32) -> Result<String> {
        let read = move |connection: &Connection| {
            let space = space.uuid();
            let asked = (space.as_bytes(), version);
            let text = connection.query_row(statement::SCHEMA_DOCUMENT, asked, |row| row.get(0));
            text.optional().map_err(sqlite)?.ok_or_else(corrupt)
        };
        blocking(&self.connection, read).await
    }

    async fn log(&mut self, after: Seq) -> Result<Vec<LogEntry>> {
        blocking(&self.connection, move |connection| log(connection, after)).await
    }

    async fn rows(&mut self, table: &TableOutline, part: Part, after: Option<&Row>) -> Result<Vec<Row>> {
        let (known, table, after) = (Arc::clone(&self.known), table.clone(), after.cloned());
        blocking(&self.connection, move |connection| known.rows(connection, &table, part, after.as_ref())).await
    }
}

#[async_trait]
impl ArchiveStore for SqliteStore {
    async fn archive(&self) -> Result<Box<dyn ArchiveReader>> {
        let location = self.location.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let connection = location.reader()?;
            // The first read fixes the snapshot, which lasts as long as the connection.
            run_static(&connection, statement::BEGIN)?;
            head(&connection)?;
            Ok(connection)
        });
        let connection =
            opened.await.map_err(|e| Error::internal("store.read.ended", "a read ended early").caused_by(e))??;
        Ok(Box::new(SqliteArchive::new(Arc::new(Mutex::new(connection))).await?))
    }
}

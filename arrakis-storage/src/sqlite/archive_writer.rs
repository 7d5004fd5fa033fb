//! Fills a file that is to be a store: beside its place, and put there in one step when it is whole.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::archive::{ArchiveReader, ArchiveWriter, Cell, Outline, Part, Row, SchemaOutline, TableOutline};
use arrakis_core::ontology::Schema;
use arrakis_core::{Env, LogEntry, Result, Seq, TenantId};
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::archive::{Shared, SqliteArchive, blocking, locked};
use super::connection::Location;
use super::dialect::SqliteDialect;
use super::error::{corrupt, is_busy, sqlite};
use super::reading::run_static;
use super::statistics::Statistics;
use super::table::execute;
use super::value::Binder;
use super::{SqliteOptions, commit_log, migration, statement};
use crate::sql::archive::{self, Indexes, busy, not_empty, out_of_turn};
use crate::sql::{Table, TableId, TableKind, seq_value};

/// Fills a file.
#[derive(Debug)]
pub(super) struct SqliteArchiveWriter {
    location: Location,
    env: Env,
    begun: Option<Begun>,
}

/// A file that is being filled.
#[derive(Debug)]
struct Begun {
    /// Holds the file's lock as long as it is there.
    connection: Shared,
    filling: Arc<Mutex<Filling>>,
}

/// What is known of it so far.
#[derive(Debug)]
struct Filling {
    head: Seq,
    at_us: i64,
    tenants: HashMap<TenantId, i64>,
    /// Tables with their numbers.
    tables: HashMap<TableId, (i64, Table)>,
    indexes: Indexes,
    statistics: Statistics,
}

impl SqliteArchiveWriter {
    pub(super) fn new(path: &Path, env: Env) -> Result<Self> {
        // Nobody is waited for: whoever has the lock fills the same file.
        let options = SqliteOptions { busy_timeout_ms: 0, ..SqliteOptions::default() };
        Ok(Self { location: Location::new(path, &options)?, env, begun: None })
    }

    /// Works with the file.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &mut Filling) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let begun = self.begun.as_ref().ok_or_else(out_of_turn)?;
        let filling = Arc::clone(&begun.filling);
        let work = move |connection: &Connection| {
            let mut filling = filling.lock().unwrap_or_else(PoisonError::into_inner);
            work(connection, &mut filling)
        };
        blocking(&begun.connection, work).await
    }
}

/// Opens the file to be filled and empties it. It is never deleted: it has one lock, whoever finds it.
fn open(location: &Location, env: &Env) -> Result<Connection> {
    location.check_free()?;
    let connection = Connection::open(location.moving()).map_err(sqlite)?;
    connection.busy_timeout(Duration::ZERO).map_err(sqlite)?;
    let set = |name: &str, value: &str| connection.pragma_update(None, name, value).map_err(sqlite);
    let lock = || {
        // The lock, once it is taken, is kept.
        set("locking_mode", "EXCLUSIVE")?;
        // A file that was not filled to its end is begun anew, so there is nothing to fall back to.
        set("journal_mode", "OFF")?;
        set("synchronous", "OFF")?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT").map_err(sqlite)
    };
    lock().map_err(|error| if is_busy(&error) { busy().caused_by(error) } else { error })?;
    reset(&connection).map_err(sqlite)?;
    migration::run(&connection, env)?;
    set("foreign_keys", "ON")?;
    set("cache_size", "-65536")?;
    Ok(connection)
}

fn reset(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, true)?;
    connection.execute_batch("VACUUM")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, false).map(drop)
}

impl Filling {
    /// Makes what an outline says, and the tables without indexes.
    fn new(connection: &Connection, outline: &Outline) -> Result<Self> {
        let mut filling = Self {
            head: outline.head,
            at_us: outline.at.micros(),
            tenants: HashMap::new(),
            tables: HashMap::new(),
            indexes: Indexes::default(),
            statistics: Statistics::new(connection),
        };
        let insert = |sql: &str, values: &dyn Fn(&mut rusqlite::Statement<'_>) -> rusqlite::Result<usize>| {
            connection.prepare_cached(sql).and_then(|mut insert| values(&mut insert)).map(drop).map_err(sqlite)
        };
        insert(statement::META_UPDATE, &|update| update.execute([outline.cursor_key]))?;
        for space in &outline.spaces {
            insert(statement::SPACE_INSERT, &|insert| insert.execute((space.id.uuid().as_bytes(), &*space.name)))?;
        }
        for tenant in &outline.tenants {
            let values = (tenant.id.uuid(), tenant.space.uuid());
            insert(statement::TENANT_INSERT, &|insert| {
                insert.execute((values.0.as_bytes(), &*tenant.name, values.1.as_bytes()))
            })?;
            filling.tenants.insert(tenant.id, connection.last_insert_rowid());
        }
        for cursor in &outline.cursors {
            let values = (&*cursor.name, seq_value(cursor.at), seq_value(Seq(cursor.epoch)));
            insert(statement::RELAY_INSERT, &|insert| insert.execute(values))?;
        }
        for table in &outline.tables {
            filling.make(connection, table)?;
        }
        Ok(filling)
    }

    fn make(&mut self, connection: &Connection, outline: &TableOutline) -> Result<()> {
        let id = archive::table_id(outline);
        let sql = match id.kind {
            TableKind::Object => statement::OBJECT_TABLE_INSERT,
            TableKind::Link => statement::LINK_TABLE_INSERT,
        };
        let mut insert = connection.prepare_cached(sql).map_err(sqlite)?;
        // No snapshot of this file is older than its tables.
        let number = insert.insert((id.space.uuid().as_bytes(), id.of, 0)).map_err(sqlite)?;
        let table = Table::new(id.kind, number, false);
        execute(connection, &archive::layout_of(outline).create(&SqliteDialect, &table.names, false))?;
        self.tables.insert(id, (number, table));
        Ok(())
    }

    /// Makes the table of superseded versions where there is none yet.
    fn keep_superseded(&mut self, connection: &Connection, outline: &TableOutline) -> Result<()> {
        let id = archive::table_id(outline);
        let (number, table) = self.tables.get_mut(&id).ok_or_else(corrupt)?;
        if table.superseded {
            return Ok(());
        }
        execute(connection, &archive::layout_of(outline).create(&SqliteDialect, &table.names, true))?;
        let sql = match id.kind {
            TableKind::Object => statement::OBJECT_TABLE_SUPERSEDED,
            TableKind::Link => statement::LINK_TABLE_SUPERSEDED,
        };
        let marked = connection.prepare_cached(sql).and_then(|mut mark| mark.execute((*number, 1)));
        marked.map_err(sqlite)?;
        table.superseded = true;
        Ok(())
    }

    fn rows(&mut self, connection: &Connection, outline: &TableOutline, part: Part, rows: &[Row]) -> Result<()> {
        if part == Part::Superseded && !rows.is_empty() {
            self.keep_superseded(connection, outline)?;
        }
        let (_, table) = self.tables.get(&archive::table_id(outline)).ok_or_else(corrupt)?;
        let insert = archive::insert(&SqliteDialect, (outline, table), part)?;
        let mut insert = connection.prepare_cached(&insert.text).map_err(sqlite)?;
        for row in rows {
            let tenant = *self.tenants.get(&row.tenant).ok_or_else(corrupt)?;
            let mut binder = Binder::new(&mut insert);
            binder.bind(tenant)?.key(&row.key)?;
            if let Some(target) = &row.target {
                binder.key(target)?;
            }
            binder.bind(seq_value(row.from))?;
            if let Some(to) = row.to {
                binder.bind(seq_value(to))?;
            }
            for cell in &row.cells {
                match cell {
                    Cell::Null => binder.bind(rusqlite::types::Null)?,
                    Cell::Integer(number) => binder.bind(number)?,
                    Cell::Real(number) => binder.bind(number)?,
                    Cell::Text(text) => binder.bind(text)?,
                    Cell::Blob(bytes) => binder.bind(bytes)?,
                };
            }
            insert.raw_execute().map_err(sqlite)?;
        }
        Ok(())
    }

    fn build(&mut self, connection: &Connection) -> Result<()> {
        for (id, (_, table)) in &self.tables {
            for superseded in [false, true].into_iter().take(1 + usize::from(table.superseded)) {
                for index in self.indexes.of(*id) {
                    execute(connection, &index.create(&SqliteDialect, &table.names, superseded))?;
                }
            }
        }
        self.statistics.refresh(connection);
        // The last transaction makes all before it durable: what is forced to the disk is the file.
        connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite)?;
        transaction(connection, |connection| {
            let mut update = connection.prepare_cached(statement::HEAD_UPDATE).map_err(sqlite)?;
            update.execute((seq_value(self.head), self.at_us)).map(drop).map_err(sqlite)
        })?;
        // So that what is read back comes from the file.
        connection.execute_batch("PRAGMA shrink_memory").map_err(sqlite)
    }
}

/// Works in one transaction. One that fails is left open, as the file is of no use then.
fn transaction<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    run_static(connection, statement::BEGIN_IMMEDIATE)?;
    let done = work(connection)?;
    run_static(connection, statement::COMMIT)?;
    Ok(done)
}

#[async_trait]
impl ArchiveWriter for SqliteArchiveWriter {
    async fn begin(&mut self, outline: &Outline) -> Result<()> {
        let (location, env, outline) = (self.location.clone(), self.env.clone(), outline.clone());
        let begun = tokio::task::spawn_blocking(move || {
            let connection = open(&location, &env).map_err(|e| location.name(e))?;
            let filling = transaction(&connection, |connection| Filling::new(connection, &outline))?;
            Ok(Begun { connection: Arc::new(Mutex::new(connection)), filling: Arc::new(Mutex::new(filling)) })
        });
        self.begun = Some(begun.await.map_err(|e| out_of_turn().caused_by(e))??);
        Ok(())
    }

    async fn schema(&mut self, outline: SchemaOutline, text: &str) -> Result<()> {
        let text = text.to_owned();
        self.work(move |connection, filling| {
            let SchemaOutline { space, version, hash, seq } = outline;
            filling.indexes.add(space, &Schema::from_stored(version, &text)?)?;
            let mut insert = connection.prepare_cached(statement::SCHEMA_INSERT).map_err(sqlite)?;
            let space = space.uuid();
            let values = (space.as_bytes(), version, hash.0, seq_value(seq), text);
            insert.execute(values).map(drop).map_err(sqlite)
        })
        .await
    }

    async fn log(&mut self, entries: Vec<LogEntry>) -> Result<()> {
        self.work(move |connection, _| {
            transaction(connection, |connection| {
                entries.iter().try_for_each(|entry| commit_log::append(connection, entry))
            })
        })
        .await
    }

    async fn rows(&mut self, table: &TableOutline, part: Part, rows: Vec<Row>) -> Result<()> {
        let table = table.clone();
        self.work(move |connection, filling| {
            transaction(connection, |connection| filling.rows(connection, &table, part, &rows))
        })
        .await
    }

    async fn build(&mut self) -> Result<()> {
        self.work(|connection, filling| filling.build(connection)).await
    }

    async fn archive(&mut self) -> Result<Box<dyn ArchiveReader>> {
        let begun = self.begun.as_ref().ok_or_else(out_of_turn)?;
        Ok(Box::new(SqliteArchive::new(Arc::clone(&begun.connection)).await?))
    }

    async fn publish(self: Box<Self>) -> Result<()> {
        let begun = self.begun.ok_or_else(out_of_turn)?;
        let location = self.location;
        let published = tokio::task::spawn_blocking(move || {
            // The lock is held until the file is in its place.
            let _connection = locked(&begun.connection);
            location.publish()
        });
        published.await.map_err(|e| out_of_turn().caused_by(e))?
    }
}

impl Location {
    /// Checks that the place is empty.
    fn check_free(&self) -> Result<()> {
        let is_there = match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(self.cannot_open().caused_by(error)),
            Ok(found) => !found.is_file() || found.len() > 0,
        };
        // A log that waits beside the file would become part of it.
        if is_there || self.is_logged() { Err(not_empty().with("file", self.path.display())) } else { Ok(()) }
    }

    /// Puts the file that was filled in its place. No store can have come to be there meanwhile: who would make one is refused while
    /// there is a file that is filled.
    fn publish(&self) -> Result<()> {
        self.check_free()?;
        let failed = |e| self.cannot_open().caused_by(e);
        std::fs::rename(self.moving(), &self.path).map_err(failed)?;
        // The new name is on the disk when the folder is; where a folder cannot be opened like a file there is nothing to wait for.
        let folder = self.path.parent().and_then(|folder| std::fs::File::open(folder).ok());
        folder.map_or(Ok(()), |folder| folder.sync_all()).map_err(failed)
    }
}

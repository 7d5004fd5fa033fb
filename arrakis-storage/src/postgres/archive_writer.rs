//! Fills a namespace that is to hold a store: under another name, and given its own in one step when it is whole.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrakis_core::archive::{
    self as core, ArchiveReader, ArchiveWriter, Outline, Part, Row, SchemaOutline, TableOutline,
};
use arrakis_core::ontology::Schema;
use arrakis_core::{Env, LogEntry, Result, Seq, TenantId};
use async_trait::async_trait;
use sea_query::DynIden;
use tokio::runtime::Handle;
use tokio::sync::Mutex as AsyncMutex;

use super::archive::{PgArchive, Shared};
use super::cell::{Cell, CopyRows, key_cell};
use super::connection::{PgOptions, Purpose, Settings};
use super::dialect::quoted;
use super::error::corrupt;
use super::migration::{self, moving_namespace};
use super::module::Module;
use super::session::{Driver, Session};
use super::value::{Binder, RowReader};
use super::{creation, statement};
use crate::sql::archive::{self, Indexes, busy, not_empty, out_of_turn};
use crate::sql::{ReadRow, Table, TableId, body_of, seq_value};

/// How long a statement may take, in milliseconds: making an index of a large table takes its time.
const STATEMENT_TIMEOUT_MS: u64 = 3_600_000;
/// The most tables dropped in one transaction: the server has room for so many locks.
const DROPPED_MAX: i64 = 100;
/// Nothing here is kept by anyone before it is published, which waits for the disk.
const BEGUN: &str = "SET synchronous_commit = off";
/// What all that was written waits for.
const DURABLE: &str = "SET synchronous_commit = on";
/// The columns of the log, as they are copied.
const LOG_COPY: &str =
    "COPY commit_log (seq, commit_id, tenant, at, actor, reason, action, body) FROM STDIN (FORMAT binary)";
const LOG_COLUMNS: usize = 8;

/// Fills a namespace.
#[derive(Debug)]
pub(super) struct PgArchiveWriter {
    /// Those of the namespace that is filled.
    settings: Arc<Settings>,
    /// What it is to be called.
    namespace: String,
    env: Env,
    begun: Option<Begun>,
}

/// A namespace that is being filled.
#[derive(Debug)]
struct Begun {
    /// Holds the lock as long as it is there.
    connection: Shared,
    filling: Arc<Mutex<Filling>>,
}

/// What is known of it so far.
#[derive(Debug)]
struct Filling {
    head: Seq,
    at_us: i64,
    tenants: HashMap<TenantId, i64>,
    tables: HashMap<TableId, Table>,
    indexes: Indexes,
}

impl PgArchiveWriter {
    pub(super) fn new(url: &str, env: Env, options: &PgOptions) -> Result<Self> {
        Settings::new(url, options)?;
        let namespace = options.namespace.clone();
        let options = PgOptions {
            namespace: moving_namespace(&namespace),
            create: true,
            commit_timeout_ms: STATEMENT_TIMEOUT_MS,
            temporary: false,
            // All of a store is moved.
            modules: Module::ALL.to_vec(),
            ..options.clone()
        };
        Ok(Self { settings: Arc::new(Settings::new(url, &options)?), namespace, env, begun: None })
    }

    /// Works with the namespace, on a thread that may block.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session<'_>, &mut Filling) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let begun = self.begun.as_ref().ok_or_else(out_of_turn)?;
        let filling = Arc::clone(&begun.filling);
        blocking(&self.settings, &begun.connection, move |session| {
            work(session, &mut filling.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await
    }
}

/// Works with a connection on a thread that may block.
async fn blocking<T: Send + 'static>(
    settings: &Arc<Settings>,
    connection: &Shared,
    work: impl FnOnce(&mut Session<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (settings, connection, handle) = (Arc::clone(settings), Arc::clone(connection), Handle::current());
    let ended = tokio::task::spawn_blocking(move || {
        let mut connection = connection.blocking_lock();
        let driver = Driver::Other(&handle);
        work(&mut Session { settings: &settings, driver, connection: &mut connection })
    });
    ended.await.map_err(|e| out_of_turn().caused_by(e))?
}

fn holds(session: &mut Session<'_>, sql: &'static str, name: &str) -> Result<bool> {
    let row = session.row(sql, Binder::default().bind(name)?.done())?.ok_or_else(corrupt)?;
    Ok(RowReader::new(&row).integer()? != 0)
}

fn check_free(session: &mut Session<'_>, namespace: &str) -> Result<()> {
    if holds(session, statement::NAMESPACE_FILLED, namespace)? {
        return Err(not_empty().with("database", session.settings.database()).with("namespace", namespace));
    }
    Ok(())
}

/// Takes the lock, looks whether the place is free, and drops what an earlier move left.
fn clear(session: &mut Session<'_>, namespace: &str) -> Result<()> {
    let moving = session.settings.options.namespace.clone();
    if !holds(session, statement::MOVING_LOCK, &moving)? {
        return Err(busy().with("namespace", namespace));
    }
    check_free(session, namespace)?;
    loop {
        let bound = Binder::default().bind(moving.as_str())?.bind(DROPPED_MAX)?.done();
        let rows = session.rows(statement::NAMESPACE_TABLES, bound)?;
        if rows.is_empty() {
            break;
        }
        let drop = |row| RowReader::new(row).text().map(|name| format!("DROP TABLE \"{name}\" CASCADE"));
        session.run(rows.iter().map(drop).collect::<Result<Vec<_>>>()?.join("; "))?;
    }
    session.run(format!("DROP SCHEMA IF EXISTS \"{moving}\" CASCADE"))?;
    session.run(BEGUN)
}

impl Filling {
    /// Makes what an outline says, and the tables without indexes.
    fn new(session: &mut Session<'_>, outline: &Outline) -> Result<Self> {
        session.run("BEGIN")?;
        let mut tenants = HashMap::new();
        session.execute(statement::META_UPDATE, Binder::default().bind(outline.cursor_key.as_slice())?.done())?;
        for space in &outline.spaces {
            let bound = Binder::default().bind(space.id.uuid())?.bind(&*space.name)?.done();
            session.execute(statement::SPACE_INSERT, bound)?;
        }
        for tenant in &outline.tenants {
            let bound = Binder::default().bind(tenant.id.uuid())?.bind(&*tenant.name)?.bind(tenant.space.uuid())?;
            session.execute(statement::TENANT_INSERT, bound.done())?;
        }
        for row in session.rows(statement::TENANTS, Binder::default().done())? {
            let mut row = RowReader::new(&row);
            let number = row.integer()?;
            tenants.insert(TenantId::from_uuid(row.uuid()?), number);
        }
        for cursor in &outline.cursors {
            let bound = Binder::default().bind(&*cursor.name)?.bind(seq_value(cursor.at))?;
            session.execute(statement::RELAY_INSERT, bound.bind(seq_value(Seq(cursor.epoch)))?.done())?;
        }
        session.run(statement::COMMIT)?;
        let mut tables = HashMap::new();
        for table in &outline.tables {
            let id = archive::table_id(table);
            let number = creation::create_bare(session, id, &archive::layout_of(table), Seq(0))?;
            tables.insert(id, Table::new(id.kind, number, true));
        }
        let (head, at_us) = (outline.head, outline.at.micros());
        Ok(Self { head, at_us, tenants, tables, indexes: Indexes::default() })
    }

    fn rows(&self, session: &mut Session<'_>, outline: &TableOutline, part: Part, rows: &[Row]) -> Result<()> {
        let table = self.tables.get(&archive::table_id(outline)).ok_or_else(corrupt)?;
        let columns = archive::columns(outline, part);
        let mut copied = CopyRows::new();
        for row in rows {
            copied.begin_row(columns.len());
            copied.push(&Cell::Integer(*self.tenants.get(&row.tenant).ok_or_else(corrupt)?));
            copied.push(&key_cell(&row.key));
            row.target.iter().for_each(|target| copied.push(&key_cell(target)));
            copied.push(&Cell::Integer(seq_value(row.from)));
            row.to.iter().for_each(|to| copied.push(&Cell::Integer(seq_value(*to))));
            row.cells.iter().for_each(|cell| copied.push(&cell_of(cell)));
        }
        copied.end();
        let names: Vec<String> = columns.iter().map(|name: &DynIden| quoted(name)).collect();
        let table = quoted(&archive::name(table, part));
        let sql = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", names.join(", "));
        session.copy(&sql, &copied.take())
    }

    fn build(&self, session: &mut Session<'_>) -> Result<()> {
        for (id, table) in &self.tables {
            creation::create_indexes(session, table, self.indexes.of(*id))?;
            let names = [&table.names.current, &table.names.superseded].map(quoted);
            session.run(format!("ANALYZE {}", names.join(", ")))?;
        }
        let bound = Binder::default().bind(seq_value(self.head))?.bind(self.at_us)?.done();
        session.execute(statement::HEAD_UPDATE, bound).map(drop)
    }
}

fn cell_of(cell: &core::Cell) -> Cell<'_> {
    match cell {
        core::Cell::Null => Cell::Null,
        core::Cell::Integer(number) => Cell::Integer(*number),
        core::Cell::Real(number) => Cell::Real(*number),
        core::Cell::Text(text) => Cell::Text(Cow::Borrowed(text)),
        core::Cell::Blob(bytes) => Cell::Blob(Cow::Borrowed(bytes)),
    }
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(text))
}

fn log(session: &mut Session<'_>, entries: &[LogEntry]) -> Result<()> {
    let mut copied = CopyRows::new();
    for entry in entries {
        let body = body_of(entry)?;
        copied.begin_row(LOG_COLUMNS);
        copied.push(&Cell::Integer(seq_value(entry.seq)));
        copied.push(&Cell::Blob(Cow::Borrowed(entry.commit.uuid().as_bytes())));
        copied.push(&Cell::Blob(Cow::Borrowed(entry.tenant.uuid().as_bytes())));
        copied.push(&Cell::Integer(entry.at.micros()));
        copied.push(&text(entry.actor.as_str()));
        copied.push(&entry.reason.as_deref().map_or(Cell::Null, text));
        copied.push(&entry.audit.action.as_ref().map_or(Cell::Null, |action| text(&action.name)));
        copied.push(&text(&body));
    }
    copied.end();
    session.copy(LOG_COPY, &copied.take())
}

/// Gives the namespace its name, where nothing has that one. Whoever would make a store there waits meanwhile, and finds this one.
fn publish(session: &mut Session<'_>, namespace: &str) -> Result<()> {
    let moving = session.settings.options.namespace.clone();
    session.run(DURABLE)?;
    session.run("BEGIN")?;
    session.execute(statement::MIGRATION_LOCK, Binder::default().bind(migration::LOCK)?.done())?;
    check_free(session, namespace)?;
    session.run(format!("DROP SCHEMA IF EXISTS \"{namespace}\""))?;
    session.run(format!("ALTER SCHEMA \"{moving}\" RENAME TO \"{namespace}\""))?;
    session.run(statement::COMMIT)
}

#[async_trait]
impl ArchiveWriter for PgArchiveWriter {
    async fn begin(&mut self, outline: &Outline) -> Result<()> {
        let connection: Shared = Arc::new(AsyncMutex::new(self.settings.connect(Purpose::Write).await?));
        let namespace = self.namespace.clone();
        blocking(&self.settings, &connection, move |session| clear(session, &namespace)).await?;
        migration::run(&self.settings, &self.env).await?;
        let outline = outline.clone();
        let filling = blocking(&self.settings, &connection, move |session| Filling::new(session, &outline)).await?;
        self.begun = Some(Begun { connection, filling: Arc::new(Mutex::new(filling)) });
        Ok(())
    }

    async fn schema(&mut self, outline: SchemaOutline, text: &str) -> Result<()> {
        let text = text.to_owned();
        self.work(move |session, filling| {
            let SchemaOutline { space, version, hash, seq } = outline;
            filling.indexes.add(space, &Schema::from_stored(version, &text)?)?;
            let version = i32::try_from(version).unwrap_or(i32::MAX);
            let bound = Binder::default().bind(space.uuid())?.bind(version)?.bind(hash.0.as_slice())?;
            let bound = bound.bind(seq_value(seq))?.bind(text.as_str())?.done();
            session.execute(statement::SCHEMA_INSERT, bound).map(drop)
        })
        .await
    }

    async fn log(&mut self, entries: Vec<LogEntry>) -> Result<()> {
        self.work(move |session, _| log(session, &entries)).await
    }

    async fn rows(&mut self, table: &TableOutline, part: Part, rows: Vec<Row>) -> Result<()> {
        let table = table.clone();
        self.work(move |session, filling| filling.rows(session, &table, part, &rows)).await
    }

    async fn build(&mut self) -> Result<()> {
        self.work(|session, filling| filling.build(session)).await
    }

    async fn archive(&mut self) -> Result<Box<dyn ArchiveReader>> {
        let begun = self.begun.as_ref().ok_or_else(out_of_turn)?;
        Ok(Box::new(PgArchive::new(Arc::clone(&self.settings), Arc::clone(&begun.connection)).await?))
    }

    async fn publish(self: Box<Self>) -> Result<()> {
        let begun = self.begun.ok_or_else(out_of_turn)?;
        let namespace = self.namespace;
        blocking(&self.settings, &begun.connection, move |session| {
            // The reader's snapshot, if there was one.
            session.run(statement::ROLLBACK)?;
            publish(session, &namespace)
        })
        .await
    }
}

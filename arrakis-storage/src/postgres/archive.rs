//! Everything in the namespace, in plain values.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis_core::archive::{
    ArchiveReader, ArchiveStore, CursorPlace, Outline, PAGE_BYTES_MAX, PAGE_ROWS_MAX, Part, Row, SchemaOutline, Space,
    TableOutline,
};
use arrakis_core::ontology::SchemaHash;
use arrakis_core::{CommitId, LogEntry, Result, Seq, SpaceId, Tenant, TenantId, Timestamp};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Executor};
use tokio::sync::Mutex;

use super::commit_log::{author, head_of};
use super::connection::{Purpose, Settings};
use super::dialect::PgDialect;
use super::error::corrupt;
use super::module::Module;
use super::ontology::document_asked;
use super::reading::answered;
use super::value::{Binder, RowReader};
use super::{PgStore, statement, table};
use crate::sql::archive::{self, check_gap};
use crate::sql::{ReadRow, Table, TableId, TableKind, Written, mistyped, seq_value, unreadable};

/// Fixes the snapshot. The other side may take its time between two pages.
const BEGIN: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0";
/// Answers the head within the snapshot.
const HEAD: &str = "SELECT seq, at, catalog FROM head";

/// A connection that one call at a time uses.
pub(super) type Shared = Arc<Mutex<PgConnection>>;

/// A reader of the namespace.
#[derive(Debug)]
pub(super) struct PgArchive {
    settings: Arc<Settings>,
    connection: Shared,
    outline: Outline,
    tenants: HashMap<i64, TenantId>,
    numbers: HashMap<TenantId, i64>,
    tables: HashMap<TableId, Table>,
}

impl PgArchive {
    /// Reads through a connection of one who sees every tenant; fixes its snapshot, which lasts as long as the reader.
    pub(super) async fn new(settings: Arc<Settings>, connection: Shared) -> Result<Self> {
        let shared = Arc::clone(&connection);
        let mut connection = connection.lock().await;
        let mut asking = Asking { settings: &settings, connection: &mut connection };
        let begun = asking.connection.execute(BEGIN);
        answered(&settings, Purpose::Write, begun).await?;
        let outline = asking.outline().await?;
        let (mut tenants, mut numbers) = (HashMap::new(), HashMap::new());
        let mut archive_tenants = Vec::new();
        for row in asking.rows(statement::TENANTS, PgArguments::default()).await? {
            let mut row = RowReader::new(&row);
            let (number, id) = (row.integer()?, TenantId::from_uuid(row.uuid()?));
            let (name, space) = (row.text()?.into(), SpaceId::from_uuid(row.uuid()?));
            tenants.insert(number, id);
            numbers.insert(id, number);
            archive_tenants.push(Tenant { id, name, space });
        }
        let found = asking.tables().await?;
        drop(connection);
        let (outlines, tables): (Vec<_>, Vec<_>) =
            found.into_iter().map(|(id, outline, table)| (outline, (id, table))).unzip();
        let outline = Outline { tenants: archive_tenants, tables: outlines, ..outline };
        let tables = tables.into_iter().collect();
        Ok(Self { settings, connection: shared, outline, tenants, numbers, tables })
    }

    /// Reads a page: what a statement answers, until it is enough.
    async fn page<T>(
        &mut self,
        sql: &str,
        arguments: PgArguments,
        mut read: impl FnMut(&Self, &PgRow) -> Result<(T, usize)> + Send,
    ) -> Result<Vec<T>>
    where
        T: Send,
    {
        let connection = Arc::clone(&self.connection);
        let mut connection = connection.lock().await;
        let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), arguments);
        let mut found = connection.fetch(query);
        let (mut page, mut bytes) = (Vec::new(), 0);
        // What is left when the page is long enough is passed over when the connection is next used.
        while bytes < PAGE_BYTES_MAX {
            let Some(row) = answered(&self.settings, Purpose::Write, found.try_next()).await? else { break };
            let (item, length) = read(self, &row)?;
            bytes += length;
            page.push(item);
        }
        Ok(page)
    }
}

/// Asks through one connection.
struct Asking<'a> {
    settings: &'a Settings,
    connection: &'a mut PgConnection,
}

impl Asking<'_> {
    async fn rows(&mut self, sql: &'static str, arguments: PgArguments) -> Result<Vec<PgRow>> {
        let asked = self.connection.fetch_all(sqlx::query_with(sql, arguments));
        answered(self.settings, Purpose::Write, asked).await
    }

    async fn row(&mut self, sql: &'static str) -> Result<PgRow> {
        self.rows(sql, PgArguments::default()).await?.into_iter().next().ok_or_else(corrupt)
    }

    /// The outline, tenants and tables aside.
    async fn outline(&mut self) -> Result<Outline> {
        let (head, at, _) = head_of(&self.row(HEAD).await?)?;
        let meta = self.row(statement::META).await?;
        let mut outline = Outline {
            head,
            at: Timestamp::from_micros(at).map_err(|e| unreadable("head", e))?,
            cursor_key: RowReader::new(&meta).bytes()?.try_into().map_err(|_| corrupt())?,
            spaces: Vec::new(),
            tenants: Vec::new(),
            schemas: Vec::new(),
            tables: Vec::new(),
            cursors: Vec::new(),
        };
        for row in self.rows(statement::SPACES, PgArguments::default()).await? {
            let mut row = RowReader::new(&row);
            outline.spaces.push(Space { id: SpaceId::from_uuid(row.uuid()?), name: row.text()?.into() });
        }
        for row in self.rows(statement::SCHEMAS, PgArguments::default()).await? {
            let mut row = RowReader::new(&row);
            let space = SpaceId::from_uuid(row.uuid()?);
            let version = u32::try_from(row.integer()?).map_err(|_| mistyped("version"))?;
            let hash = SchemaHash(row.bytes()?.try_into().map_err(|_| mistyped("hash"))?);
            outline.schemas.push(SchemaOutline { space, version, hash, seq: row.seq()? });
        }
        for row in self.rows(statement::RELAYS, PgArguments::default()).await? {
            let mut row = RowReader::new(&row);
            outline.cursors.push(CursorPlace { name: row.text()?.into(), at: row.seq()?, epoch: row.seq()?.0 });
        }
        Ok(outline)
    }

    async fn tables(&mut self) -> Result<Vec<(TableId, TableOutline, Table)>> {
        let mut tables = Vec::new();
        for row in self.rows(statement::TABLES, PgArguments::default()).await? {
            let mut row = RowReader::new(&row);
            let kind = if row.integer()? == 0 { TableKind::Object } else { TableKind::Link };
            let space = SpaceId::from_uuid(row.uuid()?);
            let of = u32::try_from(row.integer()?).map_err(|_| mistyped("type"))?;
            let (id, table) = (TableId { kind, space, of }, Table::new(kind, row.integer()?, true));
            let columns = self.rows(statement::TABLE_COLUMNS, table::columns_asked(&table)?).await?;
            tables.push((id, archive::outline_of(id, &table::layout_of(&columns)?)?, table));
        }
        Ok(tables)
    }
}

fn entry(row: &PgRow) -> Result<(LogEntry, usize)> {
    let mut row = RowReader::new(row);
    let seq = row.seq()?;
    let (commit, tenant) = (CommitId::from_uuid(row.uuid()?), TenantId::from_uuid(row.uuid()?));
    let written = Written { seq, commit, tenant, author: author(&mut row)? };
    let body = row.text()?;
    Ok((written.with_body(body)?, body.len()))
}

#[async_trait]
impl ArchiveReader for PgArchive {
    async fn outline(&mut self) -> Result<Outline> {
        Ok(self.outline.clone())
    }

    async fn schema(&mut self, space: SpaceId, version: u32) -> Result<String> {
        let mut connection = self.connection.lock().await;
        let mut asking = Asking { settings: &self.settings, connection: &mut connection };
        let rows = asking.rows(statement::SCHEMA_DOCUMENT, document_asked(space, version)?).await?;
        RowReader::new(rows.first().ok_or_else(corrupt)?).text().map(str::to_owned)
    }

    async fn log(&mut self, after: Seq) -> Result<Vec<LogEntry>> {
        let limit = i64::try_from(PAGE_ROWS_MAX).unwrap_or(i64::MAX);
        let arguments = Binder::default().bind(seq_value(after))?.bind(limit)?.done();
        let mut last = after;
        let read = |_: &Self, row: &PgRow| {
            let (entry, bytes) = entry(row)?;
            check_gap(std::mem::replace(&mut last, entry.seq), entry.seq)?;
            Ok((entry, bytes))
        };
        self.page(statement::LOG_PAGE, arguments, read).await
    }

    async fn rows(&mut self, table: &TableOutline, part: Part, after: Option<&Row>) -> Result<Vec<Row>> {
        let found = self.tables.get(&archive::table_id(table)).ok_or_else(corrupt)?;
        let numbered = |row: &Row| self.numbers.get(&row.tenant).copied().ok_or_else(corrupt);
        let after = after.map(|row| Ok((numbered(row)?, row))).transpose()?;
        let page = archive::page(&PgDialect, (table, found), part, after);
        let arguments = Binder::default().all(&page.values)?.done();
        let read = |archive: &Self, row: &PgRow| {
            let row = archive::read(&mut RowReader::new(row), table, part, &archive.tenants)?;
            let bytes = row.bytes();
            Ok((row, bytes))
        };
        self.page(&page.text, arguments, read).await
    }
}

#[async_trait]
impl ArchiveStore for PgStore {
    async fn archive(&self) -> Result<Box<dyn ArchiveReader>> {
        self.settings.need(Module::Kernel)?;
        let connection = self.settings.connect(Purpose::Write).await?;
        let archive = PgArchive::new(Arc::clone(&self.settings), Arc::new(Mutex::new(connection))).await?;
        Ok(Box::new(archive))
    }
}

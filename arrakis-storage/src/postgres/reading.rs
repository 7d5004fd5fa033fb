//! Reads: one statement that tells the commit it is as of, or several in one snapshot.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::kernel::Budget;
use arrakis_core::ontology::ObjectType;
use arrakis_core::{Env, Error, Result, Scope, Seq, SpaceId, Tenant, TenantId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Executor, Row};
use tokio::sync::Notify;

use super::catalog::{Catalog, SpaceTables};
use super::connection::{ANSWER_GRACE, Purpose, Settings};
use super::dialect::PgDialect;
use super::error::{corrupt, is_timeout, postgres, silent};
use super::module::Module;
use super::pool::{Lease, Pool};
use super::retry::Tries;
use super::statement;
use super::table::{self, TableText};
use super::value::{Binder, RowReader};
use crate::sql::{Builder, Columns, ReadRow, Statement, TableId, TableKind, seq_of};

/// The most times a read is begun anew because tables were made meanwhile.
const STALE_MAX: usize = 8;
/// How much longer than its budget a read runs before the server stops it, in milliseconds.
const BUDGET_GRACE_MS: u64 = 1_000;
/// The connections that read what belongs to no single tenant.
const WHOLE_READERS_MAX: usize = 2;
/// The columns before those of the statement itself: the head, what the tables are as of, and whether there is a row.
const LED_BY: usize = 3;

/// What every read states.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) scope: Scope,
    /// As of this commit; `None` for now.
    pub(super) at: Option<Seq>,
    pub(super) budget: Budget,
}

/// Waits for the server's answer, no longer than it may take to send one.
pub(super) async fn answered<T>(
    settings: &Settings,
    purpose: Purpose,
    asked: impl Future<Output = sqlx::Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(settings.statement_timeout(purpose) + ANSWER_GRACE, asked).await {
        Ok(answer) => answer.map_err(postgres),
        Err(_) => Err(silent()),
    }
}

/// What reads share.
pub(super) struct Readers {
    pub(super) settings: Arc<Settings>,
    pub(super) env: Env,
    pub(super) pool: Arc<Pool>,
    /// Of connections that see what belongs to no single tenant.
    whole: Arc<Pool>,
    pub(super) catalog: Catalog,
    /// Told when there may be an index to build.
    pub(super) index_wanted: Arc<Notify>,
}

impl Readers {
    pub(super) fn new(settings: Arc<Settings>, env: Env) -> Self {
        let pool = Pool::new(Arc::clone(&settings), Purpose::Read, settings.options.readers_max);
        let whole = Pool::new(Arc::clone(&settings), Purpose::Whole, WHOLE_READERS_MAX);
        Self { settings, env, pool, whole, catalog: Catalog::default(), index_wanted: Arc::default() }
    }

    pub(super) fn close(&self) {
        self.pool.close();
        self.whole.close();
    }

    /// The rows of one statement that no tenant owns.
    pub(super) async fn rows(&self, sql: &'static str, arguments: &PgArguments) -> Result<Vec<PgRow>> {
        self.rows_by(&self.pool, None, sql, arguments).await
    }

    /// The rows of one statement that a tenant owns.
    pub(super) async fn rows_of(&self, tenant: i64, sql: &'static str, arguments: &PgArguments) -> Result<Vec<PgRow>> {
        self.rows_by(&self.pool, Some(tenant), sql, arguments).await
    }

    /// The rows of one statement that sees what all tenants own.
    pub(super) async fn rows_of_all(&self, sql: &'static str, arguments: &PgArguments) -> Result<Vec<PgRow>> {
        self.rows_by(&self.whole, None, sql, arguments).await
    }

    async fn rows_by(
        &self,
        pool: &Arc<Pool>,
        tenant: Option<i64>,
        sql: &'static str,
        arguments: &PgArguments,
    ) -> Result<Vec<PgRow>> {
        let once = async || {
            let mut lease = pool.lease(tenant).await?;
            let query = sqlx::query_with(sql, arguments.clone());
            let rows = answered(&self.settings, Purpose::Read, lease.connection()?.fetch_all(query)).await?;
            lease.done();
            Ok(rows)
        };
        let mut tries = Tries::default();
        loop {
            match once().await {
                Err(error) if tries.again(pool, &error) => {}
                answer => return answer,
            }
        }
    }

    /// A tenant with its number in keys.
    pub(super) async fn tenant(&self, id: TenantId) -> Result<Option<(i64, Tenant)>> {
        if let Some(known) = self.catalog.tenants.get(&id) {
            return Ok(Some(known));
        }
        let rows = self.rows(statement::TENANT, &Binder::default().bind(id.uuid())?.done()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut row = RowReader::new(row);
        let (number, name, space) = (row.integer()?, row.text()?.into(), SpaceId::from_uuid(row.uuid()?));
        let found = (number, Tenant { id, name, space });
        self.catalog.tenants.set(id, found.clone());
        Ok(Some(found))
    }

    /// The number of the tenant of a scope; `None` for one that is not known, which owns nothing.
    pub(super) async fn number(&self, scope: Scope) -> Result<Option<i64>> {
        Ok(self.tenant(scope.tenant).await?.map(|(number, _)| number))
    }

    /// The newest commit.
    pub(super) async fn head(&self) -> Result<Seq> {
        let rows = self.rows(statement::HEAD, &PgArguments::default()).await?;
        RowReader::new(rows.first().ok_or_else(corrupt)?).seq()
    }

    async fn tables(&self, lease: &mut Lease, space: SpaceId) -> Result<Arc<SpaceTables>> {
        let found = table::of_space(&self.settings, lease.connection()?, space).await?;
        Ok(self.catalog.set_tables(found))
    }

    /// Reads one statement, in a snapshot of its own: the newest commit then, and the rows; none where there is nothing to read from.
    pub(super) async fn single(
        &self,
        request: Request,
        build: impl Fn(&Builder<'_>) -> Result<Option<Statement>> + Sync,
    ) -> Result<(Seq, Vec<PgRow>)> {
        self.settings.need(Module::Kernel)?;
        let Some(tenant) = self.number(request.scope).await? else { return Ok((self.head().await?, Vec::new())) };
        let began = self.env.monotonic();
        let mut tries = Tries::default();
        let rows = loop {
            match self.single_once(request, tenant, &build).await {
                Err(error) if tries.again(&self.pool, &error) => {}
                answer => break answer?,
            }
        };
        request.budget.check_time(self.env.monotonic().saturating_sub(began))?;
        Ok(rows)
    }

    async fn single_once(
        &self,
        request: Request,
        tenant: i64,
        build: &(impl Fn(&Builder<'_>) -> Result<Option<Statement>> + Sync),
    ) -> Result<(Seq, Vec<PgRow>)> {
        let mut lease = self.pool.lease(Some(tenant)).await?;
        let space = request.scope.space;
        for _ in 0..STALE_MAX {
            let tables = match self.catalog.tables(space) {
                Some(tables) => tables,
                None => self.tables(&mut lease, space).await?,
            };
            let statement = build(&Builder::new(&PgDialect, &*tables, tenant, request.at))?;
            let (head, catalog, rows) = self.led_by_head(&mut lease, statement).await?;
            if catalog <= tables.as_of {
                lease.done();
                return Ok((head, rows));
            }
            self.tables(&mut lease, space).await?;
        }
        Err(Error::unavailable("store.busy", "tables were made faster than they could be read").retryable_is(true))
    }

    /// Reads a statement together with the head, in one snapshot.
    async fn led_by_head(&self, lease: &mut Lease, statement: Option<Statement>) -> Result<(Seq, Seq, Vec<PgRow>)> {
        let Statement { text, values } =
            statement.unwrap_or_else(|| Statement { text: "SELECT NULL WHERE FALSE".to_owned(), values: Vec::new() });
        let sql = format!(
            "SELECT h.seq, h.catalog, s.* FROM head AS h LEFT JOIN LATERAL (SELECT TRUE, q.* FROM ({text}) AS q) AS s ON TRUE"
        );
        let query = sqlx::query_with(AssertSqlSafe(sql), Binder::default().all(&values)?.done());
        let mut rows = answered(&self.settings, Purpose::Read, lease.connection()?.fetch_all(query)).await?;
        let mut first = RowReader::new(rows.first().ok_or_else(corrupt)?);
        let (head, catalog) = (first.seq()?, first.seq()?);
        // The head alone, where the statement has no row.
        if first.optional_integer()?.is_none() {
            rows.clear();
        }
        Ok((head, catalog, rows))
    }

    /// Begins a read of several statements in one snapshot.
    pub(super) async fn begin(&self, request: Request) -> Result<Reading<'_>> {
        self.settings.need(Module::Kernel)?;
        let mut tries = Tries::default();
        loop {
            match self.begin_once(request).await {
                Err(error) if tries.again(&self.pool, &error) => {}
                answer => return answer,
            }
        }
    }

    async fn begin_once(&self, request: Request) -> Result<Reading<'_>> {
        let tenant = self.number(request.scope).await?;
        let began = self.env.monotonic();
        let mut lease = self.pool.lease(tenant).await?;
        let timeout = request.budget.ms.map_or(self.settings.options.statement_timeout_ms, |ms| {
            // Whether it was in time is judged by the environment's clock; the server only sees to an end.
            ms.saturating_add(BUDGET_GRACE_MS).min(self.settings.options.statement_timeout_ms)
        });
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {timeout}; SELECT seq, catalog FROM head"
        );
        let snapshot = lease.connection()?.fetch_one(sqlx::raw_sql(AssertSqlSafe(sql)));
        let row = answered(&self.settings, Purpose::Read, snapshot).await?;
        let number = |index: usize| row.try_get::<i64, _>(index).map(seq_of).map_err(postgres);
        let (head, catalog) = (number(0)?, number(1)?);
        let known = self.catalog.tables(request.scope.space).filter(|tables| tables.as_of >= catalog);
        let tables = match known {
            Some(tables) => tables,
            None => self.tables(&mut lease, request.scope.space).await?,
        };
        let at = request.at.filter(|at| *at < head);
        let seq = request.at.unwrap_or(head);
        Ok(Reading { readers: self, lease, tables, tenant, at, seq, budget: request.budget, began })
    }
}

/// One read in progress: one snapshot of the database.
pub(super) struct Reading<'r> {
    readers: &'r Readers,
    lease: Lease,
    tables: Arc<SpaceTables>,
    pub(super) tenant: Option<i64>,
    /// As of this commit; `None` when that is the newest.
    pub(super) at: Option<Seq>,
    /// What the answer is as of.
    pub(super) seq: Seq,
    budget: Budget,
    began: Duration,
}

impl Reading<'_> {
    /// Makes a statement of this read; `None` where there is nothing to read from.
    pub(super) fn build(
        &self,
        build: impl FnOnce(&Builder<'_>) -> Result<Option<Statement>>,
    ) -> Result<Option<Statement>> {
        let Some(tenant) = self.tenant else { return Ok(None) };
        build(&Builder::new(&PgDialect, &*self.tables, tenant, self.at))
    }

    pub(super) fn table(&self, kind: TableKind, of: u32) -> Option<crate::sql::Table> {
        self.tables.find(TableId { kind, space: self.tables.space, of })
    }

    /// The rows of a statement made at run time.
    pub(super) async fn rows(&mut self, statement: &Statement) -> Result<Vec<PgRow>> {
        self.fetch(&statement.text, Binder::default().all(&statement.values)?.done()).await
    }

    pub(super) async fn fetch(&mut self, sql: &str, arguments: PgArguments) -> Result<Vec<PgRow>> {
        let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), arguments);
        let answer = answered(&self.readers.settings, Purpose::Read, self.lease.connection()?.fetch_all(query)).await;
        let elapsed = self.readers.env.monotonic().saturating_sub(self.began);
        match answer {
            // The server's clock ran out, whatever the environment's says.
            Err(error) if is_timeout(&error) && self.budget.ms.is_some() => {
                self.budget.check_time(Duration::MAX).and(Err(error))
            }
            answer => self.budget.check_time(elapsed).and(answer),
        }
    }

    /// The number a statement answers, 0 for none.
    pub(super) async fn count(&mut self, statement: &Statement) -> Result<u64> {
        let rows = self.rows(statement).await?;
        rows.first().map_or(Ok(0), |row| RowReader::new(row).count())
    }

    /// The statements on one row of a type; `None` when nothing was written to it yet.
    pub(super) async fn text(&mut self, object_type: &ObjectType) -> Result<Option<Arc<TableText>>> {
        let id = TableId::of_object(self.tables.space, object_type);
        let known = self.readers.catalog.texts.get(&id);
        if let Some(text) = known.filter(|text| text.fits(&object_type.properties)) {
            return Ok(Some(text));
        }
        let Some(table) = self.tables.find(id) else { return Ok(None) };
        let rows = self.fetch(statement::TABLE_COLUMNS, table::columns_asked(&table)?).await?;
        let columns = Columns::of_object(object_type);
        let of_type = (&*object_type.properties, columns);
        let text = Arc::new(TableText::new(TableKind::Object, table, table::layout_of(&rows)?, of_type));
        if text.has_all(columns) {
            self.readers.catalog.texts.set(id, Arc::clone(&text));
        }
        Ok(Some(text))
    }

    /// Ends the snapshot.
    pub(super) async fn end(mut self) -> Result<()> {
        let ended = self.lease.connection()?.execute(sqlx::raw_sql(statement::COMMIT));
        answered(&self.readers.settings, Purpose::Read, ended).await?;
        self.lease.done();
        Ok(())
    }
}

/// The columns of the statement itself, in a row of [`Readers::single`].
pub(super) fn own_columns(row: &PgRow) -> RowReader<'_> {
    RowReader::after(row, LED_BY)
}

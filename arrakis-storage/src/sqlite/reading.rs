//! One read in progress.

use arrakis_core::kernel::Budget;
use arrakis_core::{LinkTypeId, ObjectTypeId, Result, Scope, Seq};
use rusqlite::{Connection, OptionalExtension};

use super::catalog::Catalog;
use super::dialect::SqliteDialect;
use super::error::sqlite;
use super::statement;
use super::table::{self, FoundTable};
use super::value::{Binder, RowReader};
use crate::sql::{Builder, ReadRow, Statement, Table, TableId, TableKind, Tables, seq_of};

/// What every read states.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) scope: Scope,
    /// As of this commit; `None` for now.
    pub(super) at: Option<Seq>,
    pub(super) budget: Budget,
}

impl Request {
    /// A read of the newest state, without a budget.
    pub(super) fn now(scope: Scope) -> Self {
        Self { scope, at: None, budget: Budget::default() }
    }
}

/// One read in progress: one snapshot of the file.
pub(super) struct Reading<'c> {
    pub(super) connection: &'c Connection,
    catalog: &'c Catalog,
    pub(super) scope: Scope,
    /// The newest commit of the snapshot.
    pub(super) head: Seq,
    /// As of this commit; `None` when that is the newest.
    pub(super) at: Option<Seq>,
    /// What the answer is as of.
    pub(super) seq: Seq,
}

impl<'c> Reading<'c> {
    /// A read on a connection whose snapshot's newest commit is `head`.
    pub(super) fn new(connection: &'c Connection, catalog: &'c Catalog, request: &Request, head: Seq) -> Self {
        let at = request.at.filter(|at| *at < head);
        Self { connection, catalog, scope: request.scope, head, at, seq: request.at.unwrap_or(head) }
    }

    pub(super) fn catalog(&self) -> &Catalog {
        self.catalog
    }

    /// The number of the tenant in keys; `None` for one that is not known, which owns nothing.
    pub(super) fn tenant(&self) -> Result<Option<i64>> {
        tenant_number(self.connection, self.catalog, self.scope)
    }

    /// Starts the statements of this read; `None` for an unknown tenant.
    pub(super) fn builder(&self) -> Result<Option<Builder<'_>>> {
        Ok(self.tenant()?.map(|tenant| Builder::new(&SqliteDialect, self, tenant, self.at)))
    }

    pub(super) fn table(&self, id: TableId) -> Result<Option<FoundTable>> {
        if let Some(found) = self.catalog.tables.get(&id).filter(|found| found.table.superseded || self.at.is_none()) {
            return Ok(found.at(self.head));
        }
        let found = table::find(self.connection, id)?;
        if let Some(found) = &found {
            self.catalog.tables.set(id, found.clone());
        }
        Ok(found.and_then(|found| found.at(self.head)))
    }

    /// As [`Reading::table`], with what is known of superseded versions up to date.
    pub(super) fn table_with_versions(&self, id: TableId) -> Result<Option<Table>> {
        let found = match self.catalog.tables.get(&id).filter(|found| found.table.superseded) {
            Some(found) => Some(found),
            None => table::find(self.connection, id)?,
        };
        Ok(found.and_then(|found| found.at(self.head)).map(|found| found.table))
    }

    /// Calls `visit` for each row of a statement made at run time.
    pub(super) fn each(
        &self,
        statement: &Statement,
        mut visit: impl FnMut(&mut RowReader<'_, '_>) -> Result<()>,
    ) -> Result<()> {
        let mut prepared = self.connection.prepare_cached(&statement.text).map_err(sqlite)?;
        Binder::new(&mut prepared).all(&statement.values)?;
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next().map_err(sqlite)? {
            visit(&mut RowReader::new(row))?;
        }
        Ok(())
    }

    /// The number a statement answers, 0 for none.
    pub(super) fn count(&self, statement: &Statement) -> Result<u64> {
        let mut count = 0;
        self.each(statement, |row| {
            count = row.count()?;
            Ok(())
        })?;
        Ok(count)
    }
}

impl Tables for Reading<'_> {
    fn object_table(&self, id: ObjectTypeId) -> Result<Option<Table>> {
        let id = TableId { kind: TableKind::Object, space: self.scope.space, of: id.0 };
        Ok(self.table(id)?.map(|found| found.table))
    }

    fn link_table(&self, id: LinkTypeId) -> Result<Option<Table>> {
        let id = TableId { kind: TableKind::Link, space: self.scope.space, of: id.0 };
        Ok(self.table(id)?.map(|found| found.table))
    }
}

pub(super) fn run_static(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql).and_then(|mut prepared| prepared.raw_execute()).map(drop).map_err(sqlite)
}

/// The newest commit and its instant.
pub(super) fn head(connection: &Connection) -> Result<(Seq, i64)> {
    let mut prepared = connection.prepare_cached(statement::HEAD).map_err(sqlite)?;
    prepared.query_row([], |row| Ok((seq_of(row.get(0)?), row.get(1)?))).map_err(sqlite)
}

/// The number of a tenant in keys.
pub(super) fn tenant_number(connection: &Connection, catalog: &Catalog, scope: Scope) -> Result<Option<i64>> {
    if let Some(number) = catalog.tenants.get(&scope.tenant) {
        return Ok(Some(number));
    }
    let mut prepared = connection.prepare_cached(statement::TENANT).map_err(sqlite)?;
    let number: Option<i64> =
        prepared.query_row([scope.tenant.uuid().as_bytes()], |row| row.get(0)).optional().map_err(sqlite)?;
    if let Some(number) = number {
        catalog.tenants.set(scope.tenant, number);
    }
    Ok(number)
}

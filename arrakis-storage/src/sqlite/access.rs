//! What a transaction keeps at hand: statements on the rows of its tables, and what does not change while only it writes.

use std::collections::HashMap;
use std::sync::Arc;

use arrakis_core::ontology::Schema;
use arrakis_core::{Result, SpaceId, Tenant, TenantId};
use rusqlite::{CachedStatement, Connection};

use super::error::sqlite;
use super::table::TableText;
use crate::sql::TableId;

/// What a connection that writes remembers between transactions; forgotten when one is undone or someone else wrote.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) schemas: HashMap<SpaceId, Option<Arc<Schema>>>,
    pub(super) tenants: HashMap<TenantId, (i64, Tenant)>,
    pub(super) texts: HashMap<TableId, Arc<TableText>>,
}

impl Memory {
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// The statements on one table, prepared when first used.
pub(super) struct Access<'c> {
    pub(super) text: Arc<TableText>,
    pub(super) get: Option<CachedStatement<'c>>,
    pub(super) insert: Option<CachedStatement<'c>>,
    pub(super) update: Option<CachedStatement<'c>>,
    pub(super) delete: Option<CachedStatement<'c>>,
    pub(super) supersede: Option<CachedStatement<'c>>,
    pub(super) lookups: HashMap<usize, CachedStatement<'c>>,
}

impl Access<'_> {
    pub(super) fn new(text: Arc<TableText>) -> Self {
        Self { text, get: None, insert: None, update: None, delete: None, supersede: None, lookups: HashMap::new() }
    }
}

/// Prepares a statement once per transaction.
pub(super) fn prepared<'s, 'c>(
    slot: &'s mut Option<CachedStatement<'c>>,
    connection: &'c Connection,
    sql: &str,
) -> Result<&'s mut CachedStatement<'c>> {
    match slot {
        Some(statement) => Ok(statement),
        None => Ok(slot.insert(connection.prepare_cached(sql).map_err(sqlite)?)),
    }
}

//! What is remembered of the database. Tenants and schema versions never change once they are known; which tables there are is known as of
//! a commit, and the head tells whether a later one changed them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrakis_core::{LinkTypeId, ObjectTypeId, Result, Seq, SpaceId, Tenant, TenantId};

use super::table::TableText;
use crate::sql::{Facts, Schemas, Table, TableId, TableKind, Tables};

/// The typed tables of a space.
#[derive(Debug)]
pub(super) struct SpaceTables {
    pub(super) space: SpaceId,
    /// Up to this commit; tables made by later ones are not among them.
    pub(super) as_of: Seq,
    pub(super) numbers: HashMap<(TableKind, u32), i64>,
}

impl SpaceTables {
    pub(super) fn find(&self, id: TableId) -> Option<Table> {
        debug_assert!(id.space == self.space, "tables of another space");
        self.numbers.get(&(id.kind, id.of)).map(|number| Table::new(id.kind, *number, true))
    }
}

impl Tables for SpaceTables {
    fn object_table(&self, id: ObjectTypeId) -> Result<Option<Table>> {
        Ok(self.find(TableId { kind: TableKind::Object, space: self.space, of: id.0 }))
    }

    fn link_table(&self, id: LinkTypeId) -> Result<Option<Table>> {
        Ok(self.find(TableId { kind: TableKind::Link, space: self.space, of: id.0 }))
    }
}

/// What is remembered of the database.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// Tenants with their numbers in keys.
    pub(super) tenants: Facts<TenantId, (i64, Tenant)>,
    /// The statements on one row, of the version of a type last asked for.
    pub(super) texts: Facts<TableId, Arc<TableText>>,
    /// Schema versions.
    pub(super) schemas: Schemas,
    spaces: RwLock<HashMap<SpaceId, Arc<SpaceTables>>>,
}

impl Catalog {
    /// The tables of a space, as far as they are known.
    pub(super) fn tables(&self, space: SpaceId) -> Option<Arc<SpaceTables>> {
        self.spaces.read().unwrap_or_else(PoisonError::into_inner).get(&space).cloned()
    }

    /// Remembers the tables of a space, unless they are known as of a later commit.
    pub(super) fn set_tables(&self, tables: SpaceTables) -> Arc<SpaceTables> {
        let tables = Arc::new(tables);
        let mut spaces = self.spaces.write().unwrap_or_else(PoisonError::into_inner);
        let known = spaces.entry(tables.space).or_insert_with(|| Arc::clone(&tables));
        if known.as_of < tables.as_of {
            *known = tables;
        }
        Arc::clone(known)
    }
}

//! What readers remember of the file. Only facts that never change are kept, so nothing here can be out of date.

use std::sync::Arc;

use arrakis_core::TenantId;

use super::table::{FoundTable, TableText};
use crate::sql::{Facts, Schemas, TableId};

/// What readers remember of the file.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// The number of a tenant in keys.
    pub(super) tenants: Facts<TenantId, i64>,
    /// Typed tables. One that has no superseded versions may have got some since, and a snapshot may be older than a table.
    pub(super) tables: Facts<TableId, FoundTable>,
    /// The statements on one row, of the version of a type last asked for.
    pub(super) texts: Facts<TableId, Arc<TableText>>,
    /// Schema versions.
    pub(super) schemas: Schemas,
}

//! Links at an object.

use std::sync::Arc;

use arrakis_core::Result;
use arrakis_core::Scope;
use arrakis_core::kernel::plan::LinksPlan;
use arrakis_core::kernel::{Budget, Link, Properties, Snapshot};
use arrakis_core::ontology::{Backing, End};

use super::reading::{Readers, Request, own_columns};
use crate::sql::{ReadRow, read_row};

pub(super) async fn page(readers: &Readers, scope: Scope, plan: &LinksPlan) -> Result<Snapshot<Vec<Link>>> {
    let request = Request { scope, at: plan.at, budget: Budget::default() };
    let statement = |builder: &crate::sql::Builder<'_>| {
        Ok(builder.links(plan)?.map(|statement| builder.dialect.select(&statement)))
    };
    let (head, rows) = readers.single(request, statement).await?;
    let mut value = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut row = own_columns(row);
        let link_type = &plan.link_type;
        let (far, revision) = (row.key()?, row.seq()?);
        let values = match link_type.backing {
            Backing::Join => read_row(&mut row, &link_type.properties, None)?,
            Backing::ForeignKey { .. } => Vec::new(),
        };
        let near = plan.key.clone();
        let (source, target) = if plan.end == End::Source { (near, far) } else { (far, near) };
        let properties = Properties::new(Arc::clone(&link_type.names), values);
        value.push(Link { link_type: link_type.api_name.clone(), source, target, revision, properties });
    }
    Ok(Snapshot { seq: plan.at.unwrap_or(head), value })
}

//! Links at an object.

use std::sync::Arc;

use arrakis_core::Result;
use arrakis_core::kernel::plan::LinksPlan;
use arrakis_core::kernel::{Link, Properties, Snapshot};
use arrakis_core::ontology::{Backing, End};

use super::reading::Reading;
use crate::sql::{Dialect, ReadRow, read_row};

pub(super) fn page(reading: &Reading<'_>, plan: &LinksPlan) -> Result<Snapshot<Vec<Link>>> {
    let mut value = Vec::new();
    let statement = reading.builder()?.map(|builder| builder.links(plan)).transpose()?.flatten();
    if let Some(statement) = statement {
        let link_type = &plan.link_type;
        reading.each(&super::dialect::SqliteDialect.select(&statement), |row| {
            let (far, revision) = (row.key()?, row.seq()?);
            let values = match link_type.backing {
                Backing::Join => read_row(row, &link_type.properties, None)?,
                Backing::ForeignKey { .. } => Vec::new(),
            };
            let near = plan.key.clone();
            let (source, target) = if plan.end == End::Source { (near, far) } else { (far, near) };
            let properties = Properties::new(Arc::clone(&link_type.names), values);
            value.push(Link { link_type: link_type.api_name.clone(), source, target, revision, properties });
            Ok(())
        })?;
    }
    Ok(Snapshot { seq: reading.seq, value })
}

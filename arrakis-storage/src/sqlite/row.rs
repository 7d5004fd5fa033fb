//! Rows of typed tables: the values of properties in the order of their columns.

use arrakis_core::commit::StoredLink;
use arrakis_core::ontology::{LinkType, Property};
use arrakis_core::{Key, Result, Value};

use super::value::{Binder, RowReader};

/// Binds the values of properties in the order of their columns.
pub(super) fn bind_row(
    binder: &mut Binder<'_, '_>,
    properties: &[Property],
    key: Option<usize>,
    values: &[Value],
) -> Result<()> {
    for (index, (property, value)) in properties.iter().zip(values).enumerate() {
        if key != Some(index) {
            binder.value(value, &property.data_type.base)?;
        }
    }
    Ok(())
}

/// Reads the values of properties in the order of their columns; the key property's is the key.
pub(super) fn read_row(
    row: &mut RowReader<'_, '_>,
    properties: &[Property],
    key: Option<(usize, &Key)>,
) -> Result<Vec<Value>> {
    let mut values = Vec::with_capacity(properties.len());
    for (index, property) in properties.iter().enumerate() {
        values.push(match key {
            Some((at, key)) if at == index => key.to_value(),
            _ => row.value(&property.data_type.base)?,
        });
    }
    Ok(values)
}

/// Reads both ends, the revision and the values of a link.
pub(super) fn read_link(row: &mut RowReader<'_, '_>, link_type: &LinkType) -> Result<StoredLink> {
    let (source, target, revision) = (row.key()?, row.key()?, row.seq()?);
    let values = read_row(row, &link_type.properties, None)?;
    Ok(StoredLink { source, target, revision, values })
}

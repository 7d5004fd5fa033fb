//! Rows of typed tables: the values of properties in the order of their columns.

use arrakis_core::ontology::Property;
use arrakis_core::{Result, Value};

use super::value::Binder;

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

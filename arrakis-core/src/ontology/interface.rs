//! Interfaces, resolved.

use std::collections::HashMap;
use std::sync::Arc;

use super::Status;
use crate::{ApiName, DataType, Error, ObjectTypeId, Result};

/// What several object types have in common, its inherited properties included.
#[derive(Debug)]
pub struct Interface {
    /// Its name.
    pub api_name: ApiName,
    /// Its properties, those of the interfaces it extends first.
    pub properties: Vec<InterfaceProperty>,
    /// The names of `properties`.
    pub names: Arc<[ApiName]>,
    /// Every interface it extends, directly or not.
    pub extends: Vec<ApiName>,
    /// The object types that implement it, by ascending id.
    pub implementers: Vec<ObjectTypeId>,
    /// Its status.
    pub status: Status,
    pub(super) by_name: HashMap<ApiName, usize>,
}

/// A property an implementing type has.
#[derive(Clone, Debug)]
pub struct InterfaceProperty {
    /// Its name in the interface.
    pub api_name: ApiName,
    /// Its type: an implementing property has the same base type.
    pub data_type: DataType,
    /// Whether an implementing property is required.
    pub required: bool,
}

impl Interface {
    /// A property by name, with its index.
    ///
    /// # Errors
    /// `kernel.property.unknown`, naming the property and the interface.
    pub fn property(&self, name: &str) -> Result<(usize, &InterfaceProperty)> {
        self.by_name.get(name).and_then(|&index| Some((index, self.properties.get(index)?))).ok_or_else(|| {
            Error::invalid("kernel.property.unknown", "the interface has no such property")
                .with("property", name)
                .with("interface", &self.api_name)
        })
    }
}

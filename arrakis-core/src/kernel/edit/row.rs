//! Rows of values: names looked up once, defaults filled in, required values there, constraints kept.

use serde_json::Value as Json;

use crate::ontology::{LinkType, ObjectType, Property};
use crate::{Error, Key, Result, Value};

/// What a new row of a type looks like before any value is given.
#[derive(Debug)]
pub(in crate::kernel) struct Template<'a> {
    properties: &'a [Property],
    defaults: Vec<Value>,
}

impl<'a> Template<'a> {
    pub(in crate::kernel) fn new(properties: &'a [Property]) -> Self {
        let defaults = properties.iter().map(|property| property.default.clone().unwrap_or_default()).collect();
        Self { properties, defaults }
    }

    /// The whole row of the values given.
    ///
    /// # Errors
    /// `kernel.property.required`, with the property as the path.
    pub(in crate::kernel) fn row(&self, given: impl Iterator<Item = (usize, Value)>) -> Result<Vec<Value>> {
        let mut row = self.defaults.clone();
        for (index, value) in given {
            if let Some(slot) = row.get_mut(index) {
                *slot = value;
            }
        }
        let missing = self.properties.iter().zip(&row).find(|(property, value)| is_missing(property, value));
        match missing {
            Some((property, _)) => Err(required(property)),
            None => Ok(row),
        }
    }
}

fn is_missing(property: &Property, value: &Value) -> bool {
    property.required && value.is_null() && property.derived.is_none()
}

fn required(property: &Property) -> Error {
    Error::invalid("kernel.property.required", "a required property is missing").at(&property.api_name)
}

/// A property that may be given.
///
/// # Errors
/// `kernel.property.derived`.
pub(in crate::kernel) fn settable(property: &Property) -> Result<&Property> {
    if property.derived.is_some() {
        return Err(Error::invalid("kernel.property.derived", "a derived property is computed, not given"));
    }
    Ok(property)
}

/// A value for a property.
///
/// # Errors
/// `value.*`; `kernel.property.required` for null where that is refused.
pub(super) fn read(property: &Property, json: &Json) -> Result<Value> {
    let value = property.data_type.read(json)?;
    if is_missing(property, &value) {
        return Err(Error::invalid("kernel.property.required", "a required property cannot be absent"));
    }
    Ok(value)
}

/// The refusal of a link whose end does not exist, of one that names the object: they are told alike, whichever way links are kept.
pub(in crate::kernel) fn dangling(absent: &Error) -> Error {
    let error = Error::conflict("kernel.link.dangling", "the object linked to does not exist");
    absent.params().fold(error, |error, (name, value)| error.with(name.to_owned(), value))
}

/// The key of a whole row.
///
/// # Errors
/// `kernel.key.length`, with the property as the path.
pub(in crate::kernel) fn key_of(object_type: &ObjectType, row: &[Value]) -> Result<Key> {
    let property = object_type.key_property()?;
    match row.get(object_type.primary_key) {
        Some(value) if !value.is_null() => Key::from_value(value).ok_or_else(|| {
            Error::invalid("kernel.key.length", "a key is an integer or a string of 1 to 512 bytes")
                .with("length_max", crate::KEY_LEN_MAX)
                .at(&property.api_name)
        }),
        _ => Err(required(property)),
    }
}

/// What makes a foreign key point at an object, or at none.
///
/// # Errors
/// `kernel.property.required`, `value.constraint.*`, with the property as the path.
pub(in crate::kernel) fn link_set(
    holder: &ObjectType,
    property: usize,
    to: Option<&Key>,
    link_type: &LinkType,
) -> Result<(usize, Value)> {
    let held = holder.properties.get(property).ok_or_else(|| {
        Error::internal("schema.inconsistent", "a link type without its foreign key")
            .with("link_type", &link_type.api_name)
    })?;
    let value = to.map(Key::to_value).unwrap_or_default();
    if is_missing(held, &value) {
        return Err(required(held));
    }
    held.data_type.check(&value).map_err(|e| e.at(&held.api_name))?;
    Ok((property, value))
}

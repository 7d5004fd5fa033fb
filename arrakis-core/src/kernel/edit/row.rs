//! Rows read by name: types, defaults, required and derived properties.

use serde_json::{Map, Value as Json};

use crate::ontology::{ObjectType, Property};
use crate::{Error, Key, Result, Value};

/// The columns of a row by their names, resolved once for many rows.
#[derive(Clone, Debug)]
pub(crate) struct Columns(Vec<usize>);

impl Columns {
    /// Resolves names against properties.
    ///
    /// # Errors
    /// `kernel.property.unknown`, `kernel.property.derived`, and `kernel.property.twice`, each with the name as its path.
    pub(crate) fn resolve<'a, 'n>(
        names: impl Iterator<Item = &'n str>,
        find: &dyn Fn(&str) -> Result<(usize, &'a Property)>,
    ) -> Result<Self> {
        let mut columns = Vec::new();
        for name in names {
            let (index, property) = find(name).map_err(|e| e.at(name))?;
            if property.derived.is_some() {
                return Err(Error::invalid("kernel.property.derived", "a derived property cannot be given").at(name));
            }
            if columns.contains(&index) {
                return Err(Error::invalid("kernel.property.twice", "the property is given twice").at(name));
            }
            columns.push(index);
        }
        Ok(Self(columns))
    }

    /// The property index of each column.
    pub(crate) fn indexes(&self) -> &[usize] {
        &self.0
    }
}

/// Reads rows of one object or link type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowReader<'a> {
    properties: &'a [Property],
}

impl<'a> RowReader<'a> {
    /// A reader of rows with these properties.
    pub(crate) const fn new(properties: &'a [Property]) -> Self {
        Self { properties }
    }

    /// Reads the properties given, by name: property index and value, in the order given.
    ///
    /// # Errors
    /// What [`Columns::resolve`] and [`crate::DataType::read`] refuse, and `kernel.property.required` for a required property made
    /// absent; the path is the property's name.
    pub(crate) fn given(
        self,
        given: &Map<String, Json>,
        find: &dyn Fn(&str) -> Result<(usize, &'a Property)>,
    ) -> Result<Vec<(usize, Value)>> {
        let columns = Columns::resolve(given.keys().map(String::as_str), find)?;
        let mut set = Vec::with_capacity(given.len());
        for ((name, json), &index) in given.iter().zip(columns.indexes()) {
            let Some(property) = self.properties.get(index) else { continue };
            let value = property.data_type.read(json).map_err(|e| e.at(name))?;
            if property.required && value.is_null() {
                return Err(missing(property));
            }
            set.push((index, value));
        }
        Ok(set)
    }

    /// The whole row: what was given, defaults for what was not.
    ///
    /// # Errors
    /// `kernel.property.required`; the path is the property's name.
    pub(crate) fn whole(self, set: impl IntoIterator<Item = (usize, Value)>) -> Result<Vec<Value>> {
        let mut row: Vec<Option<Value>> = vec![None; self.properties.len()];
        for (index, value) in set {
            if let Some(slot) = row.get_mut(index) {
                *slot = Some(value);
            }
        }
        let fill = |(property, value): (&Property, Option<Value>)| {
            let value = value.or_else(|| property.default.clone()).unwrap_or_default();
            if value.is_null() && property.required && property.derived.is_none() {
                Err(missing(property))
            } else {
                Ok(value)
            }
        };
        self.properties.iter().zip(row).map(fill).collect()
    }
}

fn missing(property: &Property) -> Error {
    Error::invalid("kernel.property.required", "a required property is missing").at(&property.api_name)
}

impl ObjectType {
    /// The key in a row of this type.
    ///
    /// # Errors
    /// `kernel.key.length`, with the primary key's name as the path.
    pub(crate) fn key_of(&self, row: &[Value]) -> Result<Key> {
        row.get(self.primary_key).and_then(Key::from_value).ok_or_else(|| {
            let error = Error::invalid("kernel.key.length", "a key is an integer or a string of 1 to 512 bytes");
            let error = error.with("length_max", crate::KEY_LEN_MAX);
            match self.names.get(self.primary_key) {
                Some(name) => error.at(name),
                None => error,
            }
        })
    }
}

//! Object types and their properties, resolved.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{End, Expression, Status};
use crate::{ApiName, BaseType, DataType, Error, LinkTypeId, ObjectTypeId, PropertyId, Result, Value};

/// A kind of object: its properties, its key, and what it can be reached by.
#[derive(Debug)]
pub struct ObjectType {
    /// Its identity, kept through renames.
    pub id: ObjectTypeId,
    /// Its name in this version.
    pub api_name: ApiName,
    /// The index of the primary key property.
    pub primary_key: usize,
    /// The index of the title property.
    pub title: Option<usize>,
    /// Its properties, in the order of the file.
    pub properties: Vec<Property>,
    /// The names of `properties`, shared by every row read whole.
    pub names: Arc<[ApiName]>,
    /// Its secondary indexes, the unique ones included.
    pub indexes: Vec<Index>,
    /// The ends of link types at this type, by the name this type's objects call the far end.
    pub sides: Vec<Side>,
    /// The interfaces it implements, those reached by `extends` included.
    pub interfaces: Vec<Implementation>,
    /// Its status.
    pub status: Status,
    pub(super) by_name: HashMap<ApiName, usize>,
}

/// A property of an object or link type.
#[derive(Clone, Debug)]
pub struct Property {
    /// Its identity within its type, kept through renames.
    pub id: PropertyId,
    /// The number of its column: kept while the stored form is, renewed when the base type changes. Never reused in its type.
    pub column: u32,
    /// Its name in this version.
    pub api_name: ApiName,
    /// Its type.
    pub data_type: DataType,
    /// Whether a row without it is refused.
    pub required: bool,
    /// Whether no two objects of a tenant share a value; absent values do not count.
    pub unique: bool,
    /// The value of an object created without it.
    pub default: Option<Value>,
    /// How it is computed from the other properties at each write, when it is derived.
    pub derived: Option<Expression>,
    /// How two branches' values merge.
    pub merge: MergeRule,
    /// The marking an actor needs to see it.
    pub marking: Option<ApiName>,
    /// Its status.
    pub status: Status,
}

/// How the values of one property, changed on two branches, become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MergeRule {
    /// A person decides.
    #[default]
    Conflict,
    /// The last writer wins.
    Lww,
    /// The larger value.
    Max,
    /// The smaller value.
    Min,
    /// Both changes add up.
    Sum,
    /// The union of both lists.
    SetUnion,
}

/// A secondary index over properties of one type, led by the tenant and ended by the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The indexes of its properties, in order.
    pub properties: Vec<usize>,
    /// Whether values are unique in a tenant.
    pub unique: bool,
}

impl Index {
    /// Whether texts are among what it is over.
    pub fn holds_text(&self, properties: &[Property]) -> bool {
        let is_text = |base: &BaseType| matches!(base, BaseType::String | BaseType::Attachment);
        let bases = self.properties.iter().filter_map(|index| properties.get(*index));
        bases.map(|property| &property.data_type.base).any(is_text)
    }

    /// The bytes a row's texts have in the index, together.
    pub fn text_len(&self, row: &[Value]) -> usize {
        let len = |property: &usize| match row.get(*property) {
            Some(Value::String(text) | Value::Attachment(text)) => text.len(),
            _ => 0,
        };
        self.properties.iter().map(len).sum()
    }
}

/// One end of a link type, seen from the object type at that end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// What an object of this type calls the far end.
    pub api_name: ApiName,
    /// The link type.
    pub link_type: LinkTypeId,
    /// The end this type is at.
    pub end: End,
}

/// How a type implements an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implementation {
    /// The interface.
    pub interface: ApiName,
    /// For each property of the interface, in its order, the index of the type's own property.
    pub properties: Vec<usize>,
}

impl ObjectType {
    /// The index of a property by name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// A property by name, with its index.
    ///
    /// # Errors
    /// `kernel.property.unknown`, naming the property and the type.
    pub fn property(&self, name: &str) -> Result<(usize, &Property)> {
        self.index_of(name).and_then(|index| Some((index, self.properties.get(index)?))).ok_or_else(|| {
            Error::invalid("kernel.property.unknown", "the type has no such property")
                .with("property", name)
                .with("object_type", &self.api_name)
        })
    }

    /// The primary key property.
    ///
    /// # Errors
    /// `schema.inconsistent`, which a compiled schema never gives.
    pub fn key_property(&self) -> Result<&Property> {
        self.properties
            .get(self.primary_key)
            .ok_or_else(|| Error::internal("schema.inconsistent", "a type without its key"))
    }

    /// The end of a link type by the name objects of this type call the far end.
    ///
    /// # Errors
    /// `kernel.link.unknown`, naming the link and the type.
    pub fn side(&self, name: &str) -> Result<&Side> {
        self.sides.iter().find(|side| side.api_name == *name).ok_or_else(|| {
            Error::invalid("kernel.link.unknown", "the type has no such link")
                .with("link", name)
                .with("object_type", &self.api_name)
        })
    }

    /// Whether some index starts with this property, so that equality on it is a lookup.
    pub fn is_indexed(&self, property: usize) -> bool {
        property == self.primary_key || self.indexes.iter().any(|index| index.properties.first() == Some(&property))
    }
}

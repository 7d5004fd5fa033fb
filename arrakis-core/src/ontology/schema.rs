//! A published version of an ontology: content-hashed, immutable, compiled for lookup.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ActionType, Interface, LinkType, NewOntology, Numbering, ObjectType};
use crate::{ApiName, Error, LinkTypeId, ObjectTypeId, Result};

/// The BLAKE3 hash of an ontology's canonical definition: the same content, the same hash, wherever it is published.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaHash(pub [u8; 32]);

/// A published version of an ontology.
#[derive(Debug)]
pub struct Schema {
    /// Its number in its space, from 1.
    pub version: u32,
    /// The hash of its definition.
    pub hash: SchemaHash,
    /// The definition it was compiled from.
    pub definition: NewOntology,
    /// The identities of its elements, and the names and numbers that may not come back.
    pub numbering: Numbering,
    /// Its object types, by id.
    pub object_types: Vec<Arc<ObjectType>>,
    /// Its link types, by id.
    pub link_types: Vec<Arc<LinkType>>,
    /// Its interfaces, by name.
    pub interfaces: Vec<Arc<Interface>>,
    /// Its action types, by name.
    pub action_types: Vec<Arc<ActionType>>,
    pub(super) object_types_by_name: HashMap<ApiName, usize>,
    pub(super) link_types_by_name: HashMap<ApiName, usize>,
    pub(super) interfaces_by_name: HashMap<ApiName, usize>,
}

impl Schema {
    /// An object type by name.
    ///
    /// # Errors
    /// `kernel.object_type.unknown`.
    pub fn object_type(&self, name: &str) -> Result<&Arc<ObjectType>> {
        self.object_types_by_name.get(name).and_then(|&index| self.object_types.get(index)).ok_or_else(|| {
            Error::invalid("kernel.object_type.unknown", "there is no such object type").with("object_type", name)
        })
    }

    /// An object type by id.
    pub fn object_type_by_id(&self, id: ObjectTypeId) -> Option<&Arc<ObjectType>> {
        self.object_types
            .binary_search_by_key(&id, |object_type| object_type.id)
            .ok()
            .and_then(|index| self.object_types.get(index))
    }

    /// A link type by name.
    ///
    /// # Errors
    /// `kernel.link_type.unknown`.
    pub fn link_type(&self, name: &str) -> Result<&Arc<LinkType>> {
        self.link_types_by_name.get(name).and_then(|&index| self.link_types.get(index)).ok_or_else(|| {
            Error::invalid("kernel.link_type.unknown", "there is no such link type").with("link_type", name)
        })
    }

    /// An action type by name.
    ///
    /// # Errors
    /// `kernel.action.unknown`.
    pub fn action_type(&self, name: &str) -> Result<&Arc<ActionType>> {
        let found = self.action_types.binary_search_by(|action_type| action_type.api_name.as_str().cmp(name));
        found
            .ok()
            .and_then(|index| self.action_types.get(index))
            .ok_or_else(|| Error::not_found("kernel.action.unknown", "there is no such action").with("action", name))
    }

    /// A link type by id.
    pub fn link_type_by_id(&self, id: LinkTypeId) -> Option<&Arc<LinkType>> {
        self.link_types
            .binary_search_by_key(&id, |link_type| link_type.id)
            .ok()
            .and_then(|index| self.link_types.get(index))
    }

    /// An interface by name.
    ///
    /// # Errors
    /// `kernel.interface.unknown`.
    pub fn interface(&self, name: &str) -> Result<&Arc<Interface>> {
        self.interfaces_by_name.get(name).and_then(|&index| self.interfaces.get(index)).ok_or_else(|| {
            Error::invalid("kernel.interface.unknown", "there is no such interface").with("interface", name)
        })
    }
}

impl fmt::Display for SchemaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SchemaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SchemaHash({self})")
    }
}

impl FromStr for SchemaHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|e| Error::invalid("schema.hash.malformed", "a schema hash is 64 hexadecimal digits").caused_by(e))
    }
}

impl Serialize for SchemaHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SchemaHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

//! Objects, links and their versions as read.

use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{Actor, ApiName, CommitId, EffectKind, Key, Seq, Timestamp, Value};

/// An object as of one commit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Object {
    /// Its type.
    #[serde(rename = "type")]
    pub object_type: ApiName,
    /// Its primary key.
    pub key: Key,
    /// The commit that last changed it.
    pub revision: Seq,
    /// The properties asked for.
    pub properties: Properties,
}

/// A link as of one commit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// Its type.
    #[serde(rename = "type")]
    pub link_type: ApiName,
    /// The key at the source end.
    pub source: Key,
    /// The key at the target end.
    pub target: Key,
    /// The commit that last changed it; for a foreign key, that last changed its holder.
    pub revision: Seq,
    /// Its properties; none for a foreign key.
    pub properties: Properties,
}

/// Values by name, in the order of the schema or of the selection. Absent values are kept here and left out of the JSON form.
#[derive(Clone, Debug, PartialEq)]
pub struct Properties {
    names: Arc<[ApiName]>,
    values: Vec<Value>,
}

impl Properties {
    /// Pairs names with values, one each.
    pub fn new(names: Arc<[ApiName]>, values: Vec<Value>) -> Self {
        debug_assert_eq!(names.len(), values.len(), "one value per name");
        Self { names, values }
    }

    /// No properties.
    pub fn empty() -> Self {
        Self { names: Arc::new([]), values: Vec::new() }
    }

    /// A value by name; `None` for a name that was not selected.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.names.iter().position(|candidate| *candidate == *name).and_then(|index| self.values.get(index))
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ApiName, &Value)> {
        self.names.iter().zip(&self.values)
    }

    /// The names in order.
    pub fn names(&self) -> &Arc<[ApiName]> {
        &self.names
    }

    /// The values in order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

impl Serialize for Properties {
    /// The JSON form of [`Value::to_json`]; struct values must have been replaced by their JSON form first
    /// (the kernel does so when it answers).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let present = self.iter().filter(|(_, value)| !value.is_null());
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in present {
            map.serialize_entry(name, &value.to_json())?;
        }
        map.end()
    }
}

/// One version of an object or link.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Version {
    /// The commit that wrote it, or that deleted the object.
    pub revision: Seq,
    /// What happened.
    pub change: EffectKind,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// The commit's id.
    pub commit: CommitId,
    /// The values it had from then on; `None` for a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<Properties>,
}

/// What was read, and as of which commit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Snapshot<T> {
    /// The newest commit the answer has seen, or the one it is as of.
    pub seq: Seq,
    /// The answer.
    pub value: T,
}

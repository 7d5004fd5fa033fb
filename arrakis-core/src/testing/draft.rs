//! Commits spelled by name and JSON.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::commit::{LinkChange, LinkOp, LinkRef, ObjectChange, ObjectOp, ObjectRef, Precondition};
use crate::ontology::{ObjectType, Property, Schema};
use crate::{Actor, Change, Commit, Key, Timestamp, Value};

/// A commit in the making, under one version of the ontology.
#[derive(Clone, Debug)]
pub struct Draft {
    schema: Arc<Schema>,
    commit: Commit,
}

impl From<Draft> for Commit {
    fn from(draft: Draft) -> Self {
        draft.commit
    }
}

/// What the values of a test object are: every name must exist, every value must fit. Absent where nothing is said.
pub fn row(properties: &[Property], values: &Json) -> Vec<Value> {
    let mut row: Vec<Value> = properties.iter().map(|property| property.default.clone().unwrap_or_default()).collect();
    for (index, value) in set(properties, values) {
        row[index] = value;
    }
    row
}

fn set(properties: &[Property], values: &Json) -> Vec<(usize, Value)> {
    let named = values.as_object().expect("values by name");
    let read = |(name, json): (&String, &Json)| {
        let index = properties.iter().position(|property| property.api_name == name.as_str());
        let index = index.unwrap_or_else(|| panic!("there is no property {name}"));
        (index, properties[index].data_type.read(json).unwrap_or_else(|e| panic!("{name}: {e}")))
    };
    named.iter().map(read).collect()
}

impl Draft {
    pub(super) fn new(commit: Commit, schema: &Arc<Schema>) -> Self {
        let commit = Commit { schema_version: Some(schema.version), ..commit };
        Self { schema: Arc::clone(schema), commit }
    }

    /// The commit itself, to change what the other methods do not.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Commit)) -> Self {
        change(&mut self.commit);
        self
    }

    /// Written by another actor.
    #[must_use]
    pub fn by(self, actor: &str) -> Self {
        self.with(|commit| commit.actor = Actor::parse(actor).unwrap())
    }

    /// Decided at another time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        self.with(|commit| commit.at = at)
    }

    /// For a reason.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        self.with(|commit| commit.reason = Some(reason.into()))
    }

    /// Only when this holds.
    #[must_use]
    pub fn when(self, precondition: Precondition) -> Self {
        self.with(|commit| commit.preconditions.push(precondition))
    }

    /// Creates an object; its key is among the values.
    #[must_use]
    pub fn create(self, object_type: &str, values: Json) -> Self {
        let (object, row) = self.whole(object_type, &values);
        self.object(object, ObjectOp::Create { row })
    }

    /// Creates an object, or changes those of its properties that are named.
    #[must_use]
    pub fn upsert(self, object_type: &str, values: Json) -> Self {
        let (object, row) = self.whole(object_type, &values);
        let key_property = object.object_type.primary_key;
        let mut set = set(&object.object_type.properties, &values);
        set.retain(|(index, _)| *index != key_property);
        self.object(object, ObjectOp::Upsert { row, set })
    }

    /// Changes the properties named; `null` takes a value away.
    #[must_use]
    pub fn modify(self, object_type: &str, key: impl Into<Key>, values: Json) -> Self {
        let object = self.object_ref(object_type, key);
        let set = set(&object.object_type.properties, &values);
        self.object(object, ObjectOp::Modify { set })
    }

    /// Deletes an object.
    #[must_use]
    pub fn delete(self, object_type: &str, key: impl Into<Key>) -> Self {
        let object = self.object_ref(object_type, key);
        self.object(object, ObjectOp::Delete)
    }

    /// Links two objects by a join-table backed link type.
    #[must_use]
    pub fn link(self, link_type: &str, source: impl Into<Key>, target: impl Into<Key>, values: Json) -> Self {
        let link = self.link_ref(link_type, source, target);
        let row = row(&link.link_type.properties, &values);
        self.with(|commit| commit.changes.push(Change::Link(LinkChange { link, op: LinkOp::Create { row } })))
    }

    /// Links two objects, or replaces the properties of their link.
    #[must_use]
    pub fn relink(self, link_type: &str, source: impl Into<Key>, target: impl Into<Key>, values: Json) -> Self {
        let link = self.link_ref(link_type, source, target);
        let row = row(&link.link_type.properties, &values);
        self.with(|commit| commit.changes.push(Change::Link(LinkChange { link, op: LinkOp::Upsert { row } })))
    }

    /// Deletes a link.
    #[must_use]
    pub fn unlink(self, link_type: &str, source: impl Into<Key>, target: impl Into<Key>) -> Self {
        let link = self.link_ref(link_type, source, target);
        self.with(|commit| commit.changes.push(Change::Link(LinkChange { link, op: LinkOp::Delete })))
    }

    /// An object by name and key, as preconditions name it.
    pub fn object_ref(&self, object_type: &str, key: impl Into<Key>) -> ObjectRef {
        ObjectRef { object_type: Arc::clone(self.object_type(object_type)), key: key.into() }
    }

    /// A link by name and keys, as preconditions name it.
    pub fn link_ref(&self, link_type: &str, source: impl Into<Key>, target: impl Into<Key>) -> LinkRef {
        let link_type = Arc::clone(self.schema.link_type(link_type).unwrap());
        LinkRef { link_type, source: source.into(), target: target.into() }
    }

    fn object_type(&self, name: &str) -> &Arc<ObjectType> {
        self.schema.object_type(name).unwrap()
    }

    fn whole(&self, object_type: &str, values: &Json) -> (ObjectRef, Vec<Value>) {
        let object_type = Arc::clone(self.object_type(object_type));
        let row = row(&object_type.properties, values);
        let key = Key::from_value(&row[object_type.primary_key]).expect("the values name the key");
        (ObjectRef { object_type, key }, row)
    }

    fn object(self, object: ObjectRef, op: ObjectOp) -> Self {
        self.with(|commit| commit.changes.push(Change::Object(ObjectChange { object, op })))
    }
}

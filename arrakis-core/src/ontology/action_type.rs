//! Action types: what an application lets its users do, and what it does then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::definition::definition;
use super::{ActionValue, Computed, Condition, NewConstraint, NewDataType, Status, Test};
use crate::{ApiName, BaseType, DataType, LinkTypeId, ObjectTypeId, Value};

definition! {
    /// A kind of action, as the file states it.
    pub struct NewActionType {
        /// Its name.
        pub name: ApiName,
        /// Its name for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub display_name: Option<String>,
        /// What it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// What the caller gives.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub parameters: Vec<NewParameter>,
        /// What must hold before anything is done, all of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub criteria: Vec<NewCriterion>,
        /// What is done, in order, in one commit.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub rules: Vec<NewRule>,
        /// What follows once it is done.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub effects: Vec<NewEffect>,
        /// Its status.
        #[serde(default, skip_serializing_if = "Status::is_active")]
        pub status: Status,
    }
}

definition! {
    /// What the caller of an action gives: a value, an object, some objects or a set of them. One of `type`, `object`, `object_list`
    /// and `object_set` is stated.
    pub struct NewParameter {
        /// Its name.
        pub name: ApiName,
        /// What it means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// Its type, when it is a value.
        #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
        pub data_type: Option<NewDataType>,
        /// The object type or interface, when it is an object.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub object: Option<ApiName>,
        /// The object type or interface, when it is a list of objects.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub object_list: Option<ApiName>,
        /// The object type or interface, when it is a set of objects, given as a query.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub object_set: Option<ApiName>,
        /// What a value obeys beyond its type.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub constraints: Vec<NewConstraint>,
        /// Whether the action is refused without it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub required: bool,
        /// The value of one that is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub default: Option<Json>,
    }
}

definition! {
    /// What must hold before an action does anything.
    pub struct NewCriterion {
        /// The condition.
        pub condition: Condition,
        /// What the caller is told where it does not hold.
        pub message: String,
    }
}

/// Something an action does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NewRule {
    /// Creates an object.
    CreateObject {
        /// Its type.
        object_type: ApiName,
        /// Its properties.
        properties: BTreeMap<ApiName, ActionValue>,
    },
    /// Modifies an object, or each of a list or set.
    ModifyObject {
        /// The parameter that gives it.
        object: ApiName,
        /// The properties that change.
        properties: BTreeMap<ApiName, ActionValue>,
    },
    /// Modifies the object with the key given where there is one, else creates it.
    CreateOrModifyObject {
        /// Its type.
        object_type: ApiName,
        /// Its properties.
        properties: BTreeMap<ApiName, ActionValue>,
    },
    /// Deletes an object, or each of a list or set.
    DeleteObject {
        /// The parameter that gives it.
        object: ApiName,
    },
    /// Links two objects.
    CreateLink {
        /// The link type.
        link_type: ApiName,
        /// The object at the source end, or its key.
        source: ActionValue,
        /// The object at the target end, or its key.
        target: ActionValue,
        /// The link's properties.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        properties: BTreeMap<ApiName, ActionValue>,
    },
    /// Unlinks two objects.
    DeleteLink {
        /// The link type.
        link_type: ApiName,
        /// The object at the source end, or its key.
        source: ActionValue,
        /// The object at the target end, or its key.
        target: ActionValue,
    },
}

/// Something that follows an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NewEffect {
    /// An event is published.
    Event {
        /// Its type, in the past tense, such as `airport.renamed`.
        #[serde(rename = "type")]
        event_type: String,
        /// The parameter that gives the object it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<ApiName>,
        /// Its data.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        data: BTreeMap<ApiName, ActionValue>,
    },
}

/// A kind of action, resolved.
#[derive(Debug)]
pub struct ActionType {
    /// Its name.
    pub api_name: ApiName,
    /// Its parameters, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// What must hold before anything is done.
    pub criteria: Vec<Criterion>,
    /// What is done, in order.
    pub rules: Vec<ActionRule>,
    /// What follows.
    pub effects: Vec<ActionEffect>,
    /// Its status.
    pub status: Status,
}

/// What must hold before an action does anything, resolved.
#[derive(Clone, Debug)]
pub struct Criterion {
    /// The condition. It reads parameters, not the objects that rules modify.
    pub condition: Test,
    /// What the caller is told where it does not hold.
    pub message: String,
}

/// Something an action does, resolved: every name is known, every value has the base type of its property and is there where one is
/// required. A `usize` is an index, of a parameter of the action or of a property of the type that is written.
///
/// What depends on data is judged where it is written: constraints, the length of a key, whether the object is there.
#[derive(Clone, Debug)]
pub enum ActionRule {
    /// Creates an object.
    CreateObject {
        /// Its type.
        object_type: ObjectTypeId,
        /// Its properties.
        set: Vec<(usize, Computed)>,
    },
    /// Modifies an object, or each of a list or set.
    ModifyObject {
        /// The parameter that gives it.
        parameter: usize,
        /// The properties that change, by their names in the parameter's object type or interface. What an interface's property is in
        /// an object's own type is in that type's [`Implementation`](super::Implementation); the values fit it, too.
        set: Vec<(ApiName, Computed)>,
    },
    /// Modifies the object with the key given where there is one, else creates it.
    CreateOrModifyObject {
        /// Its type.
        object_type: ObjectTypeId,
        /// Its properties.
        set: Vec<(usize, Computed)>,
    },
    /// Deletes an object, or each of a list or set.
    DeleteObject {
        /// The parameter that gives it.
        parameter: usize,
    },
    /// Links objects.
    CreateLink {
        /// The link type.
        link_type: LinkTypeId,
        /// What is at the source end.
        source: Endpoint,
        /// What is at the target end.
        target: Endpoint,
        /// The properties of each link.
        set: Vec<(usize, Computed)>,
    },
    /// Unlinks objects.
    DeleteLink {
        /// The link type.
        link_type: LinkTypeId,
        /// What is at the source end.
        source: Endpoint,
        /// What is at the target end.
        target: Endpoint,
    },
}

/// What is at an end of the links a rule creates or deletes. With several objects at an end, there is one link for each.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// The object or objects of a parameter, of the end's type.
    Objects(usize),
    /// The object with this key.
    Key(Computed),
}

/// Something that follows an action, resolved.
#[derive(Clone, Debug)]
pub enum ActionEffect {
    /// An event is published.
    Event {
        /// Its type, in the past tense, such as `airport.renamed`.
        event_type: String,
        /// The parameter that gives the object it is about.
        subject: Option<usize>,
        /// Its data, by name.
        data: Vec<EventValue>,
    },
}

/// One value of an event's data.
#[derive(Clone, Debug)]
pub struct EventValue {
    /// Its name.
    pub api_name: ApiName,
    /// Its type, as [`Value::to_json_as`] needs it; a literal's is JSON.
    pub base: BaseType,
    /// The value.
    pub value: Computed,
}

/// What the caller of an action gives, resolved.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub api_name: ApiName,
    /// What it is.
    pub parameter_type: ParameterType,
    /// Whether the action is refused without it.
    pub required: bool,
    /// The value of one that is not given.
    pub default: Option<Value>,
}

/// What a parameter is.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterType {
    /// A value.
    Value(DataType),
    /// An object, by its key.
    Object(ParameterObject),
    /// Some objects, by their keys.
    ObjectList(ParameterObject),
    /// A set of objects, as a query.
    ObjectSet(ParameterObject),
}

/// What an object given as a parameter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterObject {
    /// One of this type.
    Type(ObjectTypeId),
    /// One whose type implements this interface.
    Interface(ApiName),
}

impl NewParameter {
    /// The object type or interface, for a parameter that is one object or several.
    pub fn objects(&self) -> Option<&ApiName> {
        self.object.as_ref().or(self.object_list.as_ref()).or(self.object_set.as_ref())
    }
}

impl NewRule {
    /// The values in it, with the parameter that gives the objects it modifies, for a rule that does.
    pub(super) fn values(&self) -> (Vec<&ActionValue>, Option<&ApiName>) {
        match self {
            Self::CreateObject { properties, .. } | Self::CreateOrModifyObject { properties, .. } => {
                (properties.values().collect(), None)
            }
            Self::ModifyObject { object, properties } => (properties.values().collect(), Some(object)),
            Self::CreateLink { source, target, properties, .. } => {
                ([source, target].into_iter().chain(properties.values()).collect(), None)
            }
            Self::DeleteLink { source, target, .. } => (vec![source, target], None),
            Self::DeleteObject { .. } => (Vec::new(), None),
        }
    }
}

impl ActionType {
    /// A parameter by name, with its index.
    pub fn parameter(&self, name: &str) -> Option<(usize, &Parameter)> {
        self.parameters.iter().enumerate().find(|(_, parameter)| parameter.api_name == *name)
    }
}

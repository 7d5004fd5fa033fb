//! What a caller gives, read by the types of the parameters.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Act, PARAMETER_OBJECTS_MAX};
use crate::kernel::{Object, ObjectSet, resolve};
use crate::ontology::{ActionType, ObjectType, Parameter, ParameterObject, ParameterType, Schema};
use crate::{Error, Key, Result, Seq, Value};

/// An object a parameter names.
#[derive(Clone, Debug)]
pub(in crate::kernel) struct Named {
    pub(in crate::kernel) object_type: Arc<ObjectType>,
    pub(in crate::kernel) key: Key,
    /// As it is, once it is read.
    pub(in crate::kernel) object: Option<Object>,
}

/// What is given for one parameter.
#[derive(Debug, Default)]
pub(in crate::kernel) struct Given {
    /// The value; for one object its key, absent for several.
    pub(in crate::kernel) value: Value,
    /// The objects named.
    pub(in crate::kernel) objects: Vec<Named>,
    /// The set whose objects they will be.
    pub(in crate::kernel) set: Option<ObjectSet>,
    /// What is wrong.
    pub(in crate::kernel) fault: Option<Error>,
}

/// Everything given.
#[derive(Debug)]
pub(in crate::kernel) struct Arguments {
    /// By parameter, in the order of the action type.
    pub(in crate::kernel) given: Vec<Given>,
    /// What is given or expected and the action type does not have.
    pub(in crate::kernel) unknown: Vec<(String, Error)>,
    /// The revisions expected, by the index of the parameter.
    pub(in crate::kernel) expected: Vec<(usize, Seq)>,
}

impl Arguments {
    /// The first fault, under the name of its parameter.
    pub(in crate::kernel) fn fault(&self, action_type: &ActionType) -> Option<Error> {
        let given = self.given.iter().zip(&action_type.parameters);
        let mut faults =
            given.filter_map(|(given, parameter)| Some((parameter.api_name.as_str(), given.fault.as_ref()?)));
        let unknown = || self.unknown.iter().map(|(name, fault)| (name.as_str(), fault)).next();
        faults.next().or_else(unknown).map(|(name, fault)| fault.duplicate().at(name).at("parameters"))
    }
}

/// Reads what is given. What is wrong with a parameter is told with it.
pub(in crate::kernel) fn read_arguments(schema: &Schema, action_type: &ActionType, act: &Act) -> Arguments {
    let find = |name: &str| action_type.parameters.iter().position(|parameter| parameter.api_name == *name);
    let mut given: Vec<Given> = Vec::with_capacity(action_type.parameters.len());
    let mut json = vec![None; action_type.parameters.len()];
    let mut unknown = Vec::new();
    for (name, value) in act.parameters.iter() {
        match find(name).and_then(|index| json.get_mut(index)) {
            Some(slot) => *slot = Some(value),
            None => unknown.push((name.clone(), unknown_parameter(action_type, name))),
        }
    }
    for (parameter, json) in action_type.parameters.iter().zip(json) {
        let read = read(schema, parameter, json);
        given.push(read.unwrap_or_else(|fault| Given { fault: Some(fault), ..Given::default() }));
    }
    let mut expected = Vec::new();
    for (name, revision) in &act.expect {
        let single = |index: &usize| {
            let parameter = action_type.parameters.get(*index);
            parameter.is_some_and(|parameter| matches!(parameter.parameter_type, ParameterType::Object(_)))
        };
        match find(name) {
            None => unknown.push((name.clone(), unknown_parameter(action_type, name))),
            Some(index) if single(&index) => expected.push((index, *revision)),
            Some(_) => {
                let fault = Error::invalid("kernel.action.expect", "a revision is expected of one object");
                unknown.push((name.clone(), fault));
            }
        }
    }
    Arguments { given, unknown, expected }
}

fn unknown_parameter(action_type: &ActionType, name: &str) -> Error {
    Error::invalid("kernel.action.parameter.unknown", "the action has no such parameter")
        .with("parameter", name)
        .with("action", &action_type.api_name)
}

fn read(schema: &Schema, parameter: &Parameter, json: Option<&Json>) -> Result<Given> {
    let json = json.filter(|json| !json.is_null());
    let Some(json) = json else {
        // Null given is absent still: a default stands for what is left out and for what is not known.
        let value = parameter.default.clone().unwrap_or_default();
        if parameter.required && value.is_null() {
            return Err(Error::invalid("kernel.action.parameter.required", "the parameter is required"));
        }
        return Ok(Given { value, ..Given::default() });
    };
    match &parameter.parameter_type {
        ParameterType::Value(data_type) => Ok(Given { value: data_type.read(json)?, ..Given::default() }),
        ParameterType::Object(of) => {
            let named = named(schema, of, json)?;
            Ok(Given { value: named.key.to_value(), objects: vec![named], ..Given::default() })
        }
        ParameterType::ObjectList(of) => {
            let Json::Array(items) = json else {
                return Err(Error::invalid("value.type_mismatch", "a list of objects is expected"));
            };
            if items.len() > PARAMETER_OBJECTS_MAX {
                return Err(too_many(items.len()));
            }
            let objects = items.iter().enumerate();
            let objects = objects.map(|(index, item)| named(schema, of, item).map_err(|e| e.at(format!("[{index}]"))));
            Ok(Given { objects: objects.collect::<Result<_>>()?, ..Given::default() })
        }
        ParameterType::ObjectSet(_) => {
            let set = ObjectSet::deserialize(json).map_err(|e| {
                Error::invalid("value.type_mismatch", "a set of objects is expected").with("reason", &e).caused_by(e)
            })?;
            Ok(Given { set: Some(set), ..Given::default() })
        }
    }
}

impl Given {
    /// Takes the objects of a set for those of the parameter, to be read whole.
    ///
    /// # Errors
    /// None that a set of the schema's own types gives.
    pub(in crate::kernel) fn take_set(&mut self, schema: &Schema, objects: Vec<Object>) -> Result<()> {
        for Object { object_type, key, .. } in objects {
            let object_type = Arc::clone(schema.object_type(object_type.as_str())?);
            self.objects.push(Named { object_type, key, object: None });
        }
        Ok(())
    }
}

/// The refusal of more objects than a parameter may give.
pub(in crate::kernel) fn too_many(count: usize) -> Error {
    Error::invalid("kernel.action.parameter.too_many", "the parameter gives too many objects")
        .with("objects", count)
        .with("objects_max", PARAMETER_OBJECTS_MAX)
}

fn named(schema: &Schema, of: &ParameterObject, json: &Json) -> Result<Named> {
    match of {
        ParameterObject::Type(id) => {
            let object_type = schema
                .object_type_by_id(*id)
                .ok_or_else(|| Error::internal("schema.inconsistent", "an action without its object type"))?;
            typed(object_type, json)
        }
        ParameterObject::Interface(interface) => {
            let (Some(name), Some(key)) = (json.get("type").and_then(Json::as_str), json.get("key")) else {
                return Err(Error::invalid(
                    "value.type_mismatch",
                    "an object of an interface is named by its type and key",
                ));
            };
            let object_type = schema.object_type(name).map_err(|e| e.at("type"))?;
            fits(object_type, of).then_some(()).ok_or_else(|| {
                Error::invalid("kernel.action.parameter.type", "the type does not implement the interface")
                    .with("object_type", name)
                    .with("interface", interface)
                    .at("type")
            })?;
            typed(object_type, key).map_err(|e| e.at("key"))
        }
    }
}

/// Whether objects of the type are what the parameter asks for.
pub(in crate::kernel) fn fits(object_type: &ObjectType, of: &ParameterObject) -> bool {
    match of {
        ParameterObject::Type(id) => object_type.id == *id,
        ParameterObject::Interface(name) => object_type.interfaces.iter().any(|known| known.interface == *name),
    }
}

fn typed(object_type: &Arc<ObjectType>, json: &Json) -> Result<Named> {
    let key = Key::deserialize(json)
        .map_err(|e| Error::invalid("value.type_mismatch", "an object is named by its key").caused_by(e))?;
    let key = resolve::key(object_type, &key)?;
    Ok(Named { object_type: Arc::clone(object_type), key, object: None })
}

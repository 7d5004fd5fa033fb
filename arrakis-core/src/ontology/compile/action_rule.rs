//! What actions do: the types exist, the properties are there to be set, and what a type requires is given.

use std::collections::BTreeMap;

use super::action_value::{ActionScope, key_base};
use super::faults::Faults;
use super::property::is_unknown;
use super::unknown_name;
use crate::ontology::{
    ActionValue, Backing, End, LinkType, NewRule, ObjectType, ParameterObject, ParameterType, Property,
};
use crate::{ApiName, DataType, Error, Result};

type Values = BTreeMap<ApiName, ActionValue>;

impl ActionScope<'_, '_, '_> {
    pub(super) fn check_rule(&self, rule: &NewRule, faults: &mut Faults) {
        let mark = faults.mark();
        match rule {
            NewRule::CreateObject { object_type, properties } => {
                self.check_created(object_type, properties, faults);
                faults.at(mark, || "create_object".to_owned());
            }
            NewRule::CreateOrModifyObject { object_type, properties } => {
                self.check_created(object_type, properties, faults);
                faults.at(mark, || "create_or_modify_object".to_owned());
            }
            NewRule::ModifyObject { object, properties } => {
                let target = faults.take(self.target(object).map_err(|e| e.at("object"))).flatten();
                if let Some(target) = target {
                    for (name, value) in properties {
                        let judged = self.check_modified(target, name, value);
                        faults.take(judged.map_err(|e| e.at(name).at("properties")));
                    }
                }
                faults.at(mark, || "modify_object".to_owned());
            }
            NewRule::DeleteObject { object } => {
                faults.take(self.target(object).map_err(|e| e.at("object")));
                faults.at(mark, || "delete_object".to_owned());
            }
            NewRule::CreateLink { link_type, source, target, properties } => {
                if let Some(link_type) = self.check_link(link_type, source, target, faults) {
                    if !properties.is_empty() && link_type.backing != Backing::Join {
                        let refusal = "links held by a foreign key have no properties";
                        faults.push(Error::invalid("ontology.link_type.properties", refusal).at("properties"));
                    }
                    self.check_given(&link_type.properties, properties, faults);
                }
                faults.at(mark, || "create_link".to_owned());
            }
            NewRule::DeleteLink { link_type, source, target } => {
                self.check_link(link_type, source, target, faults);
                faults.at(mark, || "delete_link".to_owned());
            }
        }
    }

    fn check_created(&self, name: &ApiName, values: &Values, faults: &mut Faults) {
        let Some(object_type) = self.types.object_type(name) else {
            faults.push(unknown_name("ontology.object_type.unknown", "object type", name).at("object_type"));
            return;
        };
        self.check_given(&object_type.properties, values, faults);
    }

    /// Judges the values of a new row: each names a stored property and fits it, and none that is required is missing.
    fn check_given(&self, properties: &[Property], values: &Values, faults: &mut Faults) {
        for (name, value) in values {
            let judged = match properties.iter().find(|property| property.api_name == *name) {
                None => Err(unknown_name("ontology.property.unknown", "property", name)),
                Some(property) if property.derived.is_some() => Err(derived()),
                Some(property) => {
                    let needed = property.required && property.default.is_none();
                    self.fits(value, &property.data_type, needed)
                }
            };
            faults.take(judged.map_err(|e| e.at(name).at("properties")));
        }
        for property in properties {
            let needed = property.required && property.default.is_none();
            if needed && !is_unknown(&property.data_type.base) && !values.contains_key(&property.api_name) {
                faults.push(
                    Error::invalid("ontology.rule.required", "a required property is not given")
                        .with("property", &property.api_name)
                        .at("properties"),
                );
            }
        }
    }

    /// What a rule modifies or deletes; `None` when the parameter has a fault of its own.
    fn target(&self, name: &ApiName) -> Result<Option<&ParameterObject>> {
        let found = self.objects(name)?;
        if found.is_some_and(|(parameter, _)| !parameter.required) {
            return Err(Error::invalid(
                "ontology.action.may_be_absent",
                "the object may be absent: require the parameter",
            )
            .with("parameter", name));
        }
        Ok(found.map(|(_, object)| object))
    }

    fn check_modified(&self, target: &ParameterObject, name: &ApiName, value: &ActionValue) -> Result<()> {
        match target {
            ParameterObject::Type(id) => {
                let Some(object_type) = self.types.object_type_by_id(*id) else { return Ok(()) };
                let index = object_type
                    .index_of(name.as_str())
                    .ok_or_else(|| unknown_name("ontology.property.unknown", "property", name))?;
                self.check_set(object_type, index, value)
            }
            ParameterObject::Interface(interface) => {
                let Some(draft) = self.types.drafts.get(interface).filter(|draft| draft.sound) else { return Ok(()) };
                let (index, property) = draft.interface.property(name.as_str()).map_err(|_| {
                    unknown_name("ontology.property.unknown", "property", name).with("interface", interface)
                })?;
                self.fits(value, &property.data_type, property.required)?;
                for object_type in self.types.object_types {
                    let implementation = object_type.interfaces.iter().find(|of| of.interface == *interface);
                    if let Some(own) = implementation.and_then(|of| of.properties.get(index)) {
                        self.check_set(object_type, *own, value)
                            .map_err(|e| e.with("object_type", &object_type.api_name))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn check_set(&self, object_type: &ObjectType, index: usize, value: &ActionValue) -> Result<()> {
        let Some(property) = object_type.properties.get(index) else { return Ok(()) };
        if index == object_type.primary_key {
            return Err(Error::invalid("ontology.rule.primary_key", "a primary key does not change"));
        }
        if property.derived.is_some() {
            return Err(derived());
        }
        self.fits(value, &property.data_type, property.required)
    }

    fn check_link(
        &self,
        name: &ApiName,
        source: &ActionValue,
        target: &ActionValue,
        faults: &mut Faults,
    ) -> Option<&LinkType> {
        let Some(link_type) = self.types.link_type(name) else {
            faults.push(unknown_name("ontology.link_type.unknown", "link type", name).at("link_type"));
            return None;
        };
        for (end, value, path) in [(End::Source, source, "source"), (End::Target, target, "target")] {
            faults.take(self.check_end(link_type, end, value).map_err(|e| e.at(path)));
        }
        Some(link_type)
    }

    fn check_end(&self, link_type: &LinkType, end: End, value: &ActionValue) -> Result<()> {
        let Some(object_type) = self.types.object_type_by_id(link_type.side(end).object_type) else { return Ok(()) };
        if let ActionValue::Parameter(name) = value {
            let objects = self.parameters.get(name).copied().flatten().map(|parameter| &parameter.parameter_type);
            if let Some(ParameterType::Object(object) | ParameterType::ObjectList(object)) = objects {
                return match object {
                    ParameterObject::Type(id) if *id == object_type.id => self.target(name).map(|_| ()),
                    _ => Err(Error::invalid("ontology.rule.link_end", "the objects are of another type than the end")
                        .with("expected", &object_type.api_name)
                        .with("parameter", name)),
                };
            }
        }
        let Some(base) = key_base(object_type) else { return self.any_type(value) };
        self.fits(value, &DataType::of(base), true)
    }
}

fn derived() -> Error {
    Error::invalid("ontology.rule.derived", "a derived property is not set")
}

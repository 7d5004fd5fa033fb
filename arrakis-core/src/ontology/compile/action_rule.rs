//! What actions do: the types exist, the properties are there to be set, and what a type requires is given.

use std::collections::BTreeMap;

use super::action_value::{ActionScope, key_base};
use super::faults::Faults;
use super::property::is_unknown;
use super::unknown_name;
use crate::ontology::{
    ActionRule, ActionValue, Backing, Computed, End, Endpoint, LinkType, NewRule, ObjectType, ParameterObject,
    ParameterType, Property,
};
use crate::{ApiName, DataType, Error, Result};

type Values = BTreeMap<ApiName, ActionValue>;

impl<'t> ActionScope<'_, '_, 't> {
    /// A rule, resolved; nothing where it has a fault.
    pub(super) fn rule(&self, rule: &NewRule, faults: &mut Faults) -> Option<ActionRule> {
        let mark = faults.mark();
        let (name, resolved) = match rule {
            NewRule::CreateObject { object_type, properties } => {
                let created = self.created(object_type, properties, faults);
                let rule =
                    created.map(|(object_type, set)| ActionRule::CreateObject { object_type: object_type.id, set });
                ("create_object", rule)
            }
            NewRule::CreateOrModifyObject { object_type, properties } => {
                let created = self.created(object_type, properties, faults);
                let rule = created
                    .map(|(object_type, set)| ActionRule::CreateOrModifyObject { object_type: object_type.id, set });
                ("create_or_modify_object", rule)
            }
            NewRule::ModifyObject { object, properties } => {
                ("modify_object", self.modified_object(object, properties, faults))
            }
            NewRule::DeleteObject { object } => {
                let target = faults.take(self.target(object).map_err(|e| e.at("object")));
                ("delete_object", target.map(|(parameter, _)| ActionRule::DeleteObject { parameter }))
            }
            NewRule::CreateLink { link_type, source, target, properties } => {
                let resolved = self.link(link_type, (source, target), faults).map(|(link_type, source, target)| {
                    if !properties.is_empty() && link_type.backing != Backing::Join {
                        let refusal = "links held by a foreign key have no properties";
                        faults.push(Error::invalid("ontology.link_type.properties", refusal).at("properties"));
                    }
                    let set = self.given(&link_type.properties, properties, faults);
                    ActionRule::CreateLink { link_type: link_type.id, source, target, set }
                });
                ("create_link", resolved)
            }
            NewRule::DeleteLink { link_type, source, target } => {
                let resolved = self.link(link_type, (source, target), faults).map(|(link_type, source, target)| {
                    ActionRule::DeleteLink { link_type: link_type.id, source, target }
                });
                ("delete_link", resolved)
            }
        };
        faults.at(mark, || name.to_owned());
        resolved
    }

    fn created(
        &self,
        name: &ApiName,
        values: &Values,
        faults: &mut Faults,
    ) -> Option<(&'t ObjectType, Vec<(usize, Computed)>)> {
        let Some(object_type) = self.types.object_type(name) else {
            faults.push(unknown_name("ontology.object_type.unknown", "object type", name).at("object_type"));
            return None;
        };
        Some((object_type, self.given(&object_type.properties, values, faults)))
    }

    /// The values of a new row: each names a stored property and fits it, and none that is required is missing.
    fn given(&self, properties: &[Property], values: &Values, faults: &mut Faults) -> Vec<(usize, Computed)> {
        let mut set = Vec::with_capacity(values.len());
        for (name, value) in values {
            let found = properties.iter().enumerate().find(|(_, property)| property.api_name == *name);
            let judged = match found {
                None => Err(unknown_name("ontology.property.unknown", "property", name)),
                Some((_, property)) if property.derived.is_some() => Err(derived()),
                Some((index, property)) => {
                    let needed = property.required && property.default.is_none();
                    self.fits(value, &property.data_type, needed).map(|value| (index, value))
                }
            };
            set.extend(faults.take(judged.map_err(|e| e.at(name).at("properties"))));
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
        set
    }

    /// What a rule modifies or deletes, and the parameter that gives it; nothing more when that has a fault of its own.
    fn target(&self, name: &ApiName) -> Result<(usize, Option<&'t ParameterObject>)> {
        let (index, found) = self.objects(name)?;
        if found.is_some_and(|(parameter, _)| !parameter.required) {
            return Err(Error::invalid(
                "ontology.action.may_be_absent",
                "the object may be absent: require the parameter",
            )
            .with("parameter", name));
        }
        Ok((index, found.map(|(_, object)| object)))
    }

    fn modified_object(&self, object: &ApiName, properties: &Values, faults: &mut Faults) -> Option<ActionRule> {
        let (parameter, Some(target)) = faults.take(self.target(object).map_err(|e| e.at("object")))? else {
            return None;
        };
        let within = ActionScope { modified: Some(target), ..*self };
        let mut set = Vec::with_capacity(properties.len());
        for (name, value) in properties {
            let judged = within.modified_property(target, name, value);
            let value = faults.take(judged.map_err(|e| e.at(name).at("properties")));
            set.extend(value.map(|value| (name.clone(), value)));
        }
        Some(ActionRule::ModifyObject { parameter, set })
    }

    fn modified_property(&self, target: &ParameterObject, name: &ApiName, value: &ActionValue) -> Result<Computed> {
        match target {
            ParameterObject::Type(id) => {
                let Some(object_type) = self.types.object_type_by_id(*id) else { return Ok(Computed::Actor) };
                let index = object_type
                    .index_of(name.as_str())
                    .ok_or_else(|| unknown_name("ontology.property.unknown", "property", name))?;
                self.set(object_type, index, value)
            }
            ParameterObject::Interface(interface) => {
                let draft = self.types.drafts.get(interface).filter(|draft| draft.sound);
                let Some(draft) = draft else { return Ok(Computed::Actor) };
                let (index, property) = draft.interface.property(name.as_str()).map_err(|_| {
                    unknown_name("ontology.property.unknown", "property", name).with("interface", interface)
                })?;
                for object_type in self.types.object_types {
                    let implementation = object_type.interfaces.iter().find(|of| of.interface == *interface);
                    if let Some(own) = implementation.and_then(|of| of.properties.get(index)) {
                        self.set(object_type, *own, value).map_err(|e| e.with("object_type", &object_type.api_name))?;
                    }
                }
                // The types that implement it have the property with the same base type, so this value is theirs, too.
                self.fits(value, &property.data_type, property.required)
            }
        }
    }

    fn set(&self, object_type: &ObjectType, index: usize, value: &ActionValue) -> Result<Computed> {
        let Some(property) = object_type.properties.get(index) else { return Ok(Computed::Actor) };
        if index == object_type.primary_key {
            return Err(Error::invalid("ontology.rule.primary_key", "a primary key does not change"));
        }
        if property.derived.is_some() {
            return Err(derived());
        }
        self.fits(value, &property.data_type, property.required)
    }

    fn link(
        &self,
        name: &ApiName,
        (source, target): (&ActionValue, &ActionValue),
        faults: &mut Faults,
    ) -> Option<(&'t LinkType, Endpoint, Endpoint)> {
        let Some(link_type) = self.types.link_type(name) else {
            faults.push(unknown_name("ontology.link_type.unknown", "link type", name).at("link_type"));
            return None;
        };
        let mut end = |end, value, path| faults.take(self.end(link_type, end, value).map_err(|e| e.at(path)));
        let (source, target) = (end(End::Source, source, "source"), end(End::Target, target, "target"));
        // An end that is faulty does not hide the faults of the properties.
        let or_faulty = |end: Option<Endpoint>| end.unwrap_or(Endpoint::Objects(0));
        Some((link_type, or_faulty(source), or_faulty(target)))
    }

    fn end(&self, link_type: &LinkType, end: End, value: &ActionValue) -> Result<Endpoint> {
        let found = self.types.object_type_by_id(link_type.side(end).object_type);
        let Some(object_type) = found else { return Ok(Endpoint::Objects(0)) };
        if let ActionValue::Parameter(name) = value {
            let objects = self.parameters.get(name).and_then(|(_, parameter)| *parameter);
            let objects = objects.map(|parameter| &parameter.parameter_type);
            if let Some(ParameterType::Object(object) | ParameterType::ObjectList(object)) = objects {
                return match object {
                    ParameterObject::Type(id) if *id == object_type.id => {
                        self.target(name).map(|(index, _)| Endpoint::Objects(index))
                    }
                    _ => Err(Error::invalid("ontology.rule.link_end", "the objects are of another type than the end")
                        .with("expected", &object_type.api_name)
                        .with("parameter", name)),
                };
            }
        }
        let computed = match key_base(object_type) {
            Some(base) => self.fits(value, &DataType::of(base), true),
            None => self.any_type(value).map(|(computed, _)| computed),
        };
        computed.map(Endpoint::Key)
    }
}

fn derived() -> Error {
    Error::invalid("ontology.rule.derived", "a derived property is not set")
}

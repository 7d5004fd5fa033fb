//! Which elements of a version name which others: who is affected when one of them changes.

use std::collections::{HashMap, HashSet};

use crate::ApiName;
use crate::ontology::action_value::Part;
use crate::ontology::{
    ActionValue, ElementKind, ElementPath, End, NewActionType, NewDataType, NewEffect, NewInterface, NewLinkType,
    NewObjectType, NewOntology, NewParameter, NewProperty, NewRule,
};

/// The consumers of each element of a definition, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    of: HashMap<ElementPath, Vec<String>>,
}

impl Consumers {
    pub(super) fn new(definition: &NewOntology) -> Self {
        let mut consumers = Self::default();
        for value_type in &definition.value_types {
            let path = ElementPath::of(ElementKind::ValueType, value_type.name.clone());
            consumers.data_type(&value_type.data_type, &path.to_string());
        }
        for shared in &definition.shared_properties {
            let path = ElementPath::of(ElementKind::SharedProperty, shared.name.clone());
            consumers.property_type(shared, &path.to_string());
        }
        for interface in &definition.interfaces {
            consumers.interface(interface);
        }
        for object_type in &definition.object_types {
            consumers.object_type(object_type);
        }
        let interfaces: HashSet<&ApiName> = definition.interfaces.iter().map(|interface| &interface.name).collect();
        for link_type in &definition.link_types {
            consumers.link_type(link_type);
        }
        for action_type in &definition.action_types {
            consumers.action_type(action_type, &interfaces);
        }
        consumers
    }

    /// The elements that name this one.
    pub(super) fn of(&self, path: &ElementPath) -> Vec<String> {
        self.of.get(path).cloned().unwrap_or_default()
    }

    fn add(&mut self, kind: ElementKind, name: &ApiName, consumer: &str) {
        self.add_path(ElementPath::of(kind, name.clone()), consumer);
    }

    fn add_property(&mut self, kind: ElementKind, of: &ApiName, property: &ApiName, consumer: &str) {
        self.add_path(ElementPath::of(kind, of.clone()).property(property.clone()), consumer);
    }

    fn add_path(&mut self, path: ElementPath, consumer: &str) {
        let consumers = self.of.entry(path).or_default();
        if consumers.last().is_none_or(|last| last != consumer) {
            consumers.push(consumer.to_owned());
        }
    }

    fn data_type(&mut self, data_type: &NewDataType, consumer: &str) {
        match data_type {
            NewDataType::ValueType(name) => self.add(ElementKind::ValueType, name, consumer),
            NewDataType::Array(element) => self.data_type(element, consumer),
            NewDataType::Struct(fields) => fields.iter().for_each(|field| self.data_type(&field.data_type, consumer)),
            _ => {}
        }
    }

    fn property_type(&mut self, property: &NewProperty, consumer: &str) {
        if let Some(data_type) = &property.data_type {
            self.data_type(data_type, consumer);
        }
        if let Some(shared) = &property.shared {
            self.add(ElementKind::SharedProperty, shared, consumer);
        }
    }

    fn interface(&mut self, interface: &NewInterface) {
        let path = ElementPath::of(ElementKind::Interface, interface.name.clone());
        let consumer = path.to_string();
        for parent in &interface.extends {
            self.add(ElementKind::Interface, parent, &consumer);
        }
        for property in &interface.properties {
            self.property_type(property, &path.property(property.name.clone()).to_string());
        }
        for link in &interface.links {
            self.add(ElementKind::ObjectType, &link.target, &consumer);
            self.add(ElementKind::Interface, &link.target, &consumer);
        }
        for action in &interface.actions {
            self.add(ElementKind::ActionType, action, &consumer);
        }
    }

    fn object_type(&mut self, object_type: &NewObjectType) {
        let path = ElementPath::of(ElementKind::ObjectType, object_type.name.clone());
        let consumer = path.to_string();
        for property in &object_type.properties {
            let consumer = path.property(property.name.clone()).to_string();
            self.property_type(property, &consumer);
            for read in property.derived.iter().flat_map(|expression| expression.properties()) {
                self.add_property(ElementKind::ObjectType, &object_type.name, read, &consumer);
            }
        }
        for (index, names) in object_type.indexes.iter().enumerate() {
            for name in names {
                self.add_property(
                    ElementKind::ObjectType,
                    &object_type.name,
                    name,
                    &format!("{consumer}.indexes[{index}]"),
                );
            }
        }
        for implementation in &object_type.implements {
            self.add(ElementKind::Interface, &implementation.interface, &consumer);
            let interface = ElementPath::of(ElementKind::Interface, implementation.interface.clone()).to_string();
            for own in implementation.properties.values() {
                self.add_property(ElementKind::ObjectType, &object_type.name, own, &interface);
            }
            for own in implementation.actions.values() {
                self.add(ElementKind::ActionType, own, &consumer);
            }
        }
    }

    fn link_type(&mut self, link_type: &NewLinkType) {
        let path = ElementPath::of(ElementKind::LinkType, link_type.name.clone());
        let consumer = path.to_string();
        for side in [&link_type.source, &link_type.target] {
            self.add(ElementKind::ObjectType, &side.object_type, &consumer);
        }
        if let Some(foreign_key) = &link_type.foreign_key {
            let holder = if foreign_key.holder == End::Source { &link_type.source } else { &link_type.target };
            self.add_property(ElementKind::ObjectType, &holder.object_type, &foreign_key.property, &consumer);
        }
        for property in &link_type.properties {
            self.property_type(property, &path.property(property.name.clone()).to_string());
        }
    }

    fn action_type(&mut self, action_type: &NewActionType, interfaces: &HashSet<&ApiName>) {
        let consumer = ElementPath::of(ElementKind::ActionType, action_type.name.clone()).to_string();
        let kind =
            |name: &ApiName| if interfaces.contains(name) { ElementKind::Interface } else { ElementKind::ObjectType };
        let mut objects: HashMap<&ApiName, (ElementKind, &ApiName)> = HashMap::new();
        for parameter in &action_type.parameters {
            if let Some(data_type) = &parameter.data_type {
                self.data_type(data_type, &consumer);
            }
            if let Some(name) = NewParameter::objects(parameter) {
                self.add(kind(name), name, &consumer);
                objects.insert(&parameter.name, (kind(name), name));
            }
        }
        let mut read = |part: Part<'_>, modified: Option<(ElementKind, &ApiName)>| {
            part.values(&mut |value| {
                let found = match value {
                    ActionValue::ParameterProperty { parameter, property } => {
                        objects.get(parameter).map(|of| (*of, property))
                    }
                    ActionValue::Property(property) => modified.map(|of| (of, property)),
                    _ => None,
                };
                if let Some(((kind, of), property)) = found {
                    self.add_property(kind, of, property, &consumer);
                }
            });
        };
        for criterion in &action_type.criteria {
            read(Part::Condition(&criterion.condition), None);
        }
        for NewEffect::Event { data, .. } in &action_type.effects {
            for value in data.values() {
                read(Part::Value(value), None);
            }
        }
        for rule in &action_type.rules {
            let (values, modified) = rule.values();
            let modified = modified.and_then(|parameter| objects.get(parameter).copied());
            for value in values {
                read(Part::Value(value), modified);
            }
        }
        for rule in &action_type.rules {
            self.rule(rule, &objects, &consumer);
        }
    }

    fn rule(&mut self, rule: &NewRule, objects: &HashMap<&ApiName, (ElementKind, &ApiName)>, consumer: &str) {
        let (written, properties) = match rule {
            NewRule::CreateObject { object_type, properties }
            | NewRule::CreateOrModifyObject { object_type, properties } => {
                self.add(ElementKind::ObjectType, object_type, consumer);
                (Some((ElementKind::ObjectType, object_type)), Some(properties))
            }
            NewRule::ModifyObject { object, properties } => (objects.get(object).copied(), Some(properties)),
            NewRule::CreateLink { link_type, properties, .. } => {
                self.add(ElementKind::LinkType, link_type, consumer);
                (Some((ElementKind::LinkType, link_type)), Some(properties))
            }
            NewRule::DeleteLink { link_type, .. } => {
                self.add(ElementKind::LinkType, link_type, consumer);
                (None, None)
            }
            NewRule::DeleteObject { .. } => (None, None),
        };
        for property in properties.into_iter().flat_map(|properties| properties.keys()) {
            if let Some((kind, of)) = written {
                self.add_property(kind, of, property, consumer);
            }
        }
    }
}

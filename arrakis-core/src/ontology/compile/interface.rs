//! Interfaces, with what they inherit, and the object types that implement them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::limit::{DESCRIPTION_LEN_MAX, INTERFACE_CONSTRAINTS_MAX, PARENTS_MAX, PROPERTIES_MAX, at_most, text};
use super::property::OF_INTERFACE;
use super::{Compiler, duplicate_name, order, unknown_name};
use crate::ontology::{Interface, InterfaceProperty, NewInterface, NewLinkConstraint};
use crate::{ApiName, Error};

/// An interface with the constraints that are judged when a type implements it.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) interface: Interface,
    pub(super) links: Vec<&'a NewLinkConstraint>,
    pub(super) actions: Vec<&'a ApiName>,
    /// Whether it and all it extends are without a fault; others are not held against the types that implement them.
    pub(super) sound: bool,
}

impl<'a> Compiler<'a> {
    /// The interfaces by name, those they extend resolved first.
    pub(super) fn interfaces(&mut self) -> HashMap<&'a ApiName, Draft<'a>> {
        let all = &self.definition.interfaces;
        let names: Vec<&ApiName> = all.iter().map(|interface| &interface.name).collect();
        let parents = |index: usize| all.get(index).map(|new| new.extends.iter().collect()).unwrap_or_default();
        let (order, cyclic) = order::parents_first(&names, parents);
        let mut drafts = HashMap::with_capacity(all.len());
        for index in order {
            let Some(new) = all.get(index) else { continue };
            let mark = self.faults.mark();
            let mut draft = self.interface(new, &drafts);
            draft.sound &= self.faults.is_clean_since(mark);
            self.faults.at(mark, || format!("interfaces[{index}]"));
            drafts.insert(&new.name, draft);
        }
        for index in cyclic {
            let fault = Error::invalid("ontology.interface.cycle", "the interface extends itself");
            self.faults.push(fault.at(format!("interfaces[{index}].extends")));
            let Some(new) = all.get(index) else { continue };
            drafts.insert(&new.name, Draft { sound: false, ..empty(new) });
        }
        drafts
    }

    fn interface(&mut self, new: &'a NewInterface, drafts: &HashMap<&'a ApiName, Draft<'a>>) -> Draft<'a> {
        text(&mut self.faults, "description", new.description.as_ref(), DESCRIPTION_LEN_MAX);
        at_most(&mut self.faults, "extends", new.extends.len(), PARENTS_MAX);
        at_most(&mut self.faults, "links", new.links.len(), INTERFACE_CONSTRAINTS_MAX);
        at_most(&mut self.faults, "actions", new.actions.len(), INTERFACE_CONSTRAINTS_MAX);
        let mut draft = empty(new);
        for (index, name) in new.extends.iter().take(PARENTS_MAX).enumerate() {
            let mark = self.faults.mark();
            match drafts.get(name) {
                None => self.faults.push(unknown_name("ontology.interface.unknown", "interface", name)),
                Some(_) if new.extends.iter().take(index).any(|earlier| earlier == name) => {
                    self.faults.push(duplicate_name("interface", name));
                }
                Some(parent) => self.inherit(&mut draft, parent),
            }
            self.faults.at(mark, || format!("extends[{index}]"));
        }
        for (index, property) in new.properties.iter().take(PROPERTIES_MAX).enumerate() {
            let mark = self.faults.mark();
            if draft.interface.by_name.contains_key(&property.name) {
                self.faults.push(duplicate_name("property", &property.name).at("name"));
            }
            if let Some(data_type) = self.property_type(property, OF_INTERFACE) {
                let api_name = property.name.clone();
                push(&mut draft.interface, InterfaceProperty { api_name, data_type, required: property.required });
            }
            self.faults.at(mark, || format!("properties[{index}]"));
        }
        at_most(
            &mut self.faults,
            "properties",
            new.properties.len().max(draft.interface.properties.len()),
            PROPERTIES_MAX,
        );
        self.statuses("properties", new.properties.iter().map(|property| (&property.name, &property.status)));
        for (index, link) in new.links.iter().enumerate() {
            if draft.links.iter().any(|earlier| earlier.name == link.name)
                || draft.interface.by_name.contains_key(&link.name)
            {
                self.faults.push(duplicate_name("property or link", &link.name).at(format!("links[{index}].name")));
            }
            let is_known = drafts.contains_key(&link.target)
                || self.names.interfaces.contains(&link.target)
                || self.names.object_types.contains(&link.target);
            if !is_known {
                let unknown = unknown_name("ontology.object_type.unknown", "object type or interface", &link.target);
                self.faults.push(unknown.at(format!("links[{index}].target")));
            }
            draft.links.push(link);
        }
        for (index, action) in new.actions.iter().enumerate() {
            if draft.actions.contains(&action) {
                self.faults.push(duplicate_name("action", action).at(format!("actions[{index}]")));
            } else {
                draft.actions.push(action);
            }
        }
        draft
    }

    fn inherit(&mut self, draft: &mut Draft<'a>, parent: &Draft<'a>) {
        draft.sound &= parent.sound;
        for name in parent.interface.extends.iter().chain([&parent.interface.api_name]) {
            if !draft.interface.extends.contains(name) {
                draft.interface.extends.push(name.clone());
            }
        }
        for property in &parent.interface.properties {
            match draft.interface.property(property.api_name.as_str()) {
                Err(_) => push(&mut draft.interface, property.clone()),
                Ok((_, same)) if same.data_type == property.data_type && same.required == property.required => {}
                Ok(_) => self.faults.push(conflict("property", &property.api_name)),
            }
        }
        for link in &parent.links {
            match draft.links.iter().find(|known| known.name == link.name) {
                None => draft.links.push(link),
                Some(same) if *same == *link => {}
                Some(_) => self.faults.push(conflict("link", &link.name)),
            }
        }
        for action in &parent.actions {
            if !draft.actions.contains(action) {
                draft.actions.push(action);
            }
        }
    }
}

fn empty<'a>(new: &NewInterface) -> Draft<'a> {
    Draft {
        interface: Interface {
            api_name: new.name.clone(),
            properties: Vec::new(),
            names: Arc::new([]),
            extends: Vec::new(),
            implementers: Vec::new(),
            status: new.status.clone(),
            by_name: HashMap::new(),
        },
        links: Vec::new(),
        actions: Vec::new(),
        sound: true,
    }
}

fn push(interface: &mut Interface, property: InterfaceProperty) {
    interface.by_name.insert(property.api_name.clone(), interface.properties.len());
    interface.properties.push(property);
}

fn conflict(noun: &'static str, name: &ApiName) -> Error {
    Error::invalid(
        "ontology.interface.conflict",
        format!("two of the interfaces it extends define this {noun} differently"),
    )
    .with("name", name)
}

/// The names a mapping gives that are not expected.
pub(super) fn strangers<'m>(
    mapping: &'m BTreeMap<ApiName, ApiName>,
    expected: &HashSet<&ApiName>,
) -> impl Iterator<Item = &'m ApiName> {
    mapping.keys().filter(|name| !expected.contains(name))
}

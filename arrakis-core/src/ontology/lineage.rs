//! Which element of the version before each element descends from: the one of its name, or the one it was renamed from.

use std::collections::{HashMap, HashSet};

use super::{ElementKind, ElementPath, NewChanges, NewOntology, NewProperty};
use crate::{ApiName, Error, Result};

/// The descent of the elements of a definition from those of another.
#[derive(Debug)]
pub(super) struct Lineage<'a> {
    base: Elements<'a>,
    /// New path to old path.
    moved: HashMap<ElementPath, ElementPath>,
    /// Old paths whose elements have another name now.
    left: HashSet<ElementPath>,
}

type Elements<'a> = HashMap<(ElementKind, &'a ApiName), HashSet<&'a ApiName>>;

impl<'a> Lineage<'a> {
    /// Reads the renames of a definition.
    ///
    /// # Errors
    /// `ontology.path.malformed`; `ontology.moved.kind` for a rename across kinds or types; `ontology.moved.from` and
    /// `ontology.moved.to` for names that are not where they must be; `ontology.moved.twice`. Each with the path of the entry.
    pub(super) fn new(base: &'a NewOntology, definition: &NewOntology, changes: &NewChanges) -> Result<Self> {
        let target = elements(definition);
        let mut lineage = Self { base: elements(base), moved: HashMap::new(), left: HashSet::new() };
        let mut properties = Vec::new();
        for (index, moved) in changes.moved.iter().enumerate() {
            let at = |name: &'static str| move |e: Error| e.at(name).at(format!("changes.moved[{index}]"));
            let from: ElementPath = moved.from.parse().map_err(at("from"))?;
            let to: ElementPath = moved.to.parse().map_err(at("to"))?;
            if from.kind != to.kind || from.property.is_some() != to.property.is_some() {
                return Err(at("to")(refused("ontology.moved.kind", "a rename stays within its kind")));
            }
            if !contains(&lineage.base, &from) {
                return Err(at("from")(refused("ontology.moved.from", "the version before has no such element")));
            }
            if !contains(&target, &to) {
                return Err(at("to")(refused("ontology.moved.to", "this version has no such element")));
            }
            if from == to || !lineage.left.insert(from.clone()) || lineage.moved.contains_key(&to) {
                return Err(at("from")(refused("ontology.moved.twice", "an element is renamed once, to another name")));
            }
            if to.property.is_some() {
                properties.push((index, from.clone(), to.clone()));
            }
            lineage.moved.insert(to, from);
        }
        for (to, from) in &lineage.moved {
            for (path, side, elements, vacated) in [
                (to, "ontology.moved.to", &lineage.base, lineage.left.contains(to)),
                (from, "ontology.moved.from", &target, lineage.moved.contains_key(from)),
            ] {
                // The name of a property counts within its type, which may have been renamed itself.
                if path.property.is_none() && !vacated && contains(elements, path) {
                    return Err(refused(
                        side,
                        "both versions have an element of this name, which is not renamed itself",
                    )
                    .with("path", path)
                    .at("changes.moved"));
                }
            }
        }
        for (index, from, to) in properties {
            let same_type = lineage.element(to.kind, &to.name) == Some(&from.name);
            if !same_type {
                return Err(refused("ontology.moved.kind", "a property is renamed within its type")
                    .at(format!("changes.moved[{index}].to")));
            }
            let old_name_of_to = ElementPath { name: from.name.clone(), ..to.clone() };
            let new_name_of_from = ElementPath { name: to.name.clone(), ..from.clone() };
            let taken = contains(&lineage.base, &old_name_of_to) && !lineage.left.contains(&old_name_of_to);
            let kept = contains(&target, &new_name_of_from) && !lineage.moved.contains_key(&new_name_of_from);
            if taken || kept {
                return Err(refused(
                    if taken { "ontology.moved.to" } else { "ontology.moved.from" },
                    "both versions have a property of this name, which is not renamed itself",
                )
                .at(format!("changes.moved[{index}]")));
            }
        }
        Ok(lineage)
    }

    /// The old name of an element.
    pub(super) fn element<'s>(&'s self, kind: ElementKind, name: &'s ApiName) -> Option<&'s ApiName> {
        let path = ElementPath::of(kind, name.clone());
        if let Some(from) = self.moved.get(&path) {
            return Some(&from.name);
        }
        (self.base.contains_key(&(kind, name)) && !self.left.contains(&path)).then_some(name)
    }

    /// The old name of a property of an element that has the old name `old_element`.
    pub(super) fn property<'s>(
        &'s self,
        kind: ElementKind,
        (element, old_element): (&ApiName, &ApiName),
        name: &'s ApiName,
    ) -> Option<&'s ApiName> {
        if !self.moved.is_empty() {
            let path = ElementPath::of(kind, element.clone()).property(name.clone());
            if let Some(from) = self.moved.get(&path) {
                return from.property.as_ref();
            }
            if self.left.contains(&ElementPath::of(kind, old_element.clone()).property(name.clone())) {
                return None;
            }
        }
        self.base.get(&(kind, old_element)).is_some_and(|properties| properties.contains(name)).then_some(name)
    }
}

fn refused(code: &'static str, message: &'static str) -> Error {
    Error::invalid(code, message)
}

fn contains(elements: &Elements<'_>, path: &ElementPath) -> bool {
    elements
        .get(&(path.kind, &path.name))
        .is_some_and(|properties| path.property.as_ref().is_none_or(|property| properties.contains(property)))
}

fn elements(definition: &NewOntology) -> Elements<'_> {
    fn names(properties: &[NewProperty]) -> HashSet<&ApiName> {
        properties.iter().map(|property| &property.name).collect()
    }
    let none = HashSet::new;
    let value_types = definition.value_types.iter().map(|new| ((ElementKind::ValueType, &new.name), none()));
    let shared = definition.shared_properties.iter().map(|new| ((ElementKind::SharedProperty, &new.name), none()));
    let interfaces =
        definition.interfaces.iter().map(|new| ((ElementKind::Interface, &new.name), names(&new.properties)));
    let object_types =
        definition.object_types.iter().map(|new| ((ElementKind::ObjectType, &new.name), names(&new.properties)));
    let link_types =
        definition.link_types.iter().map(|new| ((ElementKind::LinkType, &new.name), names(&new.properties)));
    let action_types = definition.action_types.iter().map(|new| ((ElementKind::ActionType, &new.name), none()));
    value_types.chain(shared).chain(interfaces).chain(object_types).chain(link_types).chain(action_types).collect()
}

//! How object types implement interfaces: every property, link and action asked for is there and fits.

use std::collections::{HashMap, HashSet};

use super::interface::{Draft, strangers};
use super::limit::PARENTS_MAX;
use super::property::is_unknown;
use super::{Compiler, duplicate_name, unknown_name};
use crate::ontology::{
    Implementation, InterfaceProperty, NewActionType, NewImplementation, NewLinkConstraint, NewObjectType,
    NewParameter, ObjectType, Property,
};
use crate::{ApiName, Error, Result};

/// What is known when implementations are judged.
#[derive(Debug)]
pub(super) struct Known<'a, 'd> {
    pub(super) drafts: &'d HashMap<&'a ApiName, Draft<'a>>,
    /// For each link type, by its number, the far type and cardinality of either side: `[source, target]`.
    pub(super) link_types: &'d HashMap<crate::LinkTypeId, &'a crate::ontology::NewLinkType>,
    /// Object types by name, as the document states them.
    pub(super) object_types: &'d HashMap<&'a ApiName, &'a NewObjectType>,
}

impl<'a> Compiler<'a> {
    pub(super) fn implementations(&mut self, new: &NewObjectType, object_type: &mut ObjectType, known: &Known<'a, '_>) {
        let mut declared = HashSet::new();
        let mut found: Vec<Implementation> = Vec::new();
        for (index, implementation) in new.implements.iter().take(PARENTS_MAX).enumerate() {
            let mark = self.faults.mark();
            if !declared.insert(&implementation.interface) {
                self.faults.push(duplicate_name("interface", &implementation.interface).at("interface"));
            } else if let Some(draft) = known.drafts.get(&implementation.interface) {
                if draft.sound {
                    self.implementation(implementation, object_type, (draft, known), &mut found);
                }
            } else {
                let unknown = unknown_name("ontology.interface.unknown", "interface", &implementation.interface);
                self.faults.push(unknown.at("interface"));
            }
            self.faults.at(mark, || format!("implements[{index}]"));
        }
        object_type.interfaces = found;
    }

    fn implementation(
        &mut self,
        new: &NewImplementation,
        object_type: &ObjectType,
        (draft, known): (&Draft<'a>, &Known<'a, '_>),
        found: &mut Vec<Implementation>,
    ) {
        self.mapped_names(new, draft);
        let mark = self.faults.mark();
        let mut by_name = HashMap::new();
        for property in &draft.interface.properties {
            let own = own_property(new, object_type, property).map_err(|e| e.at("properties"));
            if let Some(index) = self.faults.take(own) {
                by_name.insert(&property.api_name, index);
            }
        }
        for constraint in &draft.links {
            let fits = own_link(new, object_type, constraint, known).map_err(|e| e.at("links"));
            self.faults.take(fits);
        }
        for action in &draft.actions {
            let own = new.actions.get(*action).unwrap_or(action);
            let offers = self.definition.action_types.iter().find(|action_type| action_type.name == *own);
            let fits = match offers {
                None => Err(unknown_name("ontology.action_type.unknown", "action type", own)),
                Some(offered) if acts_on(offered, object_type, draft) => Ok(()),
                Some(_) => Err(Error::invalid(
                    "ontology.implementation.action",
                    "the action type has no parameter of the implementing type",
                )
                .with("action_type", own)),
            };
            self.faults.take(fits.map_err(|e| e.with("interface_action", *action).at("actions")));
        }
        if !self.faults.is_clean_since(mark) {
            return;
        }
        for name in draft.interface.extends.iter().chain([&draft.interface.api_name]) {
            let Some(implemented) = known.drafts.get(name) else { continue };
            let properties =
                implemented.interface.properties.iter().filter_map(|property| by_name.get(&property.api_name).copied());
            let implementation = Implementation { interface: name.clone(), properties: properties.collect() };
            match found.iter().find(|earlier| earlier.interface == *name) {
                None => found.push(implementation),
                Some(earlier) if *earlier == implementation => {}
                Some(_) => self.faults.push(
                    Error::invalid(
                        "ontology.implementation.conflict",
                        "the interface is implemented twice, by different properties",
                    )
                    .with("interface", name)
                    .at("properties"),
                ),
            }
        }
    }

    fn mapped_names(&mut self, new: &NewImplementation, draft: &Draft<'a>) {
        let properties = draft.interface.properties.iter().map(|property| &property.api_name).collect();
        let links = draft.links.iter().map(|link| &link.name).collect();
        let actions = draft.actions.iter().copied().collect();
        for (mapping, expected, path) in [
            (&new.properties, properties, "properties"),
            (&new.links, links, "links"),
            (&new.actions, actions, "actions"),
        ] {
            for stranger in strangers(mapping, &expected) {
                self.faults.push(
                    Error::invalid("ontology.implementation.unknown", "the interface has nothing of this name")
                        .with("name", stranger)
                        .at(stranger)
                        .at(path),
                );
            }
        }
    }
}

/// Whether some parameter of the action type is an object of the type, of the interface or of one it extends.
fn acts_on(offered: &NewActionType, object_type: &ObjectType, draft: &Draft<'_>) -> bool {
    offered.parameters.iter().filter_map(NewParameter::objects).any(|name| {
        *name == object_type.api_name || *name == draft.interface.api_name || draft.interface.extends.contains(name)
    })
}

fn own_property(new: &NewImplementation, object_type: &ObjectType, wanted: &InterfaceProperty) -> Result<usize> {
    let name = new.properties.get(&wanted.api_name).unwrap_or(&wanted.api_name);
    let misfit = |message: &'static str| {
        Err(Error::invalid("ontology.implementation.property", message)
            .with("interface_property", &wanted.api_name)
            .with("property", name))
    };
    let Some(index) = object_type.index_of(name.as_str()) else {
        return misfit("the type has no such property, which the interface asks for");
    };
    let own: &Property = object_type
        .properties
        .get(index)
        .ok_or_else(|| Error::internal("schema.inconsistent", "a type without one of its properties"))?;
    if is_unknown(&own.data_type.base) {
        return Ok(index);
    }
    if own.data_type.base != wanted.data_type.base {
        return misfit("the property is of another type than the interface's");
    }
    if wanted.required && !own.required {
        return misfit("the property is required by the interface");
    }
    if !wanted.data_type.constraints.iter().all(|constraint| own.data_type.constraints.contains(constraint)) {
        return misfit("the property lacks a constraint of the interface's");
    }
    Ok(index)
}

fn own_link(
    new: &NewImplementation,
    object_type: &ObjectType,
    wanted: &NewLinkConstraint,
    known: &Known<'_, '_>,
) -> Result<()> {
    let name = new.links.get(&wanted.name).unwrap_or(&wanted.name);
    let misfit = |message: &'static str| {
        Err(Error::invalid("ontology.implementation.link", message)
            .with("interface_link", &wanted.name)
            .with("link", name))
    };
    let Some(side) = object_type.sides.iter().find(|side| side.api_name == *name) else {
        return if wanted.required || new.links.contains_key(&wanted.name) {
            misfit("the type has no such link, which the interface asks for")
        } else {
            Ok(())
        };
    };
    let Some(link_type) = known.link_types.get(&side.link_type) else { return Ok(()) };
    if super::link_type::new_side(link_type, side.end).cardinality != wanted.cardinality {
        return misfit("the link has another cardinality than the interface's");
    }
    let far = &super::link_type::new_side(link_type, side.end.far()).object_type;
    let implements = known.object_types.get(far).is_some_and(|far| {
        far.implements.iter().any(|implementation| {
            implementation.interface == wanted.target
                || known
                    .drafts
                    .get(&implementation.interface)
                    .is_some_and(|draft| draft.interface.extends.contains(&wanted.target))
        })
    });
    if *far == wanted.target || implements {
        return Ok(());
    }
    misfit("the link leads to another type than the interface's")
}

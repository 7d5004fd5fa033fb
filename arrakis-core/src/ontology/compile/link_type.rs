//! Link types: their ends, their backing, their properties.

use std::collections::HashMap;

use super::limit::{DESCRIPTION_LEN_MAX, text};
use super::property::{OF_LINK, is_unknown};
use super::{Compiler, duplicate_name, unknown_name, unnumbered};
use crate::ontology::{
    Backing, Cardinality, End, Index, LinkSide, LinkType, NewForeignKey, NewLinkSide, NewLinkType, ObjectType,
    OnDelete, Side,
};
use crate::{ApiName, Error, LinkTypeId, ObjectTypeId};

impl Compiler<'_> {
    /// The link types. Object types get their sides and the index of each foreign key.
    pub(super) fn link_types(
        &mut self,
        object_types: &mut [ObjectType],
        by_name: &HashMap<&ApiName, usize>,
    ) -> Vec<LinkType> {
        let mut link_types = Vec::with_capacity(self.definition.link_types.len());
        for (index, new) in self.definition.link_types.iter().enumerate() {
            let mark = self.faults.mark();
            link_types.push(self.link_type(new, object_types, by_name));
            self.faults.at(mark, || format!("link_types[{index}]"));
        }
        link_types
    }

    fn link_type(
        &mut self,
        new: &NewLinkType,
        object_types: &mut [ObjectType],
        by_name: &HashMap<&ApiName, usize>,
    ) -> LinkType {
        text(&mut self.faults, "description", new.description.as_ref(), DESCRIPTION_LEN_MAX);
        let numbers = self.numbering.link_types.get(&new.name);
        let id = LinkTypeId(numbers.map_or(0, |numbers| numbers.id));
        if numbers.is_none() {
            self.faults.push(unnumbered(&new.name));
        }
        let source = self.end(&new.source, (End::Source, id), object_types, by_name);
        let target = self.end(&new.target, (End::Target, id), object_types, by_name);
        let backing = match &new.foreign_key {
            None => {
                if new.on_delete == OnDelete::Cascade {
                    self.faults.push(on_delete("only a link type with a foreign key deletes the holders too"));
                }
                Backing::Join
            }
            Some(foreign_key) => {
                if !new.properties.is_empty() {
                    self.faults.push(
                        Error::invalid(
                            "ontology.link_type.properties",
                            "links held by a foreign key have no properties",
                        )
                        .at("properties"),
                    );
                }
                let ends = [new_side(new, foreign_key.holder), new_side(new, foreign_key.holder.far())];
                let [holder, far] = ends.map(|side| by_name.get(&side.object_type).copied());
                let mark = self.faults.mark();
                let property = holder.zip(far).and_then(|ends| self.foreign_key(new, foreign_key, object_types, ends));
                self.faults.at(mark, || "foreign_key".to_owned());
                let held = holder.zip(property).and_then(|(of, index)| object_types.get(of)?.properties.get(index));
                if new.on_delete == OnDelete::Unlink && held.is_some_and(|held| held.required) {
                    self.faults.push(on_delete("a required foreign key cannot be set to null: restrict or cascade"));
                }
                Backing::ForeignKey { holder: foreign_key.holder, property: property.unwrap_or(0) }
            }
        };
        let (properties, by_name) = self.properties(&new.properties, numbers, OF_LINK);
        LinkType {
            id,
            api_name: new.name.clone(),
            source,
            target,
            backing,
            names: properties.iter().map(|property| property.api_name.clone()).collect(),
            properties,
            on_delete: new.on_delete,
            status: new.status.clone(),
            by_name,
        }
    }

    fn end(
        &mut self,
        new: &NewLinkSide,
        (end, link_type): (End, LinkTypeId),
        object_types: &mut [ObjectType],
        by_name: &HashMap<&ApiName, usize>,
    ) -> LinkSide {
        let path = if end == End::Source { "source" } else { "target" };
        let object_type = by_name.get(&new.object_type).and_then(|index| object_types.get_mut(*index));
        let id = match object_type {
            None => {
                let unknown = unknown_name("ontology.object_type.unknown", "object type", &new.object_type);
                self.faults.push(unknown.at("object_type").at(path));
                ObjectTypeId(0)
            }
            Some(object_type) => {
                let taken = object_type.by_name.contains_key(&new.name)
                    || object_type.sides.iter().any(|side| side.api_name == new.name);
                if taken {
                    let fault = duplicate_name("property or link", &new.name)
                        .with("object_type", &object_type.api_name)
                        .at("name");
                    self.faults.push(fault.at(path));
                }
                object_type.sides.push(Side { api_name: new.name.clone(), link_type, end });
                object_type.id
            }
        };
        LinkSide { object_type: id, api_name: new.name.clone(), cardinality: new.cardinality }
    }

    fn foreign_key(
        &mut self,
        new: &NewLinkType,
        foreign_key: &NewForeignKey,
        object_types: &mut [ObjectType],
        (holder, far): (usize, usize),
    ) -> Option<usize> {
        let far_key = object_types.get(far)?.key_property().ok()?.data_type.base.clone();
        let holder_type = object_types.get_mut(holder)?;
        let Some(property) = holder_type.index_of(foreign_key.property.as_str()) else {
            let unknown = unknown_name("ontology.property.unknown", "property", &foreign_key.property);
            self.faults.push(unknown.with("object_type", &holder_type.api_name).at("property"));
            return None;
        };
        let held = holder_type.properties.get(property)?;
        let base = &held.data_type.base;
        if !is_unknown(base) && !is_unknown(&far_key) && *base != far_key {
            self.faults.push(
                Error::invalid("ontology.link_type.foreign_key", "a foreign key is of the type of the key it names")
                    .with("expected", far_key.name())
                    .with("found", base.name())
                    .at("property"),
            );
        }
        if held.derived.is_some() {
            let refusal = Error::invalid("ontology.link_type.foreign_key", "a foreign key is not derived");
            self.faults.push(refusal.at("property"));
        }
        if new_side(new, foreign_key.holder).cardinality != Cardinality::One {
            self.faults.push(
                Error::invalid(
                    "ontology.link_type.holder_cardinality",
                    "the holder of a foreign key has one such link: its side's cardinality is one",
                )
                .at("holder"),
            );
        }
        let leads = holder_type.indexes.iter().any(|index| index.properties == [property]);
        if !leads && property != holder_type.primary_key {
            holder_type.indexes.push(Index { properties: vec![property], unique: false });
        }
        Some(property)
    }
}

pub(super) const fn new_side(new: &NewLinkType, end: End) -> &NewLinkSide {
    match end {
        End::Source => &new.source,
        End::Target => &new.target,
    }
}

fn on_delete(message: &'static str) -> Error {
    Error::invalid("ontology.link_type.on_delete", message).at("on_delete")
}

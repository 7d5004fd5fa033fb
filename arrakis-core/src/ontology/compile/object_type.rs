//! Object types: key, title, properties, indexes.

use std::collections::{HashMap, HashSet};

use super::limit::{
    COLUMNS_MAX, DESCRIPTION_LEN_MAX, GROUPS_MAX, INDEX_PROPERTIES_MAX, INDEXES_MAX, LABEL_LEN_MAX, PARENTS_MAX,
    PROPERTIES_MAX, at_most, text,
};
use super::property::{OF_OBJECT, check_derived, is_unknown};
use super::{Compiler, duplicate_name, unknown_name, unnumbered};
use crate::ontology::{ElementNumbers, Index, NewObjectType, ObjectType, Property};
use crate::{ApiName, BaseType, Error, ObjectTypeId, Result};

impl Compiler<'_> {
    pub(super) fn object_types(&mut self) -> Vec<ObjectType> {
        let mut object_types = Vec::with_capacity(self.definition.object_types.len());
        for (index, new) in self.definition.object_types.iter().enumerate() {
            let mark = self.faults.mark();
            object_types.push(self.object_type(new));
            self.faults.at(mark, || format!("object_types[{index}]"));
        }
        object_types
    }

    fn object_type(&mut self, new: &NewObjectType) -> ObjectType {
        self.labels(new);
        let numbers = self.numbering.object_types.get(&new.name);
        let id = numbers.map_or(0, |numbers| numbers.id);
        if numbers.is_none() {
            self.faults.push(unnumbered(&new.name));
        }
        let (properties, by_name) = self.properties(&new.properties, numbers, OF_OBJECT);
        check_derived(&properties, &by_name, &mut self.faults);
        let mut object_type = ObjectType {
            id: ObjectTypeId(id),
            api_name: new.name.clone(),
            primary_key: 0,
            title: None,
            names: properties.iter().map(|property| property.api_name.clone()).collect(),
            properties,
            indexes: Vec::new(),
            sides: Vec::new(),
            interfaces: Vec::new(),
            status: new.status.clone(),
            by_name,
        };
        let key = primary_key(&object_type, &new.primary_key).map_err(|e| e.at("primary_key"));
        object_type.primary_key = self.faults.take(key).unwrap_or(0);
        if let Some(key) = object_type.properties.get_mut(object_type.primary_key) {
            key.required = true;
        }
        if let Some(title) = &new.title {
            let title = title_of(&object_type, title).map_err(|e| e.at("title"));
            object_type.title = self.faults.take(title);
        }
        self.indexes(new, &mut object_type);
        object_type
    }

    /// The properties of a type and their indexes by name.
    pub(super) fn properties(
        &mut self,
        new: &[crate::ontology::NewProperty],
        numbers: Option<&ElementNumbers>,
        kind: super::property::Kind,
    ) -> (Vec<Property>, HashMap<ApiName, usize>) {
        if !at_most(&mut self.faults, "properties", new.len(), PROPERTIES_MAX) {
            return (Vec::new(), HashMap::new());
        }
        if let Some(column) = numbers.map(|numbers| numbers.next_column).filter(|column| *column > COLUMNS_MAX) {
            at_most(&mut self.faults, "columns", column as usize, COLUMNS_MAX as usize);
        }
        let (mut properties, mut by_name) = (Vec::with_capacity(new.len()), HashMap::with_capacity(new.len()));
        for (index, property) in new.iter().enumerate() {
            let mark = self.faults.mark();
            let property_numbers = numbers.and_then(|numbers| numbers.properties.get(&property.name));
            properties.push(self.property(property, property_numbers, kind));
            if by_name.insert(property.name.clone(), index).is_some() {
                self.faults.push(duplicate_name("property", &property.name).at("name"));
            }
            self.faults.at(mark, || format!("properties[{index}]"));
        }
        self.statuses("properties", new.iter().map(|property| (&property.name, &property.status)));
        (properties, by_name)
    }

    fn labels(&mut self, new: &NewObjectType) {
        text(&mut self.faults, "description", new.description.as_ref(), DESCRIPTION_LEN_MAX);
        text(&mut self.faults, "display_name", new.display_name.as_ref(), LABEL_LEN_MAX);
        text(&mut self.faults, "icon", new.icon.as_ref(), LABEL_LEN_MAX);
        let is_color = |color: &String| {
            color
                .strip_prefix('#')
                .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        if new.color.as_ref().is_some_and(|color| !is_color(color)) {
            self.faults.push(Error::invalid("ontology.object_type.color", "a color is written #rrggbb").at("color"));
        }
        at_most(&mut self.faults, "implements", new.implements.len(), PARENTS_MAX);
        at_most(&mut self.faults, "groups", new.groups.len(), GROUPS_MAX);
        let mut groups = HashSet::new();
        for (index, group) in new.groups.iter().enumerate() {
            if !groups.insert(group) {
                self.faults.push(duplicate_name("group", group).at(format!("groups[{index}]")));
            }
        }
    }

    fn indexes(&mut self, new: &NewObjectType, object_type: &mut ObjectType) {
        for (index, property) in new.properties.iter().enumerate() {
            if (property.unique || property.indexed) && index != object_type.primary_key {
                object_type.indexes.push(Index { properties: vec![index], unique: property.unique });
            }
        }
        if !at_most(&mut self.faults, "indexes", new.indexes.len(), INDEXES_MAX) {
            return;
        }
        let mut seen = HashSet::new();
        for (index, names) in new.indexes.iter().enumerate() {
            let resolved = composite(object_type, names).and_then(|properties| {
                if seen.insert(properties.clone()) {
                    Ok(properties)
                } else {
                    Err(Error::invalid("ontology.index.duplicate", "the index is listed twice"))
                }
            });
            let Some(properties) = self.faults.take(resolved.map_err(|e| e.at(format!("indexes[{index}]")))) else {
                continue;
            };
            if !object_type.indexes.iter().any(|index| index.properties == properties) {
                object_type.indexes.push(Index { properties, unique: false });
            }
        }
    }
}

fn named<'a>(object_type: &'a ObjectType, name: &ApiName) -> Result<(usize, &'a Property)> {
    object_type
        .index_of(name.as_str())
        .and_then(|index| Some((index, object_type.properties.get(index)?)))
        .ok_or_else(|| unknown_name("ontology.property.unknown", "property", name))
}

fn primary_key(object_type: &ObjectType, name: &ApiName) -> Result<usize> {
    let (index, property) = named(object_type, name)?;
    let base = &property.data_type.base;
    let refusal = if !is_unknown(base) && !matches!(base, BaseType::String | BaseType::Integer) {
        "a primary key is a string or an integer"
    } else if property.derived.is_some() {
        "a primary key is not derived"
    } else if property.default.is_some() {
        "a primary key has no default"
    } else {
        return Ok(index);
    };
    Err(Error::invalid("ontology.object_type.primary_key", refusal).with("property", name).with("type", base.name()))
}

fn title_of(object_type: &ObjectType, name: &ApiName) -> Result<usize> {
    let (index, property) = named(object_type, name)?;
    let base = &property.data_type.base;
    if is_unknown(base) || base.is_text() {
        return Ok(index);
    }
    Err(Error::invalid("ontology.object_type.title", "a title is a string")
        .with("property", name)
        .with("type", base.name()))
}

fn composite(object_type: &ObjectType, names: &[ApiName]) -> Result<Vec<usize>> {
    if names.is_empty() || names.len() > INDEX_PROPERTIES_MAX {
        return Err(Error::invalid("ontology.limit", "an index is over 1 to 8 properties")
            .with("limit", "index properties")
            .with("count", names.len())
            .with("max", INDEX_PROPERTIES_MAX));
    }
    let mut properties = Vec::with_capacity(names.len());
    for (position, name) in names.iter().enumerate() {
        let at = |e: Error| e.at(format!("[{position}]"));
        let (index, property) = named(object_type, name).map_err(at)?;
        let base = &property.data_type.base;
        if !is_unknown(base) && !base.is_scalar() {
            return Err(at(Error::invalid("ontology.property.misfit", "an index is over values that compare")
                .with("type", base.name())));
        }
        if properties.contains(&index) {
            return Err(at(duplicate_name("property", name)));
        }
        properties.push(index);
    }
    Ok(properties)
}

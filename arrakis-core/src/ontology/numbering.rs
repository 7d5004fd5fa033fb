//! The identities of elements: numbers given once, kept through renames, never given again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::compile::{self, Compiled};
use super::lineage::Lineage;
use super::{Backing, ElementKind, ElementPath, LinkType, NewOntology, NewProperty, ObjectType, Property, Schema};
use crate::{ApiName, BaseType, Error, ObjectTypeId, Result};

/// The identities of a space's elements, carried from version to version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Numbering {
    /// The next object type's number.
    pub next_object_type: u32,
    /// The next link type's number.
    pub next_link_type: u32,
    /// Object types by name.
    pub object_types: BTreeMap<ApiName, ElementNumbers>,
    /// Link types by name.
    pub link_types: BTreeMap<ApiName, ElementNumbers>,
    /// Paths of deleted elements, whose names may not come back: a reader of old data would mistake one for the other.
    pub retired: BTreeSet<String>,
}

/// The identities of an object or link type and its properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ElementNumbers {
    /// The type's number.
    pub id: u32,
    /// The next property's number.
    pub next_property: u32,
    /// The next column's number.
    pub next_column: u32,
    /// Property name to number and column.
    pub properties: BTreeMap<ApiName, (u32, u32)>,
}

impl ElementNumbers {
    fn new(id: u32) -> Self {
        Self { id, next_property: 1, next_column: 1, properties: BTreeMap::new() }
    }

    fn add(&mut self, name: &ApiName) {
        let numbers = (take(&mut self.next_property), take(&mut self.next_column));
        self.properties.insert(name.clone(), numbers);
    }

    fn keep(&mut self, name: &ApiName, (id, column): (u32, u32), same_storage: bool) {
        let column = if same_storage { column } else { take(&mut self.next_column) };
        self.properties.insert(name.clone(), (id, column));
    }
}

fn take(next: &mut u32) -> u32 {
    let number = *next;
    *next += 1;
    number
}

impl Numbering {
    /// The numbers of a definition that follows `base`, or is the first. What descends from an element of the base, by name or by
    /// rename, keeps its number; a property whose stored form changes gets a new column; a type with another primary key, and a link
    /// type kept elsewhere or between other types, is a new one.
    ///
    /// # Errors
    /// As [`Schema::compile`]; as a rename is refused, `ontology.moved.*`; `ontology.name.retired` for a name that was deleted before.
    pub fn assign(base: Option<&Schema>, definition: &NewOntology) -> Result<Self> {
        let sketch = Self::sketch(definition);
        let Some(base) = base else { return Ok(sketch) };
        let lineage = Lineage::new(&base.definition, definition, &definition.changes)?;
        let compiled = compile::resolve(definition, &sketch)?;
        Successor { base, lineage, numbering: Self { retired: BTreeSet::new(), ..base.numbering.clone() } }
            .run(&compiled)
    }

    /// The numbers of a first version.
    pub(super) fn sketch(definition: &NewOntology) -> Self {
        fn number<'a>(
            elements: impl Iterator<Item = (&'a ApiName, &'a [NewProperty])>,
        ) -> (u32, BTreeMap<ApiName, ElementNumbers>) {
            let (mut next, mut numbered) = (1, BTreeMap::new());
            for (name, properties) in elements {
                let mut numbers = ElementNumbers::new(take(&mut next));
                for property in properties {
                    numbers.add(&property.name);
                }
                numbered.insert(name.clone(), numbers);
            }
            (next, numbered)
        }
        let (next_object_type, object_types) =
            number(definition.object_types.iter().map(|new| (&new.name, new.properties.as_slice())));
        let (next_link_type, link_types) =
            number(definition.link_types.iter().map(|new| (&new.name, new.properties.as_slice())));
        Self { next_object_type, next_link_type, object_types, link_types, retired: BTreeSet::new() }
    }
}

struct Successor<'a> {
    base: &'a Schema,
    lineage: Lineage<'a>,
    numbering: Numbering,
}

impl Successor<'_> {
    fn run(mut self, compiled: &Compiled) -> Result<Numbering> {
        self.numbering.object_types = BTreeMap::new();
        self.numbering.link_types = BTreeMap::new();
        let mut ids = HashMap::new();
        let mut living = (BTreeMap::new(), BTreeMap::new());
        for new in &compiled.object_types {
            let old = self.lineage.element(ElementKind::ObjectType, &new.api_name);
            let old = old.and_then(|name| self.base.object_type(name.as_str()).ok().cloned());
            let numbers = self.object_type(new, old.as_deref())?;
            ids.insert(new.id, numbers.id);
            if let Some(old) = old {
                living.0.insert(old.api_name.clone(), new.api_name.clone());
            }
            self.numbering.object_types.insert(new.api_name.clone(), numbers);
        }
        for new in &compiled.link_types {
            let old = self.lineage.element(ElementKind::LinkType, &new.api_name);
            let old = old.and_then(|name| self.base.link_type(name.as_str()).ok().cloned());
            let numbers = self.link_type(new, old.as_deref(), &ids)?;
            if let Some(old) = old {
                living.1.insert(old.api_name.clone(), new.api_name.clone());
            }
            self.numbering.link_types.insert(new.api_name.clone(), numbers);
        }
        self.retire(&living.0, &living.1);
        Ok(self.numbering)
    }

    fn object_type(&mut self, new: &ObjectType, old: Option<&ObjectType>) -> Result<ElementNumbers> {
        let path = ElementPath::of(ElementKind::ObjectType, new.api_name.clone());
        let same = old.filter(|old| self.is_same_key(new, old));
        if old.is_none() {
            self.not_retired(&path)?;
        }
        let numbers = same.and_then(|old| self.base.numbering.object_types.get(&old.api_name));
        let Some(numbers) = numbers else {
            let id = take(&mut self.numbering.next_object_type);
            return self.fresh(id, &path, &new.properties, old.map(|old| &old.api_name));
        };
        let old = same.map(|old| (&old.api_name, old.properties.as_slice()));
        self.successor(numbers.clone(), &path, &new.properties, old)
    }

    fn link_type(
        &mut self,
        new: &LinkType,
        old: Option<&LinkType>,
        ids: &HashMap<ObjectTypeId, u32>,
    ) -> Result<ElementNumbers> {
        let path = ElementPath::of(ElementKind::LinkType, new.api_name.clone());
        if old.is_none() {
            self.not_retired(&path)?;
        }
        let end = |id: &ObjectTypeId| ids.get(id).copied().map(ObjectTypeId);
        let same = old.filter(|old| {
            matches!(old.backing, Backing::Join) == matches!(new.backing, Backing::Join)
                && end(&new.source.object_type) == Some(old.source.object_type)
                && end(&new.target.object_type) == Some(old.target.object_type)
        });
        let numbers = same.and_then(|old| self.base.numbering.link_types.get(&old.api_name));
        let Some(numbers) = numbers else {
            let id = take(&mut self.numbering.next_link_type);
            return self.fresh(id, &path, &new.properties, old.map(|old| &old.api_name));
        };
        let old = same.map(|old| (&old.api_name, old.properties.as_slice()));
        self.successor(numbers.clone(), &path, &new.properties, old)
    }

    fn is_same_key(&self, new: &ObjectType, old: &ObjectType) -> bool {
        let (Ok(new_key), Ok(old_key)) = (new.key_property(), old.key_property()) else { return false };
        let ancestor =
            self.lineage.property(ElementKind::ObjectType, (&new.api_name, &old.api_name), &new_key.api_name);
        ancestor == Some(&old_key.api_name) && new_key.data_type.base.is_stored_as(&old_key.data_type.base)
    }

    /// The numbers of a type that takes the place of none, or of one whose data it cannot take over.
    fn fresh(
        &self,
        id: u32,
        path: &ElementPath,
        properties: &[Property],
        old: Option<&ApiName>,
    ) -> Result<ElementNumbers> {
        let mut numbers = ElementNumbers::new(id);
        for property in properties {
            let is_new =
                old.is_none_or(|old| self.lineage.property(path.kind, (&path.name, old), &property.api_name).is_none());
            if is_new {
                self.not_retired(&path.property(property.api_name.clone()))?;
            }
            numbers.add(&property.api_name);
        }
        Ok(numbers)
    }

    fn successor(
        &mut self,
        mut numbers: ElementNumbers,
        path: &ElementPath,
        properties: &[Property],
        old: Option<(&ApiName, &[Property])>,
    ) -> Result<ElementNumbers> {
        let Some((old_name, old_properties)) = old else { return Ok(numbers) };
        let mut before = std::mem::take(&mut numbers.properties);
        let by_name: HashMap<&ApiName, &Property> =
            old_properties.iter().map(|property| (&property.api_name, property)).collect();
        for property in properties {
            let ancestor = self.lineage.property(path.kind, (&path.name, old_name), &property.api_name);
            if let Some((kept, old)) = ancestor.and_then(|name| Some((before.remove(name)?, by_name.get(name)?))) {
                let same_storage = property.data_type.base.is_stored_as(&old.data_type.base);
                numbers.keep(&property.api_name, kept, same_storage);
            } else {
                self.not_retired(&path.property(property.api_name.clone()))?;
                numbers.add(&property.api_name);
            }
        }
        for gone in before.into_keys() {
            // A name that another property was renamed to is in use.
            if !numbers.properties.contains_key(&gone) {
                self.numbering.retired.insert(path.property(gone).to_string());
            }
        }
        Ok(numbers)
    }

    fn not_retired(&self, path: &ElementPath) -> Result<()> {
        if self.base.numbering.retired.is_empty() {
            return Ok(());
        }
        // Retired properties are listed under the name their type had in the base.
        let old = self.lineage.element(path.kind, &path.name).unwrap_or(&path.name);
        let listed = ElementPath { name: old.clone(), ..path.clone() }.to_string();
        if self.base.numbering.retired.contains(&listed) {
            return Err(Error::invalid("ontology.name.retired", "the name was deleted before and may not come back")
                .with("name", path));
        }
        Ok(())
    }

    /// Carries the retired names over, under the present names of their types, and adds those of the types that are gone.
    fn retire(&mut self, object_types: &BTreeMap<ApiName, ApiName>, link_types: &BTreeMap<ApiName, ApiName>) {
        for retired in &self.base.numbering.retired {
            let Ok(path) = retired.parse::<ElementPath>() else { continue };
            let living = if path.kind == ElementKind::LinkType { link_types } else { object_types };
            match (&path.property, living.get(&path.name)) {
                (None, _) => self.numbering.retired.insert(retired.clone()),
                (Some(_), Some(name)) => {
                    self.numbering.retired.insert(ElementPath { name: name.clone(), ..path.clone() }.to_string())
                }
                (Some(_), None) => false,
            };
        }
        for (kind, base, living, now) in [
            (ElementKind::ObjectType, &self.base.numbering.object_types, object_types, &self.numbering.object_types),
            (ElementKind::LinkType, &self.base.numbering.link_types, link_types, &self.numbering.link_types),
        ] {
            let gone = base.keys().filter(|name| !living.contains_key(*name) && !now.contains_key(*name));
            self.numbering.retired.extend(gone.map(|name| ElementPath::of(kind, name.clone()).to_string()));
        }
    }
}

impl BaseType {
    /// Whether values of both types have one stored form, so that a column of one serves the other: constraints, the precision of a
    /// decimal and what a vector means aside.
    pub fn is_stored_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Decimal { scale, .. }, Self::Decimal { scale: other, .. }) => scale == other,
            (Self::Vector { dimension, .. }, Self::Vector { dimension: other, .. }) => dimension == other,
            (Self::Array(element), Self::Array(other)) => element.base.is_stored_as(&other.base),
            (Self::Struct(fields), Self::Struct(others)) => {
                fields.len() == others.len()
                    && fields.iter().zip(others).all(|(field, other)| {
                        field.api_name == other.api_name && field.data_type.base.is_stored_as(&other.data_type.base)
                    })
            }
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

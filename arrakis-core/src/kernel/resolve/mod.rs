//! Requests to plans: every name looked up, every value typed, every limit held. Pure, and the same for every store.

mod aggregate;
mod filter;
mod link;
mod names;
mod query;
mod set;
mod sight;

use std::sync::Arc;

pub(super) use self::aggregate::aggregate;
pub(super) use self::filter::Filters;
pub(super) use self::link::{LinksByEnds, history, links, neighbours, typed_ends};
use self::names::ObjectNames;
pub(super) use self::names::{Names, Side};
pub(super) use self::query::{ResolvedQuery, Selection, query};
pub(super) use self::sight::{Sight, masked};
use crate::access::Attributes;
use crate::kernel::Filter;
use crate::kernel::plan::Predicate;
use crate::ontology::{Backing, Cardinality, LinkType, ObjectType, Property, Schema};
use crate::{BaseType, Error, KEY_LEN_MAX, Key, Result};

/// A condition of a policy on objects of a type, with what it says of whoever acts. It sees every property.
///
/// # Errors
/// As [`Filters::resolve`], and what references answer.
pub(crate) fn resolve_condition(
    schema: &Schema,
    object_type: &ObjectType,
    filter: &Filter,
    actor: Attributes<'_>,
) -> Result<Predicate> {
    let sight = Sight::from(schema);
    Filters::new(sight).about(actor).resolve(&ObjectNames { sight, object_type, interface: None }, filter)
}

/// The type at the far end of links, of a compiled schema.
fn far_type<'a>(schema: &'a Schema, link_type: &LinkType, end: crate::ontology::End) -> Result<&'a Arc<ObjectType>> {
    object_type_at(schema, link_type, end.far())
}

/// The type at an end of links, of a compiled schema.
pub(super) fn object_type_at<'a>(
    schema: &'a Schema,
    link_type: &LinkType,
    end: crate::ontology::End,
) -> Result<&'a Arc<ObjectType>> {
    schema
        .object_type_by_id(link_type.side(end).object_type)
        .ok_or_else(|| Error::internal("schema.inconsistent", "a link type without its object type"))
}

/// A property of a type that holds the key of another object.
#[derive(Clone, Copy, Debug)]
pub(super) struct ForeignKey<'s> {
    pub(super) property: usize,
    pub(super) far_type: &'s Arc<ObjectType>,
    /// Whether each object at the far end is named by one at most.
    pub(super) is_exclusive: bool,
}

/// The foreign keys of a type.
pub(super) fn foreign_keys<'s>(schema: &'s Schema, object_type: &ObjectType) -> Result<Vec<ForeignKey<'s>>> {
    let mut held = Vec::new();
    for side in &object_type.sides {
        let Some(link_type) = schema.link_type_by_id(side.link_type) else { continue };
        match link_type.backing {
            Backing::ForeignKey { holder, property } if holder == side.end => {
                let far_type = object_type_at(schema, link_type, holder.far())?;
                let is_exclusive = link_type.side(holder.far()).cardinality == Cardinality::One;
                held.push(ForeignKey { property, far_type, is_exclusive });
            }
            Backing::ForeignKey { .. } | Backing::Join => {}
        }
    }
    Ok(held)
}

/// A property by its index, of a compiled schema.
fn property_at(properties: &[Property], index: usize) -> Result<&Property> {
    properties.get(index).ok_or_else(|| Error::internal("schema.inconsistent", "a type without one of its properties"))
}

/// A key as the type's primary key holds it: text and integers stand for each other where they are the same digits.
///
/// # Errors
/// As [`Key::read`].
pub(crate) fn key(object_type: &ObjectType, key: &Key) -> Result<Key> {
    match (&object_type.key_property()?.data_type.base, key) {
        (BaseType::Integer, Key::Integer(_)) => Ok(key.clone()),
        (BaseType::String, Key::String(text)) if !text.is_empty() && text.len() <= KEY_LEN_MAX => Ok(key.clone()),
        (base, Key::Integer(number)) => Key::read(base, &(*number).into()),
        (base, Key::String(text)) => Key::read(base, &(&**text).into()),
    }
}

/// Keys as the type's primary key holds them.
///
/// # Errors
/// As [`key`], with the position; `kernel.keys.too_many`.
pub(super) fn keys(object_type: &ObjectType, wanted: &[Key]) -> Result<Vec<Key>> {
    if wanted.len() > super::KEYS_MAX {
        return Err(Error::invalid("kernel.keys.too_many", "too many keys are asked for")
            .with("keys", wanted.len())
            .with("keys_max", super::KEYS_MAX)
            .at("keys"));
    }
    let typed = wanted.iter().enumerate();
    typed.map(|(index, wanted)| key(object_type, wanted).map_err(|e| e.at(format!("keys[{index}]")))).collect()
}

/// The types of values, when some of them are structs, whose fields JSON could not name without them.
pub(super) fn struct_types<'a>(bases: impl Iterator<Item = &'a BaseType> + Clone) -> Option<Arc<[BaseType]>> {
    fn has_struct(base: &BaseType) -> bool {
        match base {
            BaseType::Struct(_) => true,
            BaseType::Array(element) => has_struct(&element.base),
            _ => false,
        }
    }
    bases.clone().any(has_struct).then(|| bases.cloned().collect())
}

//! What names mean where a filter stands.

use std::sync::Arc;

use super::set::Shape;
use super::sight::Sight;
use super::{far_type, property_at};
use crate::ontology::{End, Implementation, Interface, LinkType, NewLinkConstraint, ObjectType, Schema};
use crate::{ApiName, BaseType, Error, Result};

/// What a filter is about.
pub(in crate::kernel) trait Names {
    /// The index and type of a value by its name.
    fn value(&self, name: &str) -> Result<(usize, &BaseType)>;

    /// Links by what the object calls their far end; `None` for links of an interface that the object's type does without.
    fn side(&self, name: &str) -> Result<Option<Side>>;
}

/// The end of a link type an object is at.
#[derive(Clone, Debug)]
pub(in crate::kernel) struct Side {
    pub(in crate::kernel) link_type: Arc<LinkType>,
    pub(in crate::kernel) end: End,
    pub(in crate::kernel) far_type: Arc<ObjectType>,
}

/// The names of an object type, or of an interface for the objects of a type that implements it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectNames<'a> {
    pub(super) sight: Sight<'a>,
    pub(super) object_type: &'a ObjectType,
    pub(super) interface: Option<&'a Interface>,
}

/// The names of a link type.
#[derive(Debug)]
pub(super) struct LinkNames<'a>(pub(super) &'a LinkType);

impl ObjectNames<'_> {
    /// The index and type of a property by its name, whether or not it may be read.
    pub(super) fn stored(&self, name: &str) -> Result<(usize, &BaseType)> {
        let Some(interface) = self.interface else {
            return self.object_type.property(name).map(|(index, property)| (index, &property.data_type.base));
        };
        let (position, _) = interface.property(name)?;
        let index = implementation(self.object_type, interface)?.properties.get(position).copied();
        let index = index.ok_or_else(|| Error::internal("schema.inconsistent", "an interface half implemented"))?;
        Ok((index, &property_at(&self.object_type.properties, index)?.data_type.base))
    }
}

impl Names for ObjectNames<'_> {
    fn value(&self, name: &str) -> Result<(usize, &BaseType)> {
        let found = self.stored(name)?;
        self.sight.check_property(self.object_type, found.0)?;
        Ok(found)
    }

    fn side(&self, name: &str) -> Result<Option<Side>> {
        let side = match self.interface {
            None => self.object_type.side(name)?,
            Some(interface) => {
                link_constraint(self.sight.schema, interface, name)?;
                let own = own_link_name(self.sight.schema, self.object_type, interface, name);
                match self.object_type.side(own) {
                    Ok(side) => side,
                    Err(_) => return Ok(None),
                }
            }
        };
        let link_type = self.sight.schema.link_type_by_id(side.link_type);
        let link_type =
            link_type.ok_or_else(|| Error::internal("schema.inconsistent", "a side without its link type"))?;
        self.sight.check_link(link_type)?;
        let far_type = Arc::clone(far_type(self.sight.schema, link_type, side.end)?);
        Ok(Some(Side { link_type: Arc::clone(link_type), end: side.end, far_type }))
    }
}

/// The names of a set whatever type its objects are of, for their types alone.
impl Names for Shape {
    fn value(&self, name: &str) -> Result<(usize, &BaseType)> {
        self.property(name).map(|(_, base)| (0, base))
    }

    fn side(&self, name: &str) -> Result<Option<Side>> {
        Err(Error::internal("kernel.shape.side", "a set of no type in particular has no links").with("link", name))
    }
}

impl Names for LinkNames<'_> {
    fn value(&self, name: &str) -> Result<(usize, &BaseType)> {
        self.0.property(name).map(|(index, property)| (index, &property.data_type.base))
    }

    fn side(&self, _: &str) -> Result<Option<Side>> {
        Err(Error::invalid("kernel.filter.no_links", "a link has no links of its own to filter by"))
    }
}

/// How a type implements an interface it is known to implement.
pub(super) fn implementation<'a>(object_type: &'a ObjectType, interface: &Interface) -> Result<&'a Implementation> {
    let found = object_type.interfaces.iter().find(|implementation| implementation.interface == interface.api_name);
    found.ok_or_else(|| Error::internal("schema.inconsistent", "an interface without one of its implementations"))
}

/// What an interface, or one it extends, says of a link.
///
/// # Errors
/// `kernel.link.unknown`, naming the link and the interface.
pub(super) fn link_constraint<'a>(
    schema: &'a Schema,
    interface: &Interface,
    name: &str,
) -> Result<&'a NewLinkConstraint> {
    let own_or_inherited =
        |candidate: &ApiName| *candidate == interface.api_name || interface.extends.contains(candidate);
    let declared = schema.definition.interfaces.iter().filter(|new| own_or_inherited(&new.name));
    let mut links = declared.flat_map(|new| &new.links);
    links.find(|link| link.name == *name).ok_or_else(|| {
        Error::invalid("kernel.link.unknown", "the interface has no such link")
            .with("link", name)
            .with("interface", &interface.api_name)
    })
}

fn own_link_name<'a>(schema: &'a Schema, object_type: &ObjectType, interface: &Interface, name: &'a str) -> &'a str {
    let covers = |declared: &ApiName| {
        *declared == interface.api_name
            || schema.interface(declared.as_str()).is_ok_and(|declared| declared.extends.contains(&interface.api_name))
    };
    let new = schema.definition.object_types.iter().find(|new| new.name == object_type.api_name);
    let implementations = new.into_iter().flat_map(|new| &new.implements);
    let mut mapped = implementations.filter(|new| covers(&new.interface)).filter_map(|new| new.links.get(name));
    mapped.next().map_or(name, ApiName::as_str)
}

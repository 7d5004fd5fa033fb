//! What the publication of a version does to data read before.

use super::{ElementNames, PublishedVersion};
use crate::ApiName;
use crate::ontology::{Backing, LinkType, NewImplementation, ObjectType, Property, Schema};

/// Tells what a consumer of an earlier version's data has to do about a version.
pub(super) fn published(before: Option<&Schema>, after: &Schema) -> PublishedVersion {
    let mut read_again = ElementNames::default();
    let mut gone = ElementNames::default();
    let unchanged = |object_type: &ObjectType| before.is_some_and(|before| same_objects(before, object_type));
    let again = after.object_types.iter().filter(|object_type| !unchanged(object_type));
    read_again.object_types = again.map(|object_type| object_type.api_name.clone()).collect();
    let unchanged = |link_type: &LinkType| before.is_some_and(|before| same_links((before, after), link_type));
    let again = after.link_types.iter().filter(|link_type| !unchanged(link_type));
    read_again.link_types = again.map(|link_type| link_type.api_name.clone()).collect();
    if let Some(before) = before {
        let names = before.object_types.iter().map(|object_type| &object_type.api_name);
        gone.object_types = names.filter(|name| after.object_type(name.as_str()).is_err()).cloned().collect();
        let names = before.link_types.iter().map(|link_type| &link_type.api_name);
        gone.link_types = names.filter(|name| after.link_type(name.as_str()).is_err()).cloned().collect();
    }
    PublishedVersion { version: after.version, read_again, gone }
}

/// Whether the objects of a type are stored and named as they were.
pub(super) fn same_objects(before: &Schema, after: &ObjectType) -> bool {
    before.object_type_by_id(after.id).is_some_and(|before| {
        before.api_name == after.api_name
            && before.primary_key == after.primary_key
            && same_properties(&before.properties, &after.properties)
    })
}

/// Whether the links of a type are stored and named as they were.
pub(super) fn same_links((before, after): (&Schema, &Schema), link_type: &LinkType) -> bool {
    let Some(old) = before.link_type_by_id(link_type.id) else { return false };
    let holder_is_same = match link_type.backing {
        Backing::Join => true,
        Backing::ForeignKey { holder, .. } => after
            .object_type_by_id(link_type.side(holder).object_type)
            .is_some_and(|holder| same_objects(before, holder)),
    };
    holder_is_same
        && old.api_name == link_type.api_name
        && old.backing == link_type.backing
        && old.source.object_type == link_type.source.object_type
        && old.target.object_type == link_type.target.object_type
        && same_properties(&old.properties, &link_type.properties)
}

/// Whether what interfaces mean for a type is what it was.
pub(super) fn same_interfaces(before: &Schema, after: &Schema, object_type: &ObjectType) -> bool {
    before.definition.interfaces == after.definition.interfaces
        && implemented(before, &object_type.api_name) == implemented(after, &object_type.api_name)
}

fn implemented<'s>(schema: &'s Schema, name: &ApiName) -> Option<&'s [NewImplementation]> {
    let new = schema.definition.object_types.iter().find(|new| new.name == *name);
    new.map(|new| new.implements.as_slice())
}

/// A publication rewrites a row only where one of these differs.
fn same_properties(before: &[Property], after: &[Property]) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).all(|(before, after)| {
            before.id == after.id
                && before.column == after.column
                && before.api_name == after.api_name
                && before.data_type == after.data_type
                && before.required == after.required
                && before.default == after.default
                && before.derived == after.derived
        })
}

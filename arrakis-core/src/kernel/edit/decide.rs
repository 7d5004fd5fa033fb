//! Edits to changes: every name looked up, every value typed and checked. Pure.

use std::sync::Arc;

use super::row::{Template, key_of, link_set, read, settable};
use super::{Edit, Expect, NewProperties};
use crate::commit::{COMMIT_CHANGES_MAX, LinkChange, LinkOp, LinkRef, ObjectChange, ObjectOp, ObjectRef};
use crate::kernel::LinkEnds;
use crate::kernel::resolve;
use crate::ontology::{Backing, LinkType, ObjectType, Property, Schema};
use crate::{Change, Error, ErrorKind, Key, Precondition, Result, Value};

/// What a write comes to.
#[derive(Debug, Default)]
pub(in crate::kernel) struct Decision {
    /// One change per edit.
    pub(in crate::kernel) changes: Vec<Change>,
    pub(in crate::kernel) preconditions: Vec<Precondition>,
    /// The edit each precondition comes from.
    pub(in crate::kernel) expected_by: Vec<usize>,
}

/// Decides edits under a schema.
///
/// # Errors
/// `kernel.write.*`, `kernel.*.unknown`, `kernel.property.*`, `kernel.key.*`, `value.*`, each with the path into the edits.
pub(in crate::kernel) fn decide(schema: &Schema, edits: &[Edit]) -> Result<Decision> {
    if edits.is_empty() {
        return Err(Error::invalid("kernel.write.empty", "a write has at least one edit").at("edits"));
    }
    if edits.len() > COMMIT_CHANGES_MAX {
        return Err(Error::invalid("kernel.write.too_large", "the write has too many edits")
            .with("edits", edits.len())
            .with("edits_max", COMMIT_CHANGES_MAX)
            .at("edits"));
    }
    let mut decision = Decision::default();
    for (index, edit) in edits.iter().enumerate() {
        let decided = Decider { schema, decision: &mut decision, index }.edit(edit);
        let change = decided.map_err(|e| e.at(format!("edits[{index}].{}", edit.name())))?;
        decision.changes.push(change);
    }
    Ok(decision)
}

struct Decider<'a> {
    schema: &'a Schema,
    decision: &'a mut Decision,
    index: usize,
}

impl<'a> Decider<'a> {
    fn edit(&mut self, edit: &Edit) -> Result<Change> {
        match edit {
            Edit::Create { object_type, properties } => {
                let object_type = self.object_type(object_type)?;
                let set = given(properties, |name| object_type.property(name))?;
                let (key, row) = new_row(object_type, set.into_iter())?;
                Ok(object_change(object_type, key, ObjectOp::Create { row }))
            }
            Edit::Upsert { object_type, properties, expect } => {
                let object_type = self.object_type(object_type)?;
                let mut set = given(properties, |name| object_type.property(name))?;
                let (key, row) = new_row(object_type, set.iter().cloned())?;
                set.retain(|(index, _)| *index != object_type.primary_key);
                self.expect(object_type, &key, *expect);
                Ok(object_change(object_type, key, ObjectOp::Upsert { row, set }))
            }
            Edit::Modify { object_type, key, properties, expect } => {
                let object_type = self.object_type(object_type)?;
                let key = resolve::key(object_type, key).map_err(|e| e.at("key"))?;
                let mut set = given(properties, |name| object_type.property(name))?;
                keep_key(object_type, &key, &mut set).map_err(|e| e.at("properties"))?;
                self.expect(object_type, &key, *expect);
                Ok(object_change(object_type, key, ObjectOp::Modify { set }))
            }
            Edit::Delete { object_type, key, expect } => {
                let object_type = self.object_type(object_type)?;
                let key = resolve::key(object_type, key).map_err(|e| e.at("key"))?;
                self.expect(object_type, &key, *expect);
                Ok(object_change(object_type, key, ObjectOp::Delete))
            }
            Edit::Link { link_type, source, target, properties, expect } => {
                let (link_type, ends) = self.link_type(link_type, source, target)?;
                let set = given(properties, |name| link_type.property(name))?;
                match link_type.backing {
                    Backing::Join => {
                        let row = Template::new(&link_type.properties).row(set.into_iter());
                        let row = row.map_err(|e| e.at("properties"))?;
                        self.expect_link(link_type, &ends, *expect);
                        Ok(link_change(link_type, ends, LinkOp::Upsert { row }))
                    }
                    Backing::ForeignKey { .. } => self.hold(link_type, ends, *expect),
                }
            }
            Edit::Unlink { link_type, source, target, expect } => {
                let (link_type, ends) = self.link_type(link_type, source, target)?;
                match link_type.backing {
                    Backing::Join => {
                        self.expect_link(link_type, &ends, *expect);
                        Ok(link_change(link_type, ends, LinkOp::Delete))
                    }
                    Backing::ForeignKey { .. } => self.release(link_type, ends, *expect),
                }
            }
        }
    }

    fn object_type(&self, name: &str) -> Result<&'a Arc<ObjectType>> {
        self.schema.object_type(name).map_err(|e| e.at("type"))
    }

    fn link_type(&self, name: &str, source: &Key, target: &Key) -> Result<(&'a Arc<LinkType>, LinkEnds)> {
        let link_type = self.schema.link_type(name).map_err(|e| e.at("type"))?;
        let ends = LinkEnds { source: source.clone(), target: target.clone() };
        Ok((link_type, resolve::typed_ends(self.schema, link_type, &ends)?))
    }

    fn require(&mut self, precondition: Precondition) {
        self.decision.preconditions.push(precondition);
        self.decision.expected_by.push(self.index);
    }

    fn expect(&mut self, object_type: &Arc<ObjectType>, key: &Key, expect: Option<Expect>) {
        let object = || object_ref(object_type, key);
        match expect {
            None => {}
            Some(Expect::Absent) => self.require(Precondition::Absent(object())),
            Some(Expect::At(revision)) => self.require(Precondition::At(object(), revision)),
        }
    }

    fn expect_link(&mut self, link_type: &Arc<LinkType>, ends: &LinkEnds, expect: Option<Expect>) {
        let link = || link_ref(link_type, ends.clone());
        match expect {
            None => {}
            Some(Expect::Absent) => self.require(Precondition::LinkAbsent(link())),
            Some(Expect::At(revision)) => self.require(Precondition::LinkAt(link(), revision)),
        }
    }

    /// A link held in a property: the holder's property names the far key.
    fn hold(&mut self, link_type: &Arc<LinkType>, ends: LinkEnds, expect: Option<Expect>) -> Result<Change> {
        let Held { holder, holder_key, far_key, property } = held(self.schema, link_type, ends)?;
        match expect {
            None => {}
            Some(Expect::At(revision)) => self.require(Precondition::At(object_ref(holder, &holder_key), revision)),
            Some(Expect::Absent) => {
                self.require(Precondition::Holds(object_ref(holder, &holder_key), property, Value::Null));
            }
        }
        let set = vec![link_set(holder, property, Some(&far_key), link_type)?];
        Ok(object_change(holder, holder_key, ObjectOp::Modify { set }))
    }

    /// The holder's property is emptied, where it names this far key.
    fn release(&mut self, link_type: &Arc<LinkType>, ends: LinkEnds, expect: Option<Expect>) -> Result<Change> {
        let Held { holder, holder_key, far_key, property } = held(self.schema, link_type, ends)?;
        match expect {
            None => {}
            Some(Expect::At(revision)) => self.require(Precondition::At(object_ref(holder, &holder_key), revision)),
            Some(Expect::Absent) => return Err(absent(link_type)),
        }
        self.require(Precondition::Holds(object_ref(holder, &holder_key), property, far_key.to_value()));
        let set = vec![link_set(holder, property, None, link_type)?];
        Ok(object_change(holder, holder_key, ObjectOp::Modify { set }))
    }
}

/// A link held in a property, seen from its holder.
#[derive(Debug)]
pub(in crate::kernel) struct Held<'a> {
    pub(in crate::kernel) holder: &'a Arc<ObjectType>,
    pub(in crate::kernel) holder_key: Key,
    pub(in crate::kernel) far_key: Key,
    pub(in crate::kernel) property: usize,
}

/// Sees a foreign-key backed link from its holder.
///
/// # Errors
/// `schema.inconsistent` for a link type of another backing.
pub(in crate::kernel) fn held<'a>(schema: &'a Schema, link_type: &LinkType, ends: LinkEnds) -> Result<Held<'a>> {
    let Backing::ForeignKey { holder: end, property } = link_type.backing else {
        return Err(Error::internal("schema.inconsistent", "a link type without a foreign key"));
    };
    let holder = resolve::object_type_at(schema, link_type, end)?;
    let LinkEnds { source, target } = ends;
    let (holder_key, far_key) = match end {
        crate::ontology::End::Source => (source, target),
        crate::ontology::End::Target => (target, source),
    };
    Ok(Held { holder, holder_key, far_key, property })
}

fn absent(link_type: &LinkType) -> Error {
    Error::new(ErrorKind::NotFound, "kernel.link.absent", "there is no such link")
        .with("link_type", &link_type.api_name)
}

/// The values given, by the index of their property.
fn given<'p>(
    properties: &NewProperties,
    property: impl Fn(&str) -> Result<(usize, &'p Property)>,
) -> Result<Vec<(usize, Value)>> {
    let value = |(name, json): (&String, &serde_json::Value)| {
        let (index, property) = property(name)?;
        Ok((index, read(settable(property)?, json)?))
    };
    properties.iter().map(|entry| value(entry).map_err(|e: Error| e.at(entry.0).at("properties"))).collect()
}

fn new_row(object_type: &ObjectType, given: impl Iterator<Item = (usize, Value)>) -> Result<(Key, Vec<Value>)> {
    let row = Template::new(&object_type.properties).row(given).map_err(|e| e.at("properties"))?;
    Ok((key_of(object_type, &row).map_err(|e| e.at("properties"))?, row))
}

/// Takes the primary key out of a modification, where it says nothing new.
fn keep_key(object_type: &ObjectType, key: &Key, set: &mut Vec<(usize, Value)>) -> Result<()> {
    let Some(position) = set.iter().position(|(index, _)| *index == object_type.primary_key) else { return Ok(()) };
    let (_, value) = set.swap_remove(position);
    if value == key.to_value() {
        return Ok(());
    }
    let name = &object_type.key_property()?.api_name;
    Err(Error::invalid("kernel.key.immutable", "the primary key of an object does not change").at(name))
}

fn object_ref(object_type: &Arc<ObjectType>, key: &Key) -> ObjectRef {
    ObjectRef { object_type: Arc::clone(object_type), key: key.clone() }
}

pub(in crate::kernel) fn link_ref(link_type: &Arc<LinkType>, ends: LinkEnds) -> LinkRef {
    let LinkEnds { source, target } = ends;
    LinkRef { link_type: Arc::clone(link_type), source, target }
}

pub(in crate::kernel) fn object_change(object_type: &Arc<ObjectType>, key: Key, op: ObjectOp) -> Change {
    Change::Object(ObjectChange { object: ObjectRef { object_type: Arc::clone(object_type), key }, op })
}

pub(in crate::kernel) fn link_change(link_type: &Arc<LinkType>, ends: LinkEnds, op: LinkOp) -> Change {
    Change::Link(LinkChange { link: link_ref(link_type, ends), op })
}

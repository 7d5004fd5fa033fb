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
    decide_any(schema, edits)
}

/// Decides edits under a schema, if there are any.
///
/// # Errors
/// As [`decide`].
pub(in crate::kernel) fn decide_any(schema: &Schema, edits: &[Edit]) -> Result<Decision> {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::Seq;
    use crate::kernel::fixture::schema;

    fn decided(edits: Json) -> Result<Decision> {
        decide(&schema(), &serde_json::from_value::<Vec<Edit>>(edits).unwrap())
    }

    fn object(change: &Change) -> (&str, String, &ObjectOp) {
        let Change::Object(ObjectChange { object, op }) = change else { panic!("an object: {change:?}") };
        (object.object_type.api_name.as_str(), object.key.to_string(), op)
    }

    #[test]
    fn a_new_row_has_defaults_for_what_is_not_given_and_nothing_for_null() {
        for (properties, elevation) in [
            (json!({ "iata": "SFO", "name": "x" }), Value::Integer(0)),
            (json!({ "iata": "SFO", "name": "x", "elevation": 5 }), Value::Integer(5)),
            (json!({ "iata": "SFO", "name": "x", "elevation": null }), Value::Null),
        ] {
            let decision = decided(json!([{ "create": { "type": "Airport", "properties": properties } }])).unwrap();
            let (object_type, key, ObjectOp::Create { row }) = object(&decision.changes[0]) else {
                panic!("a creation")
            };
            assert_eq!((object_type, key.as_str(), row.len()), ("Airport", "SFO", 16));
            assert_eq!((&row[0], &row[4], &row[15]), (&Value::string("SFO"), &elevation, &Value::Null));
        }
    }

    #[test]
    fn an_upsert_states_a_whole_row_and_what_to_replace() {
        let properties = json!({ "iata": "SFO", "name": "x", "state": null });
        let decision = decided(json!([{ "upsert": { "type": "Airport", "properties": properties } }])).unwrap();
        let (_, _, ObjectOp::Upsert { row, set }) = object(&decision.changes[0]) else { panic!("an upsert") };
        assert_eq!(row[4], Value::Integer(0));
        assert_eq!(*set, [(1, Value::string("x")), (2, Value::Null)]);
    }

    #[test]
    fn a_modification_says_only_what_it_changes() {
        let edit =
            json!({ "type": "City", "key": "7", "properties": { "id": 7, "label": "x" }, "expect": { "at": 3 } });
        let decision = decided(json!([{ "modify": edit }])).unwrap();
        let (_, key, ObjectOp::Modify { set }) = object(&decision.changes[0]) else { panic!("a modification") };
        assert_eq!((key.as_str(), set.as_slice()), ("7", &[(1, Value::string("x"))][..]));
        let [Precondition::At(of, Seq(3))] = decision.preconditions.as_slice() else { panic!("one precondition") };
        assert_eq!(of.key, Key::Integer(7));
        assert_eq!(decision.expected_by, [0]);
    }

    #[test]
    fn a_link_held_in_a_property_is_a_modification_of_its_holder() {
        let ends = |name: &str, expect: Json| json!({ name: { "type": "StateOfAirport", "source": "SFO", "target": "CA", "expect": expect } });
        let decision = decided(json!([ends("link", json!("absent")), ends("unlink", json!({ "at": 9 }))])).unwrap();
        let sets = decision.changes.iter().map(|change| {
            let (object_type, key, ObjectOp::Modify { set }) = object(change) else { panic!("a modification") };
            assert_eq!((object_type, key.as_str()), ("Airport", "SFO"));
            set.clone()
        });
        assert_eq!(sets.collect::<Vec<_>>(), [vec![(2, Value::string("CA"))], vec![(2, Value::Null)]]);
        let [Precondition::Holds(_, 2, Value::Null), Precondition::At(_, Seq(9)), Precondition::Holds(_, 2, held)] =
            decision.preconditions.as_slice()
        else {
            panic!("three preconditions: {:?}", decision.preconditions)
        };
        assert_eq!(*held, Value::string("CA"));
        assert_eq!(decision.expected_by, [0, 1, 1]);
    }

    #[test]
    fn a_link_of_its_own_has_a_whole_row() {
        let edit = json!({ "type": "Route", "source": "SFO", "target": "JFK", "properties": { "flights": 3 }, "expect": "absent" });
        let decision = decided(json!([{ "link": edit }])).unwrap();
        let [Change::Link(LinkChange { op: LinkOp::Upsert { row }, .. })] = decision.changes.as_slice() else {
            panic!("a link: {:?}", decision.changes)
        };
        assert_eq!(*row, [Value::Integer(3), Value::Null]);
        assert!(matches!(decision.preconditions.as_slice(), [Precondition::LinkAbsent(_)]));
    }

    #[test]
    fn faults_name_code_and_path() {
        let create = |properties: Json| json!({ "create": { "type": "Airport", "properties": properties } });
        let modify =
            |properties: Json| json!({ "modify": { "type": "Airport", "key": "SFO", "properties": properties } });
        let link = |properties: Json| json!({ "link": { "type": "Route", "source": "SFO", "target": "JFK", "properties": properties } });
        for (edit, code, path) in [
            (create(json!({ "iata": "SFO" })), "kernel.property.required", "create.properties.name"),
            (create(json!({ "iata": "SFO", "name": null })), "kernel.property.required", "create.properties.name"),
            (create(json!({ "name": "x" })), "kernel.property.required", "create.properties.iata"),
            (create(json!({ "iata": "", "name": "x" })), "kernel.key.length", "create.properties.iata"),
            (create(json!({ "iata": "x".repeat(513), "name": "x" })), "kernel.key.length", "create.properties.iata"),
            (create(json!({ "iata": 1, "name": "x" })), "value.type_mismatch", "create.properties.iata"),
            (
                create(json!({ "iata": "SFO", "name": "x".repeat(21) })),
                "value.constraint.length",
                "create.properties.name",
            ),
            (create(json!({ "iata": "SFO", "nam": "x" })), "kernel.property.unknown", "create.properties.nam"),
            (create(json!({ "title": "x" })), "kernel.property.derived", "create.properties.title"),
            (create(json!({ "tags": ["a", 1] })), "value.type_mismatch", "create.properties.tags[1]"),
            (create(json!({ "address": { "street": 1 } })), "value.type_mismatch", "create.properties.address.street"),
            (modify(json!({ "name": null })), "kernel.property.required", "modify.properties.name"),
            (modify(json!({ "iata": "JFK" })), "kernel.key.immutable", "modify.properties.iata"),
            (modify(json!({ "price": 1.5 })), "value.type_mismatch", "modify.properties.price"),
            (link(json!({ "flights": -1 })), "value.constraint.range", "link.properties.flights"),
            (link(json!({})), "kernel.property.required", "link.properties.flights"),
            (json!({ "create": { "type": "Plane", "properties": {} } }), "kernel.object_type.unknown", "create.type"),
            (json!({ "delete": { "type": "City", "key": "x" } }), "value.type_mismatch", "delete.key"),
            (
                json!({ "unlink": { "type": "Rout", "source": "a", "target": "b" } }),
                "kernel.link_type.unknown",
                "unlink.type",
            ),
            (
                json!({ "unlink": { "type": "Route", "source": "a", "target": "" } }),
                "kernel.key.length",
                "unlink.target",
            ),
            (
                json!({ "link": { "type": "StateOfAirport", "source": "a", "target": "b", "properties": { "x": 1 } } }),
                "kernel.property.unknown",
                "link.properties.x",
            ),
        ] {
            let good = json!({ "delete": { "type": "City", "key": 1 } });
            let error = decided(json!([good, edit])).unwrap_err();
            assert_eq!((error.code(), error.path()), (code, Some(format!("edits[1].{path}").as_str())), "{edit}");
        }
    }

    #[test]
    fn a_write_has_one_to_so_many_edits() {
        let edits = |count| Json::from(vec![json!({ "delete": { "type": "City", "key": 1 } }); count]);
        assert_eq!(decided(edits(0)).unwrap_err().code(), "kernel.write.empty");
        assert_eq!(decided(edits(COMMIT_CHANGES_MAX)).unwrap().changes.len(), COMMIT_CHANGES_MAX);
        assert_eq!(decided(edits(COMMIT_CHANGES_MAX + 1)).unwrap_err().param("edits_max"), Some("10000"));
    }
}

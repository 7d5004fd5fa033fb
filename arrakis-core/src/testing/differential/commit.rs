//! Random commits: most are taken, some break a rule.

use std::ops::RangeInclusive;
use std::sync::Arc;

use fastrand::Rng;

use super::value::{KEYS, keys, maybe};
use crate::commit::{LinkChange, LinkOp, LinkRef, ObjectChange, ObjectOp, ObjectRef, Precondition, Publication};
use crate::ontology::{Backing, DataCheck, End, LinkType, ObjectType, Property, Rewrite, Rewritten, Schema, Transform};
use crate::{Change, Key, Seq, Value};

/// A type at random.
pub(super) fn any_type<'a>(rng: &mut Rng, schema: &'a Schema) -> &'a Arc<ObjectType> {
    &schema.object_types[rng.usize(..schema.object_types.len())]
}

fn keys_of(object_type: &ObjectType) -> [Key; KEYS] {
    keys(&object_type.properties[object_type.primary_key].data_type.base)
}

/// A key of objects of a type.
pub(super) fn any_key(rng: &mut Rng, object_type: &ObjectType) -> Key {
    keys_of(object_type)[rng.usize(..KEYS)].clone()
}

/// The type at an end of a link type.
pub(super) fn type_at<'a>(schema: &'a Schema, link_type: &LinkType, end: End) -> &'a Arc<ObjectType> {
    schema.object_type_by_id(link_type.side(end).object_type).unwrap()
}

/// For each property, whether it holds a foreign key, and to which type.
fn foreign_key<'a>(schema: &'a Schema, object_type: &ObjectType, property: usize) -> Option<&'a Arc<ObjectType>> {
    schema.link_types.iter().find_map(|link_type| match link_type.backing {
        Backing::ForeignKey { holder, property: held }
            if held == property && link_type.side(holder).object_type == object_type.id =>
        {
            Some(type_at(schema, link_type, holder.far()))
        }
        _ => None,
    })
}

fn property_value(rng: &mut Rng, schema: &Schema, object_type: &ObjectType, property: usize) -> Value {
    match foreign_key(schema, object_type, property) {
        // Too many references would have too few commits taken.
        Some(_) if rng.u8(..5) > 0 => Value::Null,
        Some(far) => any_key(rng, far).to_value(),
        None if object_type.properties[property].unique && rng.bool() => Value::Null,
        None => maybe(rng, &object_type.properties[property].data_type),
    }
}

fn row(rng: &mut Rng, schema: &Schema, object_type: &ObjectType, key: &Key) -> Vec<Value> {
    let mut row: Vec<_> =
        (0..object_type.properties.len()).map(|property| property_value(rng, schema, object_type, property)).collect();
    row[object_type.primary_key] = key.to_value();
    for (slot, property) in row.iter_mut().zip(&object_type.properties) {
        if property.derived.is_some() {
            *slot = Value::Null;
        }
    }
    row
}

fn set(rng: &mut Rng, schema: &Schema, object_type: &ObjectType) -> Vec<(usize, Value)> {
    let stored =
        |property: &usize| *property != object_type.primary_key && object_type.properties[*property].derived.is_none();
    let chosen: Vec<_> = (0..object_type.properties.len()).filter(stored).filter(|_| rng.u8(..3) == 0).collect();
    chosen.into_iter().map(|property| (property, property_value(rng, schema, object_type, property))).collect()
}

fn object_change(rng: &mut Rng, schema: &Schema) -> Change {
    let object_type = any_type(rng, schema);
    let key = any_key(rng, object_type);
    let row = |rng: &mut Rng| row(rng, schema, object_type, &key);
    let op = match rng.u8(..10) {
        0 => ObjectOp::Create { row: row(rng) },
        1..=4 => ObjectOp::Modify { set: set(rng, schema, object_type) },
        5..=7 => ObjectOp::Upsert { row: row(rng), set: set(rng, schema, object_type) },
        _ => ObjectOp::Delete,
    };
    Change::Object(ObjectChange { object: ObjectRef { object_type: Arc::clone(object_type), key }, op })
}

fn link_ref(rng: &mut Rng, schema: &Schema) -> Option<LinkRef> {
    let joined = schema.link_types.iter().filter(|link_type| link_type.backing == Backing::Join);
    let link_type = rng.choice(joined.collect::<Vec<_>>())?;
    let source = any_key(rng, type_at(schema, link_type, End::Source));
    let target = any_key(rng, type_at(schema, link_type, End::Target));
    Some(LinkRef { link_type: Arc::clone(link_type), source, target })
}

fn link_change(rng: &mut Rng, schema: &Schema) -> Option<Change> {
    let link = link_ref(rng, schema)?;
    let row: Vec<_> = link.link_type.properties.iter().map(|property| maybe(rng, &property.data_type)).collect();
    let op = match rng.u8(..5) {
        0 | 1 => LinkOp::Create { row },
        2 | 3 => LinkOp::Upsert { row },
        _ => LinkOp::Delete,
    };
    Some(Change::Link(LinkChange { link, op }))
}

/// The changes of one commit.
pub(super) fn changes(rng: &mut Rng, schema: &Schema) -> Vec<Change> {
    let change = |rng: &mut Rng| {
        let link = if rng.u8(..3) == 0 { link_change(rng, schema) } else { None };
        link.unwrap_or_else(|| object_change(rng, schema))
    };
    (0..rng.usize(1..4)).map(|_| change(rng)).collect()
}

/// Changes, one a commit, that put objects under most keys and links between them, so that others have something to meet.
pub(super) fn filling(rng: &mut Rng, schema: &Schema) -> Vec<Change> {
    let mut changes = Vec::new();
    for object_type in &schema.object_types {
        for key in keys_of(object_type) {
            let row = row(rng, schema, object_type, &key);
            let object = ObjectRef { object_type: Arc::clone(object_type), key };
            changes.push(Change::Object(ObjectChange { object, op: ObjectOp::Upsert { row, set: Vec::new() } }));
        }
    }
    changes.extend((0..8).filter_map(|_| link_change(rng, schema)));
    for _ in 0..6 {
        let object_type = any_type(rng, schema);
        let held = (0..object_type.properties.len())
            .filter_map(|property| Some((property, foreign_key(schema, object_type, property)?)));
        if let Some((property, far)) = rng.choice(held.collect::<Vec<_>>()) {
            let object = ObjectRef { object_type: Arc::clone(object_type), key: any_key(rng, object_type) };
            let set = vec![(property, any_key(rng, far).to_value())];
            changes.push(Change::Object(ObjectChange { object, op: ObjectOp::Modify { set } }));
        }
    }
    changes
}

/// A condition on the state, now and then.
pub(super) fn precondition(rng: &mut Rng, schema: &Schema, seqs: RangeInclusive<u64>) -> Option<Precondition> {
    let object_type = any_type(rng, schema);
    let object = ObjectRef { object_type: Arc::clone(object_type), key: any_key(rng, object_type) };
    match rng.u8(..40) {
        0 => Some(Precondition::Absent(object)),
        1 => Some(Precondition::At(object, Seq(rng.u64(seqs)))),
        2 => link_ref(rng, schema).map(Precondition::LinkAbsent),
        3 => {
            let indexed = object_type.indexes.iter().filter_map(|index| index.properties.first().copied());
            let property = rng.choice(indexed.collect::<Vec<_>>())?;
            let value = super::value::value(rng, &object_type.properties[property].data_type);
            Some(Precondition::Unique(Arc::clone(object_type), property, value))
        }
        4 => {
            let property = rng.usize(..object_type.properties.len());
            let value = maybe(rng, &object_type.properties[property].data_type);
            Some(Precondition::Holds(object, property, value))
        }
        _ => None,
    }
}

/// How the values of a type come along: a changed stored form is cast, now and then with something in place of what does not fit.
fn transforms(rng: &mut Rng, before: &[Property], after: &[Property]) -> Vec<Transform> {
    let transform = |property: &Property| {
        let old = before.iter().position(|old| old.id == property.id);
        match old {
            Some(index) if before[index].column != property.column => {
                let fallback = match rng.u8(..4) {
                    0 => None,
                    1 => Some(super::value::value(rng, &property.data_type)),
                    _ => Some(Value::Null),
                };
                Transform::Cast(index, property.data_type.clone(), fallback)
            }
            old if property.derived.is_none() && !property.unique && rng.u8(..8) == 0 => {
                let fallback = super::value::value(rng, &property.data_type);
                Transform::Or(old, property.data_type.clone(), fallback)
            }
            old => Transform::Keep(old),
        }
    };
    after.iter().map(transform).collect()
}

fn is_key_or_reference(schema: &Schema, object_type: &ObjectType, property: usize) -> bool {
    property == object_type.primary_key || foreign_key(schema, object_type, property).is_some()
}

/// What publishes `after` in place of `before`, with rewrites of what changed and checks of what became narrower.
pub(super) fn publication(rng: &mut Rng, before: &Schema, after: &Arc<Schema>) -> Publication {
    let (mut rewrites, mut checks) = (Vec::new(), Vec::new());
    for old in &before.object_types {
        let Some(new) = after.object_type_by_id(old.id) else { continue };
        let mut transforms = transforms(rng, &old.properties, &new.properties);
        for (property, transform) in transforms.iter_mut().enumerate() {
            if is_key_or_reference(after, new, property) {
                *transform =
                    Transform::Keep(old.properties.iter().position(|old| old.id == new.properties[property].id));
            }
            if new.properties[property].unique && property != new.primary_key {
                checks.push(DataCheck::Unique(Arc::clone(new), property));
            }
        }
        rewrites.push(Rewrite { of: Rewritten::Objects(Arc::clone(old), Arc::clone(new)), transforms });
    }
    for old in before.link_types.iter().filter(|old| old.backing == Backing::Join) {
        let Some(new) = after.link_type_by_id(old.id) else { continue };
        let transforms = transforms(rng, &old.properties, &new.properties);
        rewrites.push(Rewrite { of: Rewritten::Links(Arc::clone(old), Arc::clone(new)), transforms });
    }
    Publication { schema: Arc::clone(after), base_version: before.version, rewrites, checks }
}

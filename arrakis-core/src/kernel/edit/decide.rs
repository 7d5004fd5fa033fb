//! From edits to a commit: pure, under one schema.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Edit, Expect, RowReader, Write};
use crate::commit::{AuditRecord, COMMIT_CHANGES_MAX};
use crate::ontology::{Backing, End, LinkType, ObjectType, Schema};
use crate::{
    Change, Commit, CommitId, Context, Error, Key, LinkChange, LinkOp, LinkRef, ObjectChange, ObjectOp, ObjectRef,
    Precondition, Result, Timestamp, Value,
};

/// Decides a write.
///
/// # Errors
/// What the schema refuses, with the path `edits[3].properties.state`; `kernel.write.empty`, `kernel.write.too_large`.
pub(crate) fn decide(schema: &Schema, ctx: &Context, write: &Write, (id, at): (CommitId, Timestamp)) -> Result<Commit> {
    if write.edits.is_empty() {
        return Err(Error::invalid("kernel.write.empty", "a write has at least one edit").at("edits"));
    }
    if write.edits.len() > COMMIT_CHANGES_MAX {
        return Err(Error::invalid("kernel.write.too_large", "the write has too many edits")
            .at("edits")
            .with("edits", write.edits.len())
            .with("edits_max", COMMIT_CHANGES_MAX));
    }
    let mut commit = Commit {
        id,
        scope: ctx.scope(),
        schema_version: Some(schema.version),
        actor: ctx.actor().clone(),
        at,
        reason: write.reason.as_deref().map(Arc::from),
        preconditions: Vec::new(),
        changes: Vec::with_capacity(write.edits.len()),
        audit: AuditRecord { method: "kernel.write".into(), request_id: ctx.request_id() },
        events: Vec::new(),
    };
    for (index, edit) in write.edits.iter().enumerate() {
        decide_edit(schema, edit, &mut commit).map_err(|e| e.at(format!("edits[{index}]")))?;
    }
    Ok(commit)
}

fn decide_edit(schema: &Schema, edit: &Edit, commit: &mut Commit) -> Result<()> {
    match edit {
        Edit::Create { object_type, properties } => {
            let object_type = type_named(schema, object_type)?;
            let (row, _) = new_row(object_type, properties)?;
            let object = ObjectRef { object_type: Arc::clone(object_type), key: object_type.key_of(&row)? };
            push(commit, object, ObjectOp::Create { row }, None);
        }
        Edit::Modify { object_type, key, properties, expect } => {
            let object = object_named(schema, object_type, key)?;
            let set = changes_of(&object, properties)?;
            push(commit, object, ObjectOp::Modify { set }, *expect);
        }
        Edit::Upsert { object_type, properties, expect } => {
            let object_type = type_named(schema, object_type)?;
            let (row, mut set) = new_row(object_type, properties)?;
            set.retain(|(index, _)| *index != object_type.primary_key);
            let object = ObjectRef { object_type: Arc::clone(object_type), key: object_type.key_of(&row)? };
            push(commit, object, ObjectOp::Upsert { row, set }, *expect);
        }
        Edit::Delete { object_type, key, expect } => {
            let object = object_named(schema, object_type, key)?;
            push(commit, object, ObjectOp::Delete, *expect);
        }
        Edit::Link { link_type, source, target, properties, expect } => {
            let link = link_named(schema, link_type, source, target)?;
            let reader = RowReader::new(&link.link_type.properties);
            let set =
                reader.given(properties, &|name| link.link_type.property(name)).map_err(|e| e.at("properties"))?;
            let row = reader.whole(set).map_err(|e| e.at("properties"))?;
            match link.link_type.backing {
                Backing::Join => push_link(commit, link, LinkOp::Upsert { row }, *expect),
                Backing::ForeignKey { holder, property } => point(schema, commit, &link, (holder, property), *expect)?,
            }
        }
        Edit::Unlink { link_type, source, target, expect } => {
            let link = link_named(schema, link_type, source, target)?;
            match link.link_type.backing {
                Backing::Join => push_link(commit, link, LinkOp::Delete, *expect),
                Backing::ForeignKey { holder, property } => {
                    unpoint(schema, commit, &link, (holder, property), *expect)?
                }
            }
        }
    }
    Ok(())
}

fn type_named<'a>(schema: &'a Schema, name: &str) -> Result<&'a Arc<ObjectType>> {
    schema.object_type(name).map_err(|e| e.at("type"))
}

fn object_named(schema: &Schema, name: &str, key: &Key) -> Result<ObjectRef> {
    let object_type = type_named(schema, name)?;
    let key = key_at(object_type, key).map_err(|e| e.at("key"))?;
    Ok(ObjectRef { object_type: Arc::clone(object_type), key })
}

fn key_at(object_type: &ObjectType, key: &Key) -> Result<Key> {
    Key::read(&object_type.key_property()?.data_type.base, &key.to_value().to_json())
}

fn link_named(schema: &Schema, name: &str, source: &Key, target: &Key) -> Result<LinkRef> {
    let link_type = schema.link_type(name).map_err(|e| e.at("type"))?;
    let key = |end: End, key: &Key| key_at(type_at(schema, link_type, end)?, key);
    Ok(LinkRef {
        source: key(End::Source, source).map_err(|e| e.at("source"))?,
        target: key(End::Target, target).map_err(|e| e.at("target"))?,
        link_type: Arc::clone(link_type),
    })
}

fn type_at<'a>(schema: &'a Schema, link_type: &LinkType, end: End) -> Result<&'a Arc<ObjectType>> {
    schema
        .object_type_by_id(link_type.side(end).object_type)
        .ok_or_else(|| Error::internal("schema.inconsistent", "a link type without its object type"))
}

fn new_row(object_type: &ObjectType, properties: &Map<String, Json>) -> Result<(Vec<Value>, Vec<(usize, Value)>)> {
    let reader = RowReader::new(&object_type.properties);
    let set = reader.given(properties, &|name| object_type.property(name)).map_err(|e| e.at("properties"))?;
    let row = reader.whole(set.iter().cloned()).map_err(|e| e.at("properties"))?;
    Ok((row, set))
}

fn changes_of(object: &ObjectRef, properties: &Map<String, Json>) -> Result<Vec<(usize, Value)>> {
    let object_type = &object.object_type;
    let reader = RowReader::new(&object_type.properties);
    let mut set = reader.given(properties, &|name| object_type.property(name)).map_err(|e| e.at("properties"))?;
    if let Some((_, value)) = set.iter().find(|(index, _)| *index == object_type.primary_key)
        && *value != object.key.to_value()
    {
        return Err(
            Error::invalid("kernel.key.immutable", "the primary key of an object does not change").at("properties")
        );
    }
    set.retain(|(index, _)| *index != object_type.primary_key);
    Ok(set)
}

fn push(commit: &mut Commit, object: ObjectRef, op: ObjectOp, expect: Option<Expect>) {
    match expect {
        Some(Expect::Absent) => commit.preconditions.push(Precondition::Absent(object.clone())),
        Some(Expect::At(revision)) => commit.preconditions.push(Precondition::At(object.clone(), revision)),
        None => {}
    }
    commit.changes.push(Change::Object(ObjectChange { object, op }));
}

fn push_link(commit: &mut Commit, link: LinkRef, op: LinkOp, expect: Option<Expect>) {
    match expect {
        Some(Expect::Absent) => commit.preconditions.push(Precondition::LinkAbsent(link.clone())),
        Some(Expect::At(revision)) => commit.preconditions.push(Precondition::LinkAt(link.clone(), revision)),
        None => {}
    }
    commit.changes.push(Change::Link(LinkChange { link, op }));
}

/// The object that holds a foreign key, and the key it points at.
fn holder_of(schema: &Schema, link: &LinkRef, holder: End) -> Result<(ObjectRef, Value)> {
    let object_type = Arc::clone(type_at(schema, &link.link_type, holder)?);
    let (key, far) = match holder {
        End::Source => (&link.source, &link.target),
        End::Target => (&link.target, &link.source),
    };
    Ok((ObjectRef { object_type, key: key.clone() }, far.to_value()))
}

fn point(
    schema: &Schema,
    commit: &mut Commit,
    link: &LinkRef,
    (holder, property): (End, usize),
    expect: Option<Expect>,
) -> Result<()> {
    let (object, far) = holder_of(schema, link, holder)?;
    let expect = match expect {
        Some(Expect::Absent) => {
            commit.preconditions.push(Precondition::Holds(object.clone(), property, Value::Null));
            None
        }
        other => other,
    };
    push(commit, object, ObjectOp::Modify { set: vec![(property, far)] }, expect);
    Ok(())
}

fn unpoint(
    schema: &Schema,
    commit: &mut Commit,
    link: &LinkRef,
    (holder, property): (End, usize),
    expect: Option<Expect>,
) -> Result<()> {
    let (object, far) = holder_of(schema, link, holder)?;
    if let Some(held) = object.object_type.properties.get(property).filter(|held| held.required) {
        return Err(Error::conflict(
            "kernel.property.required",
            "the link is required: point it elsewhere, or delete its holder",
        )
        .with("property", &held.api_name));
    }
    commit.preconditions.push(Precondition::Holds(object.clone(), property, far));
    push(commit, object, ObjectOp::Modify { set: vec![(property, Value::Null)] }, expect);
    Ok(())
}

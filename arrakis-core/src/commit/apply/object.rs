//! Objects: existence, uniqueness, derived values, on-delete rules.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::{Application, CASCADE_MAX, INDEX_TEXT_LEN_MAX, Unchecked, type_at};
use crate::commit::{Effect, EffectKind, ObjectChange, ObjectOp, ObjectRef, StoredRow};
use crate::ontology::{Backing, End, LinkType, ObjectType, OnDelete, Schema};
use crate::{Error, ErrorKind, Key, ObjectTypeId, Result, Value};

impl Application<'_> {
    pub(super) fn object(&mut self, schema: &Schema, change: &ObjectChange) -> Result<()> {
        let ObjectRef { object_type, key } = &change.object;
        match &change.op {
            ObjectOp::Create { row } => self.create_object(schema, object_type, key, row),
            ObjectOp::Modify { set } => match self.stored(object_type, key)? {
                Some(old) => self.modify_object(schema, object_type, key, &old, set),
                None => Err(absent(object_type, key)),
            },
            ObjectOp::Upsert { row, set } => match self.stored(object_type, key)? {
                Some(old) => self.modify_object(schema, object_type, key, &old, set),
                None => self.create_object(schema, object_type, key, row),
            },
            ObjectOp::Delete => match self.stored(object_type, key)? {
                Some(_) => self.delete_object(schema, object_type, key),
                None => Err(absent(object_type, key)),
            },
        }
    }

    pub(super) fn stored(&mut self, object_type: &ObjectType, key: &Key) -> Result<Option<StoredRow>> {
        self.txn.object(self.commit.scope, object_type, key)
    }

    fn create_object(
        &mut self,
        schema: &Schema,
        object_type: &Arc<ObjectType>,
        key: &Key,
        row: &[Value],
    ) -> Result<()> {
        let mut row = std::borrow::Cow::Borrowed(row);
        if object_type.is_derived() {
            object_type.derive(row.to_mut());
        }
        check_indexed(object_type, &row, None)?;
        self.check_unique(object_type, key, &row, None)?;
        self.note_references(schema, object_type, key, &row, None);
        if !self.txn.insert_object(self.commit.scope, object_type, key, &row, self.seq)? {
            return Err(Error::new(ErrorKind::AlreadyExists, "kernel.object.exists", "the object exists already")
                .with("object_type", &object_type.api_name)
                .with("key", key));
        }
        self.effects.push(Effect::Object(object_type.id, key.clone(), EffectKind::Created));
        Ok(())
    }

    fn modify_object(
        &mut self,
        schema: &Schema,
        object_type: &Arc<ObjectType>,
        key: &Key,
        old: &StoredRow,
        set: &[(usize, Value)],
    ) -> Result<()> {
        let mut row = old.values.clone();
        for (index, value) in set {
            if let Some(slot) = row.get_mut(*index) {
                value.clone_into(slot);
            }
        }
        if object_type.is_derived() {
            object_type.derive(&mut row);
        }
        if row == old.values {
            return Ok(());
        }
        check_indexed(object_type, &row, Some(&old.values))?;
        self.check_unique(object_type, key, &row, Some(&old.values))?;
        self.note_references(schema, object_type, key, &row, Some(&old.values));
        self.txn.replace_object(self.commit.scope, object_type, key, (old, Some(&row)), self.seq)?;
        self.effects.push(Effect::Object(object_type.id, key.clone(), EffectKind::Modified));
        Ok(())
    }

    fn check_unique(
        &mut self,
        object_type: &ObjectType,
        key: &Key,
        row: &[Value],
        old: Option<&[Value]>,
    ) -> Result<()> {
        for index in object_type.indexes.iter().filter(|index| index.unique) {
            let Some((&property, value)) = index.properties.first().and_then(|p| Some((p, row.get(*p)?))) else {
                continue;
            };
            if value.is_null() || old.is_some_and(|old| old.get(property) == Some(value)) {
                continue;
            }
            let holders = self.txn.keys_with(self.commit.scope, object_type, property, value, 2)?;
            if let Some(holder) = holders.iter().find(|holder| *holder != key) {
                let name = object_type.names.get(property).map(ToString::to_string).unwrap_or_default();
                return Err(Error::conflict("kernel.object.not_unique", "another object holds this value")
                    .at(name)
                    .with("object_type", &object_type.api_name)
                    .with("key", holder));
            }
        }
        Ok(())
    }

    fn note_references(
        &mut self,
        schema: &Schema,
        object_type: &ObjectType,
        key: &Key,
        row: &[Value],
        old: Option<&[Value]>,
    ) {
        for side in &object_type.sides {
            let Some(link_type) = schema.link_type_by_id(side.link_type) else { continue };
            let Backing::ForeignKey { holder, property } = link_type.backing else { continue };
            let unchanged = old.is_some_and(|old| old.get(property) == row.get(property));
            if holder != side.end || unchanged {
                continue;
            }
            if let Some(value) = row.get(property).and_then(Key::from_value) {
                self.unchecked.push(Unchecked::Reference {
                    change: self.index,
                    link_type: Arc::clone(link_type),
                    holder: key.clone(),
                    value,
                });
            }
        }
    }

    /// Deletes an object and then, one by one, those its deletion reaches: a long chain of them takes no deeper stack.
    fn delete_object(&mut self, schema: &Schema, object_type: &Arc<ObjectType>, key: &Key) -> Result<()> {
        let mut reach = Reach::new(self.effects.len());
        reach.doom(object_type, key.clone());
        while let Some((object_type, key)) = reach.next() {
            let Some(old) = self.stored(&object_type, &key)? else { continue };
            self.txn.replace_object(self.commit.scope, &object_type, &key, (&old, None), self.seq)?;
            self.effects.push(Effect::Object(object_type.id, key.clone(), EffectKind::Deleted));
            for side in &object_type.sides {
                let Some(link_type) = schema.link_type_by_id(side.link_type) else { continue };
                match (link_type.backing, link_type.on_delete) {
                    (Backing::ForeignKey { holder, .. }, _) if holder == side.end => {}
                    (_, OnDelete::Restrict) => self.restrict(link_type, side.end, &key),
                    (Backing::ForeignKey { holder, property }, on_delete) => {
                        let held = (type_at(schema, link_type, holder)?, property);
                        self.release_holders(schema, on_delete, held, &key, &mut reach)?;
                    }
                    (Backing::Join, _) => self.release_links(link_type, side.end, &key)?,
                }
                reach.check(self.effects.len())?;
            }
        }
        Ok(())
    }

    fn release_holders(
        &mut self,
        schema: &Schema,
        on_delete: OnDelete,
        (holder_type, property): (&Arc<ObjectType>, usize),
        key: &Key,
        reach: &mut Reach,
    ) -> Result<()> {
        // One more than may be reached, so that what is left out is refused.
        let limit = CASCADE_MAX + 1;
        for holder in self.txn.keys_with(self.commit.scope, holder_type, property, &key.to_value(), limit)? {
            if on_delete == OnDelete::Cascade {
                reach.doom(holder_type, holder);
            } else if let Some(row) = self.stored(holder_type, &holder)? {
                self.modify_object(schema, holder_type, &holder, &row, &[(property, Value::Null)])?;
            }
        }
        Ok(())
    }

    fn restrict(&mut self, link_type: &Arc<LinkType>, end: End, key: &Key) {
        let (change, link_type) = (self.index, Arc::clone(link_type));
        self.unchecked.push(Unchecked::Restricted { change, link_type, end, key: key.clone() });
    }

    fn release_links(&mut self, link_type: &Arc<LinkType>, end: End, key: &Key) -> Result<()> {
        for link in self.txn.links_of(self.commit.scope, link_type, end, key, CASCADE_MAX + 1)? {
            self.delete_link(link_type, &link)?;
        }
        Ok(())
    }
}

/// How far one deletion reaches.
struct Reach {
    /// How many effects the commit had before it.
    effects_before: usize,
    doomed: VecDeque<(Arc<ObjectType>, Key)>,
    /// Everything that was ever doomed: an object reached along two links is deleted once.
    seen: HashSet<(ObjectTypeId, Key)>,
}

impl Reach {
    fn new(effects_before: usize) -> Self {
        Self { effects_before, doomed: VecDeque::new(), seen: HashSet::new() }
    }

    fn doom(&mut self, object_type: &Arc<ObjectType>, key: Key) {
        if self.seen.insert((object_type.id, key.clone())) {
            self.doomed.push_back((Arc::clone(object_type), key));
        }
    }

    fn next(&mut self) -> Option<(Arc<ObjectType>, Key)> {
        self.doomed.pop_front()
    }

    fn check(&self, effects: usize) -> Result<()> {
        // The object the deletion starts from is not reached by it.
        if effects - self.effects_before + self.doomed.len() <= CASCADE_MAX + 1 {
            return Ok(());
        }
        Err(Error::conflict("kernel.object.cascade_too_large", "the deletion reaches too many objects and links")
            .with("cascade_max", CASCADE_MAX))
    }
}

/// The texts of one object in one index have a length every store can keep. What was stored before may stay.
fn check_indexed(object_type: &ObjectType, row: &[Value], old: Option<&[Value]>) -> Result<()> {
    for index in &object_type.indexes {
        if index.text_len(row) <= INDEX_TEXT_LEN_MAX {
            continue;
        }
        let is_kept = |old: &[Value]| index.properties.iter().all(|property| old.get(*property) == row.get(*property));
        if old.is_some_and(is_kept) {
            continue;
        }
        let is_text = |property: &&usize| matches!(row.get(**property), Some(Value::String(_) | Value::Attachment(_)));
        let name = index.properties.iter().find(is_text).and_then(|property| object_type.names.get(*property));
        return Err(Error::invalid(
            "kernel.object.index_too_long",
            "the texts of one object in one index are too long",
        )
        .at(name.map(ToString::to_string).unwrap_or_default())
        .with("object_type", &object_type.api_name)
        .with("length_max", INDEX_TEXT_LEN_MAX));
    }
    Ok(())
}

/// That an object is not there, or may as well not be.
pub(crate) fn absent(object_type: &ObjectType, key: &Key) -> Error {
    Error::not_found("kernel.object.absent", "there is no such object")
        .with("object_type", &object_type.api_name)
        .with("key", key)
}

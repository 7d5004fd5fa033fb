//! Links and references: both ends exist, cardinality holds, nothing dangles.

use super::{Application, Unchecked, type_at};
use crate::commit::{Effect, EffectKind, LinkChange, LinkOp, LinkRef, StoredLink};
use crate::ontology::{Backing, Cardinality, End, LinkType, ObjectType, Schema};
use crate::{Error, ErrorKind, Key, Result};

impl Application<'_> {
    pub(super) fn delete_link(&mut self, link_type: &LinkType, old: &StoredLink) -> Result<()> {
        self.txn.write_link(self.commit.scope, link_type, (&old.source, &old.target), (Some(old), None), self.seq)?;
        self.effects.push(Effect::Link(link_type.id, old.source.clone(), old.target.clone(), EffectKind::Deleted));
        Ok(())
    }

    pub(super) fn link(&mut self, schema: &Schema, change: &LinkChange) -> Result<()> {
        let LinkRef { link_type, source, target } = &change.link;
        let old = self.txn.link(self.commit.scope, link_type, source, target)?;
        let (row, replace) = match &change.op {
            LinkOp::Create { row } => (row, false),
            LinkOp::Upsert { row } => (row, true),
            LinkOp::Delete => {
                return match old {
                    Some(old) => self.delete_link(link_type, &old),
                    None => {
                        Err(link_error(Error::not_found("kernel.link.absent", "there is no such link"), &change.link))
                    }
                };
            }
        };
        let kind = match &old {
            Some(_) if !replace => {
                let error = Error::new(ErrorKind::AlreadyExists, "kernel.link.exists", "the link exists already");
                return Err(link_error(error, &change.link));
            }
            Some(old) if old.values == *row => return Ok(()),
            Some(_) => EffectKind::Modified,
            None => {
                self.check_new_link(schema, &change.link)?;
                EffectKind::Created
            }
        };
        self.txn.write_link(self.commit.scope, link_type, (source, target), (old.as_ref(), Some(row)), self.seq)?;
        self.effects.push(Effect::Link(link_type.id, source.clone(), target.clone(), kind));
        Ok(())
    }

    fn check_new_link(&mut self, schema: &Schema, link: &LinkRef) -> Result<()> {
        for (end, key, name) in [(End::Source, &link.source, "source"), (End::Target, &link.target, "target")] {
            let object_type = type_at(schema, &link.link_type, end)?;
            if self.stored(object_type, key)?.is_none() {
                return Err(dangling(object_type, key).at(name));
            }
            let one = link.link_type.side(end).cardinality == Cardinality::One;
            if one && !self.txn.links_of(self.commit.scope, &link.link_type, end, key, 1)?.is_empty() {
                return Err(Error::conflict(
                    "kernel.link.cardinality",
                    "the object may have one such link and has it already",
                )
                .with("link", &link.link_type.side(end).api_name)
                .with("key", key)
                .at(name));
            }
        }
        Ok(())
    }

    pub(super) fn check_references(&mut self, schema: &Schema) -> Result<()> {
        for unchecked in std::mem::take(&mut self.unchecked) {
            let (change, result) = match unchecked {
                Unchecked::Reference { change, link_type, holder, value } => {
                    (change, self.check_reference(schema, &link_type, &holder, &value))
                }
                Unchecked::Restricted { change, link_type, end, key } => {
                    (change, self.check_restricted(schema, &link_type, end, &key))
                }
            };
            result.map_err(|e| e.at(format!("changes[{change}]")))?;
        }
        Ok(())
    }

    fn check_reference(&mut self, schema: &Schema, link_type: &LinkType, holder_key: &Key, value: &Key) -> Result<()> {
        let Backing::ForeignKey { holder, property } = link_type.backing else { return Ok(()) };
        let holder_type = type_at(schema, link_type, holder)?;
        let still = self.stored(holder_type, holder_key)?;
        let target_value = value.to_value();
        if still.is_none_or(|row| row.values.get(property) != Some(&target_value)) {
            return Ok(());
        }
        let referenced = type_at(schema, link_type, holder.far())?;
        if self.stored(referenced, value)?.is_none() {
            let name = holder_type.names.get(property).map(ToString::to_string).unwrap_or_default();
            return Err(dangling(referenced, value).at(name));
        }
        let one = link_type.side(holder.far()).cardinality == Cardinality::One;
        if one && self.txn.keys_with(self.commit.scope, holder_type, property, &target_value, 2)?.len() > 1 {
            return Err(Error::conflict(
                "kernel.link.cardinality",
                "the object may have one such link and has it already",
            )
            .with("link", &link_type.side(holder.far()).api_name)
            .with("key", value));
        }
        Ok(())
    }

    fn check_restricted(&mut self, schema: &Schema, link_type: &LinkType, end: End, key: &Key) -> Result<()> {
        if self.stored(type_at(schema, link_type, end)?, key)?.is_some() {
            return Ok(());
        }
        let linked = match link_type.backing {
            Backing::ForeignKey { holder, property } => {
                let holder_type = type_at(schema, link_type, holder)?;
                !self.txn.keys_with(self.commit.scope, holder_type, property, &key.to_value(), 1)?.is_empty()
            }
            Backing::Join => !self.txn.links_of(self.commit.scope, link_type, end, key, 1)?.is_empty(),
        };
        if linked {
            return Err(Error::conflict("kernel.object.referenced", "other objects are linked to it")
                .with("link", &link_type.side(end).api_name)
                .with("key", key));
        }
        Ok(())
    }
}

/// That a link leads to an object that is not there, or may as well not be.
pub(crate) fn dangling(object_type: &ObjectType, key: &Key) -> Error {
    Error::conflict("kernel.link.dangling", "the object linked to does not exist")
        .with("object_type", &object_type.api_name)
        .with("key", key)
}

fn link_error(error: Error, link: &LinkRef) -> Error {
    error.with("link_type", &link.link_type.api_name).with("source", &link.source).with("target", &link.target)
}

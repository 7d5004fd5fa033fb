//! Bringing stored rows along when a schema changes their shape.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{LinkType, ObjectType, Property};
use crate::commit::Txn;
use crate::{BaseType, DataType, Error, Result, Seq, SpaceId, Value};

/// A change of every row of one type, in all tenants of the space.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// Whose rows.
    pub of: Rewritten,
    /// One per property of the new version, in its order.
    pub transforms: Vec<Transform>,
}

/// A type before and after.
#[derive(Clone, Debug)]
pub enum Rewritten {
    /// An object type.
    Objects(Arc<ObjectType>, Arc<ObjectType>),
    /// A join-table backed link type.
    Links(Arc<LinkType>, Arc<LinkType>),
}

/// How a property's new value comes from the old row.
#[derive(Clone, Debug)]
pub enum Transform {
    /// The old property's value; absent when there was none.
    Keep(Option<usize>),
    /// The old property's value where it is present and has an exact counterpart in the new type, else this one.
    Or(Option<usize>, DataType, Value),
    /// The old property's value converted; what has no exact counterpart becomes the value given, or is refused without one. The
    /// absent value stays absent.
    Cast(usize, DataType, Option<Value>),
}

impl Rewrite {
    fn before(&self) -> &[Property] {
        match &self.of {
            Rewritten::Objects(before, _) => &before.properties,
            Rewritten::Links(before, _) => &before.properties,
        }
    }

    fn after(&self) -> &[Property] {
        match &self.of {
            Rewritten::Objects(_, after) => &after.properties,
            Rewritten::Links(_, after) => &after.properties,
        }
    }

    /// The new row, derived properties aside.
    ///
    /// # Errors
    /// `ontology.migration.cast`, when a value has no exact counterpart and none was given.
    pub fn row(&self, old: &[Value]) -> Result<Vec<Value>> {
        self.transforms.iter().map(|transform| transform.value(self.before(), old)).collect()
    }

    /// Rewrites every row, ending the old versions at `seq`. Rows that stay as they are get no new version.
    ///
    /// # Errors
    /// As [`Rewrite::row`], naming the row.
    pub fn run(&self, txn: &mut dyn Txn, space: SpaceId, seq: Seq) -> Result<()> {
        let kept: Vec<Option<usize>> = self
            .after()
            .iter()
            .map(|after| self.before().iter().position(|before| before.column == after.column))
            .collect();
        match &self.of {
            Rewritten::Objects(before, after) => {
                let mut rows = Vec::new();
                txn.scan_objects(space, before, &mut |tenant, key, row| {
                    let mut new =
                        self.row(&row.values).map_err(|e| e.with("object_type", &before.api_name).with("key", key))?;
                    after.derive(&mut new);
                    if !is_unchanged(&kept, &row.values, &new) {
                        rows.push((tenant, key.clone(), row.clone(), new));
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
                for (tenant, key, row, new) in rows {
                    txn.replace_object(crate::Scope { tenant, space }, after, &key, (&row, Some(&new)), seq)?;
                }
            }
            Rewritten::Links(before, after) => {
                let mut rows = Vec::new();
                txn.scan_links(space, before, &mut |tenant, link| {
                    let new = self.row(&link.values).map_err(|e| {
                        e.with("link_type", &before.api_name).with("source", &link.source).with("target", &link.target)
                    })?;
                    if !is_unchanged(&kept, &link.values, &new) {
                        rows.push((tenant, link.clone(), new));
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
                for (tenant, link, new) in rows {
                    let scope = crate::Scope { tenant, space };
                    txn.write_link(scope, after, (&link.source, &link.target), (Some(&link), Some(&new)), seq)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a row is stored as it was: every column holds what it held, and new columns hold nothing.
fn is_unchanged(kept: &[Option<usize>], old: &[Value], new: &[Value]) -> bool {
    kept.iter().zip(new).all(|(kept, value)| match kept {
        Some(index) => old.get(*index) == Some(value),
        None => value.is_null(),
    })
}

impl Transform {
    fn value(&self, before: &[Property], old: &[Value]) -> Result<Value> {
        let at = |index: usize| old.get(index).cloned().unwrap_or_default();
        let cast = |index: usize, to: &DataType| {
            let from: &BaseType = before.get(index).map_or(&to.base, |property| &property.data_type.base);
            to.cast(from, &at(index))
        };
        match self {
            Self::Keep(index) => Ok(index.map_or(Value::Null, at)),
            Self::Or(index, to, fallback) => {
                let value = index.and_then(|index| cast(index, to)).filter(|value| !value.is_null());
                Ok(value.unwrap_or_else(|| fallback.clone()))
            }
            Self::Cast(index, to, fallback) => cast(*index, to).or_else(|| fallback.clone()).ok_or_else(|| {
                Error::conflict("ontology.migration.cast", "a stored value has no counterpart in the new type")
                    .with("property", before.get(*index).map_or("", |property| property.api_name.as_str()))
            }),
        }
    }
}

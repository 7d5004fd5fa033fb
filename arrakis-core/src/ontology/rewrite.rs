//! Bringing stored rows along when a schema changes their shape.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{LinkType, ObjectType};
use crate::commit::Txn;
use crate::{DataType, Error, Result, Seq, SpaceId, Value};

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
    /// The old property's value where the new type accepts it, else this one.
    Or(Option<usize>, DataType, Value),
    /// The old property's value converted; what has no exact counterpart becomes the value given, or is refused without one.
    Cast(usize, DataType, Option<Value>),
}

impl Rewrite {
    /// The new row.
    ///
    /// # Errors
    /// `ontology.migration.cast`, when a value has no exact counterpart and none was given.
    pub fn row(&self, old: &[Value]) -> Result<Vec<Value>> {
        self.transforms.iter().map(|transform| transform.value(old)).collect()
    }

    /// Rewrites every row, ending the old versions at `seq`. Rows that stay as they are get no new version.
    ///
    /// # Errors
    /// As [`Rewrite::row`], naming the row.
    pub fn run(&self, txn: &mut dyn Txn, space: SpaceId, seq: Seq) -> Result<()> {
        match &self.of {
            Rewritten::Objects(before, after) => {
                let mut rows = Vec::new();
                txn.scan_objects(space, before, &mut |tenant, key, row| {
                    rows.push((tenant, key.clone(), row.clone()));
                    Ok(ControlFlow::Continue(()))
                })?;
                for (tenant, key, row) in rows {
                    let mut new =
                        self.row(&row.values).map_err(|e| e.with("object_type", &before.api_name).with("key", &key))?;
                    after.derive(&mut new);
                    txn.replace_object(crate::Scope { tenant, space }, after, &key, (&row, Some(&new)), seq)?;
                }
            }
            Rewritten::Links(before, after) => {
                let mut rows = Vec::new();
                txn.scan_links(space, before, &mut |tenant, link| {
                    rows.push((tenant, link.clone()));
                    Ok(ControlFlow::Continue(()))
                })?;
                for (tenant, link) in rows {
                    let new = self
                        .row(&link.values)
                        .map_err(|e| e.with("link_type", &before.api_name).with("source", &link.source))?;
                    let scope = crate::Scope { tenant, space };
                    txn.write_link(scope, after, (&link.source, &link.target), (Some(&link), Some(&new)), seq)?;
                }
            }
        }
        Ok(())
    }
}

impl Transform {
    fn value(&self, old: &[Value]) -> Result<Value> {
        let at = |index: usize| old.get(index).cloned().unwrap_or_default();
        match self {
            Self::Keep(index) => Ok(index.map_or(Value::Null, at)),
            Self::Or(index, data_type, fallback) => {
                let value = index.map_or(Value::Null, at);
                let fits = !value.is_null() && data_type.check(&value).is_ok();
                Ok(if fits { value } else { fallback.clone() })
            }
            Self::Cast(index, data_type, fallback) => match (data_type.cast(&at(*index)), fallback) {
                (Some(value), _) => Ok(value),
                (None, Some(value)) => Ok(value.clone()),
                (None, None) => {
                    Err(Error::conflict("ontology.migration.cast", "a stored value has no counterpart in the new type"))
                }
            },
        }
    }
}

impl DataType {
    /// The value of this type equal to `value`, by way of its text; `None` where there is none or a constraint refuses it.
    /// The absent value stays absent.
    pub fn cast(&self, value: &Value) -> Option<Value> {
        let json = value.to_json();
        if let Ok(value) = self.read(&json) {
            return Some(value);
        }
        let text = match &json {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value = self.base.read_text(&text).ok()?;
        self.check(&value).ok()?;
        Some(value)
    }
}

//! Rules checked against stored data: the evidence of a plan, and the last word when it is applied.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{LinkType, ObjectType, Property};
use crate::commit::Txn;
use crate::{BaseType, DataType, Error, Key, Result, SpaceId, TenantId, Value, canonical_json};

/// The most samples of violating rows.
pub const VIOLATION_SAMPLES_MAX: usize = 20;

/// A rule over all rows of one type in a space.
#[derive(Clone, Debug)]
pub enum DataCheck {
    /// There are no objects.
    NoObjects(Arc<ObjectType>),
    /// There are no links.
    NoLinks(Arc<LinkType>),
    /// The property is absent everywhere.
    NoValues(Arc<ObjectType>, usize),
    /// The property is present everywhere.
    Required(Arc<ObjectType>, usize),
    /// Every value obeys this type's constraints.
    Conforms(Arc<ObjectType>, usize, DataType),
    /// Every value has an exact counterpart in this type.
    Castable(Arc<ObjectType>, usize, DataType),
    /// No two objects of a tenant share a value.
    Unique(Arc<ObjectType>, usize),
    /// The texts of each object in an index of the type have a length every store can keep.
    Indexed(Arc<ObjectType>, super::Index),
    /// Every value is the key of an object of the other type.
    References(Arc<ObjectType>, usize, Arc<ObjectType>),
    /// Each object at the end has at most one join-table link.
    AtMostOneLink(Arc<LinkType>, super::End),
    /// The link property is present everywhere.
    LinkRequired(Arc<LinkType>, usize),
    /// Every value of the link property obeys this type's constraints.
    LinkConforms(Arc<LinkType>, usize, DataType),
    /// Every value of the link property has an exact counterpart in this type.
    LinkCastable(Arc<LinkType>, usize, DataType),
    /// The link property is absent everywhere.
    LinkNoValues(Arc<LinkType>, usize),
}

/// What breaks a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Violations {
    /// How many rows of the whole space, exactly.
    pub count: u64,
    /// Keys of up to [`VIOLATION_SAMPLES_MAX`] of them, of the asking tenant only; a link is `source → target`.
    pub samples: Vec<String>,
}

impl Violations {
    fn note(&mut self, sample: Option<String>) {
        self.count += 1;
        if let Some(sample) = sample.filter(|_| self.samples.len() < VIOLATION_SAMPLES_MAX) {
            self.samples.push(sample);
        }
    }

    /// The refusal of a publication whose data breaks a rule.
    pub fn into_error(self) -> Error {
        Error::conflict("ontology.plan.violated", "stored data breaks the new version's rules")
            .with("count", self.count)
            .with("samples", self.samples.join(", "))
    }
}

impl DataCheck {
    /// Whether it is asked of the data a publication finds, before its tables and rows change; the others are asked of what it leaves.
    pub const fn is_before(&self) -> bool {
        matches!(self, Self::NoObjects(_) | Self::NoLinks(_) | Self::NoValues(..) | Self::LinkNoValues(..))
    }

    /// Counts what breaks the rule.
    ///
    /// # Errors
    /// Only what the store answers.
    pub fn run(&self, txn: &mut dyn Txn, space: SpaceId, asking: TenantId) -> Result<Violations> {
        match self {
            Self::NoObjects(of) => rows(txn, space, asking, of, |_| true),
            Self::NoValues(of, property) => values(txn, (space, asking), of, *property, |value| !value.is_null()),
            Self::Required(of, property) => values(txn, (space, asking), of, *property, Value::is_null),
            Self::Conforms(of, property, to) => values(txn, (space, asking), of, *property, |value| !to.accepts(value)),
            Self::Castable(of, property, to) => {
                let from = base_of(&of.properties, *property, to);
                values(txn, (space, asking), of, *property, |value| to.cast(from, value).is_none())
            }
            Self::Unique(of, property) => unique(txn, (space, asking), of, *property),
            Self::Indexed(of, index) => {
                rows(txn, space, asking, of, |row| index.text_len(row) > crate::commit::INDEX_TEXT_LEN_MAX)
            }
            Self::References(of, property, to) => references(txn, (space, asking), of, *property, to),
            Self::NoLinks(of) => links(txn, (space, asking), of, |_| true),
            Self::LinkRequired(of, property) => {
                links(txn, (space, asking), of, |row| row.get(*property).is_none_or(Value::is_null))
            }
            Self::LinkNoValues(of, property) => {
                links(txn, (space, asking), of, |row| row.get(*property).is_some_and(|v| !v.is_null()))
            }
            Self::LinkConforms(of, property, to) => {
                links(txn, (space, asking), of, |row| row.get(*property).is_some_and(|value| !to.accepts(value)))
            }
            Self::LinkCastable(of, property, to) => {
                let from = base_of(&of.properties, *property, to);
                let is_lost = |value: &Value| to.cast(from, value).is_none();
                links(txn, (space, asking), of, |row| row.get(*property).is_some_and(is_lost))
            }
            Self::AtMostOneLink(of, end) => at_most_one(txn, (space, asking), of, *end),
        }
    }
}

fn base_of<'a>(properties: &'a [Property], index: usize, to: &'a DataType) -> &'a BaseType {
    properties.get(index).map_or(&to.base, |property| &property.data_type.base)
}

fn rows(
    txn: &mut dyn Txn,
    space: SpaceId,
    asking: TenantId,
    of: &ObjectType,
    breaks: impl Fn(&[Value]) -> bool,
) -> Result<Violations> {
    let mut violations = Violations::default();
    txn.scan_objects(space, of, &mut |tenant, key, row| {
        if breaks(&row.values) {
            violations.note((tenant == asking).then(|| key.to_string()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(violations)
}

fn values(
    txn: &mut dyn Txn,
    (space, asking): (SpaceId, TenantId),
    of: &ObjectType,
    property: usize,
    breaks: impl Fn(&Value) -> bool,
) -> Result<Violations> {
    rows(txn, space, asking, of, |row| breaks(row.get(property).unwrap_or(&Value::Null)))
}

fn unique(
    txn: &mut dyn Txn,
    (space, asking): (SpaceId, TenantId),
    of: &ObjectType,
    property: usize,
) -> Result<Violations> {
    let mut seen = std::collections::HashSet::new();
    let mut violations = Violations::default();
    txn.scan_objects(space, of, &mut |tenant, key, row| {
        let value = row.values.get(property).unwrap_or(&Value::Null);
        if !value.is_null() && !seen.insert((tenant, canonical_json(&value.to_json()))) {
            violations.note((tenant == asking).then(|| key.to_string()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(violations)
}

fn references(
    txn: &mut dyn Txn,
    (space, asking): (SpaceId, TenantId),
    of: &ObjectType,
    property: usize,
    to: &ObjectType,
) -> Result<Violations> {
    let mut held = Vec::new();
    txn.scan_objects(space, of, &mut |tenant, key, row| {
        if let Some(far) = row.values.get(property).and_then(Key::from_value) {
            held.push((tenant, key.clone(), far));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let mut violations = Violations::default();
    for (tenant, key, far) in held {
        if txn.object(crate::Scope { tenant, space }, to, &far)?.is_none() {
            violations.note((tenant == asking).then(|| key.to_string()));
        }
    }
    Ok(violations)
}

fn links(
    txn: &mut dyn Txn,
    (space, asking): (SpaceId, TenantId),
    of: &LinkType,
    breaks: impl Fn(&[Value]) -> bool,
) -> Result<Violations> {
    let mut violations = Violations::default();
    txn.scan_links(space, of, &mut |tenant, link| {
        if breaks(&link.values) {
            violations.note((tenant == asking).then(|| format!("{} → {}", link.source, link.target)));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(violations)
}

fn at_most_one(
    txn: &mut dyn Txn,
    (space, asking): (SpaceId, TenantId),
    of: &LinkType,
    end: super::End,
) -> Result<Violations> {
    let mut counts: HashMap<(TenantId, Key), u64> = HashMap::new();
    txn.scan_links(space, of, &mut |tenant, link| {
        let key = if end == super::End::Source { &link.source } else { &link.target };
        *counts.entry((tenant, key.clone())).or_default() += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    let mut over: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 1).map(|(holder, _)| holder).collect();
    over.sort();
    let mut violations = Violations::default();
    for (tenant, key) in over {
        violations.note((tenant == asking).then(|| key.to_string()));
    }
    Ok(violations)
}

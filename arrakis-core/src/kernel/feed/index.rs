//! Which subscribers a change of a row may concern, without asking each of them.

use std::collections::{BTreeMap, HashMap};

use super::membership::Pin;
use super::rows::RowChange;
use crate::{ObjectTypeId, Ranked};

/// A subscriber of a lane.
pub(super) type SubscriberId = u64;

/// Subscribers by the type of their objects and, where it is known, by a value each of those objects holds.
#[derive(Debug, Default)]
pub(super) struct Index {
    types: HashMap<ObjectTypeId, OfType>,
}

#[derive(Debug, Default)]
struct OfType {
    by_value: HashMap<usize, BTreeMap<Ranked, Vec<SubscriberId>>>,
    /// Those of whose objects nothing is known.
    rest: Vec<SubscriberId>,
}

impl Index {
    pub(super) fn insert(&mut self, of: ObjectTypeId, pin: Option<&Pin>, subscriber: SubscriberId) {
        let of_type = self.types.entry(of).or_default();
        let Some(Pin { property, values }) = pin else {
            of_type.rest.push(subscriber);
            return;
        };
        let by_value = of_type.by_value.entry(*property).or_default();
        for value in values {
            let subscribers = by_value.entry(Ranked(value.clone())).or_default();
            // A value may be named twice.
            if subscribers.last() != Some(&subscriber) {
                subscribers.push(subscriber);
            }
        }
    }

    pub(super) fn remove(&mut self, of: ObjectTypeId, pin: Option<&Pin>, subscriber: SubscriberId) {
        let Some(of_type) = self.types.get_mut(&of) else { return };
        match pin {
            None => of_type.rest.retain(|other| *other != subscriber),
            Some(Pin { property, values }) => {
                let Some(by_value) = of_type.by_value.get_mut(property) else { return };
                for value in values {
                    let value = Ranked(value.clone());
                    let Some(subscribers) = by_value.get_mut(&value) else { continue };
                    subscribers.retain(|other| *other != subscriber);
                    if subscribers.is_empty() {
                        by_value.remove(&value);
                    }
                }
                if by_value.is_empty() {
                    of_type.by_value.remove(property);
                }
            }
        }
        if of_type.rest.is_empty() && of_type.by_value.is_empty() {
            self.types.remove(&of);
        }
    }

    /// Whether any subscriber is told of objects of a type.
    pub(super) fn has(&self, of: ObjectTypeId) -> bool {
        self.types.contains_key(&of)
    }

    /// The types subscribers are told of.
    pub(super) fn types(&self) -> impl Iterator<Item = ObjectTypeId> {
        self.types.keys().copied()
    }

    /// The subscribers whose set may have held the row before the change or may hold it after, each once.
    pub(super) fn concerned(&self, change: &RowChange) -> Vec<SubscriberId> {
        let Some(of_type) = self.types.get(&change.object_type.id) else { return Vec::new() };
        let mut concerned = of_type.rest.clone();
        for (property, by_value) in &of_type.by_value {
            for object in [&change.before, &change.after].into_iter().flatten() {
                // Absent values equal nothing.
                let value = object.properties.values().get(*property).filter(|value| !value.is_null());
                let found = value.and_then(|value| by_value.get(&Ranked(value.clone())));
                concerned.extend(found.into_iter().flatten());
            }
        }
        concerned.sort_unstable();
        concerned.dedup();
        concerned
    }
}

//! Which rows of a load the stored state stands in the way of.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Kernel;
use crate::commit::{LinkOp, ObjectChange, ObjectOp, dangling};
use crate::kernel::load::{Distinct, LoadPlan, SOURCE, TARGET, Target, row_of};
use crate::kernel::plan::{Branch, LinksPlan, Predicate, QueryPlan, Rel};
use crate::kernel::{Budget, LinkEnds};
use crate::ontology::{End, LinkType, ObjectType};
use crate::{ApiName, Change, Context, Error, ErrorKind, Key, Result, Value};

/// How many keys or values one read asks for.
const BATCH_LEN: usize = 1_000;

impl Kernel {
    /// Finds the rows the stored state refuses: keys taken, values taken, ends missing. What it misses, the commit refuses itself.
    pub(super) async fn conflicts(
        &self,
        ctx: &Context,
        plan: &LoadPlan<'_>,
        changes: &[(usize, Change)],
    ) -> Result<Vec<(usize, Error)>> {
        match &plan.target {
            Target::Objects { object_type, unique, references } => {
                let mut found = self.keys_taken(ctx, object_type, changes).await?;
                for property in unique {
                    found.extend(self.values_taken(ctx, object_type, *property, changes).await?);
                }
                let refused: HashSet<usize> = found.iter().map(|(row, _)| *row).collect();
                let standing = objects(changes).filter(|(row, _)| !refused.contains(row)).collect();
                found.extend(self.referred_missing(ctx, object_type, references, standing).await?);
                Ok(found)
            }
            Target::Links { link_type, source, target } => {
                let mut found = Vec::new();
                for (end, object_type) in [(End::Source, source), (End::Target, target)] {
                    found.extend(self.ends_missing(ctx, link_type, (end, object_type), changes).await?);
                }
                found.extend(self.links_taken(ctx, link_type, changes).await?);
                Ok(found)
            }
        }
    }

    async fn existing(&self, ctx: &Context, object_type: &Arc<ObjectType>, mut keys: Vec<Key>) -> Result<HashSet<Key>> {
        keys.sort_unstable();
        keys.dedup();
        let mut found = HashSet::new();
        for batch in keys.chunks(BATCH_LEN) {
            let objects = self.store.objects(ctx.scope(), object_type, batch, None).await?;
            found.extend(objects.value.into_iter().flatten().map(|object| object.key));
        }
        Ok(found)
    }

    async fn keys_taken(
        &self,
        ctx: &Context,
        object_type: &Arc<ObjectType>,
        changes: &[(usize, Change)],
    ) -> Result<Vec<(usize, Error)>> {
        let created = || {
            objects(changes)
                .filter(|(_, change)| matches!(change.op, ObjectOp::Create { .. }))
                .map(|(row, change)| (row, &change.object.key))
        };
        let taken = self.existing(ctx, object_type, created().map(|(_, key)| key.clone()).collect()).await?;
        let fault =
            |(row, _)| (row, Error::new(ErrorKind::AlreadyExists, "kernel.object.exists", "the object exists already"));
        Ok(created().filter(|(_, key)| taken.contains(*key)).map(fault).collect())
    }

    async fn values_taken(
        &self,
        ctx: &Context,
        object_type: &Arc<ObjectType>,
        property: usize,
        changes: &[(usize, Change)],
    ) -> Result<Vec<(usize, Error)>> {
        let given = || {
            objects(changes).filter_map(move |(row, change)| {
                let value = row_of(&change.op)?.get(property)?;
                Some((row, &change.object.key, value, Distinct::of(value)?))
            })
        };
        let mut values: Vec<Value> = given().map(|(_, _, value, _)| value.clone()).collect();
        let mut holders: HashMap<Distinct, Key> = HashMap::new();
        while !values.is_empty() {
            let rest = values.split_off(values.len().min(BATCH_LEN));
            let batch = std::mem::replace(&mut values, rest);
            let limit = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            let rel = Rel::Filter(Box::new(Rel::All), Predicate::In(property, batch));
            let branch =
                Branch { object_type: Arc::clone(object_type), rel, output: vec![property], order: Vec::new() };
            let names = object_type.names.get(property).cloned().into_iter().collect();
            let plan = QueryPlan {
                branches: vec![branch],
                names,
                order: Vec::new(),
                after: None,
                limit,
                at: None,
                budget: Budget::default(),
            };
            let held = self.store.query(ctx.scope(), &plan).await?.value.objects;
            holders.extend(
                held.into_iter()
                    .filter_map(|object| Some((Distinct::of(object.properties.values().first()?)?, object.key))),
            );
        }
        let name = object_type.names.get(property).map(ToString::to_string).unwrap_or_default();
        let fault = |(row, key, _, value): (usize, &Key, &Value, Distinct)| {
            let holder = holders.get(&value).filter(|holder| *holder != key)?;
            let error = Error::conflict("kernel.object.not_unique", "another object holds this value");
            Some((row, error.with("key", holder).at(&name)))
        };
        Ok(given().filter_map(fault).collect())
    }

    /// Rows that refer to what is neither stored nor in the load, and those that refer to such rows, however far.
    async fn referred_missing(
        &self,
        ctx: &Context,
        object_type: &Arc<ObjectType>,
        references: &[(usize, &Arc<ObjectType>)],
        changes: Vec<(usize, &ObjectChange)>,
    ) -> Result<Vec<(usize, Error)>> {
        let made: HashMap<&Key, usize> = changes.iter().map(|(row, change)| (&change.object.key, *row)).collect();
        let mut missing: Vec<(usize, Error)> = Vec::new();
        let mut relying: HashMap<usize, Vec<(usize, &ApiName)>> = HashMap::new();
        for (property, referred) in references {
            let Some(name) = object_type.names.get(*property) else { continue };
            let given = || {
                changes
                    .iter()
                    .filter_map(|(row, change)| Some((*row, Key::from_value(row_of(&change.op)?.get(*property)?)?)))
            };
            let existing = self.existing(ctx, referred, given().map(|(_, key)| key).collect()).await?;
            for (row, key) in given().filter(|(_, key)| !existing.contains(key)) {
                match made.get(&key).filter(|_| referred.id == object_type.id) {
                    Some(on) => relying.entry(*on).or_default().push((row, name)),
                    None => missing.push((row, dangling(referred, &key).at(name))),
                }
            }
        }
        let keys: HashMap<usize, &Key> = made.iter().map(|(key, row)| (*row, *key)).collect();
        let mut fallen: HashSet<usize> = missing.iter().map(|(row, _)| *row).collect();
        let mut next = 0;
        while let Some(row) = missing.get(next).map(|(row, _)| *row) {
            next += 1;
            let Some(key) = keys.get(&row) else { continue };
            for (row, name) in relying.remove(&row).unwrap_or_default() {
                if fallen.insert(row) {
                    missing.push((row, dangling(object_type, key).at(name)));
                }
            }
        }
        Ok(missing)
    }

    async fn ends_missing(
        &self,
        ctx: &Context,
        link_type: &LinkType,
        (end, object_type): (End, &Arc<ObjectType>),
        changes: &[(usize, Change)],
    ) -> Result<Vec<(usize, Error)>> {
        let at_end = || changes.iter().filter_map(|(row, change)| Some((*row, key_at(link_type, end, change)?)));
        let existing = self.existing(ctx, object_type, at_end().map(|(_, key)| key).collect()).await?;
        let column = if end == End::Source { SOURCE } else { TARGET };
        Ok(at_end()
            .filter(|(_, key)| !existing.contains(key))
            .map(|(row, key)| (row, dangling(object_type, &key).at(column)))
            .collect())
    }

    async fn links_taken(
        &self,
        ctx: &Context,
        link_type: &Arc<LinkType>,
        changes: &[(usize, Change)],
    ) -> Result<Vec<(usize, Error)>> {
        let mut created: HashMap<&Key, Vec<(usize, &Key)>> = HashMap::new();
        for (row, change) in changes {
            if let Change::Link(change) = change
                && matches!(change.op, LinkOp::Create { .. })
            {
                created.entry(&change.link.source).or_default().push((*row, &change.link.target));
            }
        }
        let mut found = Vec::new();
        for (source, targets) in created {
            let mut far: Vec<Key> = targets.iter().map(|(_, target)| (*target).clone()).collect();
            far.sort_unstable();
            let plan = LinksPlan {
                link_type: Arc::clone(link_type),
                holder_type: None,
                end: End::Source,
                key: source.clone(),
                limit: u32::try_from(far.len()).unwrap_or(u32::MAX),
                far: Some(far),
                edge: None,
                after: None,
                at: None,
            };
            let links = self.store.links(ctx.scope(), &plan).await?.value;
            let taken: HashSet<LinkEnds> =
                links.into_iter().map(|link| LinkEnds { source: link.source, target: link.target }).collect();
            let is_taken = |target: &Key| taken.contains(&LinkEnds { source: source.clone(), target: target.clone() });
            found.extend(targets.iter().filter(|(_, target)| is_taken(target)).map(|(row, _)| {
                (*row, Error::new(ErrorKind::AlreadyExists, "kernel.link.exists", "the link exists already"))
            }));
        }
        Ok(found)
    }
}

fn objects(changes: &[(usize, Change)]) -> impl Iterator<Item = (usize, &ObjectChange)> {
    changes.iter().filter_map(|(row, change)| match change {
        Change::Object(change) => Some((*row, change)),
        Change::Link(_) | Change::Tenancy(_) | Change::Publish(_) => None,
    })
}

/// The key at an end of the link a change makes, of either backing.
fn key_at(link_type: &LinkType, end: End, change: &Change) -> Option<Key> {
    match change {
        Change::Link(change) => {
            let key = if end == End::Source { &change.link.source } else { &change.link.target };
            Some(key.clone())
        }
        Change::Object(change) => {
            let crate::ontology::Backing::ForeignKey { holder, .. } = link_type.backing else { return None };
            match &change.op {
                _ if holder == end => Some(change.object.key.clone()),
                ObjectOp::Modify { set } => set.first().and_then(|(_, value)| Key::from_value(value)),
                ObjectOp::Create { .. } | ObjectOp::Upsert { .. } | ObjectOp::Delete => None,
            }
        }
        Change::Tenancy(_) | Change::Publish(_) => None,
    }
}

//! The edits that bring rows back to what they were. Pure.

use std::collections::{BTreeSet, HashMap};

use crate::kernel::action::{ChangedSince, NamedEffect, OnConflict};
use crate::kernel::{Edit, Expect, LinkEnds, NewProperties, Properties};
use crate::ontology::{LinkType, ObjectType, Property, Schema};
use crate::{EffectKind, Key, Seq, Value};

/// The commit taken back, seen from the schemas then and now.
pub(super) struct Undoing<'a> {
    pub(super) at: Seq,
    pub(super) then: &'a Schema,
    pub(super) now: &'a Schema,
    pub(super) on_conflict: OnConflict,
}

/// A row before the commit, after it, and now.
pub(super) struct Row<'r> {
    pub(super) before: Option<&'r Properties>,
    pub(super) after: Option<&'r Properties>,
    pub(super) current: Option<(&'r Properties, Seq)>,
}

/// An edit, and the properties it takes back that were changed since: `None` for the object as a whole.
pub(super) type InvertedObject<'p> = (Option<Edit>, Vec<Option<&'p Property>>);

/// The edit that brings an object back to what it was; nothing where it is that.
pub(super) fn invert_object<'p>(
    undoing: &Undoing<'_>,
    (then, now): (&ObjectType, &'p ObjectType),
    key: &Key,
    row: &Row<'_>,
) -> Option<InvertedObject<'p>> {
    let keep = undoing.on_conflict == OnConflict::Skip;
    let (object_type, key) = (now.api_name.to_string(), key.clone());
    let expect = row.current.map(|(_, revision)| Expect::At(revision));
    let create = |before| {
        let properties = settable(then, now, before, &|_| true);
        Edit::Create { object_type: now.api_name.to_string(), properties }
    };
    Some(match (row.before, row.after, row.current) {
        // Nothing is left of what it created.
        (None, None, _) | (None, Some(_), None) => return None,
        // Created by it: it goes.
        (None, Some(after), Some((current, _))) => {
            let changed = differing((&then.properties, after), (&now.properties, current));
            let edit = Edit::Delete { object_type, key, expect };
            let edit = (changed.is_empty() || !keep).then_some(edit);
            (edit, changed.into_iter().map(Some).collect())
        }
        // Deleted by it: it comes back, unless another took its place since.
        (Some(before), None, None) => (Some(create(before)), Vec::new()),
        (Some(before), None, Some(_)) => {
            let properties = settable(then, now, before, &|property| !is_key(now, property));
            let edit = Edit::Modify { object_type, key, properties, expect };
            ((!keep).then_some(edit), vec![None])
        }
        // Changed by it, and deleted since.
        (Some(before), Some(_), None) => ((!keep).then(|| create(before)), vec![None]),
        // Changed by it: what it changed is as before.
        (Some(before), Some(after), Some((current, _))) => {
            let undone = differing((&then.properties, before), (&then.properties, after));
            let is_among = |among: &[&Property], property: &Property| among.iter().any(|one| one.id == property.id);
            let mut changed = differing((&then.properties, after), (&now.properties, current));
            changed.retain(|property| is_among(&undone, property));
            let wanted = |property: &Property| is_among(&undone, property) && !(keep && is_among(&changed, property));
            let properties = settable(then, now, before, &wanted);
            let is_empty = properties.is_empty();
            let edit = Edit::Modify { object_type, key, properties, expect };
            ((!is_empty).then_some(edit), changed.into_iter().map(Some).collect())
        }
    })
}

/// Values of then, by the names of now; derived ones are left aside, and one that was absent is null.
fn settable(
    then: &ObjectType,
    now: &ObjectType,
    values: &Properties,
    wanted: &dyn Fn(&Property) -> bool,
) -> NewProperties {
    let properties = now.properties.iter().filter(|property| property.derived.is_none() && wanted(property));
    let value = |property: &Property| {
        let found = then.properties.iter().zip(values.values()).find(|(old, _)| old.id == property.id);
        let json = found.map_or(serde_json::Value::Null, |(old, value)| value.to_json_as(&old.data_type.base));
        (property.api_name.to_string(), json)
    };
    properties.map(value).collect::<serde_json::Map<_, _>>().into()
}

fn is_key(object_type: &ObjectType, property: &Property) -> bool {
    object_type.properties.get(object_type.primary_key).is_some_and(|key| key.id == property.id)
}

/// The properties of the second type whose values differ, derived ones left aside.
fn differing<'p>((then, a): (&[Property], &Properties), (now, b): (&'p [Property], &Properties)) -> Vec<&'p Property> {
    let old: HashMap<_, _> = then.iter().zip(a.values()).map(|(property, value)| (property.id, value)).collect();
    let pairs = now.iter().zip(b.values()).filter(|(property, _)| property.derived.is_none());
    let differs = |(property, value): &(&Property, &Value)| old.get(&property.id).is_some_and(|old| old != value);
    pairs.filter(differs).map(|(property, _)| property).collect()
}

/// The edit that brings a link back to what it was, and whether it was changed since.
pub(super) fn invert_link(
    undoing: &Undoing<'_>,
    (then, now): (&LinkType, &LinkType),
    ends: &LinkEnds,
    row: &Row<'_>,
) -> Option<(Option<Edit>, bool)> {
    let keep = undoing.on_conflict == OnConflict::Skip;
    let link_type = now.api_name.to_string();
    let expect = Some(row.current.map_or(Expect::Absent, |(_, revision)| Expect::At(revision)));
    let LinkEnds { source, target } = ends.clone();
    let changed = match (row.after, row.current) {
        (None, None) => false,
        (Some(after), Some((current, _))) => {
            !differing((&then.properties, after), (&now.properties, current)).is_empty()
        }
        (None, Some(_)) | (Some(_), None) => true,
    };
    match (row.before, row.current) {
        (None, None) => None,
        (None, Some(_)) => {
            let edit = Edit::Unlink { link_type, source, target, expect };
            Some(((!changed || !keep).then_some(edit), changed))
        }
        (Some(before), _) => {
            let values = then.properties.iter().zip(before.values());
            let values = values.filter_map(|(old, value)| {
                let property = now.properties.iter().find(|property| property.id == old.id)?;
                Some((property.api_name.to_string(), value.to_json_as(&old.data_type.base)))
            });
            let properties = values.collect::<serde_json::Map<_, _>>().into();
            let edit = Edit::Link { link_type, source, target, properties, expect };
            Some(((!changed || !keep).then_some(edit), changed))
        }
    }
}

/// What an undo reaches beyond its own edits, by the on-delete rules of what others made since.
pub(super) fn reached<'e>(effects: &[NamedEffect], edits: impl Iterator<Item = &'e Edit> + Clone) -> Vec<ChangedSince> {
    let objects: BTreeSet<(&str, String)> = edits
        .clone()
        .filter_map(|edit| match edit {
            Edit::Create { .. } | Edit::Upsert { .. } | Edit::Link { .. } | Edit::Unlink { .. } => None,
            Edit::Modify { object_type, key, .. } | Edit::Delete { object_type, key, .. } => {
                Some((object_type.as_str(), key.to_string()))
            }
        })
        .collect();
    let links: BTreeSet<(&str, &Key, &Key)> = edits
        .filter_map(|edit| match edit {
            Edit::Link { link_type, source, target, .. } | Edit::Unlink { link_type, source, target, .. } => {
                Some((link_type.as_str(), source, target))
            }
            _ => None,
        })
        .collect();
    let beyond = |effect: &&NamedEffect| match effect {
        NamedEffect::Object { change: EffectKind::Created, .. } => false,
        NamedEffect::Object { object_type, key, .. } => !objects.contains(&(object_type.as_str(), key.to_string())),
        NamedEffect::Link { link_type, source, target, .. } => !links.contains(&(link_type.as_str(), source, target)),
    };
    let since = |effect: &NamedEffect| match effect {
        NamedEffect::Object { object_type, key, .. } => {
            ChangedSince { r#type: object_type.clone(), key: key.clone(), target: None, property: None, by: None }
        }
        NamedEffect::Link { link_type, source, target, .. } => ChangedSince {
            r#type: link_type.clone(),
            key: source.clone(),
            target: Some(target.clone()),
            property: None,
            by: None,
        },
    };
    effects.iter().filter(beyond).map(since).collect()
}

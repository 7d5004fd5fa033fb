//! Object types: new, gone, with another key; their titles, indexes and interfaces.

use std::collections::HashSet;
use std::sync::Arc;

use super::subject::Subject;
use super::{Differ, Paired};
use crate::ontology::plan::finding::Draft;
use crate::ontology::plan::migration::Step;
use crate::ontology::plan::rule::Rule;
use crate::ontology::{DataCheck, ElementKind, ElementPath, Index, NewImplementation, NewObjectType, ObjectType};
use crate::{ApiName, PropertyId, Result};

/// An object type in both versions.
struct Pair<'a> {
    old: (&'a NewObjectType, Arc<ObjectType>),
    new: (&'a NewObjectType, Arc<ObjectType>),
    path: ElementPath,
    old_path: ElementPath,
}

impl<'a> Differ<'a> {
    pub(super) fn object_types(&mut self, old: &'a [NewObjectType], new: &'a [NewObjectType]) -> Result<()> {
        let kind = ElementKind::ObjectType;
        let Paired { kept, added, removed } = self.pair(kind, (old, new), |of| &of.name);
        for stated in added {
            self.push(Draft::new(Rule::TypeAdded, ElementPath::of(kind, stated.name.clone()).to_string()));
        }
        for stated in removed {
            let path = ElementPath::of(kind, stated.name.clone());
            let of = self.base.object_type(stated.name.as_str())?;
            self.emptied(Rule::TypeRemoved, DataCheck::NoObjects(Arc::clone(of)), &path, &path);
        }
        for (old, new) in kept {
            let pair = Pair {
                old: (old, Arc::clone(self.base.object_type(old.name.as_str())?)),
                new: (new, Arc::clone(self.target.object_type(new.name.as_str())?)),
                path: ElementPath::of(kind, new.name.clone()),
                old_path: ElementPath::of(kind, old.name.clone()),
            };
            self.object_type(&pair)?;
        }
        Ok(())
    }

    /// A change that stands where there is no data, or where it is dropped.
    pub(super) fn emptied(&mut self, rule: Rule, check: DataCheck, path: &ElementPath, old_path: &ElementPath) {
        let migration = self.migrations.take(path, &[Step::Drop]);
        let mut draft = Draft::new(rule, path.to_string()).evidence(check.clone());
        if migration.is_none() {
            draft = draft.guard(check);
        }
        self.push_of(draft.migration(migration), old_path);
    }

    fn object_type(&mut self, pair: &Pair<'a>) -> Result<()> {
        let NewObjectType {
            name,
            display_name,
            description,
            // The key is compared by identity, below.
            primary_key: _,
            title: _,
            properties,
            indexes: _,
            implements,
            icon,
            color,
            groups,
            status,
        } = pair.new.0;
        let old = pair.old.0;
        self.renamed(Rule::TypeRenamed, ElementKind::ObjectType, &old.name, name);
        let documented = old.display_name != *display_name
            || old.description != *description
            || old.icon != *icon
            || old.color != *color
            || old.groups != *groups;
        self.documentation(&pair.path, documented);
        self.status(&pair.path, (&old.status, status), &pair.old_path);
        self.implementations(pair, (&old.implements, implements));
        let (before, after) = (&pair.old.1, &pair.new.1);
        if before.id != after.id {
            let check = DataCheck::NoObjects(Arc::clone(before));
            self.emptied(Rule::TypeKeyChanged, check, &pair.path, &pair.old_path);
            return Ok(());
        }
        let title = |of: &ObjectType| of.title.and_then(|index| of.properties.get(index)).map(|property| property.id);
        if title(before) != title(after) {
            self.push(Draft::new(Rule::TypeTitleChanged, pair.path.to_string()));
        }
        self.indexes(pair);
        let columns = |of: &ObjectType, index: &Index| -> Vec<_> {
            index.properties.iter().map(|property| of.properties.get(*property).map(|of| of.column)).collect()
        };
        let is_new = |index: &&Index| before.indexes.iter().all(|old| columns(before, old) != columns(after, index));
        for index in after.indexes.iter().filter(is_new).filter(|index| index.holds_text(&after.properties)) {
            self.guards.push(DataCheck::Indexed(Arc::clone(after), index.clone()));
        }
        let subject = Subject::Objects(Arc::clone(before), Arc::clone(after));
        self.properties(&subject, (&pair.old_path, &pair.path), (&old.properties, properties))
    }

    fn indexes(&mut self, pair: &Pair<'_>) {
        let ids = |of: &ObjectType, names: &[Vec<ApiName>]| -> Vec<Vec<Option<PropertyId>>> {
            let id = |name: &ApiName| of.index_of(name.as_str()).and_then(|index| Some(of.properties.get(index)?.id));
            names.iter().map(|names| names.iter().map(id).collect()).collect()
        };
        let old = ids(&pair.old.1, &pair.old.0.indexes);
        let new = ids(&pair.new.1, &pair.new.0.indexes);
        for (index, _) in new.iter().enumerate().filter(|(_, of)| !old.contains(of)) {
            self.push(Draft::new(Rule::TypeIndexAdded, format!("{}.indexes[{index}]", pair.path)));
        }
        for (index, _) in old.iter().enumerate().filter(|(_, of)| !new.contains(of)) {
            self.push(Draft::new(Rule::TypeIndexRemoved, format!("{}.indexes[{index}]", pair.old_path)));
        }
    }

    fn implementations(&mut self, pair: &Pair<'_>, (old, new): (&[NewImplementation], &[NewImplementation])) {
        let mut seen = HashSet::new();
        for (index, implementation) in new.iter().enumerate() {
            let NewImplementation { interface, properties: _, links, actions } = implementation;
            let path = format!("{}.implements[{index}]", pair.path);
            let ancestor = self.lineage.element(ElementKind::Interface, interface);
            let Some(before) = old.iter().find(|before| Some(&before.interface) == ancestor) else {
                self.push(Draft::new(Rule::TypeInterfaceAdded, path).because(interface.as_str()));
                continue;
            };
            seen.insert(&before.interface);
            let same_properties =
                self.bindings(&pair.old.1, &before.interface, true) == self.bindings(&pair.new.1, interface, false);
            if !same_properties || before.links != *links || before.actions != *actions {
                let draft = Draft::new(Rule::TypeInterfaceChanged, path).because(interface.as_str());
                self.push_of(draft, &ElementPath::of(ElementKind::Interface, before.interface.clone()));
            }
        }
        for (index, before) in old.iter().enumerate().filter(|(_, before)| !seen.contains(&before.interface)) {
            let draft = Draft::new(Rule::TypeInterfaceRemoved, format!("{}.implements[{index}]", pair.old_path));
            let interface = ElementPath::of(ElementKind::Interface, before.interface.clone());
            self.push_of(draft.because(before.interface.as_str()), &interface);
        }
    }

    /// The properties a type implements an interface by, for each of the interface's properties both versions have.
    fn bindings(&self, of: &ObjectType, interface: &ApiName, is_base: bool) -> Vec<(ApiName, Option<PropertyId>)> {
        let schema = if is_base { self.base } else { self.target };
        let other = if is_base { self.target } else { self.base };
        let Ok(resolved) = schema.interface(interface.as_str()) else { return Vec::new() };
        let Some(implementation) = of.interfaces.iter().find(|implemented| implemented.interface == *interface) else {
            return Vec::new();
        };
        let mut bindings: Vec<_> = resolved
            .names
            .iter()
            .zip(&implementation.properties)
            .filter(|(name, _)| {
                let same = other
                    .interfaces
                    .iter()
                    .find(|candidate| self.is_same_interface(candidate.api_name.as_str(), interface, is_base));
                same.is_some_and(|same| same.property(name.as_str()).is_ok())
            })
            .map(|(name, index)| (name.clone(), of.properties.get(*index).map(|property| property.id)))
            .collect();
        bindings.sort();
        bindings
    }

    fn is_same_interface(&self, candidate: &str, interface: &ApiName, is_base: bool) -> bool {
        let ancestor = |new: &ApiName| self.lineage.element(ElementKind::Interface, new).cloned();
        if is_base {
            ApiName::parse(candidate).ok().and_then(|new| ancestor(&new)).as_ref() == Some(interface)
        } else {
            ancestor(interface).is_some_and(|old| old == *candidate)
        }
    }
}

//! The difference between a published schema and the one that is to follow it: findings to be judged, rows to rewrite, rules to check.
//!
//! Every field of every element is named here without `..`, so that a new field does not compile until a rule covers it.

mod action_type;
mod interface;
mod link_type;
mod object_type;
mod property;
mod subject;

use std::collections::HashSet;

use super::consumer::Consumers;
use super::finding::Draft;
use super::migration::Migrations;
use super::rule::Rule;
use crate::ontology::lineage::Lineage;
use crate::ontology::{
    DataCheck, ElementKind, ElementPath, NewChanges, NewOntology, NewProperty, NewValueType, Rewrite, Schema, Status,
};
use crate::{ApiName, ObjectTypeId, Result};

/// What a change of schema comes to.
#[derive(Debug)]
pub(super) struct Diff {
    pub(super) drafts: Vec<Draft>,
    pub(super) rewrites: Vec<Rewrite>,
    /// What must hold of the rows rewritten, beyond what the findings say.
    pub(super) guards: Vec<DataCheck>,
}

struct Differ<'a> {
    base: &'a Schema,
    target: &'a Schema,
    lineage: Lineage<'a>,
    consumers: Consumers,
    migrations: Migrations,
    drafts: Vec<Draft>,
    rewrites: Vec<Rewrite>,
    guards: Vec<DataCheck>,
    /// The properties, by type of the new version and index, whose values are rewritten.
    rewritten: HashSet<(ObjectTypeId, usize)>,
}

/// The elements of a list in both versions.
struct Paired<'a, T> {
    kept: Vec<(&'a T, &'a T)>,
    added: Vec<&'a T>,
    removed: Vec<&'a T>,
}

/// The rules for elements that hold no data: new, gone, renamed.
struct ListRules {
    added: Rule,
    removed: Rule,
    renamed: Rule,
}

/// Compares two versions. `changes` are those stated with the new one.
///
/// # Errors
/// What is wrong with the renames and migrations stated, with their path.
pub(super) fn diff(base: &Schema, target: &Schema, changes: &NewChanges) -> Result<Diff> {
    let mut differ = Differ {
        base,
        target,
        lineage: Lineage::new(&base.definition, &target.definition, changes)?,
        consumers: Consumers::new(&base.definition),
        migrations: Migrations::new(&changes.migrations)?,
        drafts: Vec::new(),
        rewrites: Vec::new(),
        guards: Vec::new(),
        rewritten: HashSet::new(),
    };
    differ.run()?;
    Ok(Diff { drafts: differ.drafts, rewrites: differ.rewrites, guards: differ.guards })
}

impl<'a> Differ<'a> {
    fn run(&mut self) -> Result<()> {
        let (base, target) = (self.base, self.target);
        let NewOntology {
            description,
            value_types,
            shared_properties,
            interfaces,
            object_types,
            link_types,
            action_types,
            // What is stated of the change is no part of the schema.
            changes: _,
        } = &target.definition;
        if base.definition.description != *description {
            self.push(Draft::new(Rule::DocumentationChanged, "description".to_owned()));
        }
        self.value_types(&base.definition.value_types, value_types);
        self.shared_properties(&base.definition.shared_properties, shared_properties);
        self.interfaces(&base.definition.interfaces, interfaces);
        self.object_types(&base.definition.object_types, object_types)?;
        self.link_types(&base.definition.link_types, link_types)?;
        self.action_types(&base.definition.action_types, action_types);
        let stale: Vec<String> = self.migrations.stale().map(|path| self.migrations.place(path)).collect();
        for place in stale {
            self.push(Draft::new(Rule::MigrationStale, place));
        }
        if self.drafts.is_empty() && base.hash != target.hash {
            self.push(Draft::new(Rule::FormChanged, String::new()));
        }
        Ok(())
    }

    fn push(&mut self, draft: Draft) {
        self.drafts.push(draft);
    }

    /// A finding about an element of both versions or of the old one, with those that name it there.
    fn push_of(&mut self, mut draft: Draft, old: &ElementPath) {
        draft.finding.consumers = self.consumers.of(old);
        self.drafts.push(draft);
    }

    fn pair<T>(
        &self,
        kind: ElementKind,
        (old, new): (&'a [T], &'a [T]),
        name: impl Fn(&T) -> &ApiName,
    ) -> Paired<'a, T> {
        let by_name: std::collections::HashMap<&ApiName, &'a T> = old.iter().map(|of| (name(of), of)).collect();
        let mut seen = HashSet::new();
        let mut paired = Paired { kept: Vec::new(), added: Vec::new(), removed: Vec::new() };
        for element in new {
            match self.lineage.element(kind, name(element)).and_then(|old| by_name.get_key_value(old)) {
                Some((old_name, old)) => {
                    seen.insert(*old_name);
                    paired.kept.push((*old, element));
                }
                None => paired.added.push(element),
            }
        }
        paired.removed = old.iter().filter(|of| !seen.contains(name(of))).collect();
        paired
    }

    /// Pairs elements that hold no data, telling which are new, gone and renamed.
    fn pair_and_tell<T>(
        &mut self,
        kind: ElementKind,
        lists: (&'a [T], &'a [T]),
        name: impl Fn(&T) -> &ApiName,
        rules: &ListRules,
    ) -> Vec<(&'a T, &'a T)> {
        let Paired { kept, added, removed } = self.pair(kind, lists, &name);
        for element in added {
            self.push(Draft::new(rules.added, ElementPath::of(kind, name(element).clone()).to_string()));
        }
        for element in removed {
            let path = ElementPath::of(kind, name(element).clone());
            self.push_of(Draft::new(rules.removed, path.to_string()), &path);
        }
        for (old, new) in &kept {
            self.renamed(rules.renamed, kind, name(old), name(new));
        }
        kept
    }

    fn renamed(&mut self, rule: Rule, kind: ElementKind, old: &ApiName, new: &ApiName) {
        if old != new {
            let draft = Draft::new(rule, ElementPath::of(kind, new.clone()).to_string());
            self.push_of(draft.because(&format!("it was {old}")), &ElementPath::of(kind, old.clone()));
        }
    }

    fn status(&mut self, path: &ElementPath, (old, new): (&Status, &Status), old_path: &ElementPath) {
        match (old, new) {
            _ if old == new => {}
            (Status::Active | Status::Experimental | Status::Example, Status::Deprecated { .. }) => {
                self.push_of(Draft::new(Rule::StatusDeprecated, path.to_string()), old_path);
            }
            _ => self.push_of(Draft::new(Rule::StatusChanged, path.to_string()), old_path),
        }
    }

    fn documentation(&mut self, path: &ElementPath, changed: bool) {
        if changed {
            self.push(Draft::new(Rule::DocumentationChanged, path.to_string()));
        }
    }

    fn value_types(&mut self, old: &'a [NewValueType], new: &'a [NewValueType]) {
        let kind = ElementKind::ValueType;
        let rules =
            ListRules { added: Rule::ValueTypeAdded, removed: Rule::ValueTypeRemoved, renamed: Rule::ValueTypeRenamed };
        for (old, new) in self.pair_and_tell(kind, (old, new), |of| &of.name, &rules) {
            let NewValueType { name, description, data_type, constraints, version, status } = new;
            let path = ElementPath::of(kind, name.clone());
            let old_path = ElementPath::of(kind, old.name.clone());
            let same_type = self.is_same_type(Some(&old.data_type), Some(data_type));
            if !same_type || old.constraints != *constraints || old.version != *version {
                self.push_of(Draft::new(Rule::ValueTypeChanged, path.to_string()), &old_path);
            }
            self.documentation(&path, old.description != *description);
            self.status(&path, (&old.status, status), &old_path);
        }
    }

    fn shared_properties(&mut self, old: &'a [NewProperty], new: &'a [NewProperty]) {
        let kind = ElementKind::SharedProperty;
        let rules = ListRules {
            added: Rule::SharedPropAdded,
            removed: Rule::SharedPropRemoved,
            renamed: Rule::SharedPropRenamed,
        };
        for (old, new) in self.pair_and_tell(kind, (old, new), |of| &of.name, &rules) {
            let path = ElementPath::of(kind, new.name.clone());
            let old_path = ElementPath::of(kind, old.name.clone());
            // A shared property is a type, constraints, a description and a status: other facets are refused when it is compiled.
            let same_type = self.is_same_type(old.data_type.as_ref(), new.data_type.as_ref());
            if !same_type || old.constraints != new.constraints {
                self.push_of(Draft::new(Rule::SharedPropChanged, path.to_string()), &old_path);
            }
            self.documentation(&path, old.description != new.description);
            self.status(&path, (&old.status, &new.status), &old_path);
        }
    }
}

//! Interfaces: they hold no data, so a change of one is a matter of those who use it.

use super::{Differ, ListRules};
use crate::ApiName;
use crate::ontology::plan::finding::Draft;
use crate::ontology::plan::rule::Rule;
use crate::ontology::{ElementKind, ElementPath, NewInterface, NewProperty};

impl<'a> Differ<'a> {
    pub(super) fn interfaces(&mut self, old: &'a [NewInterface], new: &'a [NewInterface]) {
        let kind = ElementKind::Interface;
        let rules =
            ListRules { added: Rule::InterfaceAdded, removed: Rule::InterfaceRemoved, renamed: Rule::InterfaceRenamed };
        for (old, new) in self.pair_and_tell(kind, (old, new), |of| &of.name, &rules) {
            let NewInterface { name, description, extends, properties, links, actions, status } = new;
            let path = ElementPath::of(kind, name.clone());
            let old_path = ElementPath::of(kind, old.name.clone());
            self.documentation(&path, old.description != *description);
            self.status(&path, (&old.status, status), &old_path);
            let ancestors: Vec<Option<&ApiName>> =
                extends.iter().map(|parent| self.lineage.element(kind, parent)).collect();
            let same_parents =
                ancestors.len() == old.extends.len() && old.extends.iter().all(|old| ancestors.contains(&Some(old)));
            let same_links = old.links.len() == links.len()
                && links.iter().all(|link| old.links.iter().any(|old| self.is_same_link(old, link)));
            let same_actions = old.actions.len() == actions.len()
                && actions.iter().all(|action| {
                    let ancestor = self.lineage.element(ElementKind::ActionType, action).unwrap_or(action);
                    old.actions.contains(ancestor) || old.actions.contains(action)
                });
            for (same, rule) in [
                (same_parents, Rule::InterfaceExtendsChanged),
                (same_links, Rule::InterfaceLinksChanged),
                (same_actions, Rule::InterfaceActionsChanged),
            ] {
                if !same {
                    self.push_of(Draft::new(rule, path.to_string()), &old_path);
                }
            }
            self.interface_properties((&old_path, &path), (&old.properties, properties));
        }
    }

    fn is_same_link(&self, old: &crate::ontology::NewLinkConstraint, new: &crate::ontology::NewLinkConstraint) -> bool {
        let crate::ontology::NewLinkConstraint { name, target, cardinality, required } = new;
        let same_target = [ElementKind::ObjectType, ElementKind::Interface]
            .into_iter()
            .any(|kind| self.lineage.element(kind, target) == Some(&old.target));
        old.name == *name && same_target && old.cardinality == *cardinality && old.required == *required
    }

    fn interface_properties(
        &mut self,
        (old_path, path): (&ElementPath, &ElementPath),
        (old, new): (&[NewProperty], &[NewProperty]),
    ) {
        let mut kept = std::collections::HashSet::new();
        for property in new {
            let own_path = path.property(property.name.clone());
            let ancestor = self.lineage.property(path.kind, (&path.name, &old_path.name), &property.name);
            let Some(before) = old.iter().find(|before| Some(&before.name) == ancestor) else {
                self.push_of(Draft::new(Rule::InterfacePropAdded, own_path.to_string()), old_path);
                continue;
            };
            kept.insert(&before.name);
            let before_path = old_path.property(before.name.clone());
            if before.name != property.name {
                let draft = Draft::new(Rule::InterfacePropRenamed, own_path.to_string());
                self.push_of(draft.because(&format!("it was {}", before.name)), old_path);
            }
            // Facets beyond these are refused when an interface is compiled.
            self.documentation(&own_path, before.description != property.description);
            self.status(&own_path, (&before.status, &property.status), &before_path);
            let resolved = |schema: &crate::ontology::Schema, interface: &ApiName, name: &ApiName| {
                let interface = schema.interface(interface.as_str()).ok()?;
                let (_, property) = interface.property(name.as_str()).ok()?;
                Some((property.data_type.clone(), property.required))
            };
            let was = resolved(self.base, &old_path.name, &before.name);
            let is = resolved(self.target, &path.name, &property.name);
            if was != is {
                self.push_of(Draft::new(Rule::InterfacePropChanged, own_path.to_string()), old_path);
            }
        }
        for gone in old.iter().filter(|before| !kept.contains(&before.name)) {
            let path = old_path.property(gone.name.clone());
            self.push_of(Draft::new(Rule::InterfacePropRemoved, path.to_string()), old_path);
        }
    }
}

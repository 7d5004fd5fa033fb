//! Action types: what callers give, and what is done with it.

use super::{Differ, ListRules};
use crate::ApiName;
use crate::ontology::plan::finding::Draft;
use crate::ontology::plan::rule::Rule;
use crate::ontology::{ElementKind, ElementPath, NewActionType, NewParameter};

impl<'a> Differ<'a> {
    pub(super) fn action_types(&mut self, old: &'a [NewActionType], new: &'a [NewActionType]) {
        let kind = ElementKind::ActionType;
        let rules = ListRules { added: Rule::ActionAdded, removed: Rule::ActionRemoved, renamed: Rule::ActionRenamed };
        for (old, new) in self.pair_and_tell(kind, (old, new), |of| &of.name, &rules) {
            let NewActionType { name, display_name, description, parameters, criteria, rules, effects, status } = new;
            let path = ElementPath::of(kind, name.clone());
            let old_path = ElementPath::of(kind, old.name.clone());
            self.documentation(&path, old.description != *description || old.display_name != *display_name);
            self.status(&path, (&old.status, status), &old_path);
            if old.criteria != *criteria || old.rules != *rules || old.effects != *effects {
                self.push_of(Draft::new(Rule::ActionBehaviorChanged, path.to_string()), &old_path);
            }
            self.parameters((&old_path, &path), (&old.parameters, parameters));
        }
    }

    fn parameters(
        &mut self,
        (old_path, path): (&ElementPath, &ElementPath),
        (old, new): (&[NewParameter], &[NewParameter]),
    ) {
        for parameter in new {
            let own_path = format!("{path}.parameters.{}", parameter.name);
            let Some(before) = old.iter().find(|before| before.name == parameter.name) else {
                let needed = parameter.required && parameter.default.is_none();
                let rule = if needed { Rule::ActionParamAddedRequired } else { Rule::ActionParamAdded };
                self.push_of(Draft::new(rule, own_path), old_path);
                continue;
            };
            if before.description != parameter.description {
                self.push(Draft::new(Rule::DocumentationChanged, own_path.clone()));
            }
            if !self.is_same_parameter(before, parameter) {
                self.push_of(Draft::new(Rule::ActionParamChanged, own_path), old_path);
            }
        }
        for gone in old.iter().filter(|before| !new.iter().any(|parameter| parameter.name == before.name)) {
            let own_path = format!("{old_path}.parameters.{}", gone.name);
            self.push_of(Draft::new(Rule::ActionParamRemoved, own_path), old_path);
        }
    }

    fn is_same_parameter(&self, old: &NewParameter, new: &NewParameter) -> bool {
        let NewParameter {
            name: _,
            description: _,
            data_type,
            object,
            object_list,
            object_set,
            constraints,
            required,
            default,
        } = new;
        let same = |old: &Option<ApiName>, new: &Option<ApiName>| match (old, new) {
            (Some(old), Some(new)) => [ElementKind::ObjectType, ElementKind::Interface]
                .into_iter()
                .any(|kind| self.lineage.element(kind, new) == Some(old)),
            (old, new) => old.is_none() && new.is_none(),
        };
        self.is_same_type(old.data_type.as_ref(), data_type.as_ref())
            && same(&old.object, object)
            && same(&old.object_list, object_list)
            && same(&old.object_set, object_set)
            && old.constraints == *constraints
            && old.required == *required
            && old.default == *default
    }
}

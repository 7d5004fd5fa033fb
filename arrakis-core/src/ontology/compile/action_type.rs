//! Action types: their parameters, and what is named by their criteria and effects.

use std::collections::HashMap;
use std::sync::Arc;

use super::action_value::{ActionScope, Elements};
use super::limit::{
    ACTION_CRITERIA_MAX, ACTION_EFFECTS_MAX, ACTION_PARAMETERS_MAX, ACTION_RULES_MAX, DESCRIPTION_LEN_MAX,
    LABEL_LEN_MAX, PROPERTIES_MAX, at_most, text,
};
use super::{Compiler, duplicate_name, unknown_name};
use crate::ontology::{
    ActionEffect, ActionType, Criterion, EventValue, NewActionType, NewCriterion, NewEffect, NewParameter, Parameter,
    ParameterObject, ParameterType,
};
use crate::{ApiName, Error, Result};

impl Compiler<'_> {
    pub(super) fn action_types(&mut self, types: &Elements<'_, '_>) -> Vec<Arc<ActionType>> {
        let mut action_types = Vec::with_capacity(self.definition.action_types.len());
        for (index, new) in self.definition.action_types.iter().enumerate() {
            let mark = self.faults.mark();
            if let Some(action_type) = self.action_type(new, types) {
                action_types.push(Arc::new(action_type));
            }
            self.faults.at(mark, || format!("action_types[{index}]"));
        }
        action_types.sort_by(|a, b| a.api_name.cmp(&b.api_name));
        action_types
    }

    fn action_type(&mut self, new: &NewActionType, types: &Elements<'_, '_>) -> Option<ActionType> {
        text(&mut self.faults, "display_name", new.display_name.as_ref(), LABEL_LEN_MAX);
        text(&mut self.faults, "description", new.description.as_ref(), DESCRIPTION_LEN_MAX);
        let within = [
            ("parameters", new.parameters.len(), ACTION_PARAMETERS_MAX),
            ("criteria", new.criteria.len(), ACTION_CRITERIA_MAX),
            ("rules", new.rules.len(), ACTION_RULES_MAX),
            ("effects", new.effects.len(), ACTION_EFFECTS_MAX),
        ];
        if !within.into_iter().fold(true, |ok, (what, count, max)| at_most(&mut self.faults, what, count, max) && ok) {
            return None;
        }
        let parameters = self.parameters(&new.parameters, types);
        let by_name: HashMap<&ApiName, (usize, Option<&Parameter>)> = new
            .parameters
            .iter()
            .zip(&parameters)
            .enumerate()
            .map(|(index, (new, resolved))| (&new.name, (index, resolved.as_ref())))
            .collect();
        let scope = ActionScope { types, parameters: &by_name, modified: None };
        let criteria = self.criteria(&new.criteria, &scope);
        let mut rules = Vec::with_capacity(new.rules.len());
        for (index, rule) in new.rules.iter().enumerate() {
            let mark = self.faults.mark();
            rules.extend(scope.rule(rule, &mut self.faults));
            self.faults.at(mark, || format!("rules[{index}]"));
        }
        let mut effects = Vec::with_capacity(new.effects.len());
        for (index, effect) in new.effects.iter().enumerate() {
            let mark = self.faults.mark();
            effects.extend(self.effect(effect, &scope));
            self.faults.at(mark, || format!("effects[{index}].event"));
        }
        Some(ActionType {
            api_name: new.name.clone(),
            criteria,
            rules,
            effects,
            status: new.status.clone(),
            parameters: parameters.into_iter().flatten().collect(),
        })
    }

    fn criteria(&mut self, new: &[NewCriterion], scope: &ActionScope<'_, '_, '_>) -> Vec<Criterion> {
        let mut criteria = Vec::with_capacity(new.len());
        for (index, criterion) in new.iter().enumerate() {
            let mark = self.faults.mark();
            text(&mut self.faults, "message", Some(&criterion.message), LABEL_LEN_MAX);
            let condition = self.faults.take(scope.condition(&criterion.condition).map_err(|e| e.at("condition")));
            criteria.extend(condition.map(|condition| Criterion { condition, message: criterion.message.clone() }));
            self.faults.at(mark, || format!("criteria[{index}]"));
        }
        criteria
    }

    fn parameters(&mut self, new: &[NewParameter], types: &Elements<'_, '_>) -> Vec<Option<Parameter>> {
        let mut parameters: Vec<Option<Parameter>> = Vec::with_capacity(new.len());
        for (index, parameter) in new.iter().enumerate() {
            let mark = self.faults.mark();
            if new.iter().take(index).any(|earlier| earlier.name == parameter.name) {
                self.faults.push(duplicate_name("parameter", &parameter.name).at("name"));
            }
            parameters.push(self.parameter(parameter, types));
            self.faults.at(mark, || format!("parameters[{index}]"));
        }
        parameters
    }

    fn parameter(&mut self, new: &NewParameter, types: &Elements<'_, '_>) -> Option<Parameter> {
        text(&mut self.faults, "description", new.description.as_ref(), DESCRIPTION_LEN_MAX);
        let stated =
            [new.data_type.is_some(), new.object.is_some(), new.object_list.is_some(), new.object_set.is_some()];
        if stated.into_iter().filter(|stated| *stated).count() != 1 {
            self.faults.push(Error::invalid(
                "ontology.parameter.untyped",
                "a parameter is one of type, object, object_list and object_set",
            ));
            return None;
        }
        let (parameter_type, default) = if let Some(data_type) = &new.data_type {
            let data_type = self.data_types.constrained(data_type, &new.constraints, &mut self.faults)?;
            let default = new.default.as_ref().map(|json| data_type.read(json).map_err(|e| e.at("default")));
            let default = default.and_then(|read| self.faults.take(read));
            (ParameterType::Value(data_type), default)
        } else {
            for (facet, given) in [("constraints", !new.constraints.is_empty()), ("default", new.default.is_some())] {
                if given {
                    self.faults.push(
                        Error::invalid("ontology.parameter.facet", format!("a parameter of objects has no {facet}"))
                            .with("facet", facet)
                            .at(facet),
                    );
                }
            }
            let objects = |name: &ApiName| parameter_object(name, types);
            let resolved = match (&new.object, &new.object_list, &new.object_set) {
                (Some(name), _, _) => objects(name).map(ParameterType::Object).map_err(|e| e.at("object")),
                (_, Some(name), _) => objects(name).map(ParameterType::ObjectList).map_err(|e| e.at("object_list")),
                (_, _, Some(name)) => objects(name).map(ParameterType::ObjectSet).map_err(|e| e.at("object_set")),
                _ => return None,
            };
            (self.faults.take(resolved)?, None)
        };
        Some(Parameter { api_name: new.name.clone(), parameter_type, required: new.required, default })
    }

    fn effect(&mut self, effect: &NewEffect, scope: &ActionScope<'_, '_, '_>) -> Option<ActionEffect> {
        let NewEffect::Event { event_type, subject, data } = effect;
        if !is_event_type(event_type) {
            self.faults.push(
                Error::invalid(
                    "ontology.effect.event_type",
                    "an event type is written in lower case, its parts separated by dots, such as airport.renamed",
                )
                .with("length_max", EVENT_TYPE_LEN_MAX)
                .at("type"),
            );
        }
        let subject = subject.as_ref().and_then(|subject| {
            let found = scope.object(subject).map(|(index, _)| index).map_err(|e| e.at("subject"));
            self.faults.take(found)
        });
        if !at_most(&mut self.faults, "data", data.len(), PROPERTIES_MAX) {
            return None;
        }
        let mut values = Vec::with_capacity(data.len());
        for (name, value) in data {
            let resolved = self.faults.take(scope.any_type(value).map_err(|e| e.at(name).at("data")));
            values.extend(resolved.map(|(value, base)| EventValue { api_name: name.clone(), base, value }));
        }
        Some(ActionEffect::Event { event_type: event_type.clone(), subject, data: values })
    }
}

/// The longest event type, in bytes.
pub const EVENT_TYPE_LEN_MAX: usize = 100;

fn is_event_type(text: &str) -> bool {
    let part = |part: &str| {
        part.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.len() <= EVENT_TYPE_LEN_MAX && text.contains('.') && text.split('.').all(part)
}

fn parameter_object(name: &ApiName, types: &Elements<'_, '_>) -> Result<ParameterObject> {
    if let Some(object_type) = types.object_type(name) {
        return Ok(ParameterObject::Type(object_type.id));
    }
    if types.drafts.contains_key(name) {
        return Ok(ParameterObject::Interface(name.clone()));
    }
    Err(unknown_name("ontology.object_type.unknown", "object type or interface", name))
}

//! What expressions come to, from the file to the value.

mod condition;
mod operator;
mod random;

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Computed, Inputs};
use crate::ontology::{ACTION_RULES_MAX, ActionRule, ActionType, NewOntology, ParameterType, Schema};
use crate::{Actor, ApiName, DataType, Result, Timestamp, Value};

/// The types, as parameters, properties of the object and what they hold. Each has a twin without a value, called `no_` and its name.
pub(super) const TYPES: &[(&str, &str, &str)] = &[
    ("text", "string", r#"" Zürich ß ""#),
    ("number", "integer", "7"),
    ("least", "integer", r#""-9223372036854775808""#),
    ("most", "integer", r#""9223372036854775807""#),
    ("ratio", "double", "2.5"),
    ("huge", "double", "1.7976931348623157e308"),
    ("money", "{decimal: {precision: 10, scale: 2}}", r#""12.34""#),
    ("rate", "{decimal: {precision: 18, scale: 6}}", r#""0.190000""#),
    ("full", "{decimal: {precision: 18, scale: 0}}", r#""999999999999999999""#),
    ("day", "date", r#""2024-02-29""#),
    ("last", "date", r#""9999-12-31""#),
    ("at", "timestamp", r#""2026-11-22T19:16:31.25Z""#),
    ("took", "duration", r#""PT1H30M""#),
    ("flag", "boolean", "true"),
    ("place", "geopoint", r#"{"lat": 1.0, "lon": 2.0}"#),
    ("tags", "{array: string}", r#"["a", "b"]"#),
];

/// An action type over one object type, with the parameters, the object `o` and the properties of [`TYPES`].
pub(super) fn compile(rest: &str) -> Result<std::sync::Arc<ActionType>> {
    let (mut properties, mut parameters) = (String::new(), String::new());
    for (name, data_type, _) in TYPES {
        for twin in ["", "no_"] {
            writeln!(properties, "      - {{name: {twin}{name}, type: {data_type}}}").unwrap();
            writeln!(parameters, "      - {{name: {twin}{name}, type: {data_type}}}").unwrap();
        }
    }
    let yaml = format!(
        "object_types:\n  - name: A\n    primary_key: id\n    properties:\n      - {{name: id, type: string}}\n{properties}
action_types:\n  - name: act\n    parameters:\n      - {{name: o, object: A, required: true}}\n{parameters}{rest}\n"
    );
    let definition = NewOntology::from_yaml(&yaml).unwrap_or_else(|e| panic!("{}\n{yaml}", e.chain()));
    Ok(std::sync::Arc::clone(&Schema::first(definition)?.action_types[0]))
}

/// The values of parameters and of the properties of one object.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) parameters: Vec<Value>,
    pub(super) properties: HashMap<String, Value>,
    actor: Actor,
    pub(super) now: Timestamp,
}

impl Given {
    /// What [`TYPES`] say.
    pub(super) fn usual(action_type: &ActionType) -> Self {
        let mut given = Self {
            parameters: Vec::new(),
            properties: HashMap::new(),
            actor: Actor::parse("user:alice").unwrap(),
            now: "2026-11-22T23:59:59.999999Z".parse().unwrap(),
        };
        for parameter in &action_type.parameters {
            let held = TYPES.iter().find(|(name, _, _)| parameter.api_name == **name);
            let value = match (held, &parameter.parameter_type) {
                (Some((_, _, json)), ParameterType::Value(data_type)) => read(data_type, json),
                (_, ParameterType::Value(_)) => Value::Null,
                _ => Value::string("k1"),
            };
            given.properties.insert(parameter.api_name.to_string(), value.clone());
            given.parameters.push(value);
        }
        given
    }
}

fn read(data_type: &DataType, json: &str) -> Value {
    data_type.read(&serde_json::from_str(json).unwrap()).unwrap()
}

impl Inputs for Given {
    fn parameter(&self, index: usize) -> &Value {
        &self.parameters[index]
    }

    fn parameter_property(&self, index: usize, property: &ApiName) -> Value {
        assert_eq!(index, 0);
        self.properties[property.as_str()].clone()
    }

    fn property(&self, property: &ApiName) -> Value {
        self.properties[property.as_str()].clone()
    }

    fn actor(&self) -> &Actor {
        &self.actor
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

/// What the expression comes to where it is a property's value: JSON, or the code of the refusal.
pub(super) fn value_of(property: &str, expression: &str) -> String {
    match compile(&format!("    rules: [{}]", rule(property, expression))) {
        Ok(action_type) => evaluated(&action_type, &Given::usual(&action_type)).remove(0),
        Err(error) => error.code().to_owned(),
    }
}

/// As [`value_of`] for several expressions, all of which compile.
pub(super) fn values_of(expressions: impl Iterator<Item = (&'static str, String)>) -> Vec<String> {
    let rules: Vec<_> = expressions.map(|(property, expression)| rule(property, &expression)).collect();
    let mut found = Vec::new();
    for rules in rules.chunks(ACTION_RULES_MAX) {
        let action_type = compile(&format!("    rules: [{}]", rules.join(", "))).unwrap_or_else(|e| panic!("{e:?}"));
        found.extend(evaluated(&action_type, &Given::usual(&action_type)));
    }
    found
}

pub(super) fn rule(property: &str, expression: &str) -> String {
    format!("{{modify_object: {{object: o, properties: {{{property}: {expression}}}}}}}")
}

/// The one value each rule sets.
pub(super) fn set(action_type: &ActionType) -> impl Iterator<Item = (&ApiName, &Computed)> {
    action_type.rules.iter().map(|rule| match rule {
        ActionRule::ModifyObject { parameter: 0, set } => (&set[0].0, &set[0].1),
        other => panic!("{other:?}"),
    })
}

fn evaluated(action_type: &ActionType, given: &Given) -> Vec<String> {
    let text = |computed: &Computed| match computed.evaluate(given) {
        Ok(value) => value.to_json().to_string(),
        Err(error) => error.code().to_owned(),
    };
    set(action_type).map(|(_, computed)| text(computed)).collect()
}

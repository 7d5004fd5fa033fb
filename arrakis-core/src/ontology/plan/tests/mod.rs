//! The rules by table: what a change is told as, what it asks of the data, and when it is refused.

mod document;
mod element;
mod property;
mod rewrite;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Plan, Planning, Rule};
use crate::Result;
use crate::ontology::{NewOntology, Schema, Violations};

/// A definition, the one that follows it, how many rows break each new rule, and the findings as `RULE path class refusal`.
type Case = (&'static str, &'static str, u64, &'static [&'static str]);

fn read(yaml: &str) -> NewOntology {
    NewOntology::from_yaml(yaml).unwrap_or_else(|e| panic!("{}\n{yaml}", e.chain()))
}

fn first(yaml: &str) -> Arc<Schema> {
    Arc::new(Schema::first(read(yaml)).unwrap_or_else(|e| panic!("{e:?}\n{yaml}")))
}

/// A plan where `count` rows break each new rule.
fn plan(base: &Arc<Schema>, yaml: &str, count: u64) -> Result<Plan> {
    let planning = Planning::new(Some(Arc::clone(base)), read(yaml))?;
    let answers = planning.checks().iter().map(|_| Violations { count, samples: Vec::new() }).collect();
    planning.finish(answers)
}

fn lines(plan: &Plan) -> Vec<String> {
    let line = |finding: &super::Finding| {
        let text = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let class = text(serde_json::to_value(finding.class).unwrap());
        let refused = finding.refused.map(|refused| text(serde_json::to_value(refused).unwrap())).unwrap_or_default();
        format!("{} {} {class} {refused}", finding.rule, finding.path).trim_end().to_owned()
    };
    plan.findings.iter().map(line).collect()
}

fn tables() -> impl Iterator<Item = &'static Case> {
    property::CASES.iter().chain(property::TYPE_CASES).chain(element::CASES).chain(element::LINK_CASES)
}

#[test]
fn each_change_is_told_under_its_rule() {
    let mut wrong = Vec::new();
    for (base, new, count, expected) in tables() {
        let found = match plan(&first(base), new, *count) {
            Ok(plan) => lines(&plan),
            Err(error) => vec![format!("{error:?}")],
        };
        if found != *expected {
            wrong.push(format!("from {base}\nto {new}\nwith {count}: {expected:#?}\nfound {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn each_rule_has_a_case() {
    let tried: BTreeSet<&str> =
        tables().flat_map(|(_, _, _, expected)| *expected).filter_map(|line| line.split(' ').next()).collect();
    // What a policy says of a change follows from no definition: it has a test of its own.
    let rules = Rule::ALL.iter().filter(|rule| **rule != Rule::PolicyBroken);
    let untried: Vec<_> = rules.map(|rule| rule.id()).filter(|id| !tried.contains(id)).collect();
    assert!(untried.is_empty(), "no case for {untried:?}");
}

#[test]
fn rule_ids_are_unique_and_read_back() {
    let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert_eq!(rule.id().parse::<Rule>().unwrap(), *rule);
        assert!(!rule.message().ends_with('.') && rule.id().starts_with("ARK-"));
    }
}

#[test]
fn consumers_are_told() {
    let base = first(
        "
value_types: [{name: v, type: string}]
interfaces: [{name: I, properties: [{name: label, type: string}]}]
object_types:
  - name: A
    primary_key: id
    implements: [{interface: I, properties: {label: name}}]
    indexes: [[name, id]]
    properties:
      - {name: id, type: string}
      - {name: name, type: {value_type: v}}
      - {name: big, type: string, derived: {upper: {property: name}}}
      - {name: parent, type: string}
link_types:
  - name: L
    source: {object_type: A, name: up, cardinality: one}
    target: {object_type: A, name: down, cardinality: many}
    foreign_key: {holder: source, property: parent}
action_types:
  - name: act
    parameters: [{name: a, object: A, required: true}, {name: n, type: string}]
    criteria: [{message: no, condition: {is_null: {parameter_property: {parameter: a, property: parent}}}}]
    rules: [{modify_object: {object: a, properties: {name: {coalesce: [{parameter: n}, {lower: {property: id}}]}}}}]
",
    );
    let consumers = |path: &str| super::consumer::Consumers::new(&base.definition).of(&path.parse().unwrap()).join(" ");
    assert_eq!(consumers("value_types.v"), "object_types.A.properties.name");
    assert_eq!(consumers("interfaces.I"), "object_types.A");
    assert_eq!(consumers("object_types.A"), "link_types.L action_types.act");
    assert_eq!(
        consumers("object_types.A.properties.name"),
        "object_types.A.properties.big object_types.A.indexes[0] interfaces.I action_types.act"
    );
    assert_eq!(consumers("object_types.A.properties.parent"), "link_types.L action_types.act");
    assert_eq!(consumers("object_types.A.properties.id"), "object_types.A.indexes[0] action_types.act");
}

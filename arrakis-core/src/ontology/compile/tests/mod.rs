//! Bad documents, one for each way to be bad: the code, the path and that nothing else is wrong with it.

mod action;
mod action_value;
mod element;
mod value;

use std::collections::BTreeSet;

use super::validate;
use crate::ontology::{NewOntology, Schema};

/// A code, a path and the document that has exactly this fault.
type Case = (&'static str, &'static str, &'static str);

fn tables() -> impl Iterator<Item = &'static Case> {
    value::CASES.iter().chain(element::CASES).chain(action::CASES).chain(action_value::CASES)
}

fn read(yaml: &str) -> NewOntology {
    NewOntology::from_yaml(yaml).unwrap_or_else(|e| panic!("{}\n{yaml}", e.chain()))
}

#[test]
fn each_bad_document_has_one_fault_with_its_code_and_path() {
    let mut wrong = Vec::new();
    for (code, path, yaml) in tables() {
        let faults = validate(&read(yaml));
        let found: Vec<_> = faults.iter().map(|fault| (fault.code(), fault.path().unwrap_or_default())).collect();
        if found != [(*code, *path)] {
            wrong.push(format!("{code} at {path} expected, not {faults:?}, in {yaml}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_code_has_a_bad_document() {
    let sources = [
        include_str!("../mod.rs"),
        include_str!("../limit.rs"),
        include_str!("../data_type.rs"),
        include_str!("../property.rs"),
        include_str!("../object_type.rs"),
        include_str!("../link_type.rs"),
        include_str!("../interface.rs"),
        include_str!("../implementation.rs"),
        include_str!("../status.rs"),
        include_str!("../action_type.rs"),
        include_str!("../action_value.rs"),
        include_str!("../action_shape.rs"),
        include_str!("../action_operator.rs"),
        include_str!("../action_condition.rs"),
        include_str!("../action_rule.rs"),
    ];
    let mut codes: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split('"').skip(1).step_by(2))
        .filter(|text| text.starts_with("ontology."))
        .collect();
    // A defect of ours, not of a document.
    assert!(codes.remove("ontology.numbering.missing"));
    let tried: BTreeSet<&str> = tables().map(|(code, _, _)| *code).collect();
    let untried: Vec<_> = codes.difference(&tried).collect();
    assert!(untried.is_empty(), "no bad document for {untried:?}");
}

#[test]
fn all_faults_are_told_at_once() {
    let definition = read(
        r"
object_types:
  - name: A
    primary_key: nope
    color: red
    properties:
      - {name: id, type: string, constraints: [{range: {min: b, max: a}}, {length: {}}]}
      - {name: id, type: {value_type: nope}}
",
    );
    let faults = validate(&definition);
    let codes: Vec<_> = faults.iter().map(|fault| (fault.code(), fault.path().unwrap())).collect();
    assert_eq!(
        codes,
        [
            ("ontology.object_type.color", "object_types[0].color"),
            ("ontology.constraint.bounds", "object_types[0].properties[0].constraints[0].range"),
            ("ontology.constraint.bounds", "object_types[0].properties[0].constraints[1].length"),
            ("ontology.value_type.unknown", "object_types[0].properties[1].type.value_type"),
            ("ontology.name.duplicate", "object_types[0].properties[1].name"),
            ("ontology.property.unknown", "object_types[0].primary_key"),
        ]
    );
    let first = Schema::first(definition).unwrap_err();
    assert_eq!((first.code(), first.param("faults")), ("ontology.object_type.color", Some("6")));
}

#[test]
fn a_document_with_very_many_faults_lists_the_first_ones() {
    let mut definition = read("object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]");
    let property = definition.object_types[0].properties[0].clone();
    definition.object_types[0].properties = vec![property; 900];
    let object_type = definition.object_types[0].clone();
    definition.object_types = vec![object_type; 3];
    assert_eq!(validate(&definition).len(), super::FAULTS_MAX);
    assert_eq!(Schema::first(definition).unwrap_err().param("faults"), Some(&*(2 + 3 * 899).to_string()));
}

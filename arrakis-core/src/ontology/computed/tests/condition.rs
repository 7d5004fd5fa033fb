//! Conditions: what holds, and what cannot be told.

use super::{Given, compile};

/// Whether the criterion holds, or the code of the refusal.
fn holds(condition: &str) -> String {
    match compile(&format!("    criteria: [{{message: m, condition: {condition}}}]")) {
        Ok(action_type) => match action_type.criteria[0].condition.holds(&Given::usual(&action_type)) {
            Ok(holds) => holds.to_string(),
            Err(error) => error.code().to_owned(),
        },
        Err(error) => error.code().to_owned(),
    }
}

#[test]
fn conditions_compare_computed_values() {
    for (condition, expected) in [
        ("{eq: [{parameter: number}, {literal: 7}]}", "true"),
        ("{eq: [{literal: 7}, {add: [{parameter: number}, {literal: 0}]}]}", "true"),
        ("{ne: [{parameter: number}, {literal: 7}]}", "false"),
        ("{lt: [{parameter: number}, {parameter: most}]}", "true"),
        ("{lte: [{parameter: number}, {literal: 7}]}", "true"),
        ("{gt: [{parameter: number}, {literal: 7}]}", "false"),
        ("{gte: [{parameter: number}, {literal: 7}]}", "true"),
        // Integers and decimals compare by what they are worth, whatever their scales.
        ("{lt: [{parameter: number}, {parameter: money}]}", "true"),
        ("{gt: [{parameter: money}, {parameter: rate}]}", "true"),
        ("{eq: [{multiply: [{parameter: money}, {literal: '0.5'}]}, {literal: '6.17'}]}", "true"),
        ("{lt: [{literal: '12.339999'}, {parameter: money}]}", "true"),
        ("{lt: [{parameter: number}, {parameter: ratio}]}", "ontology.action.type"),
        ("{eq: [{parameter: place}, {parameter_property: {parameter: o, property: place}}]}", "true"),
        ("{lt: [{parameter: place}, {parameter: place}]}", "ontology.condition.type"),
        ("{gt: [{subtract: [now, {parameter: at}]}, {literal: PT4H}]}", "true"),
        ("{in: [{year: {parameter: day}}, [2023, 2024]]}", "true"),
        ("{in: [{parameter: no_number}, [1, null]]}", "false"),
        ("{is_null: {parameter: no_text}}", "true"),
        ("{is_null: {concat: [{parameter: text}, {parameter: no_text}]}}", "true"),
        ("{contains: [{parameter: text}, {literal: rich}]}", "true"),
        ("{contains: [{parameter: text}, {literal: RICH}]}", "false"),
        ("{contains: [{literal: x Zürich ß y}, {parameter: text}]}", "true"),
        ("{contains: [{parameter: tags}, {literal: a}]}", "true"),
        ("{contains: [{parameter: tags}, {upper: {literal: a}}]}", "false"),
        ("{contains: [{parameter: tags}, {parameter: number}]}", "ontology.action.type"),
        ("{starts_with: [{trim: {parameter: text}}, {literal: Zü}]}", "true"),
        ("{ends_with: [{parameter: text}, {literal: 'ß '}]}", "true"),
        ("{ends_with: [{parameter: number}, {literal: '7'}]}", "ontology.action.type"),
        ("{within: [{parameter: place}, {circle: {center: {lat: 1, lon: 2.1}, radius_m: 12000}}]}", "true"),
        ("{within: [{parameter: place}, {circle: {center: {lat: 1, lon: 2.1}, radius_m: 11000}}]}", "false"),
        ("{within: [{parameter: place}, {box: {south: 0, west: 2, north: 1, east: 3}}]}", "true"),
        ("{within: [{coalesce: [{parameter: place}]}, {box: {south: 0, west: 3, north: 1, east: 4}}]}", "false"),
        ("{within: [{parameter: place}, {box: {south: 2, west: 0, north: 1, east: 1}}]}", "kernel.filter.area"),
        ("{within: [{parameter: text}, {box: {south: 0, west: 0, north: 1, east: 1}}]}", "ontology.action.type"),
        (
            "{within: [{literal: {lat: 1, lon: 2}}, {box: {south: 0, west: 0, north: 1, east: 1}}]}",
            "ontology.condition.constant",
        ),
    ] {
        assert_eq!(holds(condition), expected, "{condition}");
        if let Ok(held) = expected.parse::<bool>() {
            assert_eq!(holds(&format!("{{not: {condition}}}")), (!held).to_string(), "not {condition}");
        }
    }
}

#[test]
fn a_condition_over_an_absent_value_is_false() {
    for operator in ["eq", "ne", "lt", "lte", "gt", "gte"] {
        for operands in ["[{parameter: no_number}, {literal: 7}]", "[{parameter: no_number}, {parameter: no_number}]"] {
            assert_eq!(holds(&format!("{{{operator}: {operands}}}")), "false", "{operator} {operands}");
        }
    }
    for operator in ["contains", "starts_with", "ends_with"] {
        assert_eq!(holds(&format!("{{{operator}: [{{parameter: no_text}}, {{literal: ''}}]}}")), "false", "{operator}");
        assert_eq!(
            holds(&format!("{{{operator}: [{{parameter: text}}, {{parameter: no_text}}]}}")),
            "false",
            "{operator}"
        );
    }
    assert_eq!(holds("{contains: [{parameter: no_tags}, {literal: a}]}"), "false");
}

#[test]
fn what_follows_a_decided_condition_is_not_judged() {
    let refused = "{eq: [{divide: [{literal: 1}, {subtract: [{parameter: number}, {literal: 7}]}]}, {literal: 1}]}";
    assert_eq!(holds(refused), "kernel.action.division_by_zero");
    assert_eq!(holds(&format!("{{not: {refused}}}")), "kernel.action.division_by_zero");
    assert_eq!(holds(&format!("{{and: [{{is_null: actor}}, {refused}]}}")), "false");
    assert_eq!(holds(&format!("{{or: [{{eq: [actor, {{literal: 'user:alice'}}]}}, {refused}]}}")), "true");
    assert_eq!(holds(&format!("{{and: [{refused}, {{is_null: actor}}]}}")), "kernel.action.division_by_zero");
}

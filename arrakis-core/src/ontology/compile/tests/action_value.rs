//! Values and conditions of actions: what operators take, and the types they give.

use super::Case;

/// One action type with a parameter of each type, over an object type with a property of each.
macro_rules! action {
    ($($action:tt)*) => {
        concat!(
            "
interfaces:
  - name: I
    properties: [{name: label, type: string}, {name: worth, type: {decimal: {precision: 10, scale: 2}}}]
object_types:
  - name: A
    primary_key: id
    implements: [{interface: I, properties: {label: text, worth: money}}]
    properties:
      - {name: id, type: string}
      - {name: text, type: string}
      - {name: name, type: string, required: true, default: x}
      - {name: number, type: integer}
      - {name: ratio, type: double}
      - {name: money, type: {decimal: {precision: 10, scale: 2}}}
      - {name: rate, type: {decimal: {precision: 18, scale: 6}}}
      - {name: day, type: date}
      - {name: at, type: timestamp}
      - {name: took, type: duration}
      - {name: place, type: geopoint}
      - {name: tags, type: {array: string}}
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: many}
    target: {object_type: A, name: of, cardinality: many}
    properties: [{name: weight, type: integer}]
action_types:
  - name: act
    parameters:
      - {name: a, object: A, required: true}
      - {name: all, object_set: A, required: true}
      - {name: i, object: I, required: true}
      - {name: text, type: string, required: true}
      - {name: maybe, type: string}
      - {name: number, type: integer, required: true}
      - {name: ratio, type: double}
      - {name: money, type: {decimal: {precision: 12, scale: 2}}}
      - {name: rate, type: {decimal: {precision: 18, scale: 6}}}
      - {name: day, type: date}
      - {name: at, type: timestamp}
      - {name: took, type: duration}
      - {name: place, type: geopoint}
      - {name: tags, type: {array: string}, constraints: [{length: {min: 1, max: 3}}], default: [x]}
    ",
            $($action)*,
            "\n"
        )
    };
}

/// Sets one property of the object `a`.
macro_rules! set {
    ($property:literal, $value:literal) => {
        action!(concat!("rules: [{modify_object: {object: a, properties: {", $property, ": ", $value, "}}}]"))
    };
}

/// A criterion.
macro_rules! when {
    ($condition:literal) => {
        action!(concat!("criteria: [{message: m, condition: ", $condition, "}]"))
    };
}

pub(super) const CASES: &[Case] = &[
    (
        "ontology.action.no_object",
        "action_types[0].criteria[0].condition.is_null.property",
        when!("{is_null: {property: text}}"),
    ),
    (
        "ontology.action.no_object",
        "action_types[0].rules[0].create_or_modify_object.properties.number.add[0].property",
        action!(
            "rules: [{create_or_modify_object: {object_type: A, properties: {id: {parameter: text}, number: {add: [{property: number}, {literal: 1}]}}}}]"
        ),
    ),
    (
        "ontology.property.unknown",
        "action_types[0].rules[0].modify_object.properties.number.add[1].property",
        set!("number", "{add: [{literal: 1}, {property: no}]}"),
    ),
    (
        "ontology.property.unknown",
        "action_types[0].rules[0].modify_object.properties.label.property",
        action!("rules: [{modify_object: {object: i, properties: {label: {property: text}}}}]"),
    ),
    (
        "ontology.action.constant",
        "action_types[0].rules[0].modify_object.properties.number.add",
        set!("number", "{add: [{literal: 1}, {literal: 2}]}"),
    ),
    (
        "ontology.action.constant",
        "action_types[0].rules[0].modify_object.properties.number.multiply",
        set!("number", "{multiply: [{literal: 1}, {literal: 2}]}"),
    ),
    (
        "ontology.action.empty",
        "action_types[0].rules[0].modify_object.properties.text.concat",
        set!("text", "{concat: []}"),
    ),
    (
        "ontology.action.empty",
        "action_types[0].rules[0].modify_object.properties.text.case.when",
        set!("text", "{case: {when: []}}"),
    ),
    (
        "ontology.action.operand",
        "action_types[0].rules[0].modify_object.properties.text.negate",
        set!("text", "{negate: {parameter: text}}"),
    ),
    (
        "ontology.action.operand",
        "action_types[0].rules[0].modify_object.properties.text.to_text",
        set!("text", "{to_text: {parameter: place}}"),
    ),
    (
        "ontology.action.operand",
        "action_types[0].rules[0].modify_object.properties.number.length",
        set!("number", "{length: {parameter: number}}"),
    ),
    (
        "ontology.action.operand",
        "action_types[0].rules[0].modify_object.properties.took.divide",
        set!("took", "{divide: [{parameter: took}, {literal: 2}]}"),
    ),
    (
        "ontology.action.operand",
        "action_types[0].rules[0].modify_object.properties.ratio.multiply",
        set!("ratio", "{multiply: [{parameter: ratio}, {parameter: number}]}"),
    ),
    (
        "ontology.action.operand",
        "action_types[0].rules[0].modify_object.properties.took.remainder",
        set!("took", "{remainder: [{parameter: took}, {literal: PT1H}]}"),
    ),
    (
        "ontology.action.operand",
        "action_types[0].rules[0].modify_object.properties.place.max",
        set!("place", "{max: [{parameter: place}, {property: place}]}"),
    ),
    (
        "ontology.action.too_large",
        "action_types[0].rules[0].modify_object.properties.number.negate.negate.negate.negate.negate.negate.negate.negate.negate.negate.negate.negate.negate.negate.negate.negate",
        set!(
            "number",
            "{negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {negate: {property: number}}}}}}}}}}}}}}}}}}"
        ),
    ),
];

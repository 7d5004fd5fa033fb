//! Values and conditions of actions: what operators take, and the types they give.

use std::sync::Arc;

use super::Case;
use crate::BaseType;
use crate::ontology::{ActionEffect, ActionType, ParameterType, Schema};

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
    (
        "ontology.action.type",
        "action_types[0].rules[0].modify_object.properties.ratio",
        set!("ratio", "{add: [{parameter: number}, {literal: 1}]}"),
    ),
    (
        "ontology.action.type",
        "action_types[0].rules[0].modify_object.properties.ratio.add[1]",
        set!("ratio", "{add: [{parameter: ratio}, {parameter: number}]}"),
    ),
    (
        "ontology.action.type",
        "action_types[0].rules[0].modify_object.properties.at.add[1]",
        set!("at", "{add: [now, {parameter: number}]}"),
    ),
    (
        "ontology.action.type",
        "action_types[0].rules[0].modify_object.properties.text.concat[1].lower",
        set!("text", "{concat: [actor, {lower: {property: number}}]}"),
    ),
    // What has more digits after the point than the property may have is rounded by nobody.
    (
        "ontology.action.type",
        "action_types[0].rules[0].modify_object.properties.money",
        set!("money", "{max: [{parameter: money}, {parameter: rate}]}"),
    ),
    (
        "value.type_mismatch",
        "action_types[0].rules[0].modify_object.properties.number.add[1].literal",
        set!("number", "{add: [{parameter: number}, {literal: 1.5}]}"),
    ),
    (
        "value.date.malformed",
        "action_types[0].rules[0].modify_object.properties.number.year.literal",
        set!("number", "{year: {literal: 2023-02-29}}"),
    ),
    (
        "value.constraint.length",
        "action_types[0].parameters[1].default",
        "
action_types:
  - name: a
    parameters:
      - {name: p, type: {array: integer}, constraints: [{length: {max: 2}}], default: [1, 2]}
      - {name: q, type: {array: integer}, constraints: [{length: {max: 2}}], default: [1, 2, 3]}",
    ),
    (
        "ontology.parameter.unknown",
        "action_types[0].rules[0].modify_object.properties.text.case.when[0].then.parameter",
        set!("text", "{case: {when: [{if: {is_null: actor}, then: {parameter: no}}]}}"),
    ),
    (
        "ontology.property.unknown",
        "action_types[0].rules[0].modify_object.properties.text.case.when[0].if.not.is_null.property",
        set!("text", "{case: {when: [{if: {not: {is_null: {property: no}}}, then: actor}]}}"),
    ),
    (
        "ontology.action.type",
        "action_types[0].rules[0].modify_object.properties.text.case.else",
        set!("text", "{case: {when: [{if: {is_null: actor}, then: actor}], else: {parameter: number}}}"),
    ),
    (
        "ontology.condition.constant",
        "action_types[0].rules[0].modify_object.properties.text.case.when[0].if.eq",
        set!("text", "{case: {when: [{if: {eq: [{literal: 1}, {literal: 1}]}, then: actor}]}}"),
    ),
    (
        "ontology.condition.constant",
        "action_types[0].criteria[0].condition.starts_with",
        when!("{starts_with: [{literal: ab}, {literal: a}]}"),
    ),
    (
        "ontology.action.type",
        "action_types[0].criteria[0].condition.or[0].ends_with[0]",
        when!("{or: [{ends_with: [{parameter: number}, {literal: '1'}]}]}"),
    ),
    (
        "ontology.action.type",
        "action_types[0].criteria[0].condition.contains[1]",
        when!("{contains: [{parameter: tags}, {parameter: number}]}"),
    ),
    (
        "ontology.property.unknown",
        "action_types[0].criteria[0].condition.contains[0].upper.parameter_property.property",
        when!("{contains: [{upper: {parameter_property: {parameter: a, property: no}}}, actor]}"),
    ),
    (
        "ontology.action.no_value",
        "action_types[0].criteria[0].condition.is_null.coalesce[0].parameter",
        when!("{is_null: {coalesce: [{parameter: all}]}}"),
    ),
    // `maybe` may be absent, and so may all that is computed from it.
    (
        "ontology.action.may_be_absent",
        "action_types[0].rules[0].modify_object.properties.name",
        set!("name", "{upper: {parameter: maybe}}"),
    ),
    (
        "ontology.action.may_be_absent",
        "action_types[0].rules[0].modify_object.properties.name",
        set!("name", "{case: {when: [{if: {is_null: {parameter: maybe}}, then: {parameter: text}}]}}"),
    ),
    (
        "ontology.action.no_object",
        "action_types[0].effects[0].event.data.x.property",
        action!("effects: [{event: {type: a.b, data: {x: {property: text}}}}]"),
    ),
    (
        "ontology.action.no_object",
        "action_types[0].rules[0].create_link.source.property",
        action!("rules: [{create_link: {link_type: L, source: {property: id}, target: {parameter: a}}}]"),
    ),
];

fn compiled(yaml: &str) -> Arc<ActionType> {
    let schema = Schema::first(super::read(yaml)).unwrap_or_else(|e| panic!("{e:?}\n{yaml}"));
    Arc::clone(&schema.action_types[0])
}

#[test]
fn names_are_resolved_and_literals_typed() {
    let action_type = compiled(action!(
        "criteria: [{message: No., condition: {lte: [{literal: 1}, {parameter: money}]}}]
    rules:
      - create_object: {object_type: A, properties: {id: {parameter: text}, money: {parameter: number}}}
      - modify_object: {object: all, properties: {money: {add: [{property: money}, {multiply: [{property: rate}, {parameter: money}]}]}}}
      - modify_object: {object: i, properties: {label: {coalesce: [{property: label}, {literal: x}]}, worth: {literal: 5}}}
      - create_link: {link_type: L, source: {parameter: a}, target: {concat: [{parameter: text}]}, properties: {weight: {literal: 2}}}
      - delete_object: {object: all}
    effects:
      - event: {type: a.b, subject: a, data: {n: {parameter: number}, of: {parameter: tags}, x: {literal: [1]}}}"
    ));
    let Some(ActionEffect::Event { event_type, subject, data }) = action_type.effects.first() else { panic!() };
    assert_eq!((event_type.as_str(), *subject), ("a.b", Some(0)));
    let data: Vec<_> =
        data.iter().map(|value| (value.api_name.as_str(), value.base.name(), dump(&value.value))).collect();
    assert_eq!(
        data,
        [
            ("n", "integer", "Parameter(5)".to_owned()),
            ("of", "array", "Parameter(13)".to_owned()),
            ("x", "json", "Literal(Json(Array [Number(1)]))".to_owned()),
        ]
    );
    assert!(
        matches!(action_type.parameters[13].parameter_type, ParameterType::Value(ref of) if matches!(of.base, BaseType::Array(_)))
    );
    let money = "ToDecimal { precision: 10, scale: 2 }";
    assert_eq!(
        action_type.rules.iter().map(dump).collect::<Vec<_>>(),
        [
            format!("CreateObject {{ object_type: ObjectTypeId(1), set: [(0, Parameter(3)), (5, Apply({money}, [Parameter(5)]))] }}"),
            format!("ModifyObject {{ parameter: 1, set: [(\"money\", Apply({money}, [Apply(Add, [Property(\"money\"), Apply(MultiplyDecimal {{ scale: 2 }}, [Property(\"rate\"), Parameter(7)])])]))] }}"),
            "ModifyObject { parameter: 2, set: [(\"label\", Apply(Coalesce, [Property(\"label\"), Literal(String(\"x\"))])), (\"worth\", Literal(Decimal(Decimal { scale: 2, unscaled: 500 })))] }".to_owned(),
            "CreateLink { link_type: LinkTypeId(1), source: Objects(0), target: Key(Apply(Concat, [Parameter(3)])), set: [(0, Literal(Integer(2)))] }".to_owned(),
            "DeleteObject { parameter: 1 }".to_owned(),
        ]
    );
    assert_eq!(
        dump(&action_type.criteria[0].condition),
        "Compare(Le, Literal(Decimal(Decimal { scale: 2, unscaled: 100 })), Parameter(7))"
    );
}

fn dump(of: &impl std::fmt::Debug) -> String {
    format!("{of:?}")
}

#[test]
fn the_largest_expression_is_one_of_256_parts_and_16_levels() {
    let sum = |terms: usize| {
        let terms = vec!["{parameter: number}"; terms].join(", ");
        format!("{}\n", action!("rules: [{modify_object: {object: a, properties: {number: {add: [__]}}}}]"))
            .replace("__", &terms)
    };
    assert!(super::validate(&super::read(&sum(255))).is_empty());
    let faults = super::validate(&super::read(&sum(256)));
    assert_eq!((faults[0].code(), faults[0].param("size_max")), ("ontology.action.too_large", Some("256")));
    let nested = |levels: usize| {
        let value = (0..levels).fold("{parameter: number}".to_owned(), |inner, _| format!("{{abs: {inner}}}"));
        format!("{}\n", action!("criteria: [{message: m, condition: {is_null: __}}]")).replace("__", &value)
    };
    // The condition is a level.
    assert!(super::validate(&super::read(&nested(15))).is_empty());
    let faults = super::validate(&super::read(&nested(16)));
    assert_eq!((faults[0].code(), faults[0].param("depth_max")), ("ontology.condition.too_large", Some("16")));
}

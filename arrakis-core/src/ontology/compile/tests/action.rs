//! Action types.

use super::Case;

/// One action type over one object type with a link to itself.
macro_rules! action {
    ($action:literal) => {
        concat!(
            "
interfaces: [{name: I, properties: [{name: label, type: string}]}]
object_types:
  - name: A
    primary_key: id
    implements: [{interface: I, properties: {label: name}}]
    properties:
      - {name: id, type: string}
      - {name: name, type: string, required: true}
      - {name: count, type: integer}
      - {name: tags, type: {array: string}}
      - {name: at, type: timestamp, required: true, default: 2026-01-01T00:00:00Z}
      - {name: big, type: string, derived: {upper: {property: name}}}
      - {name: parent, type: string}
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: many}
    target: {object_type: A, name: of, cardinality: many}
    properties: [{name: weight, type: integer, required: true}]
  - name: Parent
    source: {object_type: A, name: parent_of, cardinality: one}
    target: {object_type: A, name: children, cardinality: many}
    foreign_key: {holder: source, property: parent}
action_types:
  - name: act
    parameters:
      - {name: a, object: A, required: true}
      - {name: maybe, object: A}
      - {name: some, object_list: A, required: true}
      - {name: set, object_set: A, required: true}
      - {name: i, object: I, required: true}
      - {name: text, type: string, required: true}
      - {name: number, type: integer}
      - {name: list, type: {array: string}}
    ",
            $action,
            "\n"
        )
    };
}

#[test]
fn a_good_action_type_has_no_fault() {
    let yaml = action!(
        "criteria:
      - condition:
          and:
            - {not: {eq: [{parameter_property: {parameter: a, property: name}}, {literal: x}]}}
            - {or: [{lt: [{literal: 3}, {parameter: number}]}, {is_null: {parameter: number}}]}
            - {in: [actor, ['user:alice', 'user:bob']]}
        message: Not now.
    rules:
      - create_object: {object_type: A, properties: {id: {parameter: text}, name: actor, parent: {parameter: a}}}
      - create_or_modify_object: {object_type: A, properties: {id: {literal: x}, name: {parameter: text}, at: now}}
      - modify_object: {object: some, properties: {tags: {parameter: list}, count: {literal: null}}}
      - modify_object: {object: i, properties: {label: {parameter: text}}}
      - modify_object: {object: set, properties: {count: {property: count}, name: {upper: {property: name}}}}
      - delete_object: {object: some}
      - delete_object: {object: set}
      - create_link: {link_type: L, source: {parameter: a}, target: {parameter: some}, properties: {weight: {literal: 1}}}
      - delete_link: {link_type: Parent, source: {parameter: text}, target: {parameter: a}}
    effects:
      - event: {type: a.acted, subject: a, data: {text: {parameter: text}, by: actor}}"
    );
    let definition = super::read(yaml);
    assert!(super::validate(&definition).is_empty(), "{:?}", super::validate(&definition));
    assert_eq!(super::read(&definition.to_yaml().unwrap()), definition);
}

pub(super) const CASES: &[Case] = &[
    (
        "ontology.parameter.untyped",
        "action_types[0].parameters[0]",
        "
action_types: [{name: a, parameters: [{name: p}]}]",
    ),
    (
        "ontology.name.duplicate",
        "action_types[0].parameters[1].name",
        "
action_types: [{name: a, parameters: [{name: p, type: string}, {name: p, type: string}]}]",
    ),
    (
        "ontology.parameter.facet",
        "action_types[0].parameters[0].default",
        "
interfaces: [{name: I}]
action_types: [{name: a, parameters: [{name: p, object: I, default: x}]}]",
    ),
    (
        "ontology.object_type.unknown",
        "action_types[0].parameters[0].object_list",
        "
action_types: [{name: a, parameters: [{name: p, object_list: No}]}]",
    ),
    (
        "value.type_mismatch",
        "action_types[0].parameters[0].default",
        "
action_types: [{name: a, parameters: [{name: p, type: integer, default: x}]}]",
    ),
    (
        "ontology.parameter.unknown",
        "action_types[0].criteria[0].condition.not.eq[0].parameter",
        action!("criteria: [{message: m, condition: {not: {eq: [{parameter: no}, {literal: 1}]}}}]"),
    ),
    (
        "ontology.condition.constant",
        "action_types[0].criteria[0].condition.eq",
        action!("criteria: [{message: m, condition: {eq: [{literal: 1}, {literal: 1}]}}]"),
    ),
    (
        "ontology.condition.type",
        "action_types[0].criteria[0].condition.eq",
        action!("criteria: [{message: m, condition: {eq: [{parameter: list}, {literal: []}]}}]"),
    ),
    (
        "ontology.condition.empty",
        "action_types[0].criteria[0].condition.and",
        action!("criteria: [{message: m, condition: {and: []}}]"),
    ),
    (
        "ontology.action.type",
        "action_types[0].criteria[0].condition.lt[1]",
        action!("criteria: [{message: m, condition: {lt: [{parameter: number}, actor]}}]"),
    ),
    (
        "value.type_mismatch",
        "action_types[0].criteria[0].condition.in[1][1]",
        action!("criteria: [{message: m, condition: {in: [{parameter: number}, [1, x]]}}]"),
    ),
    (
        "ontology.condition.too_large",
        "action_types[0].criteria[0].condition.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not",
        action!(
            "criteria: [{message: m, condition: {not: {not: {not: {not: {not: {not: {not: {not: {not: {not: {not: {not: {not: {not: {not: {not: {is_null: actor}}}}}}}}}}}}}}}}}}]"
        ),
    ),
    (
        "ontology.action.no_value",
        "action_types[0].criteria[0].condition.is_null.parameter",
        action!("criteria: [{message: m, condition: {is_null: {parameter: set}}}]"),
    ),
    (
        "ontology.property.unknown",
        "action_types[0].criteria[0].condition.is_null.parameter_property.property",
        action!("criteria: [{message: m, condition: {is_null: {parameter_property: {parameter: i, property: name}}}}]"),
    ),
    (
        "ontology.parameter.object",
        "action_types[0].criteria[0].condition.is_null.parameter_property.parameter",
        action!(
            "criteria: [{message: m, condition: {is_null: {parameter_property: {parameter: some, property: name}}}}]"
        ),
    ),
    (
        "ontology.object_type.unknown",
        "action_types[0].rules[0].create_object.object_type",
        action!("rules: [{create_object: {object_type: I, properties: {}}}]"),
    ),
    (
        "ontology.rule.required",
        "action_types[0].rules[0].create_object.properties",
        action!("rules: [{create_object: {object_type: A, properties: {id: {parameter: text}}}}]"),
    ),
    (
        "ontology.action.may_be_absent",
        "action_types[0].rules[0].create_object.properties.name",
        action!(
            "rules: [{create_object: {object_type: A, properties: {id: {parameter: text}, name: {parameter_property: {parameter: maybe, property: name}}}}}]"
        ),
    ),
    (
        "ontology.action.may_be_absent",
        "action_types[0].rules[0].create_object.properties.name",
        action!(
            "rules: [{create_object: {object_type: A, properties: {id: {parameter: text}, name: {literal: null}}}}]"
        ),
    ),
    (
        "ontology.rule.derived",
        "action_types[0].rules[0].modify_object.properties.big",
        action!("rules: [{modify_object: {object: a, properties: {big: {parameter: text}}}}]"),
    ),
    (
        "ontology.rule.primary_key",
        "action_types[0].rules[0].modify_object.properties.id",
        action!("rules: [{modify_object: {object: a, properties: {id: {parameter: text}}}}]"),
    ),
    (
        "ontology.action.type",
        "action_types[0].rules[0].modify_object.properties.count",
        action!("rules: [{modify_object: {object: a, properties: {count: {parameter: text}}}}]"),
    ),
    (
        "ontology.action.may_be_absent",
        "action_types[0].rules[0].modify_object.properties.label",
        action!("rules: [{modify_object: {object: i, properties: {label: {literal: null}}}}]"),
    ),
    (
        "ontology.action.may_be_absent",
        "action_types[0].rules[0].delete_object.object",
        action!("rules: [{delete_object: {object: maybe}}]"),
    ),
    (
        "ontology.parameter.object",
        "action_types[0].rules[0].delete_object.object",
        action!("rules: [{delete_object: {object: text}}]"),
    ),
    (
        "ontology.link_type.unknown",
        "action_types[0].rules[0].delete_link.link_type",
        action!("rules: [{delete_link: {link_type: No, source: {parameter: a}, target: {parameter: a}}}]"),
    ),
    (
        "ontology.rule.link_end",
        "action_types[0].rules[0].delete_link.target",
        action!("rules: [{delete_link: {link_type: L, source: {parameter: a}, target: {parameter: i}}}]"),
    ),
    (
        "ontology.rule.required",
        "action_types[0].rules[0].create_link.properties",
        action!("rules: [{create_link: {link_type: L, source: {parameter: a}, target: {parameter: a}}}]"),
    ),
    (
        "ontology.action.may_be_absent",
        "action_types[0].rules[0].create_link.source",
        action!("rules: [{create_link: {link_type: Parent, source: {parameter: maybe}, target: {parameter: a}}}]"),
    ),
    (
        "ontology.effect.event_type",
        "action_types[0].effects[0].event.type",
        action!("effects: [{event: {type: Renamed}}]"),
    ),
    (
        "ontology.parameter.unknown",
        "action_types[0].effects[0].event.subject",
        action!("effects: [{event: {type: a.b, subject: no}}]"),
    ),
];

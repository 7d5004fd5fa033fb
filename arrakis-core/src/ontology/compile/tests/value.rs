//! Types, constraints and properties.

use super::Case;

pub(super) const CASES: &[Case] = &[
    ("ontology.value_type.cycle", "value_types[0].type", "
value_types: [{name: a, type: {array: {value_type: a}}}]"),
    ("ontology.value_type.unknown", "value_types[0].type.struct[0].type.value_type", "
value_types: [{name: a, type: {struct: [{name: x, type: {value_type: b}}]}}]"),
    ("ontology.data_type.array", "value_types[0].type.array", "
value_types: [{name: a, type: {array: {array: string}}}]"),
    ("ontology.data_type.array", "value_types[1].type.array", "
value_types: [{name: v, type: {vector: {dimension: 3, metric: cosine}}}, {name: a, type: {array: {value_type: v}}}]"),
    ("ontology.data_type.struct", "value_types[0].type.struct", "
value_types: [{name: a, type: {struct: []}}]"),
    ("ontology.name.duplicate", "value_types[0].type.struct[1].name", "
value_types: [{name: a, type: {struct: [{name: x, type: string}, {name: x, type: date}]}}]"),
    ("ontology.data_type.decimal", "value_types[0].type.decimal", "
value_types: [{name: a, type: {decimal: {precision: 19, scale: 2}}}]"),
    ("ontology.data_type.decimal", "value_types[0].type.decimal", "
value_types: [{name: a, type: {decimal: {precision: 2, scale: 3}}}]"),
    ("ontology.limit", "value_types[0].type.vector.dimension", "
value_types: [{name: a, type: {vector: {dimension: 0, metric: cosine}}}]"),
    ("ontology.data_type.too_deep", "value_types[1].type.struct[0].type", "
value_types:
  - {name: three, type: {struct: [{name: x, type: {array: {struct: [{name: y, type: {array: string}}]}}}]}}
  - {name: four, type: {struct: [{name: x, type: {value_type: three}}]}}"),
    ("ontology.constraint.misfit", "value_types[0].constraints[0].length", "
value_types: [{name: a, type: integer, constraints: [{length: {min: 1}}]}]"),
    ("ontology.constraint.misfit", "value_types[0].constraints[0].range", "
value_types: [{name: a, type: geopoint, constraints: [{range: {min: 1}}]}]"),
    ("ontology.constraint.misfit", "value_types[0].constraints[0].regex", "
value_types: [{name: a, type: integer, constraints: [{regex: x}]}]"),
    ("ontology.constraint.misfit", "value_types[0].constraints[0].format", "
value_types: [{name: a, type: integer, constraints: [{format: email}]}]"),
    ("ontology.constraint.misfit", "value_types[0].constraints[0].enum", "
value_types: [{name: a, type: json, constraints: [{enum: [1]}]}]"),
    ("value.type_mismatch", "value_types[0].constraints[0].enum[1]", "
value_types: [{name: a, type: integer, constraints: [{enum: [1, b]}]}]"),
    ("ontology.constraint.null", "value_types[0].constraints[0].enum[1]", "
value_types: [{name: a, type: integer, constraints: [{enum: [1, null]}]}]"),
    ("ontology.constraint.duplicate", "value_types[0].constraints[0].enum[2]", "
value_types: [{name: a, type: double, constraints: [{enum: [1, 2, 1.0]}]}]"),
    ("ontology.limit", "value_types[0].constraints[0].enum", "
value_types: [{name: a, type: integer, constraints: [{enum: []}]}]"),
    ("ontology.constraint.bounds", "value_types[0].constraints[0].range", "
value_types: [{name: a, type: date, constraints: [{range: {min: 2024-01-02, max: 2024-01-01}}]}]"),
    ("ontology.constraint.bounds", "value_types[0].constraints[0].length", "
value_types: [{name: a, type: string, constraints: [{length: {min: 3, max: 2}}]}]"),
    ("value.decimal.out_of_range", "value_types[0].constraints[0].range.max", "
value_types: [{name: a, type: {decimal: {precision: 3, scale: 1}}, constraints: [{range: {max: '0.01'}}]}]"),
    ("ontology.constraint.pattern", "value_types[0].constraints[0].regex", "
value_types: [{name: a, type: string, constraints: [{regex: 'a)|(b'}]}]"),
    ("ontology.constraint.pattern", "value_types[0].constraints[0].regex", "
value_types: [{name: a, type: string, constraints: [{regex: '(a{100}){100}{100}'}]}]"),
    ("ontology.constraint.pattern", "value_types[0].constraints[0].regex", r"
value_types: [{name: a, type: string, constraints: [{regex: '(a)\1'}]}]"),
    ("ontology.property.untyped", "shared_properties[0]", "
shared_properties: [{name: a}]"),
    ("ontology.property.facet", "shared_properties[0].unique", "
shared_properties: [{name: a, type: string, unique: true}]"),
    ("ontology.property.untyped", "object_types[0].properties[1]", "
shared_properties: [{name: s, type: string}]
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: a, type: string, shared: s}]}]"),
    ("ontology.shared_property.unknown", "object_types[0].properties[1].shared", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: a, shared: s}]}]"),
    ("ontology.constraint.misfit", "object_types[0].properties[1].constraints[0].length", "
shared_properties: [{name: s, type: integer}]
object_types:
  - name: A
    primary_key: id
    properties: [{name: id, type: string}, {name: a, shared: s, constraints: [{length: {max: 3}}]}]"),
    ("ontology.property.misfit", "object_types[0].properties[1].unique", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: a, type: json, unique: true}]}]"),
    ("ontology.property.misfit", "object_types[0].properties[1].indexed", "
object_types:
  - {name: A, primary_key: id, properties: [{name: id, type: string}, {name: a, type: {array: string}, indexed: true}]}"),
    ("ontology.property.misfit", "object_types[0].properties[1].searchable", "
object_types:
  - {name: A, primary_key: id, properties: [{name: id, type: string}, {name: a, type: integer, searchable: true}]}"),
    ("ontology.property.misfit", "object_types[0].properties[1].merge", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: a, type: string, merge: sum}]}]"),
    ("value.constraint.range", "object_types[0].properties[1].default", "
object_types:
  - name: A
    primary_key: id
    properties: [{name: id, type: string}, {name: a, type: integer, default: -1, constraints: [{range: {min: 0}}]}]"),
    ("value.type_mismatch", "object_types[0].properties[1].default", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: a, type: integer, default: x}]}]"),
    ("ontology.derived.facet", "object_types[0].properties[1].required", "
object_types:
  - name: A
    primary_key: id
    properties: [{name: id, type: string}, {name: a, type: string, required: true, derived: {property: id}}]"),
    ("ontology.derived.facet", "object_types[0].properties[1].default", "
object_types:
  - name: A
    primary_key: id
    properties: [{name: id, type: string}, {name: a, type: string, default: x, derived: {property: id}}]"),
    ("ontology.derived.of_derived", "object_types[0].properties[1].derived.property", "
object_types:
  - name: A
    primary_key: id
    properties: [{name: id, type: string}, {name: a, type: string, derived: {property: a}}]"),
    ("ontology.property.unknown", "object_types[0].properties[1].derived.concat[1].lower.property", "
object_types:
  - name: A
    primary_key: id
    properties:
      - {name: id, type: string}
      - {name: a, type: string, derived: {concat: [{text: x}, {lower: {property: b}}]}}"),
    ("ontology.derived.type", "object_types[0].properties[1].derived.upper", "
object_types:
  - {name: A, primary_key: id, properties: [{name: id, type: integer}, {name: a, type: string, derived: {upper: {property: id}}}]}"),
    ("ontology.derived.type", "object_types[0].properties[1].derived", "
object_types:
  - {name: A, primary_key: id, properties: [{name: id, type: integer}, {name: a, type: string, derived: {property: id}}]}"),
    ("ontology.derived.type", "object_types[0].properties[2].derived.coalesce[1]", "
object_types:
  - name: A
    primary_key: id
    properties:
      - {name: id, type: string}
      - {name: n, type: integer}
      - {name: a, type: string, derived: {coalesce: [{property: id}, {property: n}]}}"),
    ("ontology.derived.type", "object_types[0].properties[2].derived.property", "
object_types:
  - name: A
    primary_key: id
    properties:
      - {name: id, type: string}
      - {name: j, type: json}
      - {name: a, type: json, derived: {property: j}}"),
    ("ontology.derived.empty", "object_types[0].properties[1].derived.concat", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: a, type: string, derived: {concat: []}}]}]"),
    ("ontology.derived.too_large", "object_types[0].properties[1].derived.lower.lower.lower.lower.lower.lower.lower.lower.lower.lower.lower.lower.lower.lower.lower.lower", "
object_types:
  - name: A
    primary_key: id
    properties:
      - {name: id, type: string}
      - name: a
        type: string
        derived: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {lower: {text: x}}}}}}}}}}}}}}}}}"),
];

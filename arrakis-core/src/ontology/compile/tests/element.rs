//! Object types, link types, interfaces and statuses.

use super::Case;

pub(super) const CASES: &[Case] = &[
    ("ontology.name.duplicate", "value_types[1].name", "
value_types: [{name: a, type: string}, {name: a, type: date}]"),
    ("ontology.name.duplicate", "shared_properties[1].name", "
shared_properties: [{name: a, type: string}, {name: a, type: date}]"),
    ("ontology.name.duplicate", "object_types[0].name", "
interfaces: [{name: A}]
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]"),
    ("ontology.name.duplicate", "interfaces[1].name", "
interfaces: [{name: A}, {name: A}]"),
    ("ontology.name.duplicate", "action_types[1].name", "
action_types: [{name: a}, {name: a}]"),
    ("ontology.name.duplicate", "object_types[0].groups[1]", "
object_types: [{name: A, primary_key: id, groups: [g, g], properties: [{name: id, type: string}]}]"),
    ("ontology.property.unknown", "object_types[0].primary_key", "
object_types: [{name: A, primary_key: no, properties: [{name: id, type: string}]}]"),
    ("ontology.object_type.primary_key", "object_types[0].primary_key", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: double}]}]"),
    ("ontology.object_type.primary_key", "object_types[0].primary_key", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string, default: x}]}]"),
    ("ontology.object_type.primary_key", "object_types[0].primary_key", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string, derived: {property: b}}, {name: b, type: string}]}]"),
    ("ontology.object_type.title", "object_types[0].title", "
object_types: [{name: A, primary_key: id, title: id, properties: [{name: id, type: integer}]}]"),
    ("ontology.property.unknown", "object_types[0].title", "
object_types: [{name: A, primary_key: id, title: no, properties: [{name: id, type: integer}]}]"),
    ("ontology.object_type.color", "object_types[0].color", "
object_types: [{name: A, primary_key: id, color: '#12345g', properties: [{name: id, type: integer}]}]"),
    ("ontology.index.duplicate", "object_types[0].indexes[1]", "
object_types: [{name: A, primary_key: id, indexes: [[id], [id]], properties: [{name: id, type: integer}]}]"),
    ("ontology.name.duplicate", "object_types[0].indexes[0][1]", "
object_types: [{name: A, primary_key: id, indexes: [[id, id]], properties: [{name: id, type: integer}]}]"),
    ("ontology.property.misfit", "object_types[0].indexes[0][1]", "
object_types: [{name: A, primary_key: id, indexes: [[id, j]], properties: [{name: id, type: integer}, {name: j, type: json}]}]"),
    ("ontology.limit", "object_types[0].indexes[0]", "
object_types: [{name: A, primary_key: id, indexes: [[]], properties: [{name: id, type: integer}]}]"),
    ("ontology.status.replacement", "object_types[0].status.deprecated.replacement", "
object_types:
  - {name: A, primary_key: id, properties: [{name: id, type: integer}], status: {deprecated: {since: 2026-01-02, replacement: B}}}"),
    ("ontology.status.replacement", "object_types[0].properties[1].status.deprecated.replacement", "
object_types:
  - name: A
    primary_key: id
    properties:
      - {name: id, type: integer}
      - {name: a, type: integer, status: {deprecated: {since: 2026-01-02, replacement: a}}}"),
    ("ontology.status.replacement", "value_types[0].status.deprecated.replacement", "
value_types:
  - {name: a, type: string, status: {deprecated: {since: 2026-01-02, replacement: b}}}
  - {name: b, type: string, status: {deprecated: {since: 2026-01-02}}}"),
    ("ontology.object_type.unknown", "link_types[0].target.object_type", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}]}]
link_types:
  - {name: L, source: {object_type: A, name: bs, cardinality: many}, target: {object_type: B, name: as, cardinality: many}}"),
    ("ontology.name.duplicate", "link_types[0].target.name", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}]}]
link_types:
  - {name: L, source: {object_type: A, name: as, cardinality: many}, target: {object_type: A, name: as, cardinality: many}}"),
    ("ontology.name.duplicate", "link_types[0].source.name", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}]}]
link_types:
  - {name: L, source: {object_type: A, name: id, cardinality: many}, target: {object_type: A, name: as, cardinality: many}}"),
    ("ontology.link_type.on_delete", "link_types[0].on_delete", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}]}]
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: many}
    target: {object_type: A, name: of, cardinality: many}
    on_delete: cascade"),
    ("ontology.link_type.on_delete", "link_types[0].on_delete", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}, {name: a, type: integer, required: true}]}]
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: one}
    target: {object_type: A, name: of, cardinality: many}
    foreign_key: {holder: source, property: a}
    on_delete: unlink"),
    ("ontology.link_type.properties", "link_types[0].properties", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}, {name: a, type: integer}]}]
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: one}
    target: {object_type: A, name: of, cardinality: many}
    foreign_key: {holder: source, property: a}
    properties: [{name: w, type: integer}]"),
    ("ontology.link_type.holder_cardinality", "link_types[0].foreign_key.holder", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}, {name: a, type: integer}]}]
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: one}
    target: {object_type: A, name: of, cardinality: many}
    foreign_key: {holder: target, property: a}"),
    ("ontology.link_type.foreign_key", "link_types[0].foreign_key.property", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}, {name: a, type: string}]}]
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: one}
    target: {object_type: A, name: of, cardinality: many}
    foreign_key: {holder: source, property: a}"),
    ("ontology.link_type.foreign_key", "link_types[0].foreign_key.property", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}, {name: a, type: integer, derived: {property: id}}]}]
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: one}
    target: {object_type: A, name: of, cardinality: many}
    foreign_key: {holder: source, property: a}"),
    ("ontology.property.unknown", "link_types[0].foreign_key.property", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}]}]
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: one}
    target: {object_type: A, name: of, cardinality: many}
    foreign_key: {holder: source, property: no}"),
    ("ontology.property.facet", "link_types[0].properties[0].indexed", "
object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}]}]
link_types:
  - name: L
    source: {object_type: A, name: to, cardinality: many}
    target: {object_type: A, name: of, cardinality: many}
    properties: [{name: w, type: integer, indexed: true}]"),
    ("ontology.interface.unknown", "interfaces[0].extends[0]", "
interfaces: [{name: I, extends: [J]}]"),
    ("ontology.name.duplicate", "interfaces[1].extends[1]", "
interfaces: [{name: I}, {name: J, extends: [I, I]}]"),
    ("ontology.interface.cycle", "interfaces[0].extends", "
interfaces: [{name: I, extends: [I]}]"),
    ("ontology.interface.conflict", "interfaces[2].extends[1]", "
interfaces:
  - {name: I, properties: [{name: a, type: string}]}
  - {name: J, properties: [{name: a, type: integer}]}
  - {name: K, extends: [I, J]}"),
    ("ontology.name.duplicate", "interfaces[1].properties[0].name", "
interfaces:
  - {name: I, properties: [{name: a, type: string}]}
  - {name: J, extends: [I], properties: [{name: a, type: string}]}"),
    ("ontology.property.facet", "interfaces[0].properties[0].unique", "
interfaces: [{name: I, properties: [{name: a, type: string, unique: true}]}]"),
    ("ontology.object_type.unknown", "interfaces[0].links[0].target", "
interfaces: [{name: I, links: [{name: l, target: No, cardinality: many}]}]"),
    ("ontology.name.duplicate", "interfaces[0].links[0].name", "
interfaces: [{name: I, properties: [{name: l, type: string}], links: [{name: l, target: I, cardinality: many}]}]"),
    ("ontology.interface.unknown", "object_types[0].implements[0].interface", "
object_types: [{name: A, primary_key: id, implements: [{interface: I}], properties: [{name: id, type: integer}]}]"),
    ("ontology.name.duplicate", "object_types[0].implements[1].interface", "
interfaces: [{name: I}]
object_types: [{name: A, primary_key: id, implements: [{interface: I}, {interface: I}], properties: [{name: id, type: integer}]}]"),
    ("ontology.implementation.unknown", "object_types[0].implements[0].properties.b", "
interfaces: [{name: I}]
object_types: [{name: A, primary_key: id, implements: [{interface: I, properties: {b: id}}], properties: [{name: id, type: integer}]}]"),
    ("ontology.implementation.property", "object_types[0].implements[0].properties", "
interfaces: [{name: I, properties: [{name: a, type: string}]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I}], properties: [{name: id, type: integer}]}]"),
    ("ontology.implementation.property", "object_types[0].implements[0].properties", "
interfaces: [{name: I, properties: [{name: a, type: string}]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I, properties: {a: id}}], properties: [{name: id, type: integer}]}]"),
    ("ontology.implementation.property", "object_types[0].implements[0].properties", "
interfaces: [{name: I, properties: [{name: a, type: string, required: true}]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I}], properties: [{name: id, type: integer}, {name: a, type: string}]}]"),
    ("ontology.implementation.property", "object_types[0].implements[0].properties", "
interfaces: [{name: I, properties: [{name: a, type: string, constraints: [{length: {max: 3}}]}]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I}], properties: [{name: id, type: integer}, {name: a, type: string}]}]"),
    ("ontology.implementation.link", "object_types[0].implements[0].links", "
interfaces: [{name: I, links: [{name: l, target: A, cardinality: many, required: true}]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I}], properties: [{name: id, type: integer}]}]"),
    ("ontology.implementation.link", "object_types[0].implements[0].links", "
interfaces: [{name: I, links: [{name: to, target: A, cardinality: one}]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I}], properties: [{name: id, type: integer}]}]
link_types:
  - {name: L, source: {object_type: A, name: to, cardinality: many}, target: {object_type: A, name: of, cardinality: many}}"),
    ("ontology.implementation.link", "object_types[0].implements[0].links", "
interfaces: [{name: J}, {name: I, links: [{name: to, target: J, cardinality: many}]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I}], properties: [{name: id, type: integer}]}]
link_types:
  - {name: L, source: {object_type: A, name: to, cardinality: many}, target: {object_type: A, name: of, cardinality: many}}"),
    ("ontology.action_type.unknown", "object_types[0].implements[0].actions", "
interfaces: [{name: I, actions: [act]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I}], properties: [{name: id, type: integer}]}]"),
    ("ontology.implementation.action", "object_types[0].implements[0].actions", "
interfaces: [{name: I, actions: [act]}]
object_types: [{name: A, primary_key: id, implements: [{interface: I, actions: {act: doit}}], properties: [{name: id, type: integer}]}]
action_types: [{name: doit}]"),
    ("ontology.implementation.conflict", "object_types[0].implements[1].properties", "
interfaces:
  - {name: I, properties: [{name: a, type: integer}]}
  - {name: J, extends: [I]}
object_types:
  - name: A
    primary_key: id
    implements: [{interface: I, properties: {a: id}}, {interface: J, properties: {a: b}}]
    properties: [{name: id, type: integer}, {name: b, type: integer}]"),
    ("ontology.text.too_long", "object_types[0].icon", concat!("
object_types: [{name: A, primary_key: id, icon: ", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789x",
", properties: [{name: id, type: integer}]}]")),
];

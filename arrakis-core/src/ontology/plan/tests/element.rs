//! Changes of types, links, interfaces and actions.

use super::Case;

const A: &str =
    "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: n, type: string}]}]";

macro_rules! a {
    ($facets:literal) => { a!($facets, "") };
    ($facets:literal, $rest:literal) => {
        concat!("object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: n, type: string}], ", $facets, "}]\n", $rest)
    };
}

pub(super) const CASES: &[Case] = &[
    (A, a!("", "description: All."), 9, &["ARK-DOC-CHANGED description compatible"]),
    (A, a!("description: An A., icon: a, groups: [g]"), 9, &["ARK-DOC-CHANGED object_types.A compatible"]),
    (A, a!("title: n"), 9, &["ARK-TYPE-TITLE-CHANGED object_types.A compatible"]),
    (A, a!("indexes: [[n, id]]"), 9, &["ARK-TYPE-INDEX-ADDED object_types.A.indexes[0] additive"]),
    (a!("indexes: [[n, id]]"), A, 9, &["ARK-TYPE-INDEX-REMOVED object_types.A.indexes[0] compatible"]),
    (A, "object_types:
  - {name: A, primary_key: id, properties: [{name: id, type: string}, {name: n, type: string}]}
  - {name: B, primary_key: id, properties: [{name: id, type: string}]}", 9, &["ARK-TYPE-ADDED object_types.B additive"]),
    (A, "{}", 0, &["ARK-TYPE-REMOVED object_types.A needs_validation"]),
    (A, "{}", 9, &["ARK-TYPE-REMOVED object_types.A needs_migration migration_required"]),
    (A, "changes: {migrations: [{of: object_types.A, drop: data}]}", 9, &["ARK-TYPE-REMOVED object_types.A needs_migration"]),
    (A, "object_types: [{name: B, primary_key: id, properties: [{name: id, type: string}, {name: n, type: string}]}]
changes: {moved: [{from: object_types.A, to: object_types.B}]}", 9, &["ARK-TYPE-RENAMED object_types.B breaking"]),
    (A, "object_types: [{name: A, primary_key: n, properties: [{name: id, type: string}, {name: n, type: string}]}]", 0,
        &["ARK-TYPE-KEY-CHANGED object_types.A needs_validation"]),
    (A, "object_types: [{name: A, primary_key: n, properties: [{name: id, type: string}, {name: n, type: string}]}]", 9,
        &["ARK-TYPE-KEY-CHANGED object_types.A forbidden migration_required"]),
    (A, "object_types: [{name: A, primary_key: n, properties: [{name: id, type: string}, {name: n, type: string}]}]
changes: {migrations: [{of: object_types.A, drop: data}]}", 9, &["ARK-TYPE-KEY-CHANGED object_types.A needs_migration"]),
    (A, "object_types: [{name: A, primary_key: id, properties: [{name: id, type: integer}, {name: n, type: string}]}]", 9,
        &["ARK-TYPE-KEY-CHANGED object_types.A forbidden migration_required"]),
    // A key renamed is the same key.
    (A, "object_types: [{name: A, primary_key: key, properties: [{name: key, type: string}, {name: n, type: string}]}]
changes: {moved: [{from: object_types.A.properties.id, to: object_types.A.properties.key}]}", 9,
        &["ARK-PROP-RENAMED object_types.A.properties.key breaking"]),
    (A, a!("implements: [{interface: I}]", "interfaces: [{name: I}]"), 9, &[
        "ARK-IFACE-ADDED interfaces.I additive",
        "ARK-TYPE-INTERFACE-ADDED object_types.A.implements[0] additive",
    ]),
    (a!("implements: [{interface: I}]", "interfaces: [{name: I}]"), A, 9, &[
        "ARK-IFACE-REMOVED interfaces.I breaking",
        "ARK-TYPE-INTERFACE-REMOVED object_types.A.implements[0] breaking",
    ]),
    (a!("implements: [{interface: I, properties: {p: n}}]", "interfaces: [{name: I, properties: [{name: p, type: string}]}]"),
        a!("implements: [{interface: I, properties: {p: id}}]", "interfaces: [{name: I, properties: [{name: p, type: string}]}]"), 9,
        &["ARK-TYPE-INTERFACE-CHANGED object_types.A.implements[0] breaking"]),
    // The same property under another name.
    (a!("implements: [{interface: I, properties: {p: n}}]", "interfaces: [{name: I, properties: [{name: p, type: string}]}]"),
        "object_types:
  - name: A
    primary_key: id
    properties: [{name: id, type: string}, {name: m, type: string}]
    implements: [{interface: I, properties: {p: m}}]
interfaces: [{name: I, properties: [{name: p, type: string}]}]
changes: {moved: [{from: object_types.A.properties.n, to: object_types.A.properties.m}]}", 9,
        &["ARK-PROP-RENAMED object_types.A.properties.m breaking"]),
    ("interfaces: [{name: I}]", "interfaces: [{name: J}]
changes: {moved: [{from: interfaces.I, to: interfaces.J}]}", 9, &["ARK-IFACE-RENAMED interfaces.J breaking"]),
    ("interfaces: [{name: I}, {name: J}]", "interfaces: [{name: I, extends: [J], properties: [{name: p, type: string}], links: [{name: l, target: J, cardinality: one}], actions: [act]}, {name: J}]", 9, &[
        "ARK-IFACE-EXTENDS-CHANGED interfaces.I breaking",
        "ARK-IFACE-LINKS-CHANGED interfaces.I breaking",
        "ARK-IFACE-ACTIONS-CHANGED interfaces.I breaking",
        "ARK-IFACE-PROP-ADDED interfaces.I.properties.p compatible",
    ]),
    ("interfaces: [{name: I, properties: [{name: p, type: string}, {name: q, type: string}, {name: r, type: string}]}]",
        "interfaces: [{name: I, properties: [{name: q, type: date}, {name: s, type: string}]}]
changes: {moved: [{from: interfaces.I.properties.r, to: interfaces.I.properties.s}]}", 9, &[
        "ARK-IFACE-PROP-CHANGED interfaces.I.properties.q breaking",
        "ARK-IFACE-PROP-RENAMED interfaces.I.properties.s breaking",
        "ARK-IFACE-PROP-REMOVED interfaces.I.properties.p breaking",
    ]),
    ("value_types: [{name: a, type: string}, {name: b, type: string}, {name: c, type: string}]",
        "value_types: [{name: a, type: date}, {name: d, type: string, description: Was b.}]
changes: {moved: [{from: value_types.b, to: value_types.d}]}", 9, &[
        "ARK-VTYPE-REMOVED value_types.c compatible",
        "ARK-VTYPE-RENAMED value_types.d compatible",
        "ARK-VTYPE-CHANGED value_types.a compatible",
        "ARK-DOC-CHANGED value_types.d compatible",
    ]),
    ("shared_properties: [{name: a, type: string}, {name: b, type: string}, {name: c, type: string}]",
        "shared_properties: [{name: a, type: date}, {name: d, type: string}, {name: e, type: string}]
changes: {moved: [{from: shared_properties.b, to: shared_properties.d}]}", 9, &[
        "ARK-SHARED-ADDED shared_properties.e additive",
        "ARK-SHARED-REMOVED shared_properties.c compatible",
        "ARK-SHARED-RENAMED shared_properties.d compatible",
        "ARK-SHARED-CHANGED shared_properties.a compatible",
    ]),
    ("action_types: [{name: a}, {name: b}, {name: c}]", "action_types: [{name: a, criteria: [{message: m, condition: {eq: [actor, {literal: x}]}}]}, {name: d}, {name: e}]
changes: {moved: [{from: action_types.b, to: action_types.d}]}", 9, &[
        "ARK-ACTION-ADDED action_types.e additive",
        "ARK-ACTION-REMOVED action_types.c breaking",
        "ARK-ACTION-RENAMED action_types.d breaking",
        "ARK-ACTION-BEHAVIOR-CHANGED action_types.a compatible",
    ]),
    ("action_types: [{name: a, parameters: [{name: p, type: string}, {name: q, type: string}, {name: r, type: string}]}]",
        "action_types: [{name: a, parameters: [{name: q, type: date}, {name: r, type: string, description: R.}, {name: s, type: string}, {name: t, type: string, required: true}]}]", 9, &[
        "ARK-ACTION-PARAM-CHANGED action_types.a.parameters.q breaking",
        "ARK-DOC-CHANGED action_types.a.parameters.r compatible",
        "ARK-ACTION-PARAM-ADDED action_types.a.parameters.s additive",
        "ARK-ACTION-PARAM-ADDED-REQUIRED action_types.a.parameters.t breaking",
        "ARK-ACTION-PARAM-REMOVED action_types.a.parameters.p breaking",
    ]),
    // A rename of what they name changes nothing for those that name it.
    ("value_types: [{name: v, type: string}]
object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: l, type: {array: {value_type: v}}}]}]
action_types: [{name: a, parameters: [{name: p, object: A}, {name: q, type: {value_type: v}}]}]",
        "value_types: [{name: w, type: string}]
object_types: [{name: B, primary_key: id, properties: [{name: id, type: string}, {name: l, type: {array: {value_type: w}}}]}]
action_types: [{name: a, parameters: [{name: p, object: B}, {name: q, type: {value_type: w}}]}]
changes: {moved: [{from: object_types.A, to: object_types.B}, {from: value_types.v, to: value_types.w}]}", 9, &[
        "ARK-VTYPE-RENAMED value_types.w compatible",
        "ARK-TYPE-RENAMED object_types.B breaking",
    ]),
];

/// Two object types and a link type between them.
macro_rules! link {
    ($link:literal) => { link!($link, "") };
    ($link:literal, $rest:literal) => {
        concat!("object_types:
  - {name: A, primary_key: id, properties: [{name: id, type: string}, {name: b, type: string}, {name: c, type: string}]}
  - {name: B, primary_key: id, properties: [{name: id, type: string}]}
", $link, "\n", $rest)
    };
}

const JOIN: &str = link!(
    "link_types: [{name: L, source: {object_type: A, name: bs, cardinality: many}, target: {object_type: B, name: as, cardinality: many}}]"
);
const HELD: &str = link!(
    "link_types: [{name: L, source: {object_type: A, name: to, cardinality: one}, target: {object_type: B, name: of, cardinality: many}, foreign_key: {holder: source, property: b}}]"
);

pub(super) const LINK_CASES: &[Case] = &[
    (link!(""), JOIN, 9, &["ARK-LINK-ADDED link_types.L additive"]),
    (link!(""), HELD, 0, &["ARK-LINK-ADDED link_types.L additive", "ARK-LINK-ADDED-OVER-PROPERTY link_types.L needs_validation"]),
    (link!(""), HELD, 9, &["ARK-LINK-ADDED link_types.L additive", "ARK-LINK-ADDED-OVER-PROPERTY link_types.L needs_validation violated"]),
    (JOIN, link!(""), 9, &["ARK-LINK-REMOVED link_types.L needs_migration migration_required"]),
    (JOIN, link!("", "changes: {migrations: [{of: link_types.L, drop: data}]}"), 9, &["ARK-LINK-REMOVED link_types.L needs_migration"]),
    (HELD, link!(""), 9, &["ARK-LINK-REMOVED-FROM-PROPERTY link_types.L breaking"]),
    (JOIN, link!("link_types: [{name: M, source: {object_type: A, name: to, cardinality: many}, target: {object_type: B, name: as, cardinality: many}, on_delete: unlink, description: M.}]",
        "changes: {moved: [{from: link_types.L, to: link_types.M}]}"), 9, &[
        "ARK-LINK-RENAMED link_types.M breaking",
        "ARK-DOC-CHANGED link_types.M compatible",
        "ARK-LINK-ON-DELETE-CHANGED link_types.M compatible",
        "ARK-LINK-SIDE-RENAMED link_types.M.source breaking",
    ]),
    (JOIN, link!("link_types: [{name: L, source: {object_type: A, name: bs, cardinality: one}, target: {object_type: B, name: as, cardinality: many}}]"), 9,
        &["ARK-LINK-CARDINALITY-NARROWED link_types.L.source needs_validation violated"]),
    (link!("link_types: [{name: L, source: {object_type: A, name: bs, cardinality: one}, target: {object_type: B, name: as, cardinality: many}}]"), JOIN, 9,
        &["ARK-LINK-CARDINALITY-WIDENED link_types.L.source compatible"]),
    (HELD, link!("link_types: [{name: L, source: {object_type: A, name: to, cardinality: one}, target: {object_type: B, name: of, cardinality: one}, foreign_key: {holder: source, property: b}}]"), 0,
        &["ARK-LINK-CARDINALITY-NARROWED link_types.L.target needs_validation"]),
    (link!("link_types: [{name: L, source: {object_type: A, name: to, cardinality: one}, target: {object_type: B, name: of, cardinality: one}, foreign_key: {holder: source, property: b}}]"), HELD, 9,
        &["ARK-LINK-CARDINALITY-WIDENED link_types.L.target compatible"]),
    (HELD, link!("link_types: [{name: L, source: {object_type: A, name: to, cardinality: one}, target: {object_type: B, name: of, cardinality: many}, foreign_key: {holder: source, property: c}}]"), 0,
        &["ARK-LINK-FOREIGN-KEY-CHANGED link_types.L needs_validation"]),
    (JOIN, link!("link_types: [{name: L, source: {object_type: A, name: bs, cardinality: many}, target: {object_type: A, name: as, cardinality: many}}]"), 9,
        &["ARK-LINK-END-CHANGED link_types.L forbidden migration_required"]),
    (JOIN, link!("link_types: [{name: L, source: {object_type: A, name: bs, cardinality: many}, target: {object_type: A, name: as, cardinality: many}}]",
        "changes: {migrations: [{of: link_types.L, drop: data}]}"), 9, &["ARK-LINK-END-CHANGED link_types.L needs_migration"]),
    (HELD, link!("link_types: [{name: L, source: {object_type: A, name: to, cardinality: many}, target: {object_type: B, name: of, cardinality: many}}]"), 9,
        &["ARK-LINK-BACKING-CHANGED link_types.L forbidden migration_required"]),
    (JOIN, link!("link_types: [{name: L, source: {object_type: A, name: bs, cardinality: one}, target: {object_type: B, name: as, cardinality: many}, foreign_key: {holder: source, property: b}}]"), 0, &[
        "ARK-LINK-BACKING-CHANGED link_types.L needs_validation",
        "ARK-LINK-ADDED-OVER-PROPERTY link_types.L needs_validation",
    ]),
    (JOIN, link!("link_types: [{name: L, source: {object_type: A, name: bs, cardinality: many}, target: {object_type: B, name: as, cardinality: many}, properties: [{name: w, type: integer, required: true}]}]"), 9,
        &["ARK-PROP-ADDED-REQUIRED link_types.L.properties.w needs_migration migration_required"]),
    // A type with another key is another type, and so is what links to it.
    (JOIN, "object_types:
  - {name: A, primary_key: b, properties: [{name: id, type: string}, {name: b, type: string}, {name: c, type: string}]}
  - {name: B, primary_key: id, properties: [{name: id, type: string}]}
link_types: [{name: L, source: {object_type: A, name: bs, cardinality: many}, target: {object_type: B, name: as, cardinality: many}}]", 0, &[
        "ARK-TYPE-KEY-CHANGED object_types.A needs_validation",
        "ARK-LINK-END-CHANGED link_types.L needs_validation",
    ]),
];

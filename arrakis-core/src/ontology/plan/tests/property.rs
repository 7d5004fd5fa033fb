//! Changes of properties.

use super::Case;

/// An object type with these properties beside its key, and what else the file says.
macro_rules! with {
    ($properties:literal) => {
        with!($properties, "")
    };
    ($properties:literal, $rest:literal) => {
        concat!(
            "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, ",
            $properties,
            "]}]\n",
            $rest
        )
    };
}

const P: &str = with!("{name: p, type: string}");

pub(super) const CASES: &[Case] = &[
    (P, P, 9, &[]),
    (P, with!("{name: p, type: string}, {name: q, type: date}"), 9, &["ARK-PROP-ADDED object_types.A.properties.q additive"]),
    (P, with!("{name: p, type: string}, {name: q, type: date, required: true}"), 0,
        &["ARK-PROP-ADDED-REQUIRED object_types.A.properties.q needs_validation"]),
    (P, with!("{name: p, type: string}, {name: q, type: date, required: true}"), 9,
        &["ARK-PROP-ADDED-REQUIRED object_types.A.properties.q needs_migration migration_required"]),
    (P, with!("{name: p, type: string}, {name: q, type: date, required: true}",
        "changes: {migrations: [{of: object_types.A.properties.q, default: 2024-01-01}]}"), 9,
        &["ARK-PROP-ADDED-REQUIRED object_types.A.properties.q needs_migration"]),
    (P, with!("{name: p, type: string}, {name: q, type: date, required: true, default: 2024-01-01}"), 9,
        &["ARK-PROP-ADDED-DEFAULT object_types.A.properties.q compatible"]),
    (P, with!("{name: p, type: string}, {name: q, type: string, derived: {upper: {property: p}}}"), 9,
        &["ARK-PROP-ADDED-DERIVED object_types.A.properties.q additive"]),
    (P, "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]", 0,
        &["ARK-PROP-REMOVED object_types.A.properties.p needs_validation"]),
    (P, "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]", 9,
        &["ARK-PROP-REMOVED object_types.A.properties.p needs_migration migration_required"]),
    (P, "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]
changes: {migrations: [{of: object_types.A.properties.p, drop: data}]}", 9,
        &["ARK-PROP-REMOVED object_types.A.properties.p needs_migration"]),
    (with!("{name: p, type: string, derived: {property: id}}"),
        "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]", 9,
        &["ARK-PROP-REMOVED-DERIVED object_types.A.properties.p breaking"]),
    // Without a rename, a new name is a new element and the old one is deleted.
    (P, with!("{name: q, type: string}"), 9, &[
        "ARK-PROP-ADDED object_types.A.properties.q additive",
        "ARK-PROP-REMOVED object_types.A.properties.p needs_migration migration_required",
    ]),
    (P, with!("{name: q, type: string}", "changes: {moved: [{from: object_types.A.properties.p, to: object_types.A.properties.q}]}"), 9,
        &["ARK-PROP-RENAMED object_types.A.properties.q breaking"]),
    (P, with!("{name: p, type: string, required: true}"), 9,
        &["ARK-PROP-REQUIRED-ADDED object_types.A.properties.p needs_migration migration_required"]),
    (P, with!("{name: p, type: string, required: true}"), 0,
        &["ARK-PROP-REQUIRED-ADDED object_types.A.properties.p needs_validation"]),
    (P, with!("{name: p, type: string, required: true}", "changes: {migrations: [{of: object_types.A.properties.p, default: x}]}"), 9,
        &["ARK-PROP-REQUIRED-ADDED object_types.A.properties.p needs_migration"]),
    (P, with!("{name: p, type: string, required: true, default: x}"), 9, &[
        "ARK-PROP-REQUIRED-FILLED object_types.A.properties.p compatible",
        "ARK-PROP-DEFAULT-ADDED object_types.A.properties.p compatible",
    ]),
    (with!("{name: p, type: string, required: true}"), P, 9, &["ARK-PROP-REQUIRED-REMOVED object_types.A.properties.p compatible"]),
    (P, with!("{name: p, type: string, constraints: [{length: {max: 3}}]}"), 9,
        &["ARK-PROP-CONSTRAINT-ADDED object_types.A.properties.p needs_migration migration_required"]),
    (P, with!("{name: p, type: string, constraints: [{length: {max: 3}}]}"), 0,
        &["ARK-PROP-CONSTRAINT-ADDED object_types.A.properties.p needs_validation"]),
    (P, with!("{name: p, type: string, constraints: [{length: {max: 3}}]}", "changes: {migrations: [{of: object_types.A.properties.p, drop: data}]}"), 9,
        &["ARK-PROP-CONSTRAINT-ADDED object_types.A.properties.p needs_migration"]),
    (with!("{name: p, type: integer, constraints: [{range: {min: 0}}]}"), with!("{name: p, type: integer, constraints: [{range: {min: 1}}]}"), 9,
        &["ARK-PROP-CONSTRAINT-TIGHTENED object_types.A.properties.p needs_migration migration_required"]),
    (with!("{name: p, type: integer, constraints: [{range: {min: 1}}]}"), with!("{name: p, type: integer, constraints: [{range: {min: 0}}]}"), 9,
        &["ARK-PROP-CONSTRAINT-LOOSENED object_types.A.properties.p compatible"]),
    (with!("{name: p, type: integer, constraints: [{range: {min: 1}}]}"), with!("{name: p, type: integer}"), 9,
        &["ARK-PROP-CONSTRAINT-REMOVED object_types.A.properties.p compatible"]),
    (with!("{name: p, type: integer, constraints: [{enum: [1, 2]}]}"), with!("{name: p, type: integer, constraints: [{enum: [1, 3]}]}"), 9, &[        "ARK-PROP-ENUM-ADDED object_types.A.properties.p compatible",

        "ARK-PROP-ENUM-REMOVED object_types.A.properties.p needs_migration migration_required",
    ]),
    (P, with!("{name: p, type: string, unique: true}"), 0, &["ARK-PROP-UNIQUE-ADDED object_types.A.properties.p needs_validation"]),
    (P, with!("{name: p, type: string, unique: true}"), 2, &["ARK-PROP-UNIQUE-ADDED object_types.A.properties.p needs_validation violated"]),
    (with!("{name: p, type: string, unique: true}"), P, 2, &["ARK-PROP-UNIQUE-REMOVED object_types.A.properties.p compatible"]),
    (P, with!("{name: p, type: string, indexed: true, searchable: true, merge: lww, marking: secret, default: x}"), 9, &[
        "ARK-PROP-INDEX-ADDED object_types.A.properties.p additive",
        "ARK-PROP-SEARCH-ADDED object_types.A.properties.p additive",
        "ARK-PROP-MERGE-CHANGED object_types.A.properties.p compatible",
        "ARK-PROP-MARKING-CHANGED object_types.A.properties.p breaking",
        "ARK-PROP-DEFAULT-ADDED object_types.A.properties.p compatible",
    ]),
    (with!("{name: p, type: string, indexed: true, searchable: true, default: x}"), with!("{name: p, type: string, default: y}"), 9, &[
        "ARK-PROP-INDEX-REMOVED object_types.A.properties.p compatible",
        "ARK-PROP-SEARCH-REMOVED object_types.A.properties.p breaking",
        "ARK-PROP-DEFAULT-CHANGED object_types.A.properties.p compatible",
    ]),
    (with!("{name: p, type: string, default: x}"), P, 9, &["ARK-PROP-DEFAULT-REMOVED object_types.A.properties.p breaking"]),
    (P, with!("{name: p, type: string, derived: {property: id}}"), 9,
        &["ARK-PROP-DERIVED-ADDED object_types.A.properties.p needs_migration migration_required"]),
    (P, with!("{name: p, type: string, derived: {property: id}}", "changes: {migrations: [{of: object_types.A.properties.p, drop: data}]}"), 9,
        &["ARK-PROP-DERIVED-ADDED object_types.A.properties.p needs_migration"]),
    (with!("{name: p, type: string, derived: {property: id}}"), with!("{name: p, type: string, derived: {upper: {property: id}}}"), 9,
        &["ARK-PROP-DERIVED-CHANGED object_types.A.properties.p compatible"]),
    (with!("{name: p, type: string, derived: {property: id}}"), P, 9, &["ARK-PROP-DERIVED-REMOVED object_types.A.properties.p compatible"]),
    // The expression reads as before, of a property that is another now.
    (with!("{name: a, type: string}, {name: b, type: string}, {name: p, type: string, derived: {property: a}}"),
        with!("{name: a, type: string, description: Was b.}, {name: b, type: string}, {name: p, type: string, derived: {property: a}}",
        "changes: {moved: [{from: object_types.A.properties.a, to: object_types.A.properties.b}, {from: object_types.A.properties.b, to: object_types.A.properties.a}]}"), 9, &[
        "ARK-PROP-RENAMED object_types.A.properties.a breaking",
        "ARK-DOC-CHANGED object_types.A.properties.a compatible",
        "ARK-PROP-RENAMED object_types.A.properties.b breaking",
        "ARK-PROP-DERIVED-CHANGED object_types.A.properties.p compatible",
    ]),
    (P, with!("{name: p, type: string, status: {deprecated: {since: 2026-01-01}}}"), 9, &["ARK-STATUS-DEPRECATED object_types.A.properties.p compatible"]),
    (with!("{name: p, type: string, status: experimental}"), P, 9, &["ARK-STATUS-CHANGED object_types.A.properties.p compatible"]),
    (P, with!("{name: p, type: string, description: The p.}"), 9, &["ARK-DOC-CHANGED object_types.A.properties.p compatible"]),
    (with!("{name: p, type: string}, {name: q, type: string}"), with!("{name: q, type: string}, {name: p, type: string}"), 9,
        &["ARK-FORM-CHANGED  compatible"]),
    // Nothing of this one needs what is stated.
    (P, with!("{name: p, type: string, unique: true}", "changes: {migrations: [{of: object_types.A.properties.p, default: x}]}"), 0, &[
        "ARK-PROP-UNIQUE-ADDED object_types.A.properties.p needs_validation",
        "ARK-MIGRATION-STALE changes.migrations[0] forbidden stale",
    ]),
    (P, with!("{name: p, type: string, indexed: true}", "changes: {migrations: [{of: object_types.B, drop: data}]}"), 0, &[
        "ARK-PROP-INDEX-ADDED object_types.A.properties.p additive",
        "ARK-MIGRATION-STALE changes.migrations[0] forbidden stale",
    ]),
    // A key does not change, whatever is stated.
    ("object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]",
        "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string, constraints: [{length: {max: 3}}]}]}]
changes: {migrations: [{of: object_types.A.properties.id, default: x}]}", 9, &[
        "ARK-PROP-CONSTRAINT-ADDED object_types.A.properties.id needs_migration migration_required",
        "ARK-MIGRATION-STALE changes.migrations[0] forbidden stale",
    ]),
];

/// A property of one type, then of another.
macro_rules! retyped {
    ($old:literal, $new:literal) => {
        retyped!($old, $new, "")
    };
    ($old:literal, $new:literal, $rest:literal) => {
        (
            concat!(
                "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: p, type: ",
                $old,
                "}]}]"
            ),
            concat!(
                "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: p, type: ",
                $new,
                "}]}]\n",
                $rest
            ),
        )
    };
}

macro_rules! case {
    ($types:expr, $count:literal, $expected:expr) => {
        ($types.0, $types.1, $count, $expected)
    };
}

pub(super) const TYPE_CASES: &[Case] = &[
    case!(
        retyped!("{decimal: {precision: 5, scale: 1}}", "{decimal: {precision: 6, scale: 2}}"),
        9,
        &["ARK-PROP-TYPE-WIDENED object_types.A.properties.p compatible"]
    ),
    case!(
        retyped!("{decimal: {precision: 5, scale: 1}}", "{decimal: {precision: 5, scale: 2}}"),
        9,
        &["ARK-PROP-TYPE-WIDENED-INEXACT object_types.A.properties.p needs_migration migration_required"]
    ),
    case!(
        retyped!("{decimal: {precision: 5, scale: 1}}", "{decimal: {precision: 7, scale: 1}}"),
        9,
        &["ARK-PROP-CONSTRAINT-LOOSENED object_types.A.properties.p compatible"]
    ),
    case!(
        retyped!("{decimal: {precision: 5, scale: 1}}", "{decimal: {precision: 4, scale: 1}}"),
        9,
        &["ARK-PROP-CONSTRAINT-TIGHTENED object_types.A.properties.p needs_migration migration_required"]
    ),
    case!(retyped!("date", "timestamp"), 9, &["ARK-PROP-TYPE-WIDENED object_types.A.properties.p compatible"]),
    case!(
        retyped!("integer", "double"),
        0,
        &["ARK-PROP-TYPE-WIDENED-INEXACT object_types.A.properties.p needs_validation"]
    ),
    case!(
        retyped!(
            "integer",
            "{decimal: {precision: 9, scale: 2}}",
            "changes: {migrations: [{of: object_types.A.properties.p, cast: absent}]}"
        ),
        9,
        &["ARK-PROP-TYPE-WIDENED-INEXACT object_types.A.properties.p needs_migration"]
    ),
    case!(retyped!("double", "integer"), 0, &["ARK-PROP-TYPE-NARROWED object_types.A.properties.p needs_validation"]),
    case!(
        retyped!("double", "integer"),
        9,
        &["ARK-PROP-TYPE-NARROWED object_types.A.properties.p needs_migration migration_required"]
    ),
    case!(
        retyped!("double", "integer", "changes: {migrations: [{of: object_types.A.properties.p, cast: {default: 0}}]}"),
        9,
        &["ARK-PROP-TYPE-NARROWED object_types.A.properties.p needs_migration"]
    ),
    case!(retyped!("string", "integer"), 0, &["ARK-PROP-TYPE-CHANGED object_types.A.properties.p needs_validation"]),
    case!(
        retyped!("string", "integer"),
        9,
        &["ARK-PROP-TYPE-CHANGED object_types.A.properties.p needs_migration migration_required"]
    ),
    case!(
        retyped!("string", "integer", "changes: {migrations: [{of: object_types.A.properties.p, cast: refuse}]}"),
        0,
        &["ARK-PROP-TYPE-CHANGED object_types.A.properties.p needs_migration"]
    ),
    case!(
        retyped!("string", "integer", "changes: {migrations: [{of: object_types.A.properties.p, cast: refuse}]}"),
        1,
        &["ARK-PROP-TYPE-CHANGED object_types.A.properties.p needs_migration inexact"]
    ),
    case!(
        retyped!("string", "integer", "changes: {migrations: [{of: object_types.A.properties.p, drop: data}]}"),
        1,
        &["ARK-PROP-TYPE-CHANGED object_types.A.properties.p needs_migration"]
    ),
    case!(
        retyped!("date", "timestamp", "changes: {migrations: [{of: object_types.A.properties.p, cast: refuse}]}"),
        1,
        &[
            "ARK-PROP-TYPE-WIDENED object_types.A.properties.p compatible",
            "ARK-MIGRATION-STALE changes.migrations[0] forbidden stale",
        ]
    ),
    case!(
        retyped!("{vector: {dimension: 2, metric: cosine}}", "{vector: {dimension: 2, metric: euclidean}}"),
        1,
        &["ARK-PROP-TYPE-CHANGED object_types.A.properties.p needs_migration migration_required"]
    ),
    case!(
        retyped!("{struct: [{name: a, type: string}]}", "{struct: [{name: a, type: string}, {name: b, type: string}]}"),
        0,
        &["ARK-PROP-TYPE-WIDENED-INEXACT object_types.A.properties.p needs_validation"]
    ),
    case!(
        retyped!("{struct: [{name: a, type: string}, {name: b, type: string}]}", "{struct: [{name: a, type: string}]}"),
        1,
        &["ARK-PROP-TYPE-NARROWED object_types.A.properties.p needs_migration migration_required"]
    ),
    case!(
        retyped!("{array: integer}", "{array: double}"),
        0,
        &["ARK-PROP-TYPE-WIDENED-INEXACT object_types.A.properties.p needs_validation"]
    ),
    case!(
        retyped!("string", "{value_type: v}", "value_types: [{name: v, type: string}]"),
        9,
        &["ARK-VTYPE-ADDED value_types.v additive", "ARK-PROP-TYPE-RESTATED object_types.A.properties.p compatible",]
    ),
    case!(
        retyped!(
            "string",
            "{value_type: v}",
            "value_types: [{name: v, type: string, constraints: [{length: {max: 2}}]}]"
        ),
        9,
        &[
            "ARK-VTYPE-ADDED value_types.v additive",
            "ARK-PROP-CONSTRAINT-ADDED object_types.A.properties.p needs_migration migration_required",
        ]
    ),
];

//! What a plan does to rows.

use serde_json::json;

use super::{Case, first, plan};
use crate::Value;
use crate::ontology::DataCheck;

/// The row of the first type after publication, and how many rules are checked then.
fn rewritten(base: &str, new: &str, row: &serde_json::Value) -> (Vec<Value>, usize) {
    let base = first(base);
    let publication = plan(&base, new, 0).unwrap().publication(Some(base.clone())).unwrap().unwrap();
    let before = &base.object_types[0];
    let old: Vec<Value> = before
        .properties
        .iter()
        .map(|property| property.data_type.read(row.get(property.api_name.as_str()).unwrap_or(&json!(null))).unwrap())
        .collect();
    let [rewrite] = publication.rewrites.as_slice() else { panic!("one rewrite: {:?}", publication.rewrites) };
    let mut new = rewrite.row(&old).unwrap();
    publication.schema.object_types[0].derive(&mut new);
    (new, publication.checks.len())
}

macro_rules! a {
    ($properties:literal) => {
        a!($properties, "")
    };
    ($properties:literal, $migration:literal) => {
        concat!(
            "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, ",
            $properties,
            "]}]\n",
            $migration
        )
    };
}

/// A definition, the one that follows it, a row before, the row after, and how many rules are checked.
fn cases() -> [(&'static str, &'static str, serde_json::Value, Vec<Value>, usize); 6] {
    let string = |text: &str| Value::string(text);
    [
        // Converted.
        (
            a!("{name: p, type: integer}"),
            a!("{name: p, type: double}"),
            json!({"id": "x", "p": 3}),
            vec![string("x"), Value::Double(3.0)],
            0,
        ),
        // Converted, else absent.
        (
            a!("{name: p, type: string}"),
            a!("{name: p, type: integer}", "changes: {migrations: [{of: object_types.A.properties.p, cast: absent}]}"),
            json!({"id": "x", "p": "many"}),
            vec![string("x"), Value::Null],
            0,
        ),
        // Converted, else the default; the absent value stays absent.
        (
            a!("{name: p, type: string}"),
            a!(
                "{name: p, type: integer}",
                "changes: {migrations: [{of: object_types.A.properties.p, cast: {default: 7}}]}"
            ),
            json!({"id": "x"}),
            vec![string("x"), Value::Null],
            0,
        ),
        // Refused or absent: the default.
        (
            a!("{name: p, type: string}"),
            a!(
                "{name: p, type: string, required: true, constraints: [{length: {max: 2}}]}",
                "changes: {migrations: [{of: object_types.A.properties.p, default: zz}]}"
            ),
            json!({"id": "x", "p": "long"}),
            vec![string("x"), string("zz")],
            2,
        ),
        // A new required property takes its default, which is unique only while there is one object; its texts are to fit an index.
        (
            a!("{name: p, type: string}"),
            a!("{name: q, type: string, required: true, unique: true, default: d}, {name: p, type: string}"),
            json!({"id": "x", "p": "y"}),
            vec![string("x"), string("d"), string("y")],
            2,
        ),
        // A rename moves nothing; what is derived of it is computed anew.
        (
            a!("{name: p, type: string}"),
            a!(
                "{name: q, type: string}, {name: big, type: string, derived: {upper: {property: q}}}",
                "changes: {moved: [{from: object_types.A.properties.p, to: object_types.A.properties.q}]}"
            ),
            json!({"id": "x", "p": "y"}),
            vec![string("x"), string("y"), string("Y")],
            0,
        ),
    ]
}

#[test]
fn rows_follow_the_migration() {
    for (base, new, row, expected, checks) in cases() {
        assert_eq!(rewritten(base, new, &row), (expected, checks), "{new}");
    }
}

#[test]
fn numbers_of_another_embedding_space_are_of_no_use() {
    let base = a!("{name: p, type: {vector: {dimension: 1, metric: cosine}}}");
    let new = a!(
        "{name: p, type: {vector: {dimension: 1, metric: euclidean}}}",
        "changes: {migrations: [{of: object_types.A.properties.p, drop: data}]}"
    );
    let row = json!({"id": "x", "p": [1.0]});
    assert_eq!(rewritten(base, new, &row), (vec![Value::string("x"), Value::Null], 0));
}

#[test]
fn what_is_dropped_unseen_is_checked_before() {
    let cases: [Case; 3] = [
        (
            a!("{name: p, type: string}"),
            "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]",
            0,
            &[],
        ),
        (a!("{name: p, type: string}"), "{}", 0, &[]),
        (
            a!("{name: p, type: string}"),
            "object_types: [{name: A, primary_key: p, properties: [{name: p, type: string}]}]",
            0,
            &[],
        ),
    ];
    for (base, new, count, _) in cases {
        let base = first(base);
        let publication = plan(&base, new, count).unwrap().publication(Some(base.clone())).unwrap().unwrap();
        assert!(!publication.checks.is_empty() && publication.checks.iter().all(DataCheck::is_before), "{new}");
        assert!(publication.rewrites.is_empty());
    }
}

#[test]
fn a_foreign_key_that_is_rewritten_still_points() {
    let links = "
link_types: [{name: L, source: {object_type: A, name: to, cardinality: one}, target: {object_type: A, name: of, cardinality: one}, foreign_key: {holder: source, property: p}}]";
    let base = first(&format!("{}{links}", a!("{name: p, type: string}")));
    let new = format!(
        "{}{links}\nchanges: {{migrations: [{{of: object_types.A.properties.p, default: x}}]}}",
        a!("{name: p, type: string, required: true}")
    );
    let publication = plan(&base, &new, 0).unwrap().publication(Some(base.clone())).unwrap().unwrap();
    let kinds: Vec<_> =
        publication.checks.iter().map(|check| format!("{check:?}").split('(').next().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["Required", "References", "Unique"]);
}

//! Plans as documents, their pins, and what is wrong with the changes stated.

use std::sync::Arc;

use super::{first, lines, plan, read};
use crate::ontology::{Plan, Planning};

const BASE: &str =
    "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: p, type: string}]}]";
const NEXT: &str = "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}, {name: p, type: string, unique: true}]}]";

#[test]
fn a_first_plan_adds_everything() {
    let planning = Planning::new(None, read(BASE)).unwrap();
    let plan = planning.finish(Vec::new()).unwrap();
    assert_eq!(lines(&plan), ["ARK-TYPE-ADDED object_types.A additive"]);
    assert_eq!((plan.base_version, plan.base_hash, plan.is_empty()), (0, None, false));
    let publication = plan.publication(None).unwrap().unwrap();
    assert_eq!((publication.schema.version, publication.base_version), (1, 0));
    let moved = format!("{BASE}\nchanges: {{moved: [{{from: object_types.B, to: object_types.A}}]}}");
    assert_eq!(Planning::new(None, read(&moved)).unwrap_err().code(), "ontology.moved.from");
    let stale = format!("{BASE}\nchanges: {{migrations: [{{of: object_types.A, drop: data}}]}}");
    let plan = Planning::new(None, read(&stale)).unwrap().finish(Vec::new()).unwrap();
    assert_eq!(plan.check_applicable().unwrap_err().param("rule"), Some("ARK-MIGRATION-STALE"));
}

#[test]
fn an_unchanged_definition_is_an_empty_plan_whatever_it_states_of_changes() {
    let base = first(BASE);
    let plan =
        plan(&base, &format!("{BASE}\nchanges: {{moved: [{{from: object_types.Z, to: object_types.A}}]}}"), 9).unwrap();
    assert!(plan.is_empty() && plan.findings.is_empty());
    assert_eq!(plan.numbering, base.numbering);
}

#[test]
fn a_plan_reads_back_and_tampering_is_seen() {
    let base = first(BASE);
    let made = plan(&base, NEXT, 3).unwrap();
    let text = made.to_json().unwrap();
    assert_eq!(Plan::from_json(&text).unwrap(), made);
    for (from, to) in
        [("\"count\": 3", "\"count\": 0"), ("\"unique\": true", "\"unique\": false"), ("violated", "stale")]
    {
        assert!(text.contains(from), "{text}");
        assert_eq!(Plan::from_json(&text.replace(from, to)).unwrap_err().code(), "ontology.plan.tampered");
    }
    assert_eq!(Plan::from_json("{}").unwrap_err().code(), "ontology.plan.malformed");
    assert_eq!(Plan::from_json(&"[".repeat(100_000)).unwrap_err().code(), "ontology.file.too_deep");
}

#[test]
fn a_plan_of_another_making_is_refused_even_when_its_hash_is_right() {
    let base = first(BASE);
    let made = plan(&base, NEXT, 0).unwrap();
    let forged = Plan { findings: Vec::new(), ..made.clone() };
    assert_eq!(forged.publication(Some(Arc::clone(&base))).unwrap_err().code(), "ontology.plan.tampered");
    let forged = Plan { definition: read(BASE), ..made.clone() };
    assert_eq!(forged.publication(Some(Arc::clone(&base))).unwrap_err().code(), "ontology.plan.tampered");
    let mut forged = made.clone();
    forged.numbering.next_object_type += 1;
    assert_eq!(forged.publication(Some(Arc::clone(&base))).unwrap_err().code(), "ontology.plan.tampered");
    assert!(made.publication(Some(base)).is_ok());
    let moved = made.publication(None).unwrap_err();
    assert_eq!((moved.code(), moved.param("planned_against")), ("ontology.plan.base_moved", Some("1")));
}

#[test]
fn a_refused_plan_says_what_first() {
    let plan = plan(&first(BASE), NEXT, 2).unwrap();
    let error = plan.check_applicable().unwrap_err();
    assert_eq!(error.code(), "ontology.plan.refused");
    assert_eq!(error.path(), Some("object_types.A.properties.p"));
    assert_eq!((error.param("rule"), error.param("count")), (Some("ARK-PROP-UNIQUE-ADDED"), Some("2")));
}

#[test]
fn what_is_stated_of_changes_must_make_sense() {
    let base = first(BASE);
    for (code, path, changes) in [
        ("ontology.path.malformed", "changes.moved[0].from", "moved: [{from: A, to: object_types.A}]"),
        ("ontology.moved.kind", "changes.moved[0].to", "moved: [{from: object_types.A, to: link_types.A}]"),
        (
            "ontology.moved.kind",
            "changes.moved[0].to",
            "moved: [{from: object_types.A, to: object_types.A.properties.p}]",
        ),
        ("ontology.moved.from", "changes.moved[0].from", "moved: [{from: object_types.Z, to: object_types.A}]"),
        ("ontology.moved.to", "changes.moved[0].to", "moved: [{from: object_types.A, to: object_types.Z}]"),
        ("ontology.moved.twice", "changes.moved[0].from", "moved: [{from: object_types.A, to: object_types.A}]"),
        (
            "ontology.moved.to",
            "changes.moved[0]",
            "moved: [{from: object_types.A.properties.id, to: object_types.A.properties.p}]",
        ),
        ("ontology.path.malformed", "changes.migrations[0].of", "migrations: [{of: A, drop: data}]"),
        (
            "ontology.migration.twice",
            "changes.migrations[1].of",
            "migrations: [{of: object_types.A, drop: data}, {of: object_types.A, drop: data}]",
        ),
    ] {
        let error = plan(&base, &format!("{NEXT}\nchanges: {{{changes}}}"), 0).unwrap_err();
        assert_eq!((error.code(), error.path()), (code, Some(path)), "{changes}");
    }
    for (code, property, migration) in [
        ("value.type_mismatch", "{name: p, type: integer}", "cast: {default: x}"),
        ("ontology.migration.null", "{name: p, type: string, required: true}", "default: null"),
        ("ontology.migration.null_required", "{name: p, type: integer, required: true}", "cast: absent"),
    ] {
        let next = format!(
            "object_types: [{{name: A, primary_key: id, properties: [{{name: id, type: string}}, {property}]}}]
changes: {{migrations: [{{of: object_types.A.properties.p, {migration}}}]}}"
        );
        let error = plan(&base, &next, 0).unwrap_err();
        assert_eq!((error.code(), error.path()), (code, Some("changes.migrations[0]")), "{property}");
    }
}

#[test]
fn a_deleted_name_does_not_come_back() {
    let base = first(BASE);
    let without = "object_types: [{name: A, primary_key: id, properties: [{name: id, type: string}]}]";
    let next = plan(&base, without, 0).unwrap().publication(Some(base)).unwrap().unwrap().schema;
    assert_eq!(plan(&next, BASE, 0).unwrap_err().code(), "ontology.name.retired");
    // Nor under another name of its type.
    let renamed = "object_types: [{name: B, primary_key: id, properties: [{name: id, type: string}]}]
changes: {moved: [{from: object_types.A, to: object_types.B}]}";
    let next = plan(&next, renamed, 0).unwrap().publication(Some(next)).unwrap().unwrap().schema;
    let back =
        "object_types: [{name: B, primary_key: id, properties: [{name: id, type: string}, {name: p, type: date}]}]";
    assert_eq!(plan(&next, back, 0).unwrap_err().code(), "ontology.name.retired");
    let gone = plan(&next, "{}", 0).unwrap().publication(Some(next)).unwrap().unwrap().schema;
    let again = "object_types: [{name: B, primary_key: id, properties: [{name: id, type: string}]}]";
    let error = plan(&gone, again, 0).unwrap_err();
    assert_eq!((error.code(), error.param("name")), ("ontology.name.retired", Some("object_types.B")));
}

//! Bad input of every sort, one row a way to be wrong: each refusal names its kind, code, path and limit, and leaves the log as it was.
//!
//! What is at the edge of what fits and beyond is in [`super::extreme`]. What else is refused has its tests where it belongs: cursors in [`super::page`], other tenants' keys in [`super::tenancy`],
//! constraints and types in [`super::object`], rows of loads in [`super::load`], the faults of an ontology where it is compiled.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, told};
use crate::ontology::{NewOntology, OntologyExt};
use crate::{ERROR_TEXT_LEN_MAX, Error, ErrorKind};

/// A request, and the code, path and limit it is refused with.
pub(super) type Row<'a> = (Method, Json, &'a str, &'a str, Option<(&'a str, &'a str)>);

pub(super) async fn all_refused(on: &Deployment, rows: Vec<Row<'_>>) {
    let head = on.head().await;
    for (method, request, code, path, limit) in rows {
        let shown = format!("{method:?} {:.300}", request.to_string());
        let error = on.refusal(method, request).await;
        assert_eq!((error.kind(), told(&error)), (ErrorKind::Invalid, (code, path)), "{shown}");
        if let Some((name, limit)) = limit {
            assert_eq!(error.param(name), Some(limit), "{shown}");
        }
        assert_short(&error);
        assert_eq!(on.head().await, head, "{shown}");
    }
}

pub(super) fn assert_short(error: &Error) {
    let texts =
        [error.message(), error.path().unwrap_or_default()].into_iter().chain(error.params().map(|(_, text)| text));
    for text in texts {
        assert!(text.len() <= ERROR_TEXT_LEN_MAX, "{} tells {} bytes", error.code(), text.len());
    }
}

pub(super) fn create(object_type: &str, properties: Json) -> (Method, Json) {
    (Method::Write, json!({ "edits": [{ "create": { "type": object_type, "properties": properties } }] }))
}

pub(super) fn sample(name: &str, value: Json) -> (Method, Json) {
    create("Sample", json!({ "id": "bad", name: value }))
}

pub(super) fn matching(filter: Json) -> (Method, Json) {
    (Method::Query, json!({ "set": { "filter": { "from": { "type": "Sample" }, "where": filter } } }))
}

pub(super) fn people(more: Json) -> Json {
    let mut request = json!({ "set": { "type": "Person" } });
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    request
}

pub(super) fn row<'a>((method, request): (Method, Json), code: &'a str, path: &'a str) -> Row<'a> {
    (method, request, code, path, None)
}

pub(super) fn limited<'a>(of: (Method, Json), code: &'a str, path: &'a str, limit: (&'a str, &'a str)) -> Row<'a> {
    (of.0, of.1, code, path, Some(limit))
}

/// Every name is one the ontology knows, and is stated once where it says what is to be done.
pub async fn names_are_known_and_stated_once(on: Deployment) {
    let load = |into: Json, columns: Json| (Method::Load, json!({ "into": into, "columns": columns, "rows": [] }));
    let metric = |name: &str| json!({ "name": name, "function": "count" });
    let link = |name: &str, key: &str| {
        (
            Method::Write,
            json!({ "edits": [{ "link": { "type": name, "source": 1, "target": 2, "properties": { key: 1 } } }] }),
        )
    };
    all_refused(
        &on,
        vec![
            row(create("Nobody", json!({})), "kernel.object_type.unknown", "edits[0].create.type"),
            row(create("person", json!({})), "kernel.object_type.unknown", "edits[0].create.type"),
            row(sample("cuont", json!(1)), "kernel.property.unknown", "edits[0].create.properties.cuont"),
            row(link("Knows", "weight"), "kernel.link_type.unknown", "edits[0].link.type"),
            row(link("knows", "wieght"), "kernel.property.unknown", "edits[0].link.properties.wieght"),
            row(
                matching(json!({ "eq": { "property": "cuont", "value": 1 } })),
                "kernel.property.unknown",
                "set.filter.where.eq.property",
            ),
            row(matching(json!("cuont = 1")), "kernel.property.unknown", "set.filter.where"),
            row(
                (Method::Query, json!({ "set": { "interface": "Person" } })),
                "kernel.interface.unknown",
                "set.interface",
            ),
            row((Method::Query, people(json!({ "select": ["nmae"] }))), "kernel.property.unknown", "select[0]"),
            row((Method::Query, people(json!({ "select": ["name", "name"] }))), "kernel.select.duplicate", "select[1]"),
            row(
                (Method::Query, people(json!({ "order_by": [{ "property": "nmae" }] }))),
                "kernel.property.unknown",
                "order_by[0].property",
            ),
            row(
                (Method::Query, people(json!({ "order_by": [{ "property": "name" }, { "property": "name" }] }))),
                "kernel.order.duplicate",
                "order_by[1].property",
            ),
            row(
                (Method::Aggregate, people(json!({ "metrics": [metric("n"), metric("n")] }))),
                "kernel.aggregate.duplicate_name",
                "metrics[1].name",
            ),
            row(
                (Method::Aggregate, people(json!({ "metrics": [{ "name": "s", "function": "sum", "of": "rnak" }] }))),
                "kernel.property.unknown",
                "metrics[0].of",
            ),
            row(
                (Method::Neighbours, json!({ "type": "Person", "key": 1, "link": "friends" })),
                "kernel.link.unknown",
                "link",
            ),
            row(load(json!({ "objects": "Nobody" }), json!(["id"])), "kernel.object_type.unknown", "into.objects"),
            row(load(json!({ "objects": "Person" }), json!(["id", "nmae"])), "kernel.property.unknown", "columns[1]"),
            row(load(json!({ "objects": "Person" }), json!(["id", "id"])), "kernel.property.twice", "columns[1]"),
        ],
    )
    .await;
}

/// A link that breaks its cardinality or leads nowhere is refused with the ones beside it.
pub async fn links_keep_their_cardinality_and_ends(on: Deployment) {
    on.people(2).await;
    on.wrote(json!([
        { "create": { "type": "Team", "properties": { "code": "a", "title": "A" } } },
        { "create": { "type": "Team", "properties": { "code": "b", "title": "B" } } },
        { "link": { "type": "sponsors", "source": 1, "target": "a" } }
    ]))
    .await;
    let head = on.head().await;
    let good = json!({ "modify": { "type": "Person", "key": 1, "properties": { "rank": 9 } } });
    for (edit, kind, code) in [
        (
            json!({ "link": { "type": "sponsors", "source": 1, "target": "b" } }),
            ErrorKind::Conflict,
            "kernel.link.cardinality",
        ),
        (
            json!({ "link": { "type": "sponsors", "source": 2, "target": "a" } }),
            ErrorKind::Conflict,
            "kernel.link.cardinality",
        ),
        (json!({ "link": { "type": "knows", "source": 1, "target": 9 } }), ErrorKind::Conflict, "kernel.link.dangling"),
        (
            json!({ "modify": { "type": "Person", "key": 1, "properties": { "boss": 9 } } }),
            ErrorKind::Conflict,
            "kernel.link.dangling",
        ),
    ] {
        let error = on.refused(json!([good, edit])).await;
        assert_eq!((error.kind(), error.code()), (kind, code), "{edit}: {error:?}");
        assert!(error.path().is_some_and(|path| path.starts_with("edits[1]")), "{error:?}");
        assert_eq!(on.head().await, head, "{edit}");
        assert_eq!(on.properties("Person", 1).await.get("rank"), None, "nothing of the write is there");
    }
}

/// An ontology with a fault is not published, and the one before it stays in force.
pub async fn an_ontology_at_fault_is_not_published(on: Deployment) {
    let head = on.head().await;
    let version = on.ontology.schema(&on.own).await.unwrap().version;
    let thing = |properties: &str| {
        format!("object_types: [{{name: A, primary_key: id, properties: [{{name: id, type: string}}{properties}]}}]")
    };
    for (text, code, path) in [
        (thing(", {name: id, type: string}"), "ontology.name.duplicate", "object_types[0].properties[1].name"),
        (
            thing(", {name: b, type: {value_type: none}}"),
            "ontology.value_type.unknown",
            "object_types[0].properties[1].type.value_type",
        ),
        (
            thing("").replace("primary_key: id", "primary_key: no"),
            "ontology.property.unknown",
            "object_types[0].primary_key",
        ),
        (
            thing("").replace("primary_key", "implements: [{interface: No}], primary_key"),
            "ontology.interface.unknown",
            "object_types[0].implements[0].interface",
        ),
        ("interfaces: [{name: A}, {name: A}]".to_owned(), "ontology.name.duplicate", "interfaces[1].name"),
        (
            "interfaces: [{name: A, extends: [B]}, {name: B, extends: [C]}, {name: C, extends: [A]}]".to_owned(),
            "ontology.interface.cycle",
            "interfaces[0].extends",
        ),
        ("interfaces: [{name: A, extends: [A]}]".to_owned(), "ontology.interface.cycle", "interfaces[0].extends"),
        ("interfaces: [{name: A, extends: [No]}]".to_owned(), "ontology.interface.unknown", "interfaces[0].extends[0]"),
        (
            "value_types: [{name: a, type: {value_type: b}}, {name: b, type: {array: {value_type: a}}}]".to_owned(),
            "ontology.value_type.cycle",
            "value_types[0].type",
        ),
    ] {
        let error = on.ontology.publish(&on.own, NewOntology::from_yaml(&text).unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), told(&error)), (ErrorKind::Invalid, (code, path)), "{text}");
        assert_eq!((on.head().await, on.ontology.schema(&on.own).await.unwrap().version), (head, version), "{text}");
    }
}

//! Undoing.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, acted, list, member, rank, told};
use crate::CommitId;
use crate::ontology::{Moved, OntologyExt};

async fn undone(on: &Deployment, commit: CommitId, more: Json) -> Json {
    let mut request = json!({ "commit": commit });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    on.answer(Method::Undo, request).await
}

async fn people(on: &Deployment) -> Json {
    member(&on.answer(Method::Query, json!({ "set": { "type": "Person" } })).await, "objects")
}

/// The properties of objects, by key; revisions are those of the undo.
fn contents(objects: &Json) -> Vec<(Json, Json)> {
    list(objects).iter().map(|object| (object["key"].clone(), object["properties"].clone())).collect()
}

/// Whatever an action did is undone: what it created is gone, what it changed or deleted is as before, links included.
pub async fn an_action_is_undone(on: Deployment) {
    on.people(3).await;
    on.acquaint(&[(1, 2, 5), (2, 3, 6)]).await;
    acted(&on, "promote", json!({ "person": 2, "by": 4 })).await;
    let links = || async {
        let ends = json!([{ "source": 1, "target": 2 }, { "source": 2, "target": 3 }, { "source": 1, "target": 3 }]);
        let links = member(&on.answer(Method::Links, json!({ "type": "knows", "ends": ends })).await, "links");
        list(&links).iter().map(|link| link.get("properties").cloned()).collect::<Vec<_>>()
    };
    let before = (contents(&people(&on).await), links().await);
    for (action, parameters) in [
        ("hire", json!({ "id": 9, "name": "x" })),
        ("promote", json!({ "person": 2, "by": 3 })),
        ("raise_list", json!({ "people": [1, 2, 3] })),
        ("introduce", json!({ "from": 1, "to": 3, "weight": 1 })),
        ("introduce", json!({ "from": 1, "to": 2, "weight": 9 })),
        ("part", json!({ "from": 1, "to": 2 })),
        ("dismiss", json!({ "person": 2 })),
    ] {
        let (commit, _) = acted(&on, action, parameters).await;
        let report = undone(&on, commit, json!({})).await;
        assert_eq!((&report["changed_since"], report.get("receipt").is_some()), (&json!([]), true), "{action}");
        assert_eq!((contents(&people(&on).await), links().await), before, "{action}");
    }
}

/// A dry run tells what would happen, and changes nothing.
pub async fn a_dry_run_undoes_nothing(on: Deployment) {
    on.people(1).await;
    let (commit, _) = acted(&on, "promote", json!({ "person": 1 })).await;
    let before = on.head().await;
    let report = undone(&on, commit, json!({ "dry_run": true })).await;
    assert_eq!(report.get("receipt"), None);
    assert_eq!(report["edits"][0]["modify"]["properties"], json!({ "rank": null }));
    assert_eq!(report["effects"], json!([{ "object": { "type": "Person", "key": 1, "change": "modified" } }]));
    assert_eq!(on.head().await, before);
}

/// What was changed since is listed with who changed it, and refuses the undo; other properties do not count.
pub async fn what_was_changed_since_refuses_the_undo(on: Deployment) {
    on.people(2).await;
    let (commit, _) = acted(&on, "raise_list", json!({ "people": [1, 2] })).await;
    acted(&on, "rename", json!({ "what": { "type": "Person", "key": 1 }, "name": "New" })).await;
    let other = on.own.clone().acting_as(crate::Actor::parse("user:other").unwrap());
    let call = super::act("promote", json!({ "person": 2, "by": 5 }));
    let receipt = on.ask(&other, Method::Execute, call).await.unwrap()["receipt"].clone();
    let report = undone(&on, commit, json!({ "dry_run": true })).await;
    let since = list(&report["changed_since"]);
    assert_eq!(since.len(), 1, "{since:?}");
    assert_eq!(
        (&since[0]["type"], &since[0]["key"], &since[0]["property"]),
        (&json!("Person"), &json!(2), &json!("rank"))
    );
    assert_eq!((&since[0]["by"]["actor"], &since[0]["by"]["commit"]), (&json!("user:other"), &receipt["commit"]));
    let error = on.refusal(Method::Undo, json!({ "commit": commit })).await;
    assert_eq!((error.code(), error.param("actor")), ("kernel.undo.conflict", Some("user:other")));
    assert_eq!((rank(&on, 1).await, rank(&on, 2).await), (json!(1), json!(6)));
}

/// Told to skip, the undo leaves what was changed since; told to override, it takes that back, too.
pub async fn what_was_changed_since_is_skipped_or_overridden(on: Deployment) {
    for (on_conflict, expected) in [("skip", json!(6)), ("override", Json::Null)] {
        on.wrote(json!([
            { "upsert": { "type": "Person", "properties": { "id": 1, "name": "a", "rank": null } } },
            { "upsert": { "type": "Person", "properties": { "id": 2, "name": "b", "rank": null } } }
        ]))
        .await;
        let (commit, _) = acted(&on, "raise_list", json!({ "people": [1, 2] })).await;
        acted(&on, "promote", json!({ "person": 2, "by": 5 })).await;
        let report = undone(&on, commit, json!({ "on_conflict": on_conflict })).await;
        assert_eq!(list(&report["changed_since"]).len(), 1);
        assert_eq!((rank(&on, 1).await, rank(&on, 2).await), (Json::Null, expected), "{on_conflict}");
    }
}

/// What others hung on an object since keeps its creation from being undone, unless told to override.
pub async fn what_hangs_on_a_created_object_keeps_it(on: Deployment) {
    on.people(1).await;
    let (commit, _) = acted(&on, "hire", json!({ "id": 5, "name": "x" })).await;
    acted(&on, "introduce", json!({ "from": 1, "to": 5 })).await;
    let error = on.refusal(Method::Undo, json!({ "commit": commit })).await;
    assert_eq!((error.code(), error.param("type")), ("kernel.undo.conflict", Some("knows")));
    undone(&on, commit, json!({ "on_conflict": "override" })).await;
    assert_eq!(on.object("Person", 5).await, Json::Null);
}

/// An undo is undone as anything else, by anyone permitted, and says what it undoes.
pub async fn an_undo_is_undone(on: Deployment) {
    on.people(1).await;
    let (commit, _) = acted(&on, "promote", json!({ "person": 1, "by": 3 })).await;
    let first = undone(&on, commit, json!({ "reason": "by mistake" })).await;
    assert_eq!(rank(&on, 1).await, Json::Null);
    let undo = serde_json::from_value(first["receipt"]["commit"].clone()).unwrap();
    undone(&on, undo, json!({})).await;
    assert_eq!(rank(&on, 1).await, json!(3));
    let error = on.refusal(Method::Undo, json!({ "commit": on.test.env().commit_id() })).await;
    assert_eq!(error.code(), "kernel.undo.unknown");
    let error = on.ask(&on.neighbour, Method::Undo, json!({ "commit": commit })).await.unwrap_err();
    assert_eq!(error.code(), "kernel.undo.unknown", "what is another's is unknown");
}

/// A write and a load are undone as an action is; one that is long is undone whole.
pub async fn a_load_is_undone(on: Deployment) {
    let count = 12_000;
    let rows: Vec<_> =
        (1..=count).map(|id| json!({ "line": id, "cells": [{ "json": id }, { "json": format!("p{id}") }] })).collect();
    let id = on.test.env().commit_id();
    let load = json!({ "into": { "objects": "Person" }, "columns": ["id", "name"], "rows": rows, "id": id });
    assert_eq!(on.answer(Method::Load, load).await["loaded"], count);
    let report = undone(&on, id, json!({})).await;
    assert_eq!(list(&report["edits"]).len(), count);
    assert_eq!(people(&on).await, json!([]));
}

/// The same undo again has one effect.
pub async fn an_undo_sent_again_has_one_effect(on: Deployment) {
    on.people(1).await;
    let (commit, _) = acted(&on, "promote", json!({ "person": 1 })).await;
    let id = on.test.env().commit_id();
    let first = undone(&on, commit, json!({ "id": id })).await;
    let again = undone(&on, commit, json!({ "id": id })).await;
    assert_eq!((&first["receipt"]["seq"], &again["receipt"]["replayed"]), (&again["receipt"]["seq"], &json!(true)));
}

/// An undo across a publication goes by the properties, whatever they are called now.
pub async fn an_undo_crosses_a_publication(on: Deployment) {
    on.people(1).await;
    let (commit, _) = acted(&on, "promote", json!({ "person": 1, "by": 2 })).await;
    let mut renamed = super::ontology();
    renamed.action_types.clear();
    let name = |text: &str| crate::ApiName::parse(text).unwrap();
    let person = renamed.object_types.iter_mut().find(|new| new.name == *"Person").unwrap();
    person.properties.iter_mut().find(|new| new.name == *"rank").unwrap().name = name("grade");
    person.implements[0].properties.insert(name("rank"), name("grade"));
    let (from, to) =
        ("object_types.Person.properties.rank".to_owned(), "object_types.Person.properties.grade".to_owned());
    renamed.changes.moved = vec![Moved { from, to }];
    on.ontology.publish(&on.own, renamed).await.unwrap();
    assert_eq!(on.properties("Person", 1).await["grade"], 2);
    undone(&on, commit, json!({})).await;
    assert_eq!(on.properties("Person", 1).await.get("grade"), None);
}

/// A publication is not undone as data is.
pub async fn a_publication_is_not_undone(on: Deployment) {
    on.people(1).await;
    let report = on.refusal(Method::Undo, json!({ "commit": CommitId::from_uuid(uuid::Uuid::from_u128(1)) })).await;
    assert_eq!(told(&report).0, "kernel.undo.unknown");
}

/// What the store refuses of an undo is told by the edit it is about, and nothing is undone.
pub async fn a_refused_undo_names_the_edit(on: Deployment) {
    let sample = |id: &str| json!({ "create": { "type": "Sample", "properties": { "id": id, "code": "taken" } } });
    on.wrote(sample("a")).await;
    let deleted = on.answer(Method::Write, json!({ "edits": [{ "delete": { "type": "Sample", "key": "a" } }] })).await;
    on.wrote(sample("b")).await;
    let before = on.head().await;
    for dry_run in [false, true] {
        let request = json!({ "commit": deleted["receipt"]["commit"], "dry_run": dry_run });
        let error = on.refusal(Method::Undo, request).await;
        assert_eq!(told(&error), ("kernel.object.not_unique", "edits[0].create.properties.code"));
    }
    assert_eq!(on.head().await, before);
}

//! No tenant sees, changes or finds another's data: what is another's is absent.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, member, requests};

/// For another tenant every answer about what exists is the answer about what does not.
pub async fn what_is_anothers_is_absent(on: Deployment) {
    on.people(2).await;
    on.acquaint(&[(1, 2, 3)]).await;
    on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "s", "code": "x" } } })).await;
    for ctx in [&on.neighbour, &on.stranger] {
        let there = requests(json!(1), json!(2));
        let absent = requests(json!(8), json!(9));
        for ((method, _, there), (_, _, absent)) in there.into_iter().zip(absent) {
            let [there, absent] = [on.ask(ctx, method, there).await, on.ask(ctx, method, absent).await];
            match (there, absent) {
                (Ok(there), Ok(absent)) => assert_eq!(blurred(&there), blurred(&absent), "{method:?}"),
                (Err(there), Err(absent)) => {
                    let (there, absent) = (format!("{there:?}"), format!("{absent:?}"));
                    let renamed = absent.replace("\"8\"", "\"1\"").replace("\"9\"", "\"2\"");
                    assert_eq!(there, renamed, "{method:?}");
                }
                (there, absent) => panic!("{method:?}: {there:?} and {absent:?}"),
            }
        }
    }
    assert_ne!(on.object("Person", 1).await, Json::Null);
}

/// An answer without the commits it names, which every answer has its own of, and with one key for another.
fn blurred(answer: &Json) -> String {
    let mut answer = answer.clone();
    for name in ["seq", "receipt"] {
        if let Some(stated) = answer.get_mut(name) {
            *stated = Json::Null;
        }
    }
    answer.to_string().replace('8', "1").replace('9', "2")
}

/// Sets, filters, walks, aggregates and histories see one tenant's data only.
pub async fn reads_see_one_tenant(on: Deployment) {
    on.people(3).await;
    on.acquaint(&[(1, 2, 1), (2, 3, 1)]).await;
    on.people_of(&on.neighbour, 5).await;
    let set = json!({ "type": "Person" });
    let count = json!({ "set": set, "metrics": [{ "name": "n", "function": "count" }] });
    for (ctx, expected) in [(&on.own, 3), (&on.neighbour, 5), (&on.stranger, 0)] {
        let page = on.ask(ctx, Method::Query, json!({ "set": set })).await.unwrap();
        assert_eq!(page["objects"].as_array().unwrap().len(), expected);
        let groups = on.ask(ctx, Method::Aggregate, count.clone()).await.unwrap();
        assert_eq!(groups["groups"][0]["metrics"]["n"], json!(expected));
    }
    let walk = json!({ "set": { "traverse": { "from": set, "link": "knows", "max": 3 } } });
    let page = on.ask(&on.neighbour, Method::Query, walk).await.unwrap();
    assert_eq!(member(&page, "objects"), json!([]));
    let links = json!({ "set": set, "metrics": [{ "name": "n", "function": "count", "of": "knows.weight" }] });
    let groups = on.ask(&on.neighbour, Method::Aggregate, links).await.unwrap();
    assert_eq!(groups["groups"][0]["metrics"]["n"], json!(0));
}

/// Tenants of one space use equal keys and equal unique values apart.
pub async fn tenants_write_apart(on: Deployment) {
    let sample =
        |text: &str| json!({ "create": { "type": "Sample", "properties": { "id": "s", "code": "x", "text": text } } });
    for (ctx, text) in [(&on.own, "own"), (&on.neighbour, "neighbour"), (&on.stranger, "stranger")] {
        on.write(ctx, sample(text)).await.unwrap();
    }
    on.write(&on.neighbour, json!({ "delete": { "type": "Sample", "key": "s" } })).await.unwrap();
    for (ctx, text) in [(&on.own, json!("own")), (&on.neighbour, Json::Null), (&on.stranger, json!("stranger"))] {
        assert_eq!(on.object_of(ctx, "Sample", "s").await["properties"]["text"], text);
    }
}

/// A link, foreign key or loaded row never names another tenant's object.
pub async fn links_stay_in_their_tenant(on: Deployment) {
    on.people(2).await;
    for ctx in [&on.neighbour, &on.stranger] {
        on.write(ctx, json!({ "create": { "type": "Person", "properties": { "id": 7, "name": "x" } } })).await.unwrap();
        for edit in [
            json!({ "link": { "type": "knows", "source": 7, "target": 1 } }),
            json!({ "link": { "type": "reports", "source": 7, "target": 1 } }),
            json!({ "modify": { "type": "Person", "key": 7, "properties": { "boss": 1 } } }),
            json!({ "create": { "type": "Task", "properties": { "id": 1, "owner": 1 } } }),
        ] {
            assert_eq!(on.write(ctx, edit).await.unwrap_err().code(), "kernel.link.dangling");
        }
        let row = json!({ "line": 2, "cells": [{ "text": "1" }, { "text": "1" }] });
        let load = json!({ "into": { "objects": "Task" }, "columns": ["id", "owner"], "rows": [row] });
        let loaded = on.ask(ctx, Method::Load, load).await.unwrap();
        assert_eq!(loaded["rejections"][0]["code"], json!("kernel.link.dangling"));
    }
}

/// The idempotency key of another tenant's write is refused, and tells nothing of it.
pub async fn an_idempotency_key_belongs_to_one_tenant(on: Deployment) {
    let team = |title: &str| json!({ "create": { "type": "Team", "properties": { "code": "a", "title": title } } });
    let request = |title: &str, id| json!({ "edits": [team(title)], "id": id });
    let id = on.test.env().commit_id();
    on.answer(Method::Write, request("own", id)).await;
    for ctx in [&on.neighbour, &on.stranger] {
        let error = on.ask(ctx, Method::Write, request("theirs", id)).await.unwrap_err();
        assert_eq!((error.code(), error.params().count()), ("commit.id.taken", 0));
        assert_eq!(on.object_of(ctx, "Team", "a").await, Json::Null);
    }
}

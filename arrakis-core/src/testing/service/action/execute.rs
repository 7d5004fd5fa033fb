//! An action executed: one commit, or none.

use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use super::{Deployment, Method, act, acted, list, member, rank, refused, told};
use crate::kernel::History;
use crate::{ErrorKind, Seq};

/// A rule creates an object of parameters, defaults and references.
pub async fn a_rule_creates_an_object(on: Deployment) {
    acted(&on, "put_team", json!({ "code": "a", "title": "A" })).await;
    acted(&on, "hire", json!({ "id": 1, "name": "Ada", "team": "a" })).await;
    let properties = on.properties("Person", 1).await;
    assert_eq!(properties, json!({ "id": 1, "name": "Ada", "rank": 1, "team": "a", "initial": "ada" }));
    acted(&on, "hire", json!({ "id": 2, "name": "Bob", "rank": 3 })).await;
    assert_eq!((rank(&on, 2).await, on.properties("Person", 2).await.get("team")), (json!(3), None));
}

/// Parameters are of every base type, and what they give is written as given.
pub async fn parameters_are_of_every_base_type(on: Deployment) {
    let given = json!({
        "id": "s", "flag": true, "count": 9_007_199_254_740_991_i64, "ratio": 0.5, "price": "12.3400", "day": "2024-02-29",
        "at": "2026-11-22T19:16:31.000001Z", "length": "PT1.5S", "place": { "lat": 1.5, "lon": -2.0 }, "doc": { "a": [1, null] },
        "file": "f-1", "embedding": [1.0, 0.0, 0.5], "tags": ["x", "y"], "address": { "street": "Main", "number": 5 }
    });
    acted(&on, "sample", given.clone()).await;
    assert_eq!(on.properties("Sample", "s").await, given);
    let error = refused(&on, "sample", json!({ "id": "t", "count": "many" })).await;
    assert_eq!(told(&error), ("value.type_mismatch", "parameters.count"));
}

/// A rule modifies by what the object holds, and an object without change is not written.
pub async fn a_rule_modifies_by_what_the_object_holds(on: Deployment) {
    on.people(1).await;
    acted(&on, "promote", json!({ "person": 1 })).await;
    let (_, seq) = acted(&on, "promote", json!({ "person": 1, "by": 4 })).await;
    assert_eq!(rank(&on, 1).await, json!(5));
    acted(&on, "promote", json!({ "person": 1, "by": 0 })).await;
    assert_eq!(member(&on.object("Person", 1).await, "revision"), json!(seq));
}

/// Lists and sets of objects are modified each by what it holds.
pub async fn lists_and_sets_are_modified_each(on: Deployment) {
    on.people(4).await;
    acted(&on, "promote", json!({ "person": 2, "by": 5 })).await;
    acted(&on, "raise_list", json!({ "people": [1, 2] })).await;
    let set = json!({ "filter": { "from": { "type": "Person" }, "where": "rank >= 6 OR id = 4" } });
    acted(&on, "raise_set", json!({ "people": set })).await;
    let mut ranks = Vec::new();
    for id in 1..=4 {
        ranks.push(rank(&on, id).await);
    }
    assert_eq!(ranks, [json!(1), json!(7), Json::Null, json!(1)]);
    acted(&on, "raise_list", json!({ "people": [] })).await;
    let error = refused(&on, "raise_list", json!({ "people": [1, 9] })).await;
    assert_eq!(told(&error), ("kernel.object.absent", "parameters.people[1]"));
    let error = refused(&on, "raise_set", json!({ "people": { "type": "Team" } })).await;
    assert!(told(&error).1.starts_with("parameters.people"), "{error:?}");
}

/// An object of an interface is named by type and key, and modified by the names of the interface.
pub async fn an_object_of_an_interface_is_modified(on: Deployment) {
    on.people(1).await;
    acted(&on, "put_team", json!({ "code": "a", "title": "A" })).await;
    for (object_type, key, property) in [("Person", json!(1), "name"), ("Team", json!("a"), "title")] {
        let what = json!({ "type": object_type, "key": key });
        acted(&on, "rename", json!({ "what": what, "name": "New" })).await;
        assert_eq!(on.properties(object_type, key).await[property], "New");
        let error = refused(&on, "rename", json!({ "what": what, "name": "New" })).await;
        assert_eq!((error.code(), error.message()), ("kernel.action.criterion", "It has this name already."));
    }
    let error = refused(&on, "rename", json!({ "what": { "type": "Task", "key": 1 }, "name": "x" })).await;
    assert_eq!(told(&error), ("kernel.action.parameter.type", "parameters.what.type"));
}

/// Rules link and unlink.
pub async fn rules_link_and_unlink(on: Deployment) {
    on.people(2).await;
    acted(&on, "introduce", json!({ "from": 1, "to": 2, "weight": 7 })).await;
    let ends = json!({ "type": "knows", "ends": [{ "source": 1, "target": 2 }] });
    let links = member(&on.answer(Method::Links, ends.clone()).await, "links");
    assert_eq!(member(&links[0], "properties")["weight"], 7);
    acted(&on, "part", json!({ "from": 1, "to": 2 })).await;
    assert_eq!(member(&on.answer(Method::Links, ends).await, "links"), json!([null]));
    let error = refused(&on, "part", json!({ "from": 1, "to": 2 })).await;
    assert_eq!(told(&error), ("kernel.link.absent", "edits[0].unlink"));
}

/// A deletion follows the on-delete rules.
pub async fn a_rule_deletes(on: Deployment) {
    on.people(2).await;
    on.acquaint(&[(1, 2, 1)]).await;
    acted(&on, "dismiss", json!({ "person": 1 })).await;
    assert_eq!(on.object("Person", 1).await, Json::Null);
}

/// A criterion that does not hold refuses the action with its message, and nothing happens.
pub async fn a_criterion_refuses(on: Deployment) {
    on.people(1).await;
    let before = on.head().await;
    let error = refused(&on, "promote", json!({ "person": 1, "by": 100 })).await;
    assert_eq!((error.kind(), error.message()), (ErrorKind::Precondition, "A rank stays below 100."));
    assert_eq!(told(&error), ("kernel.action.criterion", "criteria[0]"));
    let intern = on.own.clone().acting_as(crate::Actor::parse("user:intern").unwrap());
    let error = on.ask(&intern, Method::Execute, act("promote", json!({ "person": 1 }))).await.unwrap_err();
    assert_eq!(told(&error), ("kernel.action.criterion", "criteria[1]"));
    assert_eq!(on.head().await, before);
}

/// What cannot be computed refuses the action: a division by zero, an overflow. What is absent makes the result absent.
pub async fn what_cannot_be_computed_refuses(on: Deployment) {
    on.people(2).await;
    acted(&on, "promote", json!({ "person": 1, "by": 7 })).await;
    for (parameters, code) in [
        (json!({ "person": 1, "by": 0 }), "kernel.action.division_by_zero"),
        (json!({ "person": 1, "by": "x" }), "value.type_mismatch"),
    ] {
        assert_eq!(refused(&on, "divide", parameters).await.code(), code);
    }
    let error = refused(&on, "promote", json!({ "person": 1, "by": i64::MAX.to_string() })).await;
    assert_eq!(told(&error).0, "kernel.action.overflow");
    acted(&on, "divide", json!({ "person": 2, "by": 3 })).await;
    assert_eq!(rank(&on, 2).await, Json::Null);
    acted(&on, "divide", json!({ "person": 1, "by": -2 })).await;
    assert_eq!(rank(&on, 1).await, json!(-3), "toward zero");
}

/// Faults of parameters name the parameter.
pub async fn faults_of_parameters_name_them(on: Deployment) {
    on.people(1).await;
    for (parameters, code, path) in [
        (json!({}), "kernel.action.parameter.required", "parameters.id"),
        (json!({ "id": 2 }), "kernel.action.parameter.required", "parameters.name"),
        (json!({ "id": 2, "name": null }), "kernel.action.parameter.required", "parameters.name"),
        (json!({ "id": 2, "name": "" }), "value.constraint.length", "parameters.name"),
        (json!({ "id": 2, "name": "x", "rank": 10 }), "value.constraint.range", "parameters.rank"),
        (json!({ "id": 2, "name": "x", "team": "z" }), "kernel.object.absent", "parameters.team"),
        (json!({ "id": 2, "name": "x", "team": 1.5 }), "value.type_mismatch", "parameters.team"),
        (json!({ "id": 2, "name": "x", "boss": 1 }), "kernel.action.parameter.unknown", "parameters.boss"),
        (json!({ "id": 1, "name": "x" }), "kernel.object.exists", "edits[0].create"),
    ] {
        assert_eq!(told(&refused(&on, "hire", parameters.clone()).await), (code, path), "{parameters}");
    }
    assert_eq!(told(&refused(&on, "fire", json!({})).await), ("kernel.action.unknown", "action"));
}

/// An action expects an object at a revision.
pub async fn an_object_is_expected_at_a_revision(on: Deployment) {
    on.people(1).await;
    let (_, seq) = acted(&on, "promote", json!({ "person": 1 })).await;
    let expecting = |parameter: &str, seq: Seq| json!({ "action": "promote", "parameters": { "person": 1 }, "expect": { parameter: seq } });
    let error = on.refusal(Method::Execute, expecting("person", Seq(seq.0 - 1))).await;
    assert_eq!(told(&error), ("commit.precondition.at", "expect.person"));
    on.answer(Method::Execute, expecting("person", seq)).await;
    let error = on.refusal(Method::Execute, expecting("by", seq)).await;
    assert_eq!(told(&error), ("kernel.action.expect", "parameters.by"));
}

/// The same id again answers the first receipt and does nothing, even where it would be refused by now.
pub async fn a_call_sent_again_has_one_effect(on: Deployment) {
    on.people(1).await;
    let id = on.test.env().commit_id();
    let call = json!({ "action": "promote", "parameters": { "person": 1, "by": 60 }, "id": id });
    let first = member(&on.answer(Method::Execute, call.clone()).await, "receipt");
    let again = member(&on.answer(Method::Execute, call).await, "receipt");
    assert_eq!((&first["seq"], &first["replayed"]), (&again["seq"], &json!(false)));
    assert_eq!((&again["replayed"], rank(&on, 1).await), (&json!(true), json!(60)));
}

/// Calls that read the same object never act on what another has changed: each counts.
pub async fn calls_at_once_all_count(on: Deployment) {
    on.people(1).await;
    let on = std::sync::Arc::new(on);
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let on = std::sync::Arc::clone(&on);
        calls.spawn(async move { on.answer(Method::Execute, act("promote", json!({ "person": 1 }))).await });
    }
    assert_eq!(calls.join_all().await.len(), 8);
    assert_eq!(rank(&on, 1).await, json!(8));
}

/// The history tells who did it, why, by which action, and what changed.
pub async fn the_history_tells_action_and_diff(on: Deployment) {
    on.people(1).await;
    let mut call = act("promote", json!({ "person": 1, "by": 2 }));
    call["reason"] = json!("well done");
    on.answer(Method::Execute, call).await;
    acted(&on, "promote", json!({ "person": 1, "by": 3 })).await;
    acted(&on, "dismiss", json!({ "person": 1 })).await;
    let mut request = serde_json::to_value(History::of_object("Person", 1).with_diff()).unwrap();
    let versions = member(&on.answer(Method::History, request.clone()).await, "versions");
    let diffs: Vec<_> = list(&versions).iter().map(|version| member(version, "diff")).collect();
    assert_eq!(diffs[0], json!({ "before": {}, "after": { "id": 1, "name": "p1", "initial": "p1" } }));
    assert_eq!(diffs[1], json!({ "before": {}, "after": { "rank": 2 } }));
    assert_eq!(diffs[2], json!({ "before": { "rank": 2 }, "after": { "rank": 5 } }));
    assert_eq!(diffs[3]["after"], json!({}));
    assert_eq!(diffs[3]["before"]["rank"], 5);
    let actions: Vec<_> = list(&versions).iter().map(|version| version.get("action").cloned()).collect();
    assert_eq!(actions, [None, Some(json!("promote")), Some(json!("promote")), Some(json!("dismiss"))]);
    assert_eq!((&versions[1]["reason"], &versions[1]["actor"]), (&json!("well done"), &json!("user:tester")));
    // A page that begins in the middle knows the version before it.
    request["after"] = versions[1]["revision"].clone();
    request["limit"] = json!(1);
    let page = member(&on.answer(Method::History, request).await, "versions");
    assert_eq!(page[0]["diff"], diffs[2]);
}

/// The values an action computes from `now` are of the instant its commit bears.
pub async fn an_action_has_one_instant(on: Deployment) {
    on.people(2).await;
    on.clock().advance(std::time::Duration::from_secs(86_400));
    acted(&on, "introduce", json!({ "from": 1, "to": 2 })).await;
    let request = serde_json::to_value(History::of_link("knows", 1, 2).with_diff()).unwrap();
    let versions = member(&on.answer(Method::History, request).await, "versions");
    let at = versions[0]["at"].as_str().unwrap().to_owned();
    assert_eq!(versions[0]["diff"]["after"]["since"].as_str(), at.get(..10));
}

/// What belongs to another tenant is absent for an action, too.
pub async fn what_is_anothers_is_absent_to_an_action(on: Deployment) {
    on.people_of(&on.neighbour, 1).await;
    let error = refused(&on, "promote", json!({ "person": 1 })).await;
    assert_eq!(told(&error), ("kernel.object.absent", "parameters.person"));
}

/// Every method needs its permission.
pub async fn actions_need_their_permission(on: Deployment) {
    use crate::{Grants, Permission};
    let call = act("note", json!({ "text": "x" }));
    let others = Permission::ALL.into_iter().filter(|permission| *permission != Permission::ActionExecute);
    let ctx = on.own.clone().granted(others.fold(Grants::NONE, Grants::with));
    let undo = json!({ "commit": on.test.env().commit_id() });
    for (method, request) in [
        (Method::Validate, call.clone()),
        (Method::Execute, call.clone()),
        (Method::ExecuteBatch, json!({ "acts": [call] })),
        (Method::Undo, undo),
    ] {
        let error = on.ask(&ctx, method, request.clone()).await.unwrap_err();
        let told = (error.kind(), error.code(), error.param("permission"));
        assert_eq!(told, (ErrorKind::Forbidden, "permission.denied", Some("action.execute")), "{method:?}");
    }
}

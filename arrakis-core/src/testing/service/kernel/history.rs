//! The versions of objects and links: what happened, when, by whom and why.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Deployment, Method, list, told};
use crate::Actor;

fn of_object(object_type: &str, key: Json) -> Json {
    json!({ "of": { "object": { "type": object_type, "key": key } } })
}

fn of_link(source: i64, target: i64) -> Json {
    json!({ "of": { "link": { "type": "knows", "source": source, "target": target } } })
}

fn with(mut request: Json, name: &str, value: Json) -> Json {
    request[name] = value;
    request
}

/// Each version tells its commit, what it did, when, by whom and why, and the values from then on.
pub async fn versions_tell_what_happened(on: Deployment) {
    let team = |title: &str| json!({ "code": "t", "title": title });
    let edits = [
        (json!({ "create": { "type": "Team", "properties": team("A") } }), "created", Some(team("A"))),
        (
            json!({ "modify": { "type": "Team", "key": "t", "properties": { "title": "B" } } }),
            "modified",
            Some(team("B")),
        ),
        (json!({ "delete": { "type": "Team", "key": "t" } }), "deleted", None),
        (json!({ "create": { "type": "Team", "properties": team("C") } }), "created", Some(team("C"))),
    ];
    let mut expected = Vec::new();
    for (number, (edit, change, properties)) in edits.into_iter().enumerate() {
        on.clock().advance(Duration::from_secs(1));
        let (actor, reason) = (format!("user:{number}"), format!("because {number}"));
        let ctx = on.own.clone().acting_as(Actor::parse(&actor).unwrap());
        let written = on.ask(&ctx, Method::Write, json!({ "edits": [edit], "reason": reason })).await.unwrap();
        let receipt = &written["receipt"];
        let mut version = json!({ "revision": receipt["seq"], "change": change, "at": on.test.env().now(), "actor": actor, "reason": reason, "commit": receipt["commit"] });
        if let Some(properties) = properties {
            version["properties"] = properties;
        }
        expected.push(version);
    }
    let history = on.answer(Method::History, of_object("Team", json!("t"))).await;
    assert_eq!((&history["versions"], history.get("next")), (&json!(expected), None));
    assert_eq!(history["seq"], json!(on.head().await));
}

/// Links have versions of their own; one held in a property has those of its holder.
pub async fn links_have_their_versions(on: Deployment) {
    on.people(2).await;
    on.acquaint(&[(1, 2, 1)]).await;
    on.acquaint(&[(1, 2, 2)]).await;
    on.wrote(json!({ "delete": { "type": "Person", "key": 2 } })).await;
    let history = on.answer(Method::History, of_link(1, 2)).await;
    let told_of: Vec<_> = list(&history["versions"])
        .iter()
        .map(|version| json!([version["change"], version["properties"]["weight"]]))
        .collect();
    assert_eq!(json!(told_of), json!([["created", 1], ["modified", 2], ["deleted", null]]));
    let held = json!({ "of": { "link": { "type": "reports", "source": 1, "target": 2 } } });
    assert_eq!(told(&on.refusal(Method::History, held).await), ("kernel.history.foreign_key", "of.link.type"));
}

/// What a deletion reached by the rules of links has its version in the same commit.
pub async fn what_a_deletion_reaches_has_its_version(on: Deployment) {
    on.people(2).await;
    on.wrote(json!([
        { "modify": { "type": "Person", "key": 2, "properties": { "boss": 1 } } },
        { "create": { "type": "Task", "properties": { "id": 1, "owner": 1 } } }
    ]))
    .await;
    let deleted = on.wrote(json!({ "delete": { "type": "Person", "key": 1 } })).await;
    for (request, change) in [(of_object("Person", json!(2)), "modified"), (of_object("Task", json!(1)), "deleted")] {
        let history = on.answer(Method::History, request).await;
        let last = list(&history["versions"]).last().unwrap();
        assert_eq!((&last["revision"], &last["change"]), (&json!(deleted), &json!(change)));
    }
}

/// What never existed has no versions, and asking is no error.
pub async fn what_never_existed_has_no_versions(on: Deployment) {
    for request in [of_object("Team", json!("t")), of_link(1, 2)] {
        let history = on.answer(Method::History, request).await;
        assert_eq!((&history["versions"], history.get("next")), (&json!([]), None));
    }
}

/// Versions come in pages, each saying what goes on after it.
pub async fn versions_come_in_pages(on: Deployment) {
    on.people(2).await;
    for weight in 1..=5 {
        on.wrote(json!({ "modify": { "type": "Person", "key": 1, "properties": { "rank": weight } } })).await;
        on.acquaint(&[(1, 2, weight)]).await;
    }
    for (request, count) in [(of_object("Person", json!(1)), 6), (of_link(1, 2), 5)] {
        let whole = on.answer(Method::History, request.clone()).await["versions"].clone();
        assert_eq!(list(&whole).len(), count);
        for limit in 1..=count {
            let (mut versions, mut after) = (Vec::new(), json!(0));
            loop {
                let page = on
                    .answer(Method::History, with(with(request.clone(), "limit", json!(limit)), "after", after))
                    .await;
                assert!(list(&page["versions"]).len() <= limit);
                versions.extend(list(&page["versions"]).iter().cloned());
                match page.get("next") {
                    Some(next) => after = next.clone(),
                    None => break,
                }
            }
            assert_eq!(json!(versions), whole, "{limit} at a time");
        }
    }
}

/// A history has its limits, of a known type, by keys of that type.
pub async fn a_history_has_its_rules(on: Deployment) {
    for (request, code, path) in [
        (of_object("Teams", json!("t")), "kernel.object_type.unknown", "of.object.type"),
        (of_object("Person", json!("x")), "value.type_mismatch", "of.object.key"),
        (
            json!({ "of": { "link": { "type": "likes", "source": 1, "target": 2 } } }),
            "kernel.link_type.unknown",
            "of.link.type",
        ),
        (
            json!({ "of": { "link": { "type": "knows", "source": 1, "target": "x" } } }),
            "value.type_mismatch",
            "of.link.target",
        ),
        (with(of_link(1, 2), "limit", json!(0)), "kernel.page.size", "limit"),
        (with(of_link(1, 2), "limit", json!(10_001)), "kernel.page.size", "limit"),
    ] {
        assert_eq!(told(&on.refusal(Method::History, request).await), (code, path));
    }
}

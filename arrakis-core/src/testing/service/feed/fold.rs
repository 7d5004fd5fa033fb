//! What is told of a set makes the set.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;
use serde_json::{Value as Json, json};

use super::{Deployment, Method, edits, event, list, member, publish, subscribed, type_mut};
use crate::Seq;

/// The writes tried, of which some are refused.
const WRITES: usize = 90;
/// The write in whose place a version is published.
const PUBLISHED_AT: [usize; 2] = [30, 60];

/// Sets of every shape. The last commit puts an object into each of them, so that it is known when all is told.
fn sets() -> Vec<Json> {
    let people = json!({ "type": "Person" });
    let last = json!({ "ids": { "type": "Person", "keys": [99] } });
    let filter = |filter: &str| json!({ "filter": { "from": people, "where": filter } });
    let or_last = |set: Json| json!({ "union": [set, last] });
    vec![
        people.clone(),
        filter("name = \"ann\" OR name = \"zed\""),
        filter("rank >= 2 OR id = 99"),
        filter("NOT boss = 1 AND NOT name = \"bob\""),
        json!({ "filter": { "from": { "interface": "Named" }, "where": "rank = 1 OR name = \"zed\"" } }),
        or_last(
            json!({ "intersect": [filter("rank < 3"), json!({ "ids": { "type": "Person", "keys": [1, 2, 3, 4] } })] }),
        ),
        json!({ "subtract": [people, filter("team = \"t1\"")] }),
        or_last(json!({ "traverse": { "from": filter("rank = 1"), "link": "knows", "min": 1, "max": 3 } })),
        or_last(json!({ "traverse": { "from": { "type": "Team" }, "link": "members" } })),
        or_last(json!({ "filter": { "from": people, "where": { "has": { "link": "manager" } } } })),
    ]
}

/// Takes the events of a subscription until the last commit was told.
async fn until(on: &Deployment, request: Json, last: Option<Seq>) -> Vec<Json> {
    let mut subscription = subscribed(on, request).await;
    let mut events = Vec::new();
    loop {
        let event = event(&mut subscription).await;
        let told = event["delta"].get("entered").map(list).unwrap_or_default();
        let is_last = told.iter().any(|object| object["key"] == 99);
        assert!(!is_last || last.is_none_or(|last| event["delta"]["seq"] == json!(last)));
        events.push(event);
        if is_last {
            return events;
        }
    }
}

/// The members of a set as of a commit, in whatever version was in force.
async fn members(on: &Deployment, set: &Json, at: Seq) -> BTreeMap<String, Json> {
    let request = json!({ "set": set, "as_of": at, "page": { "size": 10_000 } });
    let page = on.answer(Method::Query, request).await;
    list(&member(&page, "objects")).iter().map(|object| (place(object), object.clone())).collect()
}

fn place(object: &Json) -> String {
    format!("{}/{}", object["type"], object["key"])
}

/// Checks what was told of a set against the set, after every commit.
async fn check(on: &Deployment, set: &Json, events: &[Json], (from, last): (Seq, Seq)) {
    let mut state = members(on, set, from).await;
    let mut events = events.iter().peekable();
    let mut told = from;
    for at in (from.0..=last.0).map(Seq) {
        while let Some(event) = events.next_if(|event| seq_of(event) <= at) {
            assert!(told <= seq_of(event), "{event} comes late");
            told = seq_of(event);
            fold(&mut state, event);
        }
        assert_eq!(state, members(on, set, at).await, "{set} at {at}");
    }
    assert!(events.next().is_none());
}

fn seq_of(event: &Json) -> Seq {
    let told = event.get("initial").or_else(|| event.get("delta")).unwrap_or_else(|| panic!("{event}"));
    super::seq(told, "seq")
}

fn fold(state: &mut BTreeMap<String, Json>, event: &Json) {
    if let Some(initial) = event.get("initial") {
        if initial["first"] == true {
            state.clear();
        }
        state.extend(list(&initial["objects"]).iter().map(|object| (place(object), object.clone())));
        return;
    }
    let part = |name: &str| event["delta"].get(name).map(list).unwrap_or_default();
    for object in part("left") {
        assert!(state.remove(&place(object)).is_some(), "{object} left and was not there");
    }
    for (name, was_there) in [("entered", false), ("changed", true)] {
        for object in part(name) {
            assert_eq!(state.insert(place(object), object.clone()).is_some(), was_there, "{name}: {object}");
        }
    }
}

/// The whole and what followed make, after every commit, exactly what a query as of it answers: for sets of every shape, over random
/// writes and publications, whether the subscriber listens, comes later, or goes on from a commit.
pub async fn what_is_told_makes_the_set_after_every_commit(on: Deployment) {
    let on = Arc::new(on);
    on.people(8).await;
    let team = |code: &str| json!({ "create": { "type": "Team", "properties": { "code": code, "title": "ann" } } });
    on.wrote(["t1", "t2", "t3"].map(team).into_iter().collect()).await;
    let start = on.head().await;
    let listen = |set: Json| {
        let on = Arc::clone(&on);
        let request = json!({ "set": set, "from": start, "buffer": 100_000 });
        tokio::runtime::Handle::current().spawn(async move { until(&on, request, None).await })
    };
    let listening: Vec<_> = sets().into_iter().map(listen).collect();
    let mut rng = Rng::with_seed(7);
    for write in 0..WRITES {
        if let Some(number) = PUBLISHED_AT.iter().position(|at| *at == write) {
            publish(&on, [&on.own, &on.neighbour][number % 2], |definition| {
                for of in ["Task", "Person"].into_iter().take(number + 1) {
                    let added =
                        json!({ "name": format!("added{number}"), "type": "integer", "required": true, "default": 7 });
                    type_mut(definition, of)["properties"].as_array_mut().unwrap().push(added);
                }
                if number > 0 {
                    let kept = json!({ "name": "added0", "type": "integer", "required": true, "default": 7 });
                    type_mut(definition, "Task")["properties"].as_array_mut().unwrap().push(kept);
                }
            })
            .await;
        }
        // Some break a rule and leave nothing.
        let _ = on.write(&on.own, edits(&mut rng)).await;
    }
    let last = on.wrote(json!({ "create": { "type": "Person", "properties": { "id": 99, "name": "zed" } } })).await;
    assert!(last.0 - start.0 > 30, "too few writes were taken: {}", last.0 - start.0);
    let middle = Seq(start.0.midpoint(last.0));
    for (set, listening) in sets().into_iter().zip(listening) {
        check(&on, &set, &listening.await.unwrap(), (start, last)).await;
        for from in [start, middle] {
            let events = until(&on, json!({ "set": set, "from": from, "page_size": 2 }), Some(last)).await;
            check(&on, &set, &events, (from, last)).await;
        }
    }
}

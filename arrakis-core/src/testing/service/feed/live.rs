//! Sets that tell themselves as they change.

use serde_json::{Value as Json, json};

use super::{Deployment, brief, event, next, subscribe, subscribed, told};
use crate::{Grants, Permission, Seq};

fn person(id: i64, rank: i64) -> Json {
    json!({ "upsert": { "type": "Person", "properties": { "id": id, "name": format!("p{id}"), "rank": rank } } })
}

fn ranked(filter: &str) -> Json {
    json!({ "filter": { "from": { "type": "Person" }, "where": filter } })
}

/// First the set is told as it is, then for each commit that concerns it what entered, what changed and what left.
pub async fn a_set_is_told_whole_and_then_as_it_changes(on: Deployment) {
    let start = on.wrote(json!([person(1, 1), person(2, 2), person(3, 3)])).await;
    let mut subscription = subscribed(&on, json!({ "set": ranked("rank >= 2") })).await;
    let initial = event(&mut subscription).await;
    assert_eq!(brief(&initial), json!(["initial", start, [2, 3]]));
    assert_eq!((&initial["initial"]["first"], &initial["initial"]["more"]), (&json!(true), &json!(false)));
    assert_eq!(initial["initial"]["objects"][0], on.object("Person", 2).await);
    let delete = json!({ "delete": { "type": "Person", "key": 3 } });
    let seq = on.wrote(json!([person(1, 7), person(2, 8), delete, person(4, 1)])).await;
    let delta = event(&mut subscription).await;
    assert_eq!(brief(&delta), json!(["delta", seq, [1], [2], [3]]));
    assert_eq!(delta["delta"]["entered"][0], on.object("Person", 1).await);
    assert_eq!(delta["delta"]["left"], json!([{ "type": "Person", "key": 3 }]));
    // Neither concerns the set.
    on.wrote(person(4, 0)).await;
    on.wrote(json!({ "create": { "type": "Team", "properties": { "code": "a", "title": "A" } } })).await;
    let seq = on.wrote(person(1, 0)).await;
    assert_eq!(brief(&event(&mut subscription).await), json!(["delta", seq, [], [], [1]]));
}

/// A large set is told in parts, all as of the commit the first is; what is committed between them comes after the last.
pub async fn the_whole_comes_in_parts_of_one_state(on: Deployment) {
    let start = on.wrote((1..=5).map(|id| person(id, 1)).collect()).await;
    let request = json!({ "set": { "type": "Person" }, "select": ["rank"], "page_size": 2 });
    let mut subscription = subscribed(&on, request).await;
    let first = event(&mut subscription).await;
    assert_eq!(first["initial"]["objects"][0]["properties"], json!({ "rank": 1 }));
    let seq = on.wrote(json!([{ "delete": { "type": "Person", "key": 4 } }, person(6, 1), person(1, 2)])).await;
    let parts = [first, event(&mut subscription).await, event(&mut subscription).await];
    for (part, (keys, is_first, more)) in
        parts.iter().zip([(json!([1, 2]), true, true), (json!([3, 4]), false, true), (json!([5]), false, false)])
    {
        assert_eq!(brief(part), json!(["initial", start, keys]));
        assert_eq!((&part["initial"]["first"], &part["initial"]["more"]), (&json!(is_first), &json!(more)));
    }
    let delta = event(&mut subscription).await;
    assert_eq!(brief(&delta), json!(["delta", seq, [6], [1], [4]]));
    assert_eq!(delta["delta"]["changed"][0]["properties"], json!({ "rank": 2 }));
}

/// The objects of an interface's set come with the interface's properties, whatever type they are of.
pub async fn an_interface_set_is_told_by_its_own_names(on: Deployment) {
    let set = json!({ "filter": { "from": { "interface": "Named" }, "where": "rank = 1" } });
    let mut subscription = subscribed(&on, json!({ "set": set })).await;
    event(&mut subscription).await;
    let team = json!({ "create": { "type": "Team", "properties": { "code": "a", "title": "A", "score": 1 } } });
    on.wrote(json!([person(1, 1), person(2, 2), team])).await;
    let delta = event(&mut subscription).await;
    let told =
        |place: usize| (&delta["delta"]["entered"][place]["type"], &delta["delta"]["entered"][place]["properties"]);
    assert_eq!(told(0), (&json!("Person"), &json!({ "name": "p1", "rank": 1 })));
    assert_eq!(told(1), (&json!("Team"), &json!({ "name": "A", "rank": 1 })));
}

/// Each of many subscribers to sets of one type is told of its own objects only, by whatever way its set is stated.
pub async fn sets_are_told_apart(on: Deployment) {
    const SETS: i64 = 60;
    let mut subscriptions = Vec::new();
    for rank in 0..SETS {
        let set = match rank % 4 {
            0 => ranked(&format!("rank = {rank}")),
            1 => ranked(&format!("rank = {rank} AND name != \"x\"")),
            2 => {
                json!({ "filter": { "from": { "type": "Person" }, "where": { "in": { "property": "rank", "values": [rank, -rank] } } } })
            }
            _ => json!({ "ids": { "type": "Person", "keys": [rank] } }),
        };
        let mut subscription = subscribed(&on, json!({ "set": set })).await;
        event(&mut subscription).await;
        subscriptions.push(subscription);
    }
    let first = on.wrote((0..SETS).map(|id| person(id, id)).collect()).await;
    let second = on.wrote((0..SETS).map(|id| person(id, SETS)).collect()).await;
    for (id, subscription) in (0_i64..).zip(&mut subscriptions) {
        assert_eq!(brief(&event(subscription).await), json!(["delta", first, [id], [], []]));
        let left = brief(&event(subscription).await);
        if id % 4 == 3 {
            assert_eq!(left, json!(["delta", second, [], [id], []]));
        } else {
            assert_eq!(left, json!(["delta", second, [], [], [id]]));
        }
    }
}

/// Unions, intersections and differences are told as exactly as what they are made of.
pub async fn sets_of_every_operation_are_told(on: Deployment) {
    let (low, even) = (ranked("rank < 3"), json!({ "ids": { "type": "Person", "keys": [2, 4] } }));
    for (set, entered, left) in [
        (json!({ "union": [low, even] }), json!([1, 2, 4]), json!([1])),
        (json!({ "intersect": [low, even] }), json!([2]), json!([2])),
        (json!({ "subtract": [low, even] }), json!([1]), json!([1])),
    ] {
        let start = on.head().await;
        let mut subscription = subscribed(&on, json!({ "set": set })).await;
        assert_eq!(brief(&event(&mut subscription).await), json!(["initial", start, []]));
        let seq = on.wrote((1..=4).map(|id| person(id, id)).collect()).await;
        assert_eq!(brief(&event(&mut subscription).await), json!(["delta", seq, entered, [], []]), "{set}");
        on.wrote((1..=4).map(|id| person(id, 9)).collect()).await;
        assert_eq!(brief(&event(&mut subscription).await)[4], left, "{set}");
        on.wrote((1..=4).map(|id| json!({ "delete": { "type": "Person", "key": id } })).collect()).await;
    }
}

/// From a commit on, a subscriber is told what each later commit did, and not the set it knows.
pub async fn a_subscription_goes_on_from_a_commit(on: Deployment) {
    let seqs: Vec<Seq> = {
        let mut seqs = Vec::new();
        for rank in 1..=4 {
            seqs.push(on.wrote(person(1, rank)).await);
        }
        seqs
    };
    for (from, expected) in [
        (
            seqs[0],
            vec![
                json!(["delta", seqs[1], [1], [], []]),
                json!(["delta", seqs[2], [], [1], []]),
                json!(["delta", seqs[3], [], [], [1]]),
            ],
        ),
        (seqs[2], vec![json!(["delta", seqs[3], [], [], [1]])]),
    ] {
        let set = ranked("rank = 2 OR rank = 3");
        let mut subscription = subscribed(&on, json!({ "set": set, "from": from })).await;
        for delta in expected {
            assert_eq!(brief(&event(&mut subscription).await), delta);
        }
    }
    let mut subscription = subscribed(&on, json!({ "set": ranked("rank >= 2"), "from": seqs[3] })).await;
    let seq = on.wrote(person(2, 2)).await;
    assert_eq!(brief(&event(&mut subscription).await), json!(["delta", seq, [2], [], []]));
}

/// A subscriber slower than its buffer is told so, and where to go on; others and the writer notice nothing.
pub async fn a_subscriber_that_lags_is_told_where_to_go_on(on: Deployment) {
    let everyone = json!({ "type": "Person" });
    let mut slow = subscribed(&on, json!({ "set": everyone, "buffer": 2 })).await;
    let mut witness = subscribed(&on, json!({ "set": everyone })).await;
    for subscription in [&mut slow, &mut witness] {
        event(subscription).await;
    }
    on.wrote(person(1, 0)).await;
    // Who has read the end of the log is listening.
    for subscription in [&mut slow, &mut witness] {
        event(subscription).await;
    }
    let mut seqs = Vec::new();
    for rank in 1..=6 {
        seqs.push(on.wrote(person(1, rank)).await);
    }
    for seq in &seqs {
        assert_eq!(brief(&event(&mut witness).await), json!(["delta", seq, [], [1], []]));
    }
    // It is told in order up to where it lags, and nothing more; a network buffers some of it.
    let mut heard = 0;
    while heard < seqs.len() {
        let told = event(&mut slow).await;
        if told.get("lagging").is_some() {
            assert_eq!(told, json!({ "lagging": { "resume_from": seqs[heard - 1] } }));
            assert!(next(&mut slow).await.is_none());
            break;
        }
        assert_eq!(brief(&told), json!(["delta", seqs[heard], [], [1], []]));
        heard += 1;
    }
    assert!(if on.is_remote { heard >= 2 } else { heard == 2 }, "{heard} told to a buffer of 2");
    let mut resumed = subscribed(&on, json!({ "set": everyone, "buffer": 2, "from": seqs[1] })).await;
    for seq in &seqs[2..] {
        assert_eq!(brief(&event(&mut resumed).await), json!(["delta", seq, [], [1], []]));
    }
}

/// A set that makes no sense, and what is beyond a limit, is refused with its path.
pub async fn a_subscription_has_its_limits(on: Deployment) {
    let head = on.head().await;
    let everyone = json!({ "type": "Person" });
    for (request, code, path) in [
        (json!({ "set": { "type": "Nobody" } }), "kernel.object_type.unknown", "set.type"),
        (json!({ "set": everyone, "select": ["x"] }), "kernel.property.unknown", "select[0]"),
        (json!({ "set": everyone, "from": head.next() }), "feed.from.future", "from"),
        (json!({ "set": everyone, "buffer": 0 }), "feed.buffer", "buffer"),
        (json!({ "set": everyone, "buffer": 100_001 }), "feed.buffer", "buffer"),
        (json!({ "set": everyone, "page_size": 0 }), "kernel.page.size", "page_size"),
    ] {
        let error = subscribe(&on, &on.own, request.clone()).await.unwrap_err();
        assert_eq!(told(&error), (code, path), "{request}");
    }
    assert!(serde_json::from_value::<crate::kernel::Subscribe>(json!({ "set": everyone, "after": 1 })).is_err());
}

/// Sets are told to who may read objects.
pub async fn subscribing_needs_its_permission(on: Deployment) {
    let others = Permission::ALL.into_iter().filter(|permission| *permission != Permission::ObjectRead);
    let ctx = on.own.clone().granted(others.fold(Grants::NONE, Grants::with));
    for set in [json!({ "type": "Person" }), json!({ "type": "Nobody" })] {
        let error = subscribe(&on, &ctx, json!({ "set": set })).await.unwrap_err();
        assert_eq!((error.code(), error.param("permission")), ("permission.denied", Some("object.read")));
    }
}

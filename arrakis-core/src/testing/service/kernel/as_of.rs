//! Past states, and states no older than one has seen.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Deployment, Method, keys_of, told};
use crate::{ErrorKind, Seq};

/// A request to every reading method that can be of a past state, about person 1.
fn reads(as_of: &Json) -> [(Method, Json); 5] {
    [
        (Method::Get, json!({ "type": "Person", "keys": [1], "as_of": as_of })),
        (Method::Query, json!({ "set": { "type": "Person" }, "as_of": as_of })),
        (
            Method::Aggregate,
            json!({ "set": { "type": "Person" }, "metrics": [{ "name": "rank", "function": "sum", "of": "rank" }], "as_of": as_of }),
        ),
        (Method::Neighbours, json!({ "type": "Person", "key": 1, "link": "knows", "as_of": as_of })),
        (Method::Links, json!({ "type": "knows", "ends": [{ "source": 1, "target": 2 }], "as_of": as_of })),
    ]
}

/// What every reading method answers, commits read as of aside.
async fn answers(on: &Deployment, as_of: &Json) -> Vec<Json> {
    let mut answers = Vec::new();
    for (method, request) in reads(as_of) {
        answers.push(on.answer(method, request).await);
    }
    answers
}

/// A past state is read as it was, by commit and by any instant until the next, whatever was written since.
pub async fn a_past_state_is_read_as_it_was(on: Deployment) {
    let person = |id: i64, rank: i64| json!({ "upsert": { "type": "Person", "properties": { "id": id, "name": "x", "rank": rank } } });
    let link = |weight: i64| json!({ "link": { "type": "knows", "source": 1, "target": 2, "properties": { "weight": weight } } });
    let writes = [
        json!([person(1, 1), person(2, 2), link(1)]),
        json!([person(1, 10), link(2)]),
        json!([{ "unlink": { "type": "knows", "source": 1, "target": 2 } }, person(3, 3)]),
        json!([{ "delete": { "type": "Person", "key": 1 } }]),
        json!([person(1, 100), link(3)]),
    ];
    let mut states = Vec::new();
    for write in writes {
        on.clock().advance(Duration::from_secs(10));
        let seq = on.wrote(write).await;
        states.push((seq, on.test.env().now(), answers(&on, &Json::Null).await));
    }
    on.clock().advance(Duration::from_secs(60));
    for (seq, at, state) in states {
        assert!(state.iter().all(|answer| answer["seq"] == json!(seq)), "{state:?}");
        assert_eq!(answers(&on, &json!(seq)).await, state);
        for later_us in [0, 9_999_999] {
            let instant = crate::Timestamp::from_micros_saturating(at.micros() + later_us);
            assert_eq!(answers(&on, &json!(instant)).await, state, "{instant}");
        }
    }
}

/// A past state is filtered, ordered and walked by the values and links it had, page after page.
pub async fn a_past_state_is_queried_by_its_own_values(on: Deployment) {
    on.people(5).await;
    on.acquaint(&[(1, 2, 1), (2, 3, 1)]).await;
    let rank =
        |id: i64, rank: i64| json!({ "modify": { "type": "Person", "key": id, "properties": { "rank": rank } } });
    let then = on.wrote((1..=5).map(|id| rank(id, 10 - id)).collect()).await;
    on.wrote((1..=5).map(|id| rank(id, id)).collect()).await;
    on.wrote(json!([{ "delete": { "type": "Person", "key": 4 } }, { "unlink": { "type": "knows", "source": 2, "target": 3 } }])).await;
    let request = |set: Json, cursor: Json| json!({ "set": set, "order_by": [{ "property": "rank" }], "as_of": then, "page": { "size": 2, "cursor": cursor } });
    let set = || json!({ "filter": { "from": { "type": "Person" }, "where": "rank > 5 OR has(knows)" } });
    let first = on.answer(Method::Query, request(set(), Json::Null)).await;
    let second = on.answer(Method::Query, request(set(), first["next"].clone())).await;
    let keys = [keys_of(&first["objects"]), keys_of(&second["objects"])].concat();
    assert_eq!((json!(keys), second.get("next")), (json!([4, 3, 2, 1]), None));
    let walk =
        json!({ "traverse": { "from": { "ids": { "type": "Person", "keys": [1] } }, "link": "knows", "max": 2 } });
    assert_eq!(json!(keys_of(&on.answer(Method::Query, request(walk, Json::Null)).await["objects"])), json!([3, 2]));
}

/// Before the first object there is nothing, and before the first ontology not even types.
pub async fn before_the_first_there_is_nothing(on: Deployment) {
    let before = on.head().await;
    on.people(1).await;
    for (method, request) in reads(&json!(before)) {
        let answer = on.answer(method, request).await;
        assert_eq!(answer["seq"], json!(before), "{method:?}");
    }
    assert_eq!(on.answer(Method::Get, reads(&json!(before))[0].1.clone()).await["objects"], json!([null]));
    for as_of in [json!(0), json!("0001-01-01T00:00:00Z")] {
        for (method, request) in reads(&as_of) {
            assert_eq!(on.refusal(method, request).await.code(), "ontology.unpublished", "{method:?}");
        }
    }
}

/// What is yet to come is not read.
pub async fn the_future_is_not_read(on: Deployment) {
    on.people(1).await;
    let next = Seq(on.head().await.0 + 1);
    let later = crate::Timestamp::from_micros_saturating(on.test.env().now().micros() + 1);
    for as_of in [json!(next), json!(later), json!(u64::MAX)] {
        for (method, request) in reads(&as_of) {
            let error = on.refusal(method, request).await;
            assert_eq!(
                (error.kind(), told(&error)),
                (ErrorKind::Invalid, ("kernel.as_of.future", "as_of")),
                "{method:?}"
            );
        }
    }
    on.answer(Method::Query, json!({ "set": { "type": "Person" }, "as_of": on.test.env().now() })).await;
}

/// A read has seen the commit it states, by the request or by its context; one that has not arrived may be asked for later.
pub async fn a_read_has_seen_what_it_states(on: Deployment) {
    on.people(2).await;
    let (seen, next) = (on.head().await, Seq(on.head().await.0 + 1));
    let history = (Method::History, json!({ "of": { "object": { "type": "Person", "key": 1 } } }));
    for (method, mut request) in reads(&Json::Null).into_iter().chain([history]) {
        for (seq, behind) in [(seen, false), (next, true)] {
            request["at_least"] = json!(seq);
            let stated = on.ask(&on.own, method, request.clone()).await;
            request.as_object_mut().unwrap().remove("at_least");
            let in_context = on.ask(&on.own.clone().at_least(seq), method, request.clone()).await;
            for answer in [stated, in_context] {
                let told = answer.map(|_| ()).map_err(|e| (e.code().to_owned(), e.is_retryable()));
                let expected = if behind { Err(("kernel.at_least.behind".to_owned(), true)) } else { Ok(()) };
                assert_eq!(told, expected, "{method:?}");
            }
        }
    }
}

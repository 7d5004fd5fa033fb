//! The most work a read may do: beyond it is refused, never cut short.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Deployment, Method};
use crate::ErrorKind;

fn reads(set: &Json, budget: &Json) -> [(Method, Json); 2] {
    [
        (Method::Query, json!({ "set": set, "page": { "size": 1 }, "budget": budget })),
        (Method::Aggregate, json!({ "set": set, "metrics": [{ "name": "n", "function": "count" }], "budget": budget })),
    ]
}

/// A set of more objects than the budget's rows is refused, however small the page; one of as many is read.
pub async fn a_set_within_its_rows_is_read(on: Deployment) {
    on.people(5).await;
    let filtered = json!({ "filter": { "from": { "type": "Person" }, "where": "id > 2" } });
    for (set, size) in [
        (json!({ "type": "Person" }), 5),
        (filtered, 3),
        (json!({ "ids": { "type": "Person", "keys": [1, 2, 9] } }), 2),
    ] {
        for (method, request) in reads(&set, &json!({ "rows": size })) {
            on.ask(&on.own, method, request).await.unwrap();
        }
        for (method, request) in reads(&set, &json!({ "rows": size - 1 })) {
            let error = on.refusal(method, request).await;
            let told = (error.kind(), error.code(), error.param("rows_max"));
            let limit = (size - 1).to_string();
            assert_eq!(told, (ErrorKind::Precondition, "kernel.budget.rows", Some(&*limit)), "{method:?} {set}");
        }
    }
}

/// Over links the budget's rows are pairs of object and link.
pub async fn pairs_of_object_and_link_are_rows(on: Deployment) {
    on.people(3).await;
    on.acquaint(&[(1, 2, 1), (1, 3, 1), (2, 3, 1), (3, 1, 1)]).await;
    let request = |rows: u64| json!({ "set": { "type": "Person" }, "metrics": [{ "name": "w", "function": "sum", "of": "knows.weight" }], "budget": { "rows": rows } });
    assert_eq!(on.answer(Method::Aggregate, request(4)).await["groups"][0]["metrics"]["w"], json!(4));
    assert_eq!(on.refusal(Method::Aggregate, request(3)).await.code(), "kernel.budget.rows");
}

/// A read that takes longer than the budget's time, or than its deadline leaves, is refused.
pub async fn a_read_within_its_time_is_read(on: Deployment) {
    on.people(50).await;
    let set = json!({ "filter": { "from": { "type": "Person" }, "where": "rank = null" } });
    for (method, request) in reads(&set, &json!({ "ms": 60_000 })) {
        on.ask(&on.own, method, request).await.unwrap();
    }
    on.clock().tick(Duration::from_millis(40));
    for (method, request) in reads(&set, &json!({ "ms": 1 })) {
        let error = on.refusal(method, request).await;
        let told = (error.kind(), error.code(), error.param("time_max_ms"));
        assert_eq!(told, (ErrorKind::Precondition, "kernel.budget.ms", Some("1")), "{method:?}");
    }
}

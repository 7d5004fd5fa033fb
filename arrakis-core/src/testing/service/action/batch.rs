//! Several calls at once.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, act, list, rank, told};
use crate::kernel::ACTION_BATCH_MAX;

fn promote(person: i64, by: i64) -> Json {
    act("promote", json!({ "person": person, "by": by }))
}

/// All of a batch is executed, each call a commit of its own.
pub async fn all_calls_are_executed(on: Deployment) {
    on.people(3).await;
    let before = on.head().await;
    let answer =
        on.answer(Method::ExecuteBatch, json!({ "acts": [promote(1, 1), promote(2, 2), promote(3, 3)] })).await;
    let seqs: Vec<_> = list(&answer["results"]).iter().map(|result| result["executed"]["seq"].clone()).collect();
    assert_eq!(seqs, [json!(before.0 + 1), json!(before.0 + 2), json!(before.0 + 3)]);
    assert_eq!([rank(&on, 1).await, rank(&on, 2).await, rank(&on, 3).await], [json!(1), json!(2), json!(3)]);
}

/// Of all or none, a refused call leaves nothing of the batch, and is named.
pub async fn a_refused_call_leaves_nothing_of_all(on: Deployment) {
    on.people(2).await;
    let before = on.head().await;
    for (bad, code, path) in [
        (promote(9, 1), "kernel.object.absent", "acts[1].parameters.person"),
        (promote(2, 500), "kernel.action.criterion", "acts[1].criteria[0]"),
        (act("hire", json!({ "id": 1, "name": "x" })), "kernel.object.exists", "acts[1].edits[0].create"),
    ] {
        let error = on.refusal(Method::ExecuteBatch, json!({ "acts": [promote(1, 1), bad] })).await;
        assert_eq!(told(&error), (code, path));
    }
    assert_eq!((on.head().await, rank(&on, 1).await), (before, Json::Null));
}

/// Of all or none, a call that reads what an earlier one changes is refused: it was decided by the state before.
pub async fn a_call_that_overlaps_is_refused(on: Deployment) {
    on.people(1).await;
    let error = on.refusal(Method::ExecuteBatch, json!({ "acts": [promote(1, 1), promote(1, 1)] })).await;
    assert_eq!(told(&error), ("kernel.action.overlap", "acts[1]"));
    assert_eq!(rank(&on, 1).await, Json::Null);
}

/// Each by itself, those refused are told and the others executed, those on the same object too.
pub async fn each_is_executed_or_refused(on: Deployment) {
    on.people(1).await;
    let acts = json!([promote(1, 1), promote(9, 1), promote(1, 2), promote(1, 500)]);
    let answer = on.answer(Method::ExecuteBatch, json!({ "acts": acts, "atomicity": "each" })).await;
    let results = list(&answer["results"]);
    assert!(results[0].get("executed").is_some() && results[2].get("executed").is_some(), "{results:?}");
    assert_eq!(results[1]["refused"]["code"], "kernel.object.absent");
    assert_eq!(results[1]["refused"]["path"], "parameters.person");
    assert_eq!(results[3]["refused"]["code"], "kernel.action.criterion");
    assert_eq!(rank(&on, 1).await, json!(3));
}

/// A batch sent again has one effect.
pub async fn a_batch_sent_again_has_one_effect(on: Deployment) {
    on.people(2).await;
    for atomicity in ["all", "each"] {
        let acts: Vec<_> = [1, 2]
            .map(|person| {
                let mut call = promote(person, 40);
                call["id"] = json!(on.test.env().commit_id());
                call
            })
            .into();
        let request = json!({ "acts": acts, "atomicity": atomicity });
        let first = on.answer(Method::ExecuteBatch, request.clone()).await;
        let again = on.answer(Method::ExecuteBatch, request).await;
        for (first, again) in list(&first["results"]).iter().zip(list(&again["results"])) {
            let [first, again] = [first, again].map(|result| &result["executed"]);
            assert_eq!((&first["seq"], &again["replayed"]), (&again["seq"], &json!(true)), "{atomicity}");
        }
    }
    assert_eq!(rank(&on, 1).await, json!(80));
}

/// A batch has its limit.
pub async fn a_batch_has_its_limit(on: Deployment) {
    let acts = vec![promote(1, 1); ACTION_BATCH_MAX + 1];
    let error = on.refusal(Method::ExecuteBatch, json!({ "acts": acts })).await;
    assert_eq!((error.code(), error.param("acts_max")), ("kernel.action.batch.too_large", Some("10000")));
}

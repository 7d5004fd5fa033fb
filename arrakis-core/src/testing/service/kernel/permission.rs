//! Who may ask, and until when.

use std::time::Duration;

use serde_json::json;

use super::{Deployment, Method, requests};
use crate::{ErrorKind, Grants, Permission};

/// Every method is refused to a context that was not granted its permission, whatever else it was granted.
pub async fn every_method_needs_its_permission(on: Deployment) {
    on.people(2).await;
    for (method, needed, request) in requests(json!(1), json!(2)) {
        let others = Permission::ALL.into_iter().filter(|permission| *permission != needed);
        let others = others.fold(Grants::NONE, Grants::with);
        for grants in [Grants::NONE, others] {
            let ctx = on.own.clone().granted(grants);
            let error = on.ask(&ctx, method, request.clone()).await.unwrap_err();
            let told = (error.kind(), error.code(), error.param("permission"));
            assert_eq!(told, (ErrorKind::Forbidden, "permission.denied", Some(needed.name())), "{method:?}");
        }
        let ctx = on.own.clone().granted(Grants::NONE.with(needed));
        on.ask(&ctx, method, request).await.unwrap_or_else(|e| panic!("{method:?}: {e:?}"));
    }
}

/// A refused context learns nothing: what is asked for may exist or not, or make no sense.
pub async fn a_refusal_tells_nothing_of_the_data(on: Deployment) {
    on.people(2).await;
    let ctx = on.own.clone().granted(Grants::NONE);
    let there = requests(json!(1), json!(2));
    let absent = requests(json!(8), json!(9));
    for ((method, _, there), (_, _, absent)) in there.into_iter().zip(absent) {
        let [there, absent] = [on.ask(&ctx, method, there).await, on.ask(&ctx, method, absent).await];
        assert_eq!(format!("{:?}", there.unwrap_err()), format!("{:?}", absent.unwrap_err()));
    }
    let error = on.ask(&ctx, Method::Query, json!({ "set": { "type": "Nothing" } })).await.unwrap_err();
    assert_eq!(error.code(), "permission.denied");
}

/// Past its deadline nothing is done.
pub async fn nothing_is_done_past_the_deadline(on: Deployment) {
    on.people(2).await;
    let head = on.head().await;
    let ctx = on.own.clone().until(on.test.env().monotonic() + Duration::from_secs(1));
    on.ask(&ctx, Method::Query, json!({ "set": { "type": "Person" } })).await.unwrap();
    on.clock().advance(Duration::from_secs(1));
    for (method, _, request) in requests(json!(1), json!(2)) {
        let error = on.ask(&ctx, method, request).await.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), ("context.deadline", true), "{method:?}");
    }
    assert_eq!(on.head().await, head);
}

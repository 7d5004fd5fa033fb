//! Waiting at the end of the log.

use std::sync::Arc;

use serde_json::json;

use super::{Deployment, ask, changes, list, outline};
use crate::kernel::{ChangesSince, ChangesStream};

/// Where there is nothing yet, a request that waits is answered when a commit is made; another tenant's does not end it.
pub async fn a_wait_ends_with_a_commit(on: Deployment) {
    let start = on.head().await;
    let on = Arc::new(on);
    let waiting = tokio::runtime::Handle::current().spawn({
        let on = Arc::clone(&on);
        async move { changes(&on, json!({ "after": start, "wait_ms": 60_000 })).await }
    });
    on.people_of(&on.neighbour, 1).await;
    on.people(1).await;
    let page = waiting.await.unwrap();
    let [commit] = list(&page["commits"]) else { panic!("{page}") };
    assert_eq!(outline(commit, "name"), [json!(["Person", 1, "created", null, "p1"])]);
}

/// A wait that nothing ends is answered with an empty page, no later than the deadline of the context.
pub async fn a_wait_ends_in_time(on: Deployment) {
    let head = on.head().await;
    let page = changes(&on, json!({ "after": head, "wait_ms": 1 })).await;
    assert_eq!(page, json!({ "commits": [], "next": head, "seq": head }));
    let ctx = on.own.clone().until(on.test.env().monotonic() + std::time::Duration::from_millis(1));
    let page = ask(&on, &ctx, json!({ "after": head, "wait_ms": 60_000 })).await.unwrap();
    assert_eq!(page, json!({ "commits": [], "next": head, "seq": head }));
}

/// A stream gives page after page, and goes on with what is committed meanwhile.
pub async fn a_stream_goes_on(on: Deployment) {
    let request = ChangesSince { limit: Some(1), ..ChangesSince::after(on.head().await) };
    on.people(2).await;
    let mut stream = ChangesStream::new(&*on.feed, &on.own, request);
    assert_eq!(stream.next().await.unwrap().commits.len(), 1);
    let mut people = Vec::new();
    for id in 3..=5 {
        on.wrote(json!({ "create": { "type": "Person", "properties": { "id": id, "name": "x" } } })).await;
        people.extend(stream.next().await.unwrap().commits);
    }
    let keys: Vec<_> = people.iter().flat_map(|commit| &commit.objects).map(|object| object.key.clone()).collect();
    assert_eq!(keys, [3.into(), 4.into(), 5.into()]);
}

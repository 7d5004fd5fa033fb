//! No tenant is told of another.

use serde_json::json;

use super::{Deployment, ask, brief, event, list, outline, seq, subscribed};

/// A tenant is told its own commits only; the log goes on past those of others.
pub async fn tenants_see_their_own_commits(on: Deployment) {
    let start = on.head().await;
    on.people_of(&on.own, 1).await;
    on.people_of(&on.neighbour, 2).await;
    on.people_of(&on.stranger, 3).await;
    let head = on.head().await;
    for (ctx, count) in [(&on.own, 1), (&on.neighbour, 2), (&on.stranger, 3)] {
        let page = ask(&on, ctx, json!({ "after": start })).await.unwrap();
        let [commit] = list(&page["commits"]) else { panic!("{page}") };
        assert_eq!(outline(commit, "name").len(), count);
        assert_eq!((seq(&page, "next"), seq(&page, "seq")), (head, head));
    }
}

/// A live set is of one tenant's objects: equal keys of another's are neither told nor missed.
pub async fn tenants_are_told_of_their_own_objects(on: Deployment) {
    on.people_of(&on.neighbour, 3).await;
    for set in [
        json!({ "type": "Person" }),
        json!({ "traverse": { "from": { "type": "Person" }, "link": "known_by", "min": 1, "max": 2 } }),
    ] {
        let mut subscription = subscribed(&on, json!({ "set": set })).await;
        let head = on.head().await;
        assert_eq!(brief(&event(&mut subscription).await), json!(["initial", head, []]), "{set}");
    }
    let mut subscription = subscribed(&on, json!({ "set": { "type": "Person" } })).await;
    event(&mut subscription).await;
    on.write(&on.neighbour, json!({ "delete": { "type": "Person", "key": 1 } })).await.unwrap();
    on.people_of(&on.stranger, 1).await;
    on.people(1).await;
    let head = on.head().await;
    assert_eq!(brief(&event(&mut subscription).await), json!(["delta", head, [1], [], []]));
}

//! Live sets that links decide.

use serde_json::{Value as Json, json};

use super::{Deployment, brief, event, subscribed};

fn known_of_one() -> Json {
    json!({ "traverse": { "from": { "ids": { "type": "Person", "keys": [1] } }, "link": "knows", "min": 1, "max": 2 } })
}

fn knows(source: i64, target: i64) -> Json {
    json!({ "link": { "type": "knows", "source": source, "target": target } })
}

/// A set reached by links, or filtered by them, is told as links come and go, and as its objects change.
pub async fn links_change_a_set(on: Deployment) {
    on.people(5).await;
    let with_boss = json!({ "filter": { "from": { "type": "Person" }, "where": { "has": { "link": "manager" } } } });
    let mut known = subscribed(&on, json!({ "set": known_of_one() })).await;
    let mut bossed = subscribed(&on, json!({ "set": with_boss })).await;
    let start = on.head().await;
    for subscription in [&mut known, &mut bossed] {
        assert_eq!(brief(&event(subscription).await), json!(["initial", start, []]));
    }
    let boss = |boss: Option<i64>| json!({ "modify": { "type": "Person", "key": 2, "properties": { "boss": boss } } });
    let first = on.wrote(json!([knows(1, 2), knows(2, 3), knows(4, 5)])).await;
    let second = on.wrote(boss(Some(5))).await;
    let third = on.wrote(json!({ "unlink": { "type": "knows", "source": 2, "target": 3 } })).await;
    let fourth = on.wrote(boss(None)).await;
    let fifth = on.wrote(json!({ "delete": { "type": "Person", "key": 2 } })).await;
    let entered = event(&mut known).await;
    let mut keys =
        super::list(&entered["delta"]["entered"]).iter().map(|object| object["key"].as_i64()).collect::<Vec<_>>();
    keys.sort_unstable();
    assert_eq!((keys, &entered["delta"]["seq"]), (vec![Some(2), Some(3)], &json!(first)));
    assert_eq!(brief(&event(&mut known).await), json!(["delta", second, [], [2], []]));
    assert_eq!(brief(&event(&mut known).await), json!(["delta", third, [], [], [3]]));
    assert_eq!(brief(&event(&mut known).await), json!(["delta", fourth, [], [2], []]));
    assert_eq!(brief(&event(&mut known).await), json!(["delta", fifth, [], [], [2]]));
    assert_eq!(brief(&event(&mut bossed).await), json!(["delta", second, [2], [], []]));
    assert_eq!(brief(&event(&mut bossed).await), json!(["delta", fourth, [], [], [2]]));
}

/// From a commit on, a set that links decide is told what each later commit did to it.
pub async fn a_set_of_links_goes_on_from_a_commit(on: Deployment) {
    on.people(3).await;
    let first = on.wrote(knows(1, 2)).await;
    let second = on.wrote(knows(2, 3)).await;
    let third = on.wrote(json!({ "unlink": { "type": "knows", "source": 1, "target": 2 } })).await;
    let mut subscription = subscribed(&on, json!({ "set": known_of_one(), "from": first })).await;
    assert_eq!(brief(&event(&mut subscription).await), json!(["delta", second, [3], [], []]));
    assert_eq!(brief(&event(&mut subscription).await), json!(["delta", third, [], [], [2, 3]]));
}

//! The feed from its beginning makes the state.

use fastrand::Rng;
use serde_json::json;

use super::{Deployment, Rows, changes, edits, list, publish, seq, type_mut};
use crate::Seq;

/// The seeds of the histories.
const SEEDS: std::ops::Range<u64> = 0..4;
/// The writes tried in each.
const WRITES: usize = 60;

/// Taking the changes in, page by page from the first commit, gives exactly the objects and links there are, after every page.
pub async fn replayed_changes_are_the_state(on: Deployment) {
    let (mut rows, mut after) = (Rows::default(), Seq(0));
    for seed in SEEDS {
        let mut rng = Rng::with_seed(seed);
        for _ in 0..WRITES {
            // Some break a rule and leave nothing.
            let _ = on.write(&on.own, edits(&mut rng)).await;
        }
        publish(&on, if seed % 2 == 0 { &on.own } else { &on.neighbour }, |definition| {
            for property in 0..=seed {
                let added = json!({ "name": format!("added{property}"), "type": "integer", "required": property % 2 == 0, "default": 7 });
                let of = ["Person", "Team"][usize::from(property % 3 == 2)];
                type_mut(definition, of)["properties"].as_array_mut().unwrap().push(added);
            }
        })
        .await;
        let _ = on.write(&on.own, edits(&mut rng)).await;
        loop {
            let page = changes(&on, json!({ "after": after, "limit": rng.u32(1..40) })).await;
            for commit in list(&page["commits"]) {
                rows.take(&on, commit).await;
            }
            after = seq(&page, "next");
            if after == seq(&page, "seq") {
                break;
            }
            if after.0 > 10 {
                assert_eq!(rows, Rows::read(&on, after).await, "seed {seed}, after {after}");
            }
        }
        assert_eq!(rows, Rows::read(&on, after).await, "seed {seed}, after {after}");
    }
    assert!(rows.objects.len() > 5 && !rows.links.is_empty(), "nothing much was compared: {rows:?}");
}

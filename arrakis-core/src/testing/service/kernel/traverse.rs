//! Walks along links: how far, which way, along which links.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, told};
use crate::kernel::TRAVERSE_HOPS_MAX;

fn ids(keys: &[i64]) -> Json {
    json!({ "ids": { "type": "Person", "keys": keys } })
}

fn walk(from: Json, link: &str, more: Json) -> Json {
    let mut walk = json!({ "from": from, "link": link });
    walk.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    json!({ "traverse": walk })
}

/// 1 → 2 → 3 → 4 → 2, and 1 → 5; 6 knows nobody. The weight of a link is the sum of its ends.
async fn graph(on: &Deployment) {
    on.people(6).await;
    on.acquaint(&[(1, 2, 3), (2, 3, 5), (3, 4, 7), (4, 2, 6), (1, 5, 6)]).await;
}

/// A walk reaches what lies between the fewest and the most links away, along any path, its start too where a path returns.
pub async fn a_walk_has_a_fewest_and_a_most(on: Deployment) {
    graph(&on).await;
    for (from, min, max, expected) in [
        (vec![1], 1, 1, json!([2, 5])),
        (vec![1], 1, 2, json!([2, 3, 5])),
        (vec![1], 2, 2, json!([3])),
        (vec![1], 3, 3, json!([4])),
        (vec![1], 2, 4, json!([2, 3, 4])),
        (vec![2], 3, 3, json!([2])),
        (vec![1], 1, 16, json!([2, 3, 4, 5])),
        (vec![2], 16, 16, json!([3])),
        (vec![6], 1, 16, json!([])),
        (vec![1, 3], 1, 1, json!([2, 4, 5])),
        (vec![], 1, 3, json!([])),
        (vec![77], 1, 3, json!([])),
    ] {
        let set = walk(ids(&from), "knows", json!({ "min": min, "max": max }));
        assert_eq!(json!(on.keys(set).await), expected, "{from:?} {min}..{max}");
    }
}

/// The name of the other side walks against the links; either walks both ways.
pub async fn a_walk_has_a_direction(on: Deployment) {
    graph(&on).await;
    for (from, link, more, expected) in [
        (vec![2], "known_by", json!({}), json!([1, 4])),
        (vec![4], "known_by", json!({ "max": 2 }), json!([2, 3])),
        (vec![2], "knows", json!({ "direction": "either" }), json!([1, 3, 4])),
        (vec![2], "known_by", json!({ "direction": "either" }), json!([1, 3, 4])),
        (vec![5], "knows", json!({ "direction": "either", "min": 2, "max": 2 }), json!([2, 5])),
        (vec![5], "knows", json!({ "direction": "either", "max": 3 }), json!([1, 2, 3, 4, 5])),
    ] {
        assert_eq!(json!(on.keys(walk(ids(&from), link, more.clone())).await), expected, "{from:?} {link} {more}");
    }
}

/// Every link of a walk satisfies the condition on links.
pub async fn a_walk_goes_along_links_that_fit(on: Deployment) {
    graph(&on).await;
    let heavy = json!({ "ge": { "property": "weight", "value": 5 } });
    for (from, max, expected) in [(vec![1], 1, json!([5])), (vec![1], 4, json!([5])), (vec![2], 4, json!([2, 3, 4]))] {
        for filter in [heavy.clone(), json!("weight >= 5")] {
            let set = walk(ids(&from), "knows", json!({ "max": max, "where": filter }));
            assert_eq!(json!(on.keys(set).await), expected, "{from:?} {max}");
        }
    }
    let set = walk(ids(&[1]), "knows", json!({ "where": { "eq": { "property": "name", "value": "x" } } }));
    let error = on.refusal(Method::Query, json!({ "set": set })).await;
    assert_eq!(told(&error), ("kernel.property.unknown", "set.traverse.where.eq.property"));
}

/// Links held in a property are walked as those in a table are, both ways and repeatedly.
pub async fn links_in_a_property_are_walked_alike(on: Deployment) {
    on.people(5).await;
    let report =
        |(id, boss): (i64, i64)| json!({ "modify": { "type": "Person", "key": id, "properties": { "boss": boss } } });
    on.wrote([(2, 1), (3, 1), (4, 3), (5, 4)].into_iter().map(report).collect()).await;
    for (from, link, more, expected) in [
        (vec![1], "staff", json!({}), json!([2, 3])),
        (vec![1], "staff", json!({ "min": 2, "max": 3 }), json!([4, 5])),
        (vec![5], "manager", json!({ "max": 3 }), json!([1, 3, 4])),
        (vec![3], "manager", json!({ "direction": "either" }), json!([1, 4])),
        (vec![2, 5], "manager", json!({}), json!([1, 4])),
    ] {
        assert_eq!(json!(on.keys(walk(ids(&from), link, more.clone())).await), expected, "{from:?} {link} {more}");
    }
}

/// A walk leads to objects of another type, and further from there.
pub async fn a_walk_leads_to_another_type(on: Deployment) {
    on.people(4).await;
    on.wrote(json!([
        { "create": { "type": "Team", "properties": { "code": "s", "title": "S" } } },
        { "create": { "type": "Team", "properties": { "code": "t", "title": "T" } } },
        { "link": { "type": "membership", "source": "s", "target": 1 } },
        { "link": { "type": "membership", "source": "s", "target": 2 } },
        { "link": { "type": "membership", "source": "t", "target": 3 } },
        { "link": { "type": "sponsors", "source": 4, "target": "t" } }
    ]))
    .await;
    let teams = |keys: &[&str]| json!({ "ids": { "type": "Team", "keys": keys } });
    assert_eq!(json!(on.keys(walk(ids(&[1, 3, 4]), "team_of", json!({}))).await), json!(["s", "t"]));
    assert_eq!(json!(on.keys(walk(teams(&["s"]), "members", json!({}))).await), json!([1, 2]));
    let colleagues = walk(walk(ids(&[1]), "team_of", json!({})), "members", json!({}));
    assert_eq!(json!(on.keys(colleagues).await), json!([1, 2]));
    let sponsored = walk(walk(ids(&[4]), "sponsored", json!({})), "members", json!({}));
    assert_eq!(json!(on.keys(sponsored).await), json!([3]));
    let filtered = json!({ "filter": { "from": walk(teams(&["s", "t"]), "members", json!({})), "where": "id > 1" } });
    assert_eq!(json!(on.keys(filtered).await), json!([2, 3]));
}

/// A walk has 1 to 16 links, more than one or either way only where links join objects of one type.
pub async fn a_walk_has_its_rules(on: Deployment) {
    graph(&on).await;
    for (link, more, code, path) in [
        ("knows", json!({ "min": 0 }), "kernel.traverse.hops", "set.traverse.min"),
        ("knows", json!({ "min": 3, "max": 2 }), "kernel.traverse.hops", "set.traverse.max"),
        ("knows", json!({ "max": TRAVERSE_HOPS_MAX + 1 }), "kernel.traverse.hops", "set.traverse.max"),
        ("team_of", json!({ "max": 2 }), "kernel.traverse.heterogeneous", "set.traverse.max"),
        ("team_of", json!({ "direction": "either" }), "kernel.traverse.heterogeneous", "set.traverse.direction"),
        ("likes", json!({}), "kernel.link.unknown", "set.traverse.link"),
        // A link type's own name is not what its objects call it.
        ("reports", json!({}), "kernel.link.unknown", "set.traverse.link"),
    ] {
        let error = on.refusal(Method::Query, json!({ "set": walk(ids(&[1]), link, more) })).await;
        assert_eq!(told(&error), (code, path));
        if code == "kernel.traverse.hops" {
            assert_eq!(error.param("hops_max"), Some("16"));
        }
    }
}

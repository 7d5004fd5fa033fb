//! The order of a set: several terms, absent values lowest, ties by key, texts by byte.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, keys_of, member, told};
use crate::kernel::ORDER_TERMS_MAX;

async fn ordered(on: &Deployment, set: Json, order_by: &[(&str, &str)]) -> Vec<Json> {
    let order_by: Vec<_> =
        order_by.iter().map(|(name, direction)| json!({ "property": name, "direction": direction })).collect();
    let page = on.answer(Method::Query, json!({ "set": set, "order_by": order_by, "page": { "size": 10_000 } })).await;
    keys_of(&member(&page, "objects"))
}

/// Without an order objects come by key: integers by size, texts by byte.
pub async fn objects_come_by_key(on: Deployment) {
    let person = |id: i64| json!({ "create": { "type": "Person", "properties": { "id": id, "name": "x" } } });
    on.wrote([10, 9, -1, 100].into_iter().map(person).collect()).await;
    assert_eq!(json!(ordered(&on, json!({ "type": "Person" }), &[]).await), json!([-1, 9, 10, 100]));
    let team = |code: &str| json!({ "create": { "type": "Team", "properties": { "code": code, "title": "x" } } });
    on.wrote(["b", "B", "é", "z", "10", "9", "\u{1F600}", "\u{FFFD}"].into_iter().map(team).collect()).await;
    let expected = json!(["10", "9", "B", "b", "z", "é", "\u{FFFD}", "\u{1F600}"]);
    assert_eq!(json!(ordered(&on, json!({ "type": "Team" }), &[]).await), expected);
}

/// Values of every ordered type run from the smallest up, or from the largest down; absent values are the lowest.
pub async fn every_ordered_type_has_its_order(on: Deployment) {
    for (property, values) in [
        ("flag", [json!(false), json!(true), Json::Null]),
        ("count", [json!(-10), json!(9), json!(i64::MAX.to_string())]),
        ("ratio", [json!(-1e300), json!(-0.5), json!(2)]),
        ("price", [json!("-2"), json!("-1.5"), json!("10")]),
        ("text", [json!("Z"), json!("a"), json!("é")]),
        ("day", [json!("0001-01-01"), json!("1969-12-31"), json!("9999-12-31")]),
        ("at", [json!("1969-12-31T23:59:59.999999Z"), json!("1970-01-01T00:00:00Z"), json!("2026-01-01T00:00:00Z")]),
        ("length", [json!("-PT1H"), json!("PT59S"), json!("PT1M")]),
    ] {
        // Keys in another order than the values.
        let ids = ["x", "w", "v"];
        let sample = |(id, value): (&str, &Json)| json!({ "upsert": { "type": "Sample", "properties": { "id": id, property: value } } });
        on.wrote(ids.into_iter().zip(&values).map(sample).collect()).await;
        on.wrote(json!({ "upsert": { "type": "Sample", "properties": { "id": "y" } } })).await;
        let expected = if values[2].is_null() { ["v", "y", "x", "w"] } else { ["y", "x", "w", "v"] };
        let up = ordered(&on, json!({ "type": "Sample" }), &[(property, "asc")]).await;
        assert_eq!(up, expected, "{property}");
        let down = ordered(&on, json!({ "type": "Sample" }), &[(property, "desc")]).await;
        assert_eq!(down, expected.into_iter().rev().collect::<Vec<_>>(), "{property}");
        on.wrote(ids.map(|id| json!({ "delete": { "type": "Sample", "key": id } })).into_iter().collect()).await;
    }
}

/// Later terms order what is equal in those before; ties go by key, in the direction of the last term.
pub async fn later_terms_break_ties(on: Deployment) {
    let person = |(id, rank, boss): (i64, Json, Json)| json!({ "create": { "type": "Person", "properties": { "id": id, "name": "x", "rank": rank, "boss": boss } } });
    let people = [
        (1, json!(2), json!(1)),
        (2, json!(1), Json::Null),
        (3, json!(2), Json::Null),
        (4, json!(1), json!(1)),
        (5, Json::Null, json!(1)),
        (6, json!(2), json!(1)),
    ];
    on.wrote(people.into_iter().map(person).collect()).await;
    let set = || json!({ "type": "Person" });
    for (terms, expected) in [
        (vec![("rank", "asc")], json!([5, 2, 4, 1, 3, 6])),
        (vec![("rank", "desc")], json!([6, 3, 1, 4, 2, 5])),
        (vec![("rank", "asc"), ("boss", "desc")], json!([5, 4, 2, 6, 1, 3])),
        (vec![("rank", "desc"), ("boss", "asc")], json!([3, 1, 6, 2, 4, 5])),
        (vec![("boss", "desc"), ("rank", "asc"), ("id", "desc")], json!([5, 4, 6, 1, 2, 3])),
        (vec![("name", "asc"), ("id", "desc")], json!([6, 5, 4, 3, 2, 1])),
    ] {
        assert_eq!(json!(ordered(&on, set(), &terms).await), expected, "{terms:?}");
    }
}

/// An order is by properties that have one, each named once, up to eight.
pub async fn an_order_has_its_rules(on: Deployment) {
    let by = |names: &[&str]| -> Json { names.iter().map(|name| json!({ "property": name })).collect() };
    for (order_by, code, path) in [
        (by(&["text", "txet"]), "kernel.property.unknown", "order_by[1].property"),
        (by(&["place"]), "kernel.order.unsuitable", "order_by[0].property"),
        (by(&["text", "doc"]), "kernel.order.unsuitable", "order_by[1].property"),
        (by(&["text", "count", "text"]), "kernel.order.duplicate", "order_by[2].property"),
        (by(&["id"; ORDER_TERMS_MAX + 1]), "kernel.order.too_many_terms", "order_by"),
    ] {
        let error = on.refusal(Method::Query, json!({ "set": { "type": "Sample" }, "order_by": order_by })).await;
        assert_eq!(told(&error), (code, path));
    }
}

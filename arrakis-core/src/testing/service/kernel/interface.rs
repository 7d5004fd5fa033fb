//! Sets of an interface: objects of every type that implements it, under the interface's names.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, keys_of, told};

async fn fill(on: &Deployment) {
    on.people(2).await;
    on.wrote(json!([
        { "modify": { "type": "Person", "key": 1, "properties": { "rank": 5 } } },
        { "create": { "type": "Team", "properties": { "code": "s", "title": "p1", "score": 3 } } },
        { "create": { "type": "Team", "properties": { "code": "t", "title": "t", "score": 9 } } },
        { "create": { "type": "Account", "properties": { "id": "a", "owner": "Ann", "client": 1, "note": "x" } } },
        { "create": { "type": "Account", "properties": { "id": "b", "owner": "Bob" } } },
        { "create": { "type": "Locker", "properties": { "id": 1, "person": 1 } } },
        { "create": { "type": "Locker", "properties": { "id": 2, "person": 2, "note": "x" } } }
    ]))
    .await;
}

fn named() -> Json {
    json!({ "interface": "Named" })
}

fn held() -> Json {
    json!({ "interface": "Held" })
}

/// Objects of every implementing type come together, by type and key, with the interface's properties alone.
pub async fn objects_of_every_implementer_come_together(on: Deployment) {
    fill(&on).await;
    let page = on.answer(Method::Query, json!({ "set": named() })).await;
    let found: Vec<_> = page["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| json!([object["type"], object["properties"]]))
        .collect();
    let expected = json!([
        ["Person", { "name": "p1", "rank": 5 }],
        ["Person", { "name": "p2" }],
        ["Team", { "name": "p1", "rank": 3 }],
        ["Team", { "name": "t", "rank": 9 }]
    ]);
    assert_eq!(json!(found), expected);
}

/// Filters, selections and orders name the interface's properties; those of one type are unknown.
pub async fn an_interface_has_its_own_names(on: Deployment) {
    fill(&on).await;
    let request = |filter: Json, order_by: &str| json!({ "set": { "filter": { "from": named(), "where": filter } }, "select": ["rank"], "order_by": [{ "property": order_by, "direction": "desc" }] });
    let page = on.answer(Method::Query, request(json!("rank > 1"), "rank")).await;
    assert_eq!(keys_of(&page["objects"]), [json!("t"), json!(1), json!("s")]);
    assert_eq!(page["objects"][0]["properties"], json!({ "rank": 9 }));
    for (request, path) in [
        (request(json!({ "eq": { "property": "title", "value": "x" } }), "rank"), "set.filter.where.eq.property"),
        (request(json!({ "and": [] }), "score"), "order_by[0].property"),
        (json!({ "set": named(), "select": ["id"] }), "select[0]"),
    ] {
        assert_eq!(told(&on.refusal(Method::Query, request).await), ("kernel.property.unknown", path));
    }
}

/// Pages run through the types, ties broken by type and key.
pub async fn pages_run_through_the_types(on: Deployment) {
    fill(&on).await;
    for order_by in [json!([]), json!([{ "property": "name" }]), json!([{ "property": "name", "direction": "desc" }])] {
        let request = |size: u32, cursor: Json| json!({ "set": named(), "order_by": order_by, "page": { "size": size, "cursor": cursor } });
        let whole = keys_of(&on.answer(Method::Query, request(100, Json::Null)).await["objects"]);
        let (mut walked, mut cursor) = (Vec::new(), Json::Null);
        loop {
            let page = on.answer(Method::Query, request(1, cursor)).await;
            walked.extend(keys_of(&page["objects"]));
            match page.get("next") {
                Some(next) => cursor = next.clone(),
                None => break,
            }
        }
        assert_eq!((walked.len(), &walked), (4, &whole), "{order_by}");
    }
}

/// Interface sets have the algebra of sets.
pub async fn interface_sets_are_combined(on: Deployment) {
    fill(&on).await;
    let filtered = |text: &str| json!({ "filter": { "from": named(), "where": text } });
    assert_eq!(json!(on.keys(json!({ "subtract": [named(), filtered("rank > 4")] })).await), json!([2, "s"]));
    assert_eq!(json!(on.keys(json!({ "intersect": [filtered("name = p1"), filtered("rank > 4")] })).await), json!([1]));
    assert_eq!(json!(on.keys(json!({ "union": [filtered("name = t"), filtered("rank > 4")] })).await), json!([1, "t"]));
}

/// A link the interface asks for is each type's own link: a condition, and a way to go.
pub async fn links_of_an_interface_are_each_types_own(on: Deployment) {
    fill(&on).await;
    let having = |filter: Json| json!({ "filter": { "from": held(), "where": filter } });
    let to_one = having(json!({ "has": { "link": "holder", "to": { "eq": { "property": "id", "value": 1 } } } }));
    assert_eq!(json!(on.keys(to_one).await), json!(["a", 1]));
    assert_eq!(json!(on.keys(having(json!({ "not": { "has": { "link": "holder" } } }))).await), json!(["b"]));
    let holders = |from: Json| json!({ "traverse": { "from": from, "link": "holder" } });
    assert_eq!(json!(on.keys(holders(held())).await), json!([1, 2]));
    assert_eq!(json!(on.keys(holders(having(json!("note = null")))).await), json!([1]));
    let error = on.refusal(Method::Query, json!({ "set": holders(named()) })).await;
    assert_eq!(told(&error), ("kernel.link.unknown", "set.traverse.link"));
}

/// Objects of all types are counted and grouped together.
pub async fn an_interface_is_aggregated_over_its_types(on: Deployment) {
    fill(&on).await;
    let request = json!({
        "set": named(), "group_by": [{ "property": "name" }],
        "metrics": [{ "name": "n", "function": "count" }, { "name": "rank", "function": "sum", "of": "rank" }]
    });
    let groups = on.answer(Method::Aggregate, request).await;
    let expected = json!([
        { "keys": { "name": "p1" }, "metrics": { "n": 2, "rank": 8 } },
        { "keys": { "name": "p2" }, "metrics": { "n": 1, "rank": null } },
        { "keys": { "name": "t" }, "metrics": { "n": 1, "rank": 9 } }
    ]);
    assert_eq!(groups["groups"], expected);
    let over = json!({ "set": held(), "group_by": [{ "property": "holder.key" }], "metrics": [{ "name": "n", "function": "count" }] });
    let groups = on.answer(Method::Aggregate, over).await;
    let expected = json!([
        { "keys": { "holder_key": 1 }, "metrics": { "n": 2 } },
        { "keys": { "holder_key": 2 }, "metrics": { "n": 1 } }
    ]);
    assert_eq!(groups["groups"], expected);
}

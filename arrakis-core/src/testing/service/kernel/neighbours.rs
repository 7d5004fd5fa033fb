//! The links at an object and the objects at their far ends, and links by their ends.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, list, member, told};
use crate::kernel::LINK_ENDS_MAX;

fn far(page: &Json) -> Vec<Json> {
    list(&page["neighbours"]).iter().map(|neighbour| neighbour["object"]["key"].clone()).collect()
}

fn at(key: i64, link: &str, more: Json) -> Json {
    let mut request = json!({ "type": "Person", "key": key, "link": link });
    request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    request
}

/// Each neighbour is a link and the whole object at its far end, by far key.
pub async fn neighbours_are_links_and_objects(on: Deployment) {
    on.people(3).await;
    let seq = {
        on.acquaint(&[(1, 3, 5), (1, 2, 6)]).await;
        on.head().await
    };
    let page = on.answer(Method::Neighbours, at(1, "knows", json!({}))).await;
    let link = |target: i64, weight: i64| json!({ "type": "knows", "source": 1, "target": target, "revision": seq, "properties": { "weight": weight } });
    let expected = json!([
        { "link": link(2, 6), "object": on.object("Person", 2).await },
        { "link": link(3, 5), "object": on.object("Person", 3).await }
    ]);
    assert_eq!((&page["neighbours"], &page["seq"], page.get("next")), (&expected, &json!(seq), None));
    assert_eq!(far(&on.answer(Method::Neighbours, at(3, "known_by", json!({}))).await), [json!(1)]);
    assert!(far(&on.answer(Method::Neighbours, at(2, "knows", json!({}))).await).is_empty());
    assert!(far(&on.answer(Method::Neighbours, at(77, "knows", json!({}))).await).is_empty());
}

/// Links held in a property are neighbours alike, with the revision of what holds them.
pub async fn neighbours_by_a_property_are_alike(on: Deployment) {
    on.people(3).await;
    let seq = on.wrote(json!([
        { "modify": { "type": "Person", "key": 3, "properties": { "boss": 1 } } },
        { "modify": { "type": "Person", "key": 2, "properties": { "boss": 1 } } }
    ]));
    let seq = seq.await;
    let staff = on.answer(Method::Neighbours, at(1, "staff", json!({}))).await;
    assert_eq!(far(&staff), [json!(2), json!(3)]);
    let link = json!({ "type": "reports", "source": 2, "target": 1, "revision": seq, "properties": {} });
    assert_eq!(staff["neighbours"][0]["link"], link);
    let manager = on.answer(Method::Neighbours, at(2, "manager", json!({}))).await;
    assert_eq!((far(&manager), &manager["neighbours"][0]["link"]), (vec![json!(1)], &link));
}

/// Pages of any size make the whole, of the state of the first, whatever is written meanwhile.
pub async fn neighbours_come_in_pages(on: Deployment) {
    on.people(8).await;
    on.acquaint(&[(1, 2, 1), (1, 3, 1), (1, 4, 9), (1, 5, 1), (1, 7, 1)]).await;
    for size in [1, 2, 5] {
        let more = |cursor: Json| json!({ "page": { "size": size, "cursor": cursor }, "where": "weight < 5" });
        let (mut keys, mut cursor, mut seqs) = (Vec::new(), Json::Null, Vec::new());
        loop {
            let page = on.answer(Method::Neighbours, at(1, "knows", more(cursor))).await;
            keys.extend(far(&page));
            seqs.push(member(&page, "seq"));
            match page.get("next") {
                Some(next) => cursor = next.clone(),
                None => break,
            }
            on.wrote(json!([
                { "unlink": { "type": "knows", "source": 1, "target": 7 } },
                { "link": { "type": "knows", "source": 1, "target": 8, "properties": { "weight": 1 } } },
                { "modify": { "type": "Person", "key": 5, "properties": { "rank": size } } }
            ]))
            .await;
            on.wrote(json!([
                { "unlink": { "type": "knows", "source": 1, "target": 8 } },
                { "link": { "type": "knows", "source": 1, "target": 7, "properties": { "weight": 1 } } }
            ]))
            .await;
        }
        assert_eq!(json!(keys), json!([2, 3, 5, 7]), "pages of {size}");
        assert!(seqs.windows(2).all(|pair| pair[0] == pair[1]), "{seqs:?}");
    }
}

/// What is unknown or of another type is refused with its place.
pub async fn neighbours_have_their_rules(on: Deployment) {
    on.people(1).await;
    for (request, code, path) in [
        (json!({ "type": "Persons", "key": 1, "link": "knows" }), "kernel.object_type.unknown", "type"),
        (json!({ "type": "Person", "key": "x", "link": "knows" }), "value.type_mismatch", "key"),
        (at(1, "likes", json!({})), "kernel.link.unknown", "link"),
        (
            at(1, "knows", json!({ "where": { "gt": { "property": "rank", "value": 1 } } })),
            "kernel.property.unknown",
            "where.gt.property",
        ),
        (
            at(1, "knows", json!({ "where": { "has": { "link": "knows" } } })),
            "kernel.filter.no_links",
            "where.has.link",
        ),
        (at(1, "knows", json!({ "page": { "size": 0 } })), "kernel.page.size", "page.size"),
        (at(1, "knows", json!({ "page": { "cursor": "x" } })), "cursor.invalid", "page.cursor"),
    ] {
        assert_eq!(told(&on.refusal(Method::Neighbours, request).await), (code, path));
    }
}

/// Links by their ends come in the order asked: absent ones in their place, the same as often as asked.
pub async fn links_come_in_the_order_asked(on: Deployment) {
    on.people(3).await;
    on.acquaint(&[(1, 2, 12), (3, 1, 31), (1, 3, 13)]).await;
    on.wrote(json!({ "modify": { "type": "Person", "key": 3, "properties": { "boss": 1 } } })).await;
    let ends: Vec<_> = [(3, 1), (2, 1), (1, 3), (1, 2), (3, 1), (9, 9)]
        .map(|(source, target)| json!({ "source": source, "target": target }))
        .into();
    let answer = on.answer(Method::Links, json!({ "type": "knows", "ends": ends })).await;
    let weights: Vec<_> = list(&answer["links"]).iter().map(|link| link["properties"]["weight"].clone()).collect();
    assert_eq!(json!(weights), json!([31, null, 13, 12, 31, null]));
    let answer = on.answer(Method::Links, json!({ "type": "reports", "ends": ends })).await;
    let found: Vec<_> = list(&answer["links"]).iter().map(|link| !link.is_null()).collect();
    assert_eq!(found, [true, false, false, false, true, false]);
    let nothing = on.answer(Method::Links, json!({ "type": "knows", "ends": [] })).await;
    assert_eq!((&nothing["links"], &nothing["seq"]), (&json!([]), &json!(on.head().await)));
}

/// Up to 1,000 links are asked for at once, of a known type, by keys of the types they join.
pub async fn links_asked_for_have_their_limits(on: Deployment) {
    let end = json!({ "source": 1, "target": 2 });
    let request = |count: usize| json!({ "type": "knows", "ends": vec![end.clone(); count] });
    assert_eq!(list(&on.answer(Method::Links, request(LINK_ENDS_MAX)).await["links"]).len(), LINK_ENDS_MAX);
    let error = on.refusal(Method::Links, request(LINK_ENDS_MAX + 1)).await;
    assert_eq!((told(&error), error.param("links_max")), (("kernel.links.too_many", "ends"), Some("1000")));
    let error = on.refusal(Method::Links, json!({ "type": "likes", "ends": [end] })).await;
    assert_eq!(told(&error), ("kernel.link_type.unknown", "type"));
    let error =
        on.refusal(Method::Links, json!({ "type": "membership", "ends": [{ "source": "t", "target": "x" }] })).await;
    assert_eq!(told(&error), ("value.type_mismatch", "ends[0].target"));
}

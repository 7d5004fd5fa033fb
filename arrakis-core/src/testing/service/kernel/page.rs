//! Pages: every object exactly once whatever is written meanwhile, by cursors no one else can use or change.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use super::{Deployment, Method, keys_of, list, member, told};
use crate::ErrorKind;
use crate::kernel::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};

/// The request for the page after one.
fn after(request: &Json, page: &Json) -> Option<Json> {
    let mut request = request.clone();
    request["page"]["cursor"] = page.get("next")?.clone();
    Some(request)
}

/// Walks through all pages, with something done between any two.
async fn walk(on: &Deployment, first: &Json, mut between: impl AsyncFnMut()) -> Vec<Json> {
    let mut keys = Vec::new();
    let mut request = first.clone();
    loop {
        let page = on.answer(Method::Query, request).await;
        let found = keys_of(&member(&page, "objects"));
        assert!(found.len() as u64 <= first["page"]["size"].as_u64().unwrap(), "{page}");
        keys.extend(found);
        let Some(next) = after(first, &page) else { return keys };
        request = next;
        between().await;
    }
}

async fn people(on: &Deployment, count: i64) {
    let person = |id: i64| {
        let rank = if id % 4 == 0 { Json::Null } else { json!(id % 3) };
        json!({ "create": { "type": "Person", "properties": { "id": id, "name": format!("p{}", id % 5), "rank": rank } } })
    };
    on.wrote((1..=count).map(person).collect()).await;
}

fn orders() -> [Json; 5] {
    [
        json!([]),
        json!([{ "property": "rank" }]),
        json!([{ "property": "rank", "direction": "desc" }]),
        json!([{ "property": "name", "direction": "desc" }, { "property": "rank" }]),
        json!([{ "property": "rank" }, { "property": "name" }, { "property": "id", "direction": "desc" }]),
    ]
}

/// Pages of any size, put together, are the whole, in any order.
pub async fn pages_of_any_size_make_the_whole(on: Deployment) {
    people(&on, 23).await;
    for order_by in orders() {
        let request =
            |size: u64| json!({ "set": { "type": "Person" }, "order_by": order_by, "page": { "size": size } });
        let whole = walk(&on, &request(100), async || ()).await;
        assert_eq!(whole.len(), 23);
        for size in [1, 2, 7, 22, 23] {
            assert_eq!(walk(&on, &request(size), async || ()).await, whole, "{order_by} by {size}");
        }
    }
}

/// A walk shows the state its first page showed: each object once, though others come, change and go between its pages.
pub async fn a_walk_is_of_one_state(on: Deployment) {
    people(&on, 20).await;
    for order_by in orders() {
        let request =
            |size: u64| json!({ "set": { "type": "Person" }, "order_by": order_by, "page": { "size": size } });
        let whole = walk(&on, &request(100), async || ()).await;
        let mut round = 0_i64;
        let first = request(3);
        let walked = walk(&on, &first, async || {
            round += 1;
            let gone = whole[usize::try_from(round * 5).unwrap() % whole.len()].clone();
            let moved = whole[usize::try_from(round * 3).unwrap() % whole.len()].clone();
            let _ = on.write(&on.own, json!({ "delete": { "type": "Person", "key": gone } })).await;
            let _ = on.write(&on.own, json!({ "modify": { "type": "Person", "key": moved, "properties": { "rank": 9 - round, "name": "a" } } })).await;
            on.wrote(json!([
                { "upsert": { "type": "Person", "properties": { "id": -round, "name": "zz", "rank": 1 } } },
                { "upsert": { "type": "Person", "properties": { "id": 100 + round, "name": "a" } } }
            ]))
            .await;
        });
        assert_eq!(walked.await, whole, "{order_by}");
    }
}

/// Every page of a walk says which state it shows, and shows objects as they were in it.
pub async fn a_walk_shows_objects_as_they_were(on: Deployment) {
    people(&on, 6).await;
    let request = json!({ "set": { "type": "Person" }, "page": { "size": 2 } });
    let first = on.answer(Method::Query, request.clone()).await;
    on.wrote(json!([
        { "modify": { "type": "Person", "key": 3, "properties": { "name": "new" } } },
        { "delete": { "type": "Person", "key": 4 } }
    ]))
    .await;
    let second = on.answer(Method::Query, after(&request, &first).unwrap()).await;
    assert_eq!(second["seq"], first["seq"]);
    assert_eq!(keys_of(&second["objects"]), [json!(3), json!(4)]);
    assert_eq!(second["objects"][0]["properties"]["name"], json!("p3"));
}

/// The last page has no cursor, be it full or not; nor has a page of nothing.
pub async fn the_last_page_has_no_cursor(on: Deployment) {
    people(&on, 4).await;
    for (size, pages) in [(4, 1), (2, 2), (3, 2), (1, 4)] {
        let request = json!({ "set": { "type": "Person" }, "page": { "size": size } });
        let (mut page, mut count) = (on.answer(Method::Query, request.clone()).await, 1);
        while let Some(next) = after(&request, &page) {
            page = on.answer(Method::Query, next).await;
            count += 1;
        }
        assert_eq!(count, pages, "pages of {size}");
    }
    let nothing = on.answer(Method::Query, json!({ "set": { "type": "Team" } })).await;
    assert_eq!((&nothing["objects"], nothing.get("next")), (&json!([]), None));
}

/// A page has 1 to 10,000 objects, 100 unless another number is asked for; its size may change during a walk.
pub async fn a_page_has_its_size(on: Deployment) {
    let default = i64::from(PAGE_SIZE_DEFAULT);
    people(&on, default + 1).await;
    let request = json!({ "set": { "type": "Person" } });
    let page = on.answer(Method::Query, request.clone()).await;
    assert_eq!(list(&page["objects"]).len(), PAGE_SIZE_DEFAULT as usize);
    let mut rest = after(&request, &page).unwrap();
    rest["page"]["size"] = json!(7);
    assert_eq!(keys_of(&on.answer(Method::Query, rest).await["objects"]), [json!(default + 1)]);
    for size in [0, PAGE_SIZE_MAX + 1] {
        let error = on.refusal(Method::Query, json!({ "set": { "type": "Person" }, "page": { "size": size } })).await;
        assert_eq!((told(&error), error.param("size_max")), (("kernel.page.size", "page.size"), Some("10000")));
    }
}

/// A cursor changed in any bit, cut short or made longer opens nothing.
pub async fn a_changed_cursor_opens_nothing(on: Deployment) {
    people(&on, 5).await;
    let request = json!({ "set": { "type": "Person" }, "order_by": [{ "property": "name" }], "page": { "size": 2 } });
    let page = on.answer(Method::Query, request.clone()).await;
    let cursor = page["next"].as_str().unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
    let mut changed: Vec<String> = Vec::new();
    for index in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut bytes = bytes.clone();
            bytes[index] ^= bit;
            changed.push(URL_SAFE_NO_PAD.encode(bytes));
        }
        changed.push(URL_SAFE_NO_PAD.encode(&bytes[..index]));
    }
    changed.push(URL_SAFE_NO_PAD.encode([&bytes[..], &[0]].concat()));
    changed.extend([
        format!("{cursor}="),
        format!(" {cursor}"),
        format!("{cursor}{cursor}"),
        "next".to_owned(),
        "*".to_owned(),
    ]);
    for text in changed {
        let mut request = request.clone();
        request["page"]["cursor"] = json!(text);
        let error = on.refusal(Method::Query, request).await;
        assert_eq!(
            (error.kind(), told(&error)),
            (ErrorKind::Invalid, ("cursor.invalid", "page.cursor")),
            "{text:.200}"
        );
    }
    let mut long = request.clone();
    long["page"]["cursor"] = json!("A".repeat(crate::CURSOR_LEN_MAX + 1));
    let error = on.refusal(Method::Query, long).await;
    assert_eq!((told(&error), error.param("length_max")), (("cursor.too_long", "page.cursor"), Some("16777216")));
    let next = on.answer(Method::Query, after(&request, &page).unwrap()).await;
    assert_eq!(list(&next["objects"]).len(), 2);
}

/// A cursor is good for the tenant it was given to.
pub async fn a_cursor_of_another_tenant_opens_nothing(on: Deployment) {
    people(&on, 5).await;
    on.people_of(&on.neighbour, 5).await;
    on.people_of(&on.stranger, 5).await;
    let request = json!({ "set": { "type": "Person" }, "page": { "size": 2 } });
    let page = on.answer(Method::Query, request.clone()).await;
    let next = after(&request, &page).unwrap();
    for ctx in [&on.neighbour, &on.stranger] {
        let error = on.ask(ctx, Method::Query, next.clone()).await.unwrap_err();
        assert_eq!(told(&error), ("cursor.invalid", "page.cursor"));
    }
}

/// A cursor is good for the request it came from, page size aside.
pub async fn a_cursor_of_another_request_is_refused(on: Deployment) {
    people(&on, 5).await;
    on.acquaint(&[(1, 2, 1), (1, 3, 1)]).await;
    let request = json!({ "set": { "type": "Person" }, "order_by": [{ "property": "name" }], "page": { "size": 2 } });
    let page = on.answer(Method::Query, request.clone()).await;
    let next = after(&request, &page).unwrap();
    let changed = |name: &str, value: Json| {
        let mut request = next.clone();
        request[name] = value;
        request
    };
    for request in [
        changed("set", json!({ "interface": "Named" })),
        changed("set", json!({ "filter": { "from": { "type": "Person" }, "where": { "and": [] } } })),
        changed("order_by", json!([])),
        changed("order_by", json!([{ "property": "name", "direction": "desc" }])),
        changed("select", json!(["name"])),
        changed("as_of", page["seq"].clone()),
    ] {
        assert_eq!(told(&on.refusal(Method::Query, request).await), ("cursor.other_query", "page.cursor"));
    }
    let neighbours = |key: i64| json!({ "type": "Person", "key": key, "link": "knows", "page": { "size": 1 } });
    let mut other = neighbours(1);
    other["page"]["cursor"] = page["next"].clone();
    assert_eq!(told(&on.refusal(Method::Neighbours, other).await), ("cursor.other_query", "page.cursor"));
    let links = on.answer(Method::Neighbours, neighbours(1)).await;
    let mut other = neighbours(2);
    other["page"]["cursor"] = links["next"].clone();
    assert_eq!(told(&on.refusal(Method::Neighbours, other).await), ("cursor.other_query", "page.cursor"));
}

//! Bad input that is too large, too long, too deep, too many or no number: answered up to the limit, refused by code, path and limit
//! beyond it, with the log as it was.

use serde_json::{Value as Json, json};

use super::bad_input::{all_refused, assert_short, create, limited, matching, people, row, sample};
use super::{Deployment, Method, told};
use crate::kernel::plan::Area;
use crate::kernel::{
    FILTER_TERMS_MAX, FILTER_TEXT_LEN_MAX, Filter, IN_VALUES_MAX, KEYS_MAX, ObjectSet, PageRequest, Query,
};
use crate::{ARRAY_LEN_MAX, ERROR_TEXT_LEN_MAX, Geopoint, JSON_DEPTH_MAX, JSON_LEN_MAX, Result, STRING_LEN_MAX};

/// What a 64-bit integer is one short of.
const TOO_LARGE: u64 = 9_223_372_036_854_775_808;

async fn query(on: &Deployment, query: Query) -> Result<()> {
    on.kernel.query(&on.own, query).await.map(drop)
}

/// Integers have 64 bits, decimals the digits of their type; beyond, nothing is rounded or wraps.
pub async fn numbers_have_their_edges(on: Deployment) {
    let (mismatch, range) = ("value.type_mismatch", "value.decimal.out_of_range");
    let (count, price) = ("edits[0].create.properties.count", "edits[0].create.properties.price");
    let among = |value: Json| matching(json!({ "in": { "property": "count", "values": [1, value] } }));
    let mut rows = Vec::new();
    for beyond in [
        json!(TOO_LARGE),
        json!(u64::MAX),
        json!("9223372036854775808"),
        json!("-9223372036854775809"),
        json!(1e19),
        json!(1.0),
        json!("1.0"),
        json!("1e3"),
        json!("+1"),
        json!(""),
        json!("0x1"),
        json!("١"),
    ] {
        rows.push(row(sample("count", beyond.clone()), mismatch, count));
        rows.push(row(among(beyond), mismatch, "set.filter.where.in.values[1]"));
    }
    for text in
        ["count = 9223372036854775808", "count > -9223372036854775809", "count = 1.5", "count = 1e3", "count = NaN"]
    {
        rows.push(row(matching(json!(text)), mismatch, "set.filter.where"));
    }
    for (beyond, code) in [
        ("100000000000000", range),
        ("0.00001", range),
        ("-99999999999999.99999", range),
        ("9".repeat(1_000_000).as_str(), range),
        ("1e2", "value.decimal.malformed"),
        ("NaN", "value.decimal.malformed"),
        (" 1", "value.decimal.malformed"),
    ] {
        let limit = if code == range { Some(("precision_max", "18")) } else { None };
        let (method, request) = sample("price", json!(beyond));
        rows.push((method, request, code, price, limit));
    }
    rows.push(row(sample("price", json!(TOO_LARGE)), range, price));
    rows.push(row(sample("price", json!(0.5)), mismatch, price));
    let key = |key: Json| (Method::Get, json!({ "type": "Person", "keys": [key] }));
    rows.push(row(key(json!("9223372036854775808")), mismatch, "keys[0]"));
    rows.push(row(key(json!("1.5")), mismatch, "keys[0]"));
    all_refused(&on, rows).await;
    for (number, given, read) in [
        ("a", json!(i64::MAX), json!("9223372036854775807")),
        ("b", json!(i64::MIN), json!("-9223372036854775808")),
        ("c", json!(9_007_199_254_740_993_i64), json!("9007199254740993")),
        ("d", json!("-9007199254740993"), json!("-9007199254740993")),
    ] {
        on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": number, "count": given } } })).await;
        assert_eq!(on.properties("Sample", number).await["count"], read);
        assert_eq!(
            on.matching("Sample", json!({ "eq": { "property": "count", "value": given } })).await,
            [json!(number)]
        );
    }
    for (id, price) in [("e", "99999999999999.9999"), ("f", "-99999999999999.9999")] {
        on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": id, "price": price } } })).await;
        assert_eq!(on.matching("Sample", json!({ "eq": { "property": "price", "value": price } })).await, [json!(id)]);
    }
}

/// Texts of a megabyte are kept where a value may be as long, and refused with the limit everywhere else; no refusal repeats them.
pub async fn texts_have_their_lengths(on: Deployment) {
    let long = "x".repeat(STRING_LEN_MAX + 1);
    let write = |name: &str, text: &str| {
        let mut request = create("Person", json!({ "id": 1, "name": "p" })).1;
        request[name] = json!(text);
        (Method::Write, request)
    };
    let length = ("length_max", "1048576");
    let named = |name: &str| format!("edits[0].create.properties.{name}");
    let unknown = format!(
        "edits[0].create.properties.{}…",
        "x".repeat(ERROR_TEXT_LEN_MAX - "edits[0].create.properties.…".len())
    );
    all_refused(
        &on,
        vec![
            limited(sample("text", json!(long)), "value.string.too_long", &named("text"), length),
            limited(sample("file", json!(long)), "value.string.too_long", &named("file"), length),
            limited(sample("tags", json!(["a", long])), "value.string.too_long", &named("tags[1]"), length),
            limited(
                sample("address", json!({ "street": long })),
                "value.string.too_long",
                &named("address.street"),
                length,
            ),
            limited(sample("doc", json!([long])), "value.json.too_long", &named("doc"), length),
            row(sample("day", json!(long)), "value.date.malformed", &named("day")),
            row(sample("at", json!(long)), "value.timestamp.malformed", &named("at")),
            row(sample("length", json!(long)), "value.duration.malformed", &named("length")),
            row(sample("price", json!(long)), "value.decimal.malformed", &named("price")),
            row(sample("count", json!(long)), "value.type_mismatch", &named("count")),
            row(sample(&long, json!(1)), "kernel.property.unknown", &unknown),
            row(create(&long, json!({})), "kernel.object_type.unknown", "edits[0].create.type"),
            limited(
                create("Team", json!({ "code": long[1..], "title": "t" })),
                "kernel.key.length",
                "edits[0].create.properties.code",
                ("length_max", "512"),
            ),
            limited(
                (Method::Get, json!({ "type": "Team", "keys": [long[1..]] })),
                "kernel.key.length",
                "keys[0]",
                ("length_max", "512"),
            ),
            limited(write("reason", &long), "kernel.reason.too_long", "reason", ("length_max", "4096")),
            row((Method::Query, people(json!({ "page": { "cursor": long } }))), "cursor.invalid", "page.cursor"),
            limited(
                matching(json!({ "eq": { "property": "text", "value": long } })),
                "value.string.too_long",
                "set.filter.where.eq.value",
                length,
            ),
            limited(matching(json!(format!("text = \"{long}\""))), "filter.text.too_long", "set.filter.where", length),
            row((Method::Query, json!({ "set": { "type": long } })), "kernel.object_type.unknown", "set.type"),
        ],
    )
    .await;
    let text = "x".repeat(STRING_LEN_MAX);
    let doc = json!(["x".repeat(JSON_LEN_MAX - r#"[""]"#.len())]);
    // Not in an index, where texts are shorter.
    on.wrote(json!({ "create": { "type": "Account", "properties": { "id": "a", "owner": "ann", "note": text } } }))
        .await;
    on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "a", "doc": doc } } })).await;
    assert!(on.properties("Account", "a").await["note"] == json!(text));
    assert!(on.properties("Sample", "a").await["doc"] == doc);
    let filter = format!("text = {}", "x".repeat(FILTER_TEXT_LEN_MAX - "text = ".len()));
    assert!(on.keys(matching(json!(filter)).1["set"].clone()).await.is_empty());
}

/// What nests as deep as its limit is answered and read back, what nests deeper or ten thousand deep is refused, on a small stack too.
pub async fn nesting_has_its_depth(on: Deployment) {
    let nested = |depth: usize| {
        (0..depth).fold(json!("x"), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) })
    };
    let deep = ("depth_max", "100");
    let path = "edits[0].create.properties.doc";
    let id = "edits[0].create.properties.id";
    let (a_thousand, of_a_number) = (sample("doc", nested(1_000)), create("Locker", json!({ "id": nested(1_000) })));
    // What no reader of JSON follows is not sent.
    let unsent = |request| limited(request, "client.question.too_deep", "", ("depth_max", "127"));
    let (a_thousand, of_a_number) = if on.is_remote {
        (unsent(a_thousand), unsent(of_a_number))
    } else {
        let a_thousand = limited(a_thousand, "value.json.too_deep", path, deep);
        (a_thousand, limited(of_a_number, "value.type_mismatch", id, ("expected", "integer")))
    };
    all_refused(
        &on,
        vec![
            limited(sample("doc", nested(JSON_DEPTH_MAX + 1)), "value.json.too_deep", path, deep),
            a_thousand,
            of_a_number,
            limited(
                matching(json!(format!("{}text = x{}", "(".repeat(10_000), ")".repeat(10_000)))),
                "filter.too_deep",
                "set.filter.where",
                ("depth_max", "32"),
            ),
            limited(
                matching(json!("has(x, *, ".repeat(10_000))),
                "filter.too_deep",
                "set.filter.where",
                ("depth_max", "32"),
            ),
            row(matching(json!("NOT ".repeat(10_000))), "filter.text.bare", "set.filter.where"),
            row(matching(json!("-".repeat(10_000))), "filter.text.expected_condition", "set.filter.where"),
        ],
    )
    .await;
    let doc = nested(JSON_DEPTH_MAX);
    let created = on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "a", "doc": doc } } })).await;
    assert_eq!(on.properties("Sample", "a").await["doc"], doc);
    on.wrote(json!({ "modify": { "type": "Sample", "key": "a", "properties": { "doc": null } } })).await;
    let versions = on.answer(Method::History, json!({ "of": { "object": { "type": "Sample", "key": "a" } } })).await;
    assert_eq!(
        (&versions["versions"][0]["revision"], &versions["versions"][0]["properties"]["doc"]),
        (&json!(created), &doc)
    );

    on.people(2).await;
    let page = on.answer(Method::Query, people(json!({ "page": { "size": 1 } }))).await;
    let cursor = page["next"].as_str().map(str::to_owned);
    let not = || (0..10_000).fold(Filter::eq("id", 1), |inner, _| !inner);
    let sets = || (0..10_000).fold(ObjectSet::of("Person"), |inner, _| inner.traverse("knows"));
    for cursor in [None, cursor] {
        for (set, code) in
            [(ObjectSet::of("Person").filter(not()), "filter.too_deep"), (sets(), "kernel.set.too_large")]
        {
            let page = PageRequest { cursor: cursor.clone(), ..PageRequest::default() };
            let error = query(&on, Query { page, ..Query::of(set) }).await.unwrap_err();
            assert_eq!(error.code(), if on.is_remote { "client.question.too_deep" } else { code });
            assert!(on.is_remote || error.path().is_some_and(|path| path.starts_with("set.")));
            assert!(error.param("depth_max").is_some());
            assert_short(&error);
        }
    }
    for text in [format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), "{\"not\":".repeat(10_000)] {
        assert!(serde_json::from_str::<Filter>(&text).is_err() && serde_json::from_str::<Json>(&text).is_err());
    }
}

/// Ten thousand conditions, keys or values are answered or refused with the most there may be.
pub async fn lists_have_their_lengths(on: Deployment) {
    on.people(3).await;
    let leaf = json!({ "eq": { "property": "text", "value": "x" } });
    let numbers = |count: usize| (0..count).collect::<Vec<_>>();
    let among = |count: usize| json!({ "filter": { "from": { "type": "Person" }, "where": { "in": { "property": "id", "values": numbers(count) } } } });
    let ids = |count: usize| json!({ "ids": { "type": "Person", "keys": numbers(count) } });
    let text = |terms: usize| vec!["text = x"; terms].join(" OR ");
    let terms = ("terms_max", "1000");
    all_refused(
        &on,
        vec![
            limited(
                matching(json!({ "or": vec![leaf; 10_000] })),
                "filter.too_many_terms",
                "set.filter.where.or[999]",
                terms,
            ),
            limited(matching(json!(text(10_000))), "filter.too_many_terms", "set.filter.where", terms),
            limited(
                (Method::Query, json!({ "set": among(IN_VALUES_MAX + 1) })),
                "filter.too_many_values",
                "set.filter.where.in.values",
                ("values_max", "10000"),
            ),
            limited(
                (Method::Query, json!({ "set": ids(KEYS_MAX + 1) })),
                "kernel.keys.too_many",
                "set.ids.keys",
                ("keys_max", "10000"),
            ),
            limited(
                (Method::Query, json!({ "set": { "union": vec![json!({ "type": "Person" }); 10_000] } })),
                "kernel.set.too_large",
                "set.union[99]",
                ("sets_max", "100"),
            ),
            limited(
                (Method::Query, people(json!({ "order_by": vec![json!({ "property": "name" }); 10_000] }))),
                "kernel.order.too_many_terms",
                "order_by",
                ("terms_max", "8"),
            ),
            limited(
                (Method::Query, people(json!({ "page": { "size": u32::MAX } }))),
                "kernel.page.size",
                "page.size",
                ("size_max", "10000"),
            ),
            limited(
                sample("numbers", json!(numbers(ARRAY_LEN_MAX + 1))),
                "value.array.too_long",
                "edits[0].create.properties.numbers",
                ("length_max", "10000"),
            ),
        ],
    )
    .await;
    assert_eq!(on.keys(among(IN_VALUES_MAX)).await, [1, 2, 3].map(|key| json!(key)));
    assert_eq!(on.keys(ids(KEYS_MAX)).await, [1, 2, 3].map(|key| json!(key)));
    assert!(on.keys(matching(json!(text(FILTER_TERMS_MAX - 1))).1["set"].clone()).await.is_empty());
    on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "a", "numbers": numbers(ARRAY_LEN_MAX) } } }))
        .await;
}

/// Not-a-number and the infinities are in no JSON; where Rust, text or a cell says them they are refused, or are the null JSON has for
/// them.
pub async fn a_number_that_is_none_is_no_value(on: Deployment) {
    for text in ["NaN", "Infinity", "-Infinity", "1e999", "[1e999]", "-1e999"] {
        assert!(serde_json::from_str::<Json>(text).is_err(), "{text} is no JSON");
    }
    let (mismatch, within) = ("value.type_mismatch", "set.filter.where");
    let mut rows = Vec::new();
    for word in ["NaN", "nan", "inf", "-inf", "Infinity", "1e999", "-1e999"] {
        rows.push(row(sample("ratio", json!(word)), mismatch, "edits[0].create.properties.ratio"));
        rows.push(row(matching(json!(format!("ratio > {word}"))), mismatch, within));
        rows.push(row(
            matching(json!(format!("within_circle(place, 1, 2, {word})"))),
            "filter.text.expected_number",
            within,
        ));
    }
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        rows.push(row(
            sample("embedding", json!([1.0, number, 0.0])),
            mismatch,
            "edits[0].create.properties.embedding[1]",
        ));
        rows.push(row(
            sample("place", json!({ "lat": number, "lon": 0.0 })),
            "value.geopoint.malformed",
            "edits[0].create.properties.place",
        ));
        rows.push(row(
            matching(json!({ "gt": { "property": "ratio", "value": number } })),
            "kernel.filter.null_value",
            "set.filter.where.gt.value",
        ));
    }
    rows.push(row(
        sample("embedding", json!([1.0, f64::MAX, 0.0])),
        mismatch,
        "edits[0].create.properties.embedding[1]",
    ));
    all_refused(&on, rows).await;
    let center = Geopoint { lat: 0.0, lon: 0.0 };
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for area in [
            Area::Circle { center, radius_m: number },
            Area::Circle { center: Geopoint { lat: number, lon: 0.0 }, radius_m: 1.0 },
            Area::Circle { center: Geopoint { lat: 0.0, lon: number }, radius_m: 1.0 },
            Area::Box { south: number, west: 0.0, north: 1.0, east: 1.0 },
            Area::Box { south: 0.0, west: number, north: 1.0, east: 1.0 },
            Area::Box { south: 0.0, west: 0.0, north: number, east: 1.0 },
            Area::Box { south: 0.0, west: 0.0, north: 1.0, east: number },
        ] {
            let error =
                query(&on, Query::of(ObjectSet::of("Sample").filter(Filter::within("place", area)))).await.unwrap_err();
            let (code, path) = told(&error);
            // JSON has no such number: over a network it arrives as none, and is refused where it stands.
            let expected = if on.is_remote { "request.body" } else { "kernel.filter.area" };
            assert_eq!(code, expected, "{area:?}");
            let within = path.strip_prefix("set.filter.where.within.area").map(str::is_empty);
            assert_eq!(within, Some(!on.is_remote), "{path}: {area:?}");
        }
    }
    let cells = ["NaN", "inf", "1e999"].map(|word| json!({ "line": 1, "cells": [{ "text": "a" }, { "text": word }] }));
    for cell in cells {
        let load = json!({ "into": { "objects": "Sample" }, "columns": ["id", "ratio"], "rows": [cell] });
        let report = on.answer(Method::Load, load).await;
        assert_eq!(
            (&report["loaded"], &report["rejections"][0]["code"], &report["rejections"][0]["column"]),
            (&json!(0), &json!(mismatch), &json!("ratio"))
        );
    }
}

//! Filters: each operator on each type, as JSON and as AIP-160 text.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, told};
use crate::kernel::{FILTER_DEPTH_MAX, FILTER_TERMS_MAX, IN_VALUES_MAX};

/// Of each property a low and a high value, and whether they are ordered.
fn scalars() -> [(&'static str, Json, Json, bool); 12] {
    [
        ("flag", json!(false), json!(true), true),
        ("count", json!(i64::MIN.to_string()), json!(9_007_199_254_740_991_i64), true),
        ("ratio", json!(-0.5), json!(1e300), true),
        ("price", json!("-0.0001"), json!("12345678901234.5678"), true),
        ("text", json!("Zeta"), json!("alpha"), true),
        ("day", json!("1969-12-31"), json!("2026-02-28"), true),
        ("at", json!("1969-12-31T23:59:59.999999Z"), json!("1970-01-01T00:00:00.000000Z"), true),
        ("length", json!("-PT1S"), json!("PT1H"), true),
        ("code", json!("it's"), json!("say \"x\" AND y"), true),
        ("number", json!(-1), json!(0), true),
        ("place", json!({ "lat": -1.5, "lon": 2.0 }), json!({ "lat": 3.0, "lon": -4.0 }), false),
        ("file", json!("a"), json!("b"), false),
    ]
}

/// Three samples: low, high, absent.
async fn samples(on: &Deployment) {
    let sample = |id: &str, value: fn(&(&'static str, Json, Json, bool)) -> Json| {
        let mut properties = json!({ "id": id });
        for scalar in &scalars() {
            properties[scalar.0] = value(scalar);
        }
        json!({ "create": { "type": "Sample", "properties": properties } })
    };
    let (low, high) = (sample("low", |of| of.1.clone()), sample("high", |of| of.2.clone()));
    on.wrote(json!([low, high, { "create": { "type": "Sample", "properties": { "id": "none" } } }])).await;
}

/// Every comparison holds of exactly the values it says, on every type it applies to; of the absent value none does.
pub async fn comparisons_hold_on_every_type(on: Deployment) {
    samples(&on).await;
    let all = json!(["high", "low", "none"]);
    for (property, low, high, ordered) in scalars() {
        let of = |value: &Json| json!({ "property": property, "value": value });
        let table = [
            ("eq", of(&low), json!(["low"])),
            ("ne", of(&low), json!(["high"])),
            ("in", json!({ "property": property, "values": [high, low] }), json!(["high", "low"])),
            ("in", json!({ "property": property, "values": [high] }), json!(["high"])),
            ("in", json!({ "property": property, "values": [] }), json!([])),
            ("is_null", json!({ "property": property }), json!(["none"])),
        ];
        let ordering = [
            ("lt", of(&low), json!([])),
            ("lt", of(&high), json!(["low"])),
            ("le", of(&low), json!(["low"])),
            ("le", of(&high), json!(["high", "low"])),
            ("gt", of(&low), json!(["high"])),
            ("gt", of(&high), json!([])),
            ("ge", of(&low), json!(["high", "low"])),
            ("ge", of(&high), json!(["high"])),
        ];
        for (operator, operands, expected) in table.into_iter().chain(ordering.into_iter().filter(|_| ordered)) {
            let filter = json!({ operator: operands });
            assert_eq!(json!(on.matching("Sample", filter.clone()).await), expected, "{filter}");
            let complement = on.matching("Sample", json!({ "not": filter })).await;
            let rest = all.as_array().unwrap().iter().filter(|key| !expected.as_array().unwrap().contains(key));
            assert_eq!(complement, rest.cloned().collect::<Vec<_>>(), "not {filter}");
        }
    }
}

/// What an operator does not apply to, or reads no value of, is refused with the path.
pub async fn unsuitable_comparisons_are_refused(on: Deployment) {
    let of = |property: &str, value: Json| json!({ "property": property, "value": value });
    let point = || json!({ "lat": 1, "lon": 2 });
    for (operator, operands, code, inner) in [
        ("eq", of("doc", json!({ "a": 1 })), "kernel.filter.unsuitable", "property"),
        ("eq", of("embedding", json!([1, 2, 3])), "kernel.filter.unsuitable", "property"),
        ("ne", of("tags", json!(["a"])), "kernel.filter.unsuitable", "property"),
        ("in", json!({ "property": "address", "values": [] }), "kernel.filter.unsuitable", "property"),
        ("lt", of("place", point()), "kernel.filter.unsuitable", "property"),
        ("ge", of("file", json!("a")), "kernel.filter.unsuitable", "property"),
        ("contains", of("count", json!(1)), "kernel.filter.unsuitable", "property"),
        ("contains", of("file", json!("a")), "kernel.filter.unsuitable", "property"),
        ("starts_with", of("tags", json!("a")), "kernel.filter.unsuitable", "property"),
        ("ends_with", of("day", json!("1")), "kernel.filter.unsuitable", "property"),
        (
            "within",
            json!({ "property": "text", "area": { "circle": { "center": point(), "radius_m": 1.0 } } }),
            "kernel.filter.unsuitable",
            "property",
        ),
        (
            "within",
            json!({ "property": "place", "area": { "circle": { "center": point(), "radius_m": -1.0 } } }),
            "kernel.filter.area",
            "area",
        ),
        (
            "within",
            json!({ "property": "place", "area": { "circle": { "center": { "lat": 91, "lon": 0 }, "radius_m": 1.0 } } }),
            "kernel.filter.area",
            "area",
        ),
        (
            "within",
            json!({ "property": "place", "area": { "box": { "south": 1.0, "west": 0.0, "north": 0.0, "east": 1.0 } } }),
            "kernel.filter.area",
            "area",
        ),
        ("eq", of("cuont", json!(1)), "kernel.property.unknown", "property"),
        ("eq", of("count", json!("one")), "value.type_mismatch", "value"),
        ("eq", of("count", Json::Null), "kernel.filter.null_value", "value"),
        ("in", json!({ "property": "day", "values": ["2026-01-01", "soon"] }), "value.date.malformed", "values[1]"),
        ("has", json!({ "link": "knows" }), "kernel.link.unknown", "link"),
    ] {
        let filter = json!({ "or": [{ "eq": of("text", json!("x")) }, { "not": { operator: operands } }] });
        let set = json!({ "filter": { "from": { "type": "Sample" }, "where": filter } });
        let error = on.refusal(Method::Query, json!({ "set": set })).await;
        assert_eq!(told(&error), (code, &*format!("set.filter.where.or[1].not.{operator}.{inner}")));
    }
}

/// Texts match byte for byte, anywhere, at the start, at the end; wildcards of other languages are ordinary characters.
pub async fn texts_match_byte_for_byte(on: Deployment) {
    let texts = ["", "abc", "ABC", "100%", "a_c", "*", "é", "e\u{301}", "ab\nc", "Ωmega"];
    let sample = |(id, text): (usize, &&str)| json!({ "create": { "type": "Sample", "properties": { "id": format!("{id}"), "text": text } } });
    on.wrote(texts.iter().enumerate().map(sample).collect()).await;
    on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "none" } } })).await;
    for needle in ["", "a", "b", "c", "bc", "%", "_", "*", "é", "e", "\u{301}", "\n", "A", "\u{3a9}", "abcd"] {
        type Matches = fn(&str, &str) -> bool;
        let table: [(&str, Matches); 3] = [
            ("contains", |text, needle| text.contains(needle)),
            ("starts_with", |text, needle| text.starts_with(needle)),
            ("ends_with", |text, needle| text.ends_with(needle)),
        ];
        for (operator, matches) in table {
            let expected = texts.iter().enumerate().filter(|(_, text)| matches(text, needle));
            let expected: Vec<_> = expected.map(|(id, _)| json!(format!("{id}"))).collect();
            let filter = json!({ operator: { "property": "text", "value": needle } });
            assert_eq!(on.matching("Sample", filter).await, expected, "{operator} {needle:?}");
        }
    }
}

/// A list contains a value when one of its elements equals it.
pub async fn lists_contain_their_elements(on: Deployment) {
    on.wrote(json!([
        { "create": { "type": "Sample", "properties": { "id": "a", "tags": ["x", "y"], "numbers": [1, 12] } } },
        { "create": { "type": "Sample", "properties": { "id": "b", "tags": ["xy"], "numbers": [] } } },
        { "create": { "type": "Sample", "properties": { "id": "c" } } }
    ]))
    .await;
    for (property, value, expected) in [
        ("tags", json!("x"), json!(["a"])),
        ("tags", json!("xy"), json!(["b"])),
        ("tags", json!("\"x\""), json!([])),
        ("numbers", json!(1), json!(["a"])),
        ("numbers", json!(2), json!([])),
    ] {
        let filter = json!({ "contains": { "property": property, "value": value } });
        assert_eq!(json!(on.matching("Sample", filter.clone()).await), expected, "{filter}");
    }
    assert_eq!(on.matching("Sample", json!({ "is_null": { "property": "numbers" } })).await, [json!("c")]);
}

/// Positions lie within a distance of a point, or between parallels and meridians, across the antimeridian too.
pub async fn positions_lie_in_areas(on: Deployment) {
    let places = [("sfo", 37.62, -122.38), ("oak", 37.72, -122.22), ("fiji", -17.8, 177.4), ("samoa", -13.8, -171.8)];
    let sample = |(id, lat, lon): (&str, f64, f64)| json!({ "create": { "type": "Sample", "properties": { "id": id, "place": { "lat": lat, "lon": lon } } } });
    on.wrote(places.into_iter().map(sample).collect()).await;
    on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "none" } } })).await;
    let circle = |lat: f64, lon: f64, radius_m: f64| json!({ "circle": { "center": { "lat": lat, "lon": lon }, "radius_m": radius_m } });
    let bounds = |south: f64, west: f64, north: f64, east: f64| json!({ "box": { "south": south, "west": west, "north": north, "east": east } });
    for (area, expected) in [
        (circle(37.62, -122.38, 0.0), json!(["sfo"])),
        (circle(37.62, -122.38, 17_000.0), json!(["sfo"])),
        (circle(37.62, -122.38, 20_000.0), json!(["oak", "sfo"])),
        (circle(-15.0, 180.0, 1_000_000.0), json!(["fiji", "samoa"])),
        (bounds(37.0, -123.0, 38.0, -122.3), json!(["sfo"])),
        (bounds(37.62, -122.38, 37.62, -122.38), json!(["sfo"])),
        (bounds(-20.0, 170.0, -10.0, -170.0), json!(["fiji", "samoa"])),
        (bounds(-20.0, -180.0, -10.0, 180.0), json!(["fiji", "samoa"])),
        (bounds(-90.0, -180.0, 90.0, 180.0), json!(["fiji", "oak", "samoa", "sfo"])),
    ] {
        let filter = json!({ "within": { "property": "place", "area": area } });
        assert_eq!(json!(on.matching("Sample", filter.clone()).await), expected, "{filter}");
    }
}

/// Conditions are joined: all, any, not; all of none holds, any of none does not.
pub async fn conditions_are_joined(on: Deployment) {
    on.people(4).await;
    let id = |operator: &str, value: i64| json!({ operator: { "property": "id", "value": value } });
    for (filter, expected) in [
        (json!({ "and": [] }), vec![1, 2, 3, 4]),
        (json!({ "or": [] }), vec![]),
        (json!({ "not": { "or": [] } }), vec![1, 2, 3, 4]),
        (json!({ "and": [id("gt", 1), id("lt", 4)] }), vec![2, 3]),
        (json!({ "or": [id("eq", 1), id("eq", 4), id("eq", 9)] }), vec![1, 4]),
        (json!({ "and": [id("gt", 1), { "or": [id("eq", 1), id("eq", 2), { "not": id("le", 3) }] }] }), vec![2, 4]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|key| json!(key)).collect();
        assert_eq!(on.matching("Person", filter.clone()).await, expected, "{filter}");
    }
}

/// Links are conditions: that there is one, on its properties, on the far object, on both of the same link.
pub async fn links_are_conditions(on: Deployment) {
    on.people(5).await;
    on.acquaint(&[(1, 2, 10), (1, 3, 1), (2, 3, 10), (4, 1, 5)]).await;
    on.wrote(json!([
        { "modify": { "type": "Person", "key": 2, "properties": { "boss": 1, "rank": 7 } } },
        { "modify": { "type": "Person", "key": 3, "properties": { "boss": 2 } } }
    ]))
    .await;
    let (heavy, named) = (
        json!({ "ge": { "property": "weight", "value": 10 } }),
        |name: &str| json!({ "eq": { "property": "name", "value": name } }),
    );
    for (has, expected) in [
        (json!({ "link": "knows" }), json!([1, 2, 4])),
        (json!({ "link": "known_by" }), json!([1, 2, 3])),
        (json!({ "link": "knows", "where": heavy }), json!([1, 2])),
        (json!({ "link": "knows", "to": named("p3") }), json!([1, 2])),
        (json!({ "link": "knows", "where": heavy, "to": named("p3") }), json!([2])),
        (json!({ "link": "manager" }), json!([2, 3])),
        (json!({ "link": "manager", "to": { "has": { "link": "manager" } } }), json!([3])),
        (json!({ "link": "staff", "to": { "eq": { "property": "rank", "value": 7 } } }), json!([1])),
    ] {
        let filter = json!({ "has": has });
        assert_eq!(json!(on.matching("Person", filter.clone()).await), expected, "{filter}");
    }
}

/// Text is what people write: names, quotes, functions, and a fault's column where it is none.
pub async fn text_is_read_as_people_write_it(on: Deployment) {
    on.people(3).await;
    let ids = |text: &str| on.keys(json!({ "filter": { "from": { "type": "Person" }, "where": text } }));
    for (text, expected) in [
        ("id = 2", json!([2])),
        ("NOT (id = 1 OR name = \"p3\")", json!([2])),
        ("-id=1 AND rank = null", json!([2, 3])),
        ("name:\"p\" AND in(id, 1, 3)", json!([1, 3])),
        ("starts_with(name, p) AND has(knows) ", json!([])),
    ] {
        assert_eq!(json!(ids(text).await), expected, "{text}");
    }
    for (text, code, column) in [
        ("id = ", "filter.text.expected_value", "6"),
        ("id == 1", "filter.text.expected_value", "5"),
        ("id = 1 AND id = 2 OR id = 3", "filter.text.ambiguous", "21"),
        ("(id = 1", "filter.text.expected_close", "8"),
        ("name = \"p", "filter.text.quote", "8"),
        ("id = 1 id = 2", "filter.text.unexpected", "8"),
        ("soundex(name, p)", "filter.text.unknown_function", "1"),
        ("id = 1 AND nmae = p", "kernel.property.unknown", "12"),
        ("id = x", "value.type_mismatch", "1"),
    ] {
        let set = json!({ "filter": { "from": { "type": "Person" }, "where": text } });
        let error = on.refusal(Method::Query, json!({ "set": set })).await;
        assert_eq!((told(&error), error.param("column")), ((code, "set.filter.where"), Some(column)), "{text}");
    }
}

/// Filters have a most number of conditions, a depth and a most number of values, each named by its refusal.
pub async fn filters_have_their_limits(on: Deployment) {
    on.people(1).await;
    let leaf = || json!({ "eq": { "property": "id", "value": 1 } });
    let wide = |terms: usize| json!({ "or": vec![leaf(); terms - 1] });
    let deep = |depth: usize| (1..depth).fold(leaf(), |inner, _| json!({ "not": inner }));
    let among = |values: usize| json!({ "in": { "property": "id", "values": (0..values).collect::<Vec<_>>() } });
    assert_eq!(on.matching("Person", wide(FILTER_TERMS_MAX)).await, [json!(1)]);
    on.matching("Person", deep(FILTER_DEPTH_MAX)).await;
    assert_eq!(on.matching("Person", among(IN_VALUES_MAX)).await, [json!(1)]);
    for (filter, code, (limit, max)) in [
        (wide(FILTER_TERMS_MAX + 1), "filter.too_many_terms", ("terms_max", "1000")),
        (deep(FILTER_DEPTH_MAX + 1), "filter.too_deep", ("depth_max", "32")),
        (among(IN_VALUES_MAX + 1), "filter.too_many_values", ("values_max", "10000")),
    ] {
        let set = json!({ "filter": { "from": { "type": "Person" }, "where": filter } });
        let error = on.refusal(Method::Query, json!({ "set": set })).await;
        assert_eq!((error.code(), error.param(limit)), (code, Some(max)));
        assert!(error.path().is_some_and(|path| path.starts_with("set.filter.where")), "{error:?}");
    }
}

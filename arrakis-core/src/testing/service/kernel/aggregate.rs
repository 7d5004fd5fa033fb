//! Measures over sets: exact, or refused.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, told};
use crate::ErrorKind;
use crate::kernel::METRICS_MAX;

/// A metric called like its function.
fn metric(function: &str, of: &str) -> Json {
    json!({ "name": function, "function": function, "of": of })
}

fn every(of: &str) -> Json {
    ["count", "sum", "avg", "min", "max", "count_distinct"].into_iter().map(|function| metric(function, of)).collect()
}

async fn measured(on: &Deployment, set: Json, metrics: Json) -> Json {
    let answer = on.answer(Method::Aggregate, json!({ "set": set, "metrics": metrics })).await;
    assert_eq!((answer["groups"].as_array().unwrap().len(), &answer["total"]), (1, &json!(1)));
    assert_eq!(answer["groups"][0]["keys"], json!({}));
    answer["groups"][0]["metrics"].clone()
}

async fn samples(on: &Deployment, property: &str, values: &[Json]) {
    let sample = |(id, value): (usize, &Json)| json!({ "upsert": { "type": "Sample", "properties": { "id": format!("{id}"), property: value } } });
    on.wrote(values.iter().enumerate().map(sample).collect()).await;
}

fn sample() -> Json {
    json!({ "type": "Sample" })
}

/// Counts, sums, averages, extremes and counts of different values, of every type that has them; absent values do not count.
pub async fn values_are_measured(on: Deployment) {
    let null = Json::Null;
    for (property, values, expected) in [
        (
            "count",
            [json!(1), json!(2), json!(2), null.clone()],
            json!({ "count": 3, "sum": 5, "avg": 5.0 / 3.0, "min": 1, "max": 2, "count_distinct": 2 }),
        ),
        (
            "ratio",
            [json!(0.1), json!(0.2), json!(0.3), null.clone()],
            json!({ "count": 3, "sum": 0.6, "avg": 0.6 / 3.0, "min": 0.1, "max": 0.3, "count_distinct": 3 }),
        ),
        (
            "price",
            [json!("0.1"), json!("0.2"), json!("-0.2"), json!("0.1")],
            json!({ "count": 4, "sum": "0.2000", "avg": 0.05, "min": "-0.2000", "max": "0.2000", "count_distinct": 3 }),
        ),
        (
            "length",
            [json!("PT1S"), json!("PT2S"), json!("-PT1S"), null.clone()],
            json!({ "count": 3, "sum": "PT2S", "avg": 2.0 / 3.0, "min": "-PT1S", "max": "PT2S", "count_distinct": 3 }),
        ),
    ] {
        samples(&on, property, &values).await;
        assert_eq!(measured(&on, sample(), every(property)).await, expected, "{property}");
    }
    let extremes = |of: &str| json!([metric("min", of), metric("max", of), metric("count_distinct", of)]);
    for (property, low, high) in [
        ("flag", json!(false), json!(true)),
        ("text", json!("Z"), json!("a")),
        ("day", json!("1969-12-31"), json!("2026-01-01")),
        ("at", json!("1969-12-31T23:59:59.999999Z"), json!("2026-01-01T00:00:00.000000Z")),
    ] {
        samples(&on, property, &[high.clone(), low.clone(), null.clone(), high.clone()]).await;
        let expected = json!({ "min": low, "max": high, "count_distinct": 2 });
        assert_eq!(measured(&on, sample(), extremes(property)).await, expected, "{property}");
    }
    let place = json!({ "lat": 1.0, "lon": 2.0 });
    samples(&on, "place", &[place.clone(), place, null.clone(), null]).await;
    assert_eq!(
        measured(&on, sample(), json!([metric("count_distinct", "place")])).await,
        json!({ "count_distinct": 1 })
    );
}

/// Over nothing counts are 0 and the others absent.
pub async fn nothing_measures_nothing(on: Deployment) {
    let of_nothing = json!({ "count": 0, "sum": null, "avg": null, "min": null, "max": null, "count_distinct": 0 });
    assert_eq!(measured(&on, sample(), every("count")).await, of_nothing);
    on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "a" } } })).await;
    assert_eq!(measured(&on, sample(), every("ratio")).await, of_nothing);
    let rows = json!([{ "name": "rows", "function": "count" }]);
    assert_eq!(measured(&on, sample(), rows.clone()).await, json!({ "rows": 1 }));
    assert_eq!(measured(&on, json!({ "ids": { "type": "Sample", "keys": [] } }), rows).await, json!({ "rows": 0 }));
    let groups =
        on.answer(Method::Aggregate, json!({ "set": { "type": "Team" }, "group_by": [{ "property": "title" }] })).await;
    assert_eq!((&groups["groups"], &groups["total"]), (&json!([]), &json!(0)));
}

/// A sum is exact whatever the order and size of its terms, up to the edge of its type; beyond it is refused, never wrapped or rounded.
pub async fn sums_are_exact_or_refused(on: Deployment) {
    let (max, min) = (json!(i64::MAX.to_string()), json!(i64::MIN.to_string()));
    samples(&on, "count", &[max.clone(), max.clone(), min.clone(), min.clone()]).await;
    assert_eq!(measured(&on, sample(), json!([metric("sum", "count")])).await, json!({ "sum": -2 }));
    samples(&on, "count", &[max.clone(), json!(1), Json::Null, Json::Null]).await;
    let request = |function: &str, of: &str| json!({ "set": sample(), "metrics": [metric(function, of)] });
    let error = on.refusal(Method::Aggregate, request("sum", "count")).await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "kernel.aggregate.overflow"));
    assert_eq!((error.param("metric"), error.param("type")), (Some("sum"), Some("integer")));
    assert_eq!(
        measured(&on, sample(), json!([metric("avg", "count")])).await,
        json!({ "avg": 4_611_686_018_427_387_904.0 })
    );
    let edge = json!("99999999999999.9999");
    samples(&on, "price", &[edge.clone(), json!("-0.0001"), json!("0.0001"), Json::Null]).await;
    assert_eq!(measured(&on, sample(), json!([metric("sum", "price")])).await, json!({ "sum": edge }));
    samples(&on, "price", &[edge.clone(), edge]).await;
    assert_eq!(on.refusal(Method::Aggregate, request("sum", "price")).await.code(), "kernel.aggregate.overflow");
    // The terms cancel; adding them one after the other in doubles would lose them or overflow.
    samples(&on, "ratio", &[json!(1e308), json!(1e308), json!(-1e308), json!(-1e308)]).await;
    assert_eq!(measured(&on, sample(), json!([metric("sum", "ratio")])).await, json!({ "sum": 0.0 }));
    samples(&on, "ratio", &[json!(1e16), json!(1), json!(-1e16), json!(1)]).await;
    assert_eq!(measured(&on, sample(), json!([metric("sum", "ratio")])).await, json!({ "sum": 2.0 }));
    samples(&on, "ratio", &[json!(1.5e308), json!(1.5e308), json!(1), json!(1)]).await;
    assert_eq!(on.refusal(Method::Aggregate, request("sum", "ratio")).await.code(), "kernel.aggregate.overflow");
}

/// Over links each object counts once per link, and its properties and those of the links are measured.
pub async fn links_are_measured(on: Deployment) {
    on.people(4).await;
    on.acquaint(&[(1, 2, 10), (1, 3, 20), (2, 3, 5)]).await;
    on.wrote(json!([
        { "modify": { "type": "Person", "key": 1, "properties": { "rank": 100 } } },
        { "modify": { "type": "Person", "key": 2, "properties": { "boss": 1 } } },
        { "modify": { "type": "Person", "key": 3, "properties": { "boss": 1 } } }
    ]))
    .await;
    let set = || json!({ "type": "Person" });
    let metrics = json!([
        { "name": "links", "function": "count" },
        { "name": "weight", "function": "sum", "of": "knows.weight" },
        { "name": "people", "function": "count_distinct", "of": "id" },
        { "name": "known", "function": "count_distinct", "of": "knows.key" },
        { "name": "rank", "function": "sum", "of": "rank" }
    ]);
    let expected = json!({ "links": 3, "weight": 35, "people": 2, "known": 2, "rank": 200 });
    assert_eq!(measured(&on, set(), metrics).await, expected);
    let staff =
        json!([{ "name": "links", "function": "count" }, { "name": "last", "function": "max", "of": "staff.key" }]);
    assert_eq!(measured(&on, set(), staff).await, json!({ "links": 2, "last": 3 }));
    let request = json!({
        "set": set(), "group_by": [{ "property": "knows.key", "name": "known" }], "metrics": [{ "name": "n", "function": "count" }]
    });
    let groups = on.answer(Method::Aggregate, request).await;
    let expected =
        json!([{ "keys": { "known": 2 }, "metrics": { "n": 1 } }, { "keys": { "known": 3 }, "metrics": { "n": 2 } }]);
    assert_eq!(groups["groups"], expected);
}

/// What a function does not apply to, is unknown or named twice is refused with its place.
pub async fn an_aggregate_has_its_rules(on: Deployment) {
    let count = || json!({ "name": "n", "function": "count" });
    let request = |metrics: Json| json!({ "set": sample(), "metrics": metrics });
    for (request, code, path) in [
        (request(json!([])), "kernel.aggregate.empty", ""),
        (request(json!([count(), metric("sum", "text")])), "kernel.aggregate.unsuitable_metric", "metrics[1].of"),
        (request(json!([metric("avg", "day")])), "kernel.aggregate.unsuitable_metric", "metrics[0].of"),
        (request(json!([metric("min", "place")])), "kernel.aggregate.unsuitable_metric", "metrics[0].of"),
        (request(json!([metric("count_distinct", "doc")])), "kernel.aggregate.unsuitable_metric", "metrics[0].of"),
        (request(json!([metric("sum", "cuont")])), "kernel.property.unknown", "metrics[0].of"),
        (request(json!([{ "name": "n", "function": "sum" }])), "kernel.aggregate.no_operand", "metrics[0].of"),
        (request(json!([count(), count()])), "kernel.aggregate.duplicate_name", "metrics[1].name"),
        (request(json!([{ "name": "1st", "function": "count" }])), "name.malformed", "metrics[0].name"),
        (request(json!([metric("sum", "knows.weight")])), "kernel.link.unknown", "metrics[0].of"),
        (
            json!({ "set": { "type": "Person" }, "metrics": [metric("sum", "knows.wait")] }),
            "kernel.property.unknown",
            "metrics[0].of",
        ),
        (
            json!({ "set": { "type": "Person" }, "metrics": [metric("sum", "knows.weight"), metric("max", "staff.key")] }),
            "kernel.aggregate.two_links",
            "metrics[1].of",
        ),
    ] {
        assert_eq!(told(&on.refusal(Method::Aggregate, request).await), (code, path));
    }
    let many = (0..=METRICS_MAX).map(|number| json!({ "name": format!("n{number}"), "function": "count" })).collect();
    let error = on.refusal(Method::Aggregate, request(many)).await;
    assert_eq!((told(&error), error.param("length_max")), (("kernel.aggregate.too_many", "metrics"), Some("32")));
}

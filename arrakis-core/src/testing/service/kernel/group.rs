//! Groups: by value, by range, by calendar unit; which of them, in which order, how many.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, told};
use crate::kernel::{GROUP_KEYS_MAX, RANGES_MAX};

fn count() -> Json {
    json!({ "name": "n", "function": "count" })
}

/// Groups as their keys and counts.
async fn grouped(on: &Deployment, group_by: Json) -> Vec<(Json, Json)> {
    let request = json!({ "set": { "type": "Sample" }, "group_by": group_by, "metrics": [count()] });
    let answer = on.answer(Method::Aggregate, request).await;
    let groups = answer["groups"].as_array().unwrap();
    assert_eq!(answer["total"], json!(groups.len()));
    groups.iter().map(|group| (group["keys"].clone(), group["metrics"]["n"].clone())).collect()
}

async fn samples(on: &Deployment, property: &str, values: &[Json]) {
    let sample = |(id, value): (usize, &Json)| json!({ "upsert": { "type": "Sample", "properties": { "id": format!("{id}"), property: value } } });
    on.wrote(values.iter().enumerate().map(sample).collect()).await;
}

/// Equal values are one group, the absent value too; groups come by key.
pub async fn equal_values_are_one_group(on: Deployment) {
    for (property, values, expected) in [
        (
            "text",
            vec![json!("b"), json!("a"), json!("b"), Json::Null],
            vec![(Json::Null, 1), (json!("a"), 1), (json!("b"), 2)],
        ),
        ("flag", vec![json!(true), json!(false), json!(true), json!(true)], vec![(json!(false), 1), (json!(true), 3)]),
        (
            "price",
            vec![json!("1.5"), json!("1.50"), json!("-2"), json!("10")],
            vec![(json!("-2.0000"), 1), (json!("1.5000"), 2), (json!("10.0000"), 1)],
        ),
        (
            "ratio",
            vec![json!(0), json!(-0.0), json!(0.5), Json::Null],
            vec![(Json::Null, 1), (json!(0.0), 2), (json!(0.5), 1)],
        ),
        (
            "day",
            vec![json!("2026-01-01"), json!("1969-12-31"), json!("2026-01-01"), Json::Null],
            vec![(Json::Null, 1), (json!("1969-12-31"), 1), (json!("2026-01-01"), 2)],
        ),
        (
            "count",
            vec![json!(i64::MAX.to_string()), json!(-1), json!(10), json!(9)],
            vec![(json!(-1), 1), (json!(9), 1), (json!(10), 1), (json!(i64::MAX.to_string()), 1)],
        ),
    ] {
        samples(&on, property, &values).await;
        let expected: Vec<_> =
            expected.into_iter().map(|(key, count)| (json!({ property: key }), json!(count))).collect();
        assert_eq!(grouped(&on, json!([{ "property": property }])).await, expected, "{property}");
    }
}

/// Several keys make one group per combination there is, under the names given.
pub async fn several_keys_make_combinations(on: Deployment) {
    samples(&on, "text", &[json!("a"), json!("a"), json!("b"), Json::Null]).await;
    samples(&on, "flag", &[json!(true), json!(false), json!(true), json!(true)]).await;
    let group_by = json!([{ "property": "flag", "name": "is_set" }, { "property": "text" }]);
    let keys: Vec<_> =
        grouped(&on, group_by).await.into_iter().map(|(keys, _)| json!([keys["is_set"], keys["text"]])).collect();
    assert_eq!(json!(keys), json!([[false, "a"], [true, null], [true, "a"], [true, "b"]]));
}

/// A value is in the first range that holds it, its start included and its end not; in none, it is in the group of the absent key.
pub async fn ranges_hold_their_start_and_not_their_end(on: Deployment) {
    samples(&on, "count", &[json!(-5), json!(0), json!(9), json!(10), json!(99), json!(100), Json::Null]).await;
    let ranges = json!([{ "to": 0 }, { "from": 0, "to": 10 }, { "from": 5, "to": 100 }]);
    let groups = grouped(&on, json!([{ "property": "count", "ranges": ranges }])).await;
    let groups: Vec<_> = groups.into_iter().map(|(keys, n)| (keys["count"].clone(), n)).collect();
    let expected = [
        (Json::Null, 2),
        (json!({ "to": 0 }), 1),
        (json!({ "from": 0, "to": 10 }), 2),
        (json!({ "from": 5, "to": 100 }), 2),
    ];
    assert_eq!(groups, expected.map(|(key, count)| (key, json!(count))));
    samples(&on, "price", &[json!("0.9999"), json!("1"), json!("1.0001")]).await;
    let ranges = json!([{ "from": "1", "to": "1.0001" }, { "from": "1.0001" }]);
    let groups = grouped(&on, json!([{ "property": "price", "ranges": ranges }])).await;
    assert_eq!(groups.into_iter().map(|(_, n)| n).collect::<Vec<_>>(), [json!(5), json!(1), json!(1)]);
}

/// Calendar units begin where they begin in UTC, weeks on Monday; dates stay dates.
pub async fn calendar_units_are_groups(on: Deployment) {
    let at = ["2024-02-29T23:59:59.999999Z", "2024-03-01T00:00:00Z", "2024-12-31T12:00:00Z", "1969-12-31T23:30:00Z"];
    samples(&on, "at", &at.map(|at| json!(at))).await;
    samples(&on, "day", &at.map(|at| json!(at[..10]))).await;
    for (unit, expected) in [
        ("day", ["1969-12-31", "2024-02-29", "2024-03-01", "2024-12-31"].as_slice()),
        ("week", &["1969-12-29", "2024-02-26", "2024-12-30"]),
        ("month", &["1969-12-01", "2024-02-01", "2024-03-01", "2024-12-01"]),
        ("quarter", &["1969-10-01", "2024-01-01", "2024-10-01"]),
        ("year", &["1969-01-01", "2024-01-01"]),
    ] {
        let dates = grouped(&on, json!([{ "property": "day", "bucket": unit }])).await;
        let keys: Vec<_> = dates.iter().map(|(keys, _)| keys["day"].clone()).collect();
        assert_eq!(keys, expected.iter().map(|day| json!(day)).collect::<Vec<_>>(), "{unit}");
        let instants = grouped(&on, json!([{ "property": "at", "bucket": unit }])).await;
        let starts = dates
            .into_iter()
            .map(|(keys, n)| (json!({ "at": format!("{}T00:00:00.000000Z", keys["day"].as_str().unwrap()) }), n));
        assert_eq!(instants, starts.collect::<Vec<_>>(), "{unit}");
    }
    let hours = grouped(&on, json!([{ "property": "at", "bucket": "hour" }])).await;
    assert_eq!(hours[0].0, json!({ "at": "1969-12-31T23:00:00.000000Z" }));
}

/// Groups are wanted, ordered and counted by the names of their keys and metrics; the total is of all that are wanted.
pub async fn groups_are_chosen_and_ordered(on: Deployment) {
    samples(&on, "text", &["a", "b", "b", "c", "c", "c", "d"].map(|text| json!(text))).await;
    samples(&on, "count", &[5, 1, 2, 1, 1, 1, 8].map(|count| json!(count))).await;
    let ask = async |more: Json| {
        let mut request = json!({ "set": { "type": "Sample" }, "group_by": [{ "property": "text" }], "metrics": [count(), { "name": "sum", "function": "sum", "of": "count" }] });
        request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let answer = on.answer(Method::Aggregate, request).await;
        let names: Vec<_> =
            answer["groups"].as_array().unwrap().iter().map(|group| group["keys"]["text"].clone()).collect();
        (json!(names), answer["total"].clone())
    };
    let by = |name: &str, direction: &str| json!({ "property": name, "direction": direction });
    for (more, names, total) in [
        (json!({ "having": { "gt": { "property": "n", "value": 1 } } }), json!(["b", "c"]), 2),
        (json!({ "having": "sum = 3 AND text != c" }), json!(["b"]), 1),
        (json!({ "order_by": [by("n", "desc")] }), json!(["c", "b", "a", "d"]), 4),
        (json!({ "order_by": [by("sum", "asc"), by("text", "desc")] }), json!(["c", "b", "a", "d"]), 4),
        (json!({ "order_by": [by("text", "desc")], "limit": 2 }), json!(["d", "c"]), 4),
        (json!({ "having": "n > 1", "order_by": [by("n", "desc")], "limit": 1 }), json!(["c"]), 2),
    ] {
        assert_eq!(ask(more.clone()).await, (names, json!(total)), "{more}");
    }
}

/// Keys that do not group, ranges that are none, unknown names: each is refused with its place.
pub async fn groups_have_their_rules(on: Deployment) {
    let request = |more: Json| {
        let mut request = json!({ "set": { "type": "Sample" }, "metrics": [count()] });
        request.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        request
    };
    let by = |key: Json| request(json!({ "group_by": [key] }));
    for (request, code, path) in [
        (by(json!({ "property": "doc" })), "kernel.aggregate.unsuitable_key", "group_by[0].property"),
        (by(json!({ "property": "place", "ranges": [{}] })), "kernel.aggregate.unsuitable_key", "group_by[0].property"),
        (by(json!({ "property": "text", "bucket": "day" })), "kernel.aggregate.unsuitable_key", "group_by[0].property"),
        (by(json!({ "property": "day", "bucket": "hour" })), "kernel.aggregate.unsuitable_key", "group_by[0].property"),
        (by(json!({ "property": "day", "bucket": "day", "ranges": [{}] })), "kernel.aggregate.key", "group_by[0]"),
        (by(json!({ "property": "count", "ranges": [] })), "kernel.aggregate.ranges", "group_by[0].ranges"),
        (
            by(json!({ "property": "count", "ranges": vec![json!({}); RANGES_MAX + 1] })),
            "kernel.aggregate.ranges",
            "group_by[0].ranges",
        ),
        (
            by(json!({ "property": "count", "ranges": [{}, { "from": 2, "to": 2 }] })),
            "kernel.aggregate.range",
            "group_by[0].ranges[1]",
        ),
        (
            by(json!({ "property": "count", "ranges": [{ "to": "x" }] })),
            "value.type_mismatch",
            "group_by[0].ranges[0].to",
        ),
        (by(json!({ "property": "cuont" })), "kernel.property.unknown", "group_by[0].property"),
        (by(json!({ "property": "text", "name": "n" })), "kernel.aggregate.duplicate_name", "metrics[0].name"),
        (
            request(json!({ "group_by": vec![json!({ "property": "text" }); GROUP_KEYS_MAX + 1] })),
            "kernel.aggregate.too_many",
            "group_by",
        ),
        (
            request(json!({ "having": { "eq": { "property": "m", "value": 1 } } })),
            "kernel.aggregate.unknown_name",
            "having.eq.property",
        ),
        (request(json!({ "having": { "has": { "link": "knows" } } })), "kernel.filter.no_links", "having.has.link"),
        (
            request(json!({ "order_by": [{ "property": "m" }] })),
            "kernel.aggregate.unknown_name",
            "order_by[0].property",
        ),
        (request(json!({ "limit": 0 })), "kernel.aggregate.limit", "limit"),
    ] {
        assert_eq!(told(&on.refusal(Method::Aggregate, request).await), (code, path));
    }
}

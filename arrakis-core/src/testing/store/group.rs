//! Groups of an aggregate: by value, by range, by calendar unit.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::Value;
use crate::kernel::plan::{Accumulator, GroupKey, MeasureFunction, Rel, TimeUnit};
use crate::ontology::End;
use crate::testing::{Draft, Fixture, filter};

async fn fill(fixture: &Fixture, rows: &[Json]) {
    let create = |draft: Draft, (place, row): (usize, &Json)| {
        let mut row = row.clone();
        row["id"] = json!(format!("s{place:03}"));
        draft.create("Sample", row)
    };
    fixture.wrote(rows.iter().enumerate().fold(fixture.draft(fixture.own), create)).await;
}

fn grouped(groups: &[(&str, u64)]) -> Vec<(String, u64)> {
    let mut groups: Vec<_> = groups.iter().map(|(keys, count)| ((*keys).to_owned(), *count)).collect();
    groups.sort();
    groups
}

/// Rows are grouped by equal values, the absent value being one of them, on every scalar type.
pub async fn groups_of_equal_values(fixture: Fixture) {
    let row = |variant: usize| {
        json!({
            "flag": variant == 0, "count": ([i64::MIN, i64::MAX][variant]).to_string(), "ratio": ([0.1, 5e-324][variant]),
            "price": (["1", "-1.5"][variant]), "text": (["a", "A"][variant]), "day": (["0001-01-01", "2024-02-29"][variant]),
            "at": (["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z"][variant]), "length": (["PT1S", "-PT1S"][variant]),
            "place": { "lat": 1.0, "lon": ([2.0, -3.5][variant]) }, "file": (["", "x"][variant])
        })
    };
    fill(&fixture, &[row(0), row(1), row(0), json!({})]).await;
    for property in ["flag", "count", "ratio", "price", "text", "day", "at", "length", "place", "file"] {
        let value = |variant: usize| {
            let value = fixture.on("Sample").value(property, row(variant)[property].clone());
            crate::canonical_json(&json!([value.to_json()]))
        };
        let expected = grouped(&[(&value(0), 2), (&value(1), 1), ("[null]", 1)]);
        assert_eq!(
            fixture.counts(&fixture.tally("Sample", Rel::All).exactly_by(property).count()).await,
            expected,
            "{property}"
        );
    }
}

/// Several keys make a group for every combination there is.
pub async fn groups_of_several_keys(fixture: Fixture) {
    let rows = [("a", Some(1)), ("a", None), ("b", Some(1)), ("a", Some(1)), ("b", Some(2))];
    fill(&fixture, &rows.map(|(text, count)| json!({ "text": text, "count": count, "ratio": 0.5 }))).await;
    let tally = fixture.tally("Sample", Rel::All).exactly_by("text").exactly_by("count");
    let expected = grouped(&[("[\"a\",1]", 2), ("[\"a\",null]", 1), ("[\"b\",1]", 1), ("[\"b\",2]", 1)]);
    assert_eq!(fixture.counts(&tally.clone().count()).await, expected);
    let tally = tally.measure(MeasureFunction::Sum, Some("ratio")).measure(MeasureFunction::Max, Some("id"));
    let groups = fixture.groups(fixture.own, &tally).await.unwrap();
    assert_eq!(groups["[\"a\",1]"], [Accumulator::Double(1.0, 2), Accumulator::Value(Value::string("s003"))]);
}

/// Without rows there are no groups, when there are group keys.
pub async fn an_empty_set_has_no_groups(fixture: Fixture) {
    assert_eq!(fixture.counts(&fixture.tally("Sample", Rel::All).exactly_by("text").count()).await, []);
    let tally = fixture.tally("Person", Rel::All).over(&fixture.schema, "knows", End::Source).exactly_by("far").count();
    fixture.wrote(fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "p" }))).await;
    assert_eq!(fixture.counts(&tally).await, []);
}

/// A group without measures is a group still.
pub async fn groups_need_no_measures(fixture: Fixture) {
    fill(&fixture, &[json!({ "text": "a" }), json!({ "text": "b" }), json!({ "text": "a" })]).await;
    let groups = fixture.groups(fixture.own, &fixture.tally("Sample", Rel::All).exactly_by("text")).await.unwrap();
    assert_eq!(
        groups.into_iter().collect::<Vec<_>>(),
        [("[\"a\"]".to_owned(), Vec::new()), ("[\"b\"]".into(), Vec::new())]
    );
}

/// A range holds its lower bound and not its upper; the first that holds a value has it; values in none are grouped with absent ones.
pub async fn groups_of_ranges(fixture: Fixture) {
    fill(
        &fixture,
        &[json!(-1), json!(0), json!(9), json!(10), json!(50), Json::Null, json!(99), json!(100)]
            .map(|count| json!({ "count": count })),
    )
    .await;
    let number = |number: i64| Some(Value::Integer(number));
    let ranges = vec![(None, number(0)), (number(0), number(10)), (number(5), number(50)), (number(100), None)];
    let tally = fixture.tally("Sample", Rel::All).by("count", |operand| GroupKey::Ranges(operand, ranges.clone()));
    let expected = grouped(&[("[0]", 1), ("[1]", 2), ("[2]", 1), ("[3]", 1), ("[null]", 3)]);
    assert_eq!(fixture.counts(&tally.count()).await, expected);
    let everything =
        fixture.tally("Sample", Rel::All).by("count", |operand| GroupKey::Ranges(operand, vec![(None, None)]));
    assert_eq!(fixture.counts(&everything.count()).await, grouped(&[("[0]", 7), ("[null]", 1)]));
    let nothing = fixture.tally("Sample", Rel::All).by("count", |operand| GroupKey::Ranges(operand, Vec::new()));
    assert_eq!(fixture.counts(&nothing.count()).await, grouped(&[("[null]", 8)]));
}

/// Ranges part every ordered type by its order.
pub async fn ranges_of_every_ordered_type(fixture: Fixture) {
    let rows = [
        json!({ "ratio": -0.1, "price": "9.9999", "text": "Z", "day": "1969-12-31", "at": "1969-12-31T23:59:59.999999Z", "length": "PT9S" }),
        json!({ "ratio": 0.1, "price": "10", "text": "a", "day": "1970-01-01", "at": "1970-01-01T00:00:00Z", "length": "PT10S" }),
        json!({ "ratio": 5e-324, "price": "10.0001", "text": "é", "day": "2024-02-29", "at": "9999-12-31T23:59:59Z", "length": "PT11S" }),
    ];
    fill(&fixture, &rows).await;
    for property in ["ratio", "price", "text", "day", "at", "length"] {
        let bound = fixture.on("Sample").value(property, rows[1][property].clone());
        let ranges = vec![(None, Some(bound.clone())), (Some(bound), None)];
        let tally = fixture.tally("Sample", Rel::All).by(property, |operand| GroupKey::Ranges(operand, ranges.clone()));
        let expected = if property == "ratio" { [("[0]", 2), ("[1]", 1)] } else { [("[0]", 1), ("[1]", 2)] };
        assert_eq!(fixture.counts(&tally.count()).await, grouped(&expected), "{property}");
    }
}

/// Days and the starts of their weeks, months, quarters and years.
const CALENDAR: &str = "
    0001-01-01 0001-01-01 0001-01-01 0001-01-01 0001-01-01
    0001-01-08 0001-01-08 0001-01-01 0001-01-01 0001-01-01
    1899-12-31 1899-12-25 1899-12-01 1899-10-01 1899-01-01
    1969-12-28 1969-12-22 1969-12-01 1969-10-01 1969-01-01
    1969-12-31 1969-12-29 1969-12-01 1969-10-01 1969-01-01
    1970-01-01 1969-12-29 1970-01-01 1970-01-01 1970-01-01
    2024-02-29 2024-02-26 2024-02-01 2024-01-01 2024-01-01
    2024-12-30 2024-12-30 2024-12-01 2024-10-01 2024-01-01
    2025-01-05 2024-12-30 2025-01-01 2025-01-01 2025-01-01
    2025-01-06 2025-01-06 2025-01-01 2025-01-01 2025-01-01
    9999-12-31 9999-12-27 9999-12-01 9999-10-01 9999-01-01";

/// Dates are grouped by the start of their calendar unit: ISO weeks, quarters, leap days, years before 1970.
pub async fn groups_of_calendar_units(fixture: Fixture) {
    let lines: Vec<Vec<&str>> = CALENDAR.trim().lines().map(|line| line.split_whitespace().collect()).collect();
    let rows: Vec<_> = lines.iter().map(|line| json!({ "day": line[0] })).chain([json!({})]).collect();
    fill(&fixture, &rows).await;
    let units = [TimeUnit::Day, TimeUnit::Week, TimeUnit::Month, TimeUnit::Quarter, TimeUnit::Year, TimeUnit::Hour];
    for (unit, column) in units.into_iter().zip([0, 1, 2, 3, 4, 0]) {
        let mut counts: BTreeMap<String, u64> = [("[null]".to_owned(), 1)].into();
        for line in &lines {
            *counts.entry(format!("[\"{}\"]", line[column])).or_default() += 1;
        }
        let found = fixture.counts(&fixture.tally("Sample", Rel::All).bucketed_by("day", unit).count()).await;
        assert_eq!(found, counts.into_iter().collect::<Vec<_>>(), "{unit:?}");
    }
}

/// Timestamps are grouped by the start of their calendar unit, UTC, to the microsecond before it.
pub async fn groups_of_instants(fixture: Fixture) {
    let instants = [
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "2024-02-29T12:59:59.999999Z",
        "2024-02-29T13:00:00Z",
        "0001-01-01T00:00:00.000001Z",
    ];
    fill(&fixture, &instants.map(|at| json!({ "at": at }))).await;
    for (unit, expected) in [
        (
            TimeUnit::Hour,
            [
                "1969-12-31T23:00:00.000000Z",
                "1970-01-01T00:00:00.000000Z",
                "2024-02-29T12:00:00.000000Z",
                "2024-02-29T13:00:00.000000Z",
                "0001-01-01T00:00:00.000000Z",
            ],
        ),
        (
            TimeUnit::Day,
            [
                "1969-12-31T00:00:00.000000Z",
                "1970-01-01T00:00:00.000000Z",
                "2024-02-29T00:00:00.000000Z",
                "2024-02-29T00:00:00.000000Z",
                "0001-01-01T00:00:00.000000Z",
            ],
        ),
        (
            TimeUnit::Week,
            [
                "1969-12-29T00:00:00.000000Z",
                "1969-12-29T00:00:00.000000Z",
                "2024-02-26T00:00:00.000000Z",
                "2024-02-26T00:00:00.000000Z",
                "0001-01-01T00:00:00.000000Z",
            ],
        ),
        (
            TimeUnit::Quarter,
            [
                "1969-10-01T00:00:00.000000Z",
                "1970-01-01T00:00:00.000000Z",
                "2024-01-01T00:00:00.000000Z",
                "2024-01-01T00:00:00.000000Z",
                "0001-01-01T00:00:00.000000Z",
            ],
        ),
    ] {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for start in expected {
            *counts.entry(format!("[\"{start}\"]")).or_default() += 1;
        }
        let found = fixture.counts(&fixture.tally("Sample", Rel::All).bucketed_by("at", unit).count()).await;
        assert_eq!(found, counts.into_iter().collect::<Vec<_>>(), "{unit:?}");
    }
}

/// Over links, groups are by the object's values, the link's, the far key, or several of these.
pub async fn groups_over_links(fixture: Fixture) {
    let people = (1..=4).fold(fixture.draft(fixture.own), |draft, id| {
        draft.create("Person", json!({ "id": id, "name": "p", "rank": id % 2 }))
    });
    let draft = people
        .link("knows", 1, 2, json!({ "weight": 1, "since": "2024-01-31" }))
        .link("knows", 1, 3, json!({ "weight": 2, "since": "2024-02-01" }))
        .link("knows", 2, 3, json!({ "weight": 15, "since": "2024-02-29" }))
        .link("knows", 3, 3, json!({}));
    fixture.wrote(draft).await;
    let over = || fixture.tally("Person", Rel::All).over(&fixture.schema, "knows", End::Source);
    assert_eq!(fixture.counts(&over().exactly_by("id").count()).await, grouped(&[("[1]", 2), ("[2]", 1), ("[3]", 1)]));
    assert_eq!(fixture.counts(&over().exactly_by("far").count()).await, grouped(&[("[2]", 1), ("[3]", 3)]));
    let expected = grouped(&[("[\"2024-01-01\"]", 1), ("[\"2024-02-01\"]", 2), ("[null]", 1)]);
    assert_eq!(fixture.counts(&over().bucketed_by("link.since", TimeUnit::Month).count()).await, expected);
    let light = vec![(None, Some(Value::Integer(10)))];
    let tally = over().exactly_by("rank").by("link.weight", |operand| GroupKey::Ranges(operand, light.clone())).count();
    assert_eq!(fixture.counts(&tally).await, grouped(&[("[1,0]", 2), ("[0,null]", 1), ("[1,null]", 1)]));
}

/// Groups are of the set, not of the type.
pub async fn groups_are_of_the_set(fixture: Fixture) {
    fill(
        &fixture,
        &[json!({ "text": "a", "count": 1 }), json!({ "text": "b", "count": 2 }), json!({ "text": "a", "count": 2 })],
    )
    .await;
    let tally = fixture.tally("Sample", filter(fixture.on("Sample").eq("count", 2))).exactly_by("text").count();
    assert_eq!(fixture.counts(&tally).await, grouped(&[("[\"a\"]", 1), ("[\"b\"]", 1)]));
}

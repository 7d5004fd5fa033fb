//! Aggregates: what is measured, exactly.

use serde_json::{Value as Json, json};

use crate::kernel::plan::{Accumulator, MeasureFunction, Rel};
use crate::ontology::End;
use crate::testing::{Draft, Fixture, Tally, filter};
use crate::{Decimal, Duration, Value};

use MeasureFunction::{Avg, Count, CountDistinct, Max, Min, Sum};

async fn fill(fixture: &Fixture, rows: &[Json]) {
    let create = |draft: Draft, (place, row): (usize, &Json)| {
        let mut row = row.clone();
        row["id"] = json!(format!("s{place:03}"));
        draft.create("Sample", row)
    };
    fixture.wrote(rows.iter().enumerate().fold(fixture.draft(fixture.own), create)).await;
}

fn of(values: &[Option<Json>], property: &str) -> Vec<Json> {
    values.iter().map(|value| value.as_ref().map_or(json!({}), |value| json!({ property: value }))).collect()
}

async fn measured(fixture: &Fixture, property: &str, functions: &[MeasureFunction]) -> Vec<Accumulator> {
    let measure = |tally: Tally, function: &MeasureFunction| tally.measure(*function, Some(property));
    fixture.total(&functions.iter().fold(fixture.tally("Sample", Rel::All), measure)).await
}

/// Rows are counted with or without values; values only where they are present, and once each when they should differ.
pub async fn counts(fixture: Fixture) {
    fill(&fixture, &of(&[Some(json!(1)), None, Some(json!(1)), Some(json!(2)), None], "count")).await;
    let tally =
        fixture.tally("Sample", Rel::All).count().measure(Count, Some("count")).measure(CountDistinct, Some("count"));
    let expected = [5, 3, 2].map(Accumulator::Count);
    assert_eq!(fixture.total(&tally).await, expected);
}

/// Sums of integers do not overflow: they are as exact beyond 64 bits.
pub async fn integers_add_up_beyond_64_bits(fixture: Fixture) {
    let max = || Some(json!(i64::MAX.to_string()));
    fill(&fixture, &of(&[max(), max(), max(), None, Some(json!(-1)), max()], "count")).await;
    let sum = 4 * i128::from(i64::MAX) - 1;
    assert_eq!(
        measured(&fixture, "count", &[Sum, Avg]).await,
        [Accumulator::Exact(sum, 5), Accumulator::Exact(sum, 5)]
    );
    let least = fixture
        .tally("Sample", filter(fixture.on("Sample").eq("count", i64::MAX.to_string())))
        .measure(Sum, Some("count"));
    assert_eq!(fixture.total(&least).await, [Accumulator::Exact(4 * i128::from(i64::MAX), 4)]);
}

/// Sums of the smallest integers do not overflow either.
pub async fn negative_integers_add_up_beyond_64_bits(fixture: Fixture) {
    let min = || Some(json!(i64::MIN.to_string()));
    fill(&fixture, &of(&[min(), min(), min()], "count")).await;
    assert_eq!(measured(&fixture, "count", &[Sum]).await, [Accumulator::Exact(3 * i128::from(i64::MIN), 3)]);
}

/// Decimals and durations add up without rounding, in their smallest units.
pub async fn decimals_and_durations_add_up(fixture: Fixture) {
    let prices = ["99999999999999.9999", "99999999999999.9999", "0.0001", "-0.1"];
    fill(&fixture, &prices.map(|price| json!({ "price": price, "length": "PT2562047788H54.775807S" }))).await;
    let sum = 2 * 999_999_999_999_999_999_i128 + 1 - 1_000;
    assert_eq!(measured(&fixture, "price", &[Sum]).await, [Accumulator::Exact(sum, 4)]);
    let lengths = || Accumulator::Exact(4 * i128::from(i64::MAX), 4);
    assert_eq!(measured(&fixture, "length", &[Sum, Avg]).await, [lengths(), lengths()]);
}

/// Doubles add up exactly and are rounded once, so that no order of them makes a difference.
pub async fn doubles_add_up_exactly(fixture: Fixture) {
    for (terms, sum) in [
        (&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0][..], 5.5),
        (&[1e100, 1.0, -1e100], 1.0),
        (&[f64::MAX, f64::MAX, -f64::MAX], f64::MAX),
        (&[1.0, f64::EPSILON / 2.0, 5e-324], 1.0 + f64::EPSILON),
        (&[5e-324, 5e-324], 1e-323),
        (&[1e16, 1.0, 1.0, 1.0, -1e16, 0.25], 3.25),
        (&[-1.5, 1.5], 0.0),
    ] {
        let before = fixture.matching("Sample", crate::kernel::plan::Predicate::And(Vec::new())).await;
        fixture
            .wrote(before.iter().fold(fixture.draft(fixture.own), |draft, id| draft.delete("Sample", id.as_str())))
            .await;
        fill(&fixture, &terms.iter().map(|term| json!({ "ratio": term })).collect::<Vec<_>>()).await;
        let count = u64::try_from(terms.len()).unwrap();
        let [Accumulator::Double(total, counted), Accumulator::Double(again, _)] =
            measured(&fixture, "ratio", &[Sum, Avg]).await[..]
        else {
            panic!("doubles are accumulated as doubles");
        };
        assert_eq!(
            (total.to_bits(), counted, again.to_bits()),
            (f64::to_bits(sum), count, f64::to_bits(sum)),
            "{terms:?}"
        );
    }
}

/// The smallest and largest are by the order of values; absent ones are neither.
pub async fn smallest_and_largest(fixture: Fixture) {
    let rows = [
        json!({ "count": 10, "ratio": -0.5, "price": "9.5", "text": "Z", "day": "1969-12-31", "flag": true, "length": "-PT1S" }),
        json!({ "count": -9, "ratio": 5e-324, "price": "10", "text": "a", "day": "1970-01-01", "at": "1969-12-31T23:59:59.999999Z" }),
        json!({ "count": 9, "price": "-10", "text": "é", "flag": false, "at": "1970-01-01T00:00:00Z", "length": "PT0.000001S" }),
        json!({}),
    ];
    fill(&fixture, &rows).await;
    let sample = fixture.on("Sample");
    for (property, least, largest) in [
        ("count", json!(-9), json!(10)),
        ("ratio", json!(-0.5), json!(5e-324)),
        ("price", json!("-10"), json!("10")),
        ("text", json!("Z"), json!("é")),
        ("day", json!("1969-12-31"), json!("1970-01-01")),
        ("at", json!("1969-12-31T23:59:59.999999Z"), json!("1970-01-01T00:00:00Z")),
        ("flag", json!(false), json!(true)),
        ("length", json!("-PT1S"), json!("PT0.000001S")),
        ("id", json!("s000"), json!("s003")),
    ] {
        let expected = [least, largest].map(|json| Accumulator::Value(sample.value(property, json)));
        assert_eq!(measured(&fixture, property, &[Min, Max]).await, expected, "{property}");
    }
}

/// Different values are counted on every scalar type.
pub async fn different_values_are_counted(fixture: Fixture) {
    let row = |variant: usize| {
        json!({
            "flag": variant == 0, "count": ([i64::MAX - 1, i64::MAX][variant]).to_string(), "ratio": ([0.1, 0.2][variant]),
            "price": (["1", "1.0001"][variant]), "text": (["e\u{301}", "é"][variant]), "day": (["2024-02-28", "2024-02-29"][variant]),
            "at": (["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000001Z"][variant]), "length": (["PT1S", "PT2S"][variant]),
            "place": { "lat": 1.0, "lon": ([2.0, 3.0][variant]) }, "file": (["a", "A"][variant])
        })
    };
    fill(&fixture, &[row(0), row(1), row(0), json!({}), row(1)]).await;
    for property in ["flag", "count", "ratio", "price", "text", "day", "at", "length", "place", "file"] {
        assert_eq!(measured(&fixture, property, &[CountDistinct]).await, [Accumulator::Count(2)], "{property}");
    }
}

/// Without group keys there is exactly one group, of an empty set too.
pub async fn an_empty_set_is_one_group(fixture: Fixture) {
    let functions = [Count, Sum, Avg, Min, Max, CountDistinct];
    let (none, zero) = (Accumulator::Value(Value::Null), Accumulator::Exact(0, 0));
    let expected = [Accumulator::Count(0), zero.clone(), zero, none.clone(), none, Accumulator::Count(0)];
    assert_eq!(measured(&fixture, "count", &functions).await, expected);
    let doubles = measured(&fixture, "ratio", &functions).await;
    assert_eq!(doubles[1..3], [Accumulator::Double(0.0, 0), Accumulator::Double(0.0, 0)]);
    fill(&fixture, &[json!({})]).await;
    assert_eq!(measured(&fixture, "count", &functions).await, expected);
    let nothing = fixture.tally("Sample", Rel::Nothing).count();
    assert_eq!(fixture.total(&nothing).await, [Accumulator::Count(0)]);
    assert_eq!(fixture.total(&fixture.tally("Sample", Rel::All)).await, []);
}

/// Only the set is measured.
pub async fn only_the_set_is_measured(fixture: Fixture) {
    fill(&fixture, &(0..10).map(|number| json!({ "count": number, "flag": number % 2 == 0 })).collect::<Vec<_>>())
        .await;
    let even = filter(fixture.on("Sample").eq("flag", true));
    let tally = fixture.tally("Sample", even).count().measure(Sum, Some("count"));
    assert_eq!(fixture.total(&tally).await, [Accumulator::Count(5), Accumulator::Exact(20, 5)]);
}

/// An interface is measured as one set: values of its types add up, and equal ones are one.
pub async fn an_interface_is_one_set(fixture: Fixture) {
    let draft = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 1, "name": "x", "rank": 1 }))
        .create("Person", json!({ "id": 2, "name": "y", "rank": 5 }))
        .create("Team", json!({ "code": "a", "title": "x", "score": 5 }))
        .create("Team", json!({ "code": "b", "title": "z" }));
    fixture.wrote(draft).await;
    let all = || Tally::of_interface(&fixture.schema, "Named", |_| Rel::All);
    let tally = all()
        .count()
        .measure(Sum, Some("rank"))
        .measure(CountDistinct, Some("rank"))
        .measure(CountDistinct, Some("name"));
    let expected = [Accumulator::Count(4), Accumulator::Exact(11, 3), Accumulator::Count(2), Accumulator::Count(3)];
    assert_eq!(fixture.total(&tally.measure(Max, Some("name"))).await[..4], expected);
    let groups = fixture.counts(&all().exactly_by("rank").count()).await;
    assert_eq!(groups, [("[1]".to_owned(), 1), ("[5]".into(), 2), ("[null]".into(), 1)]);
}

async fn links(fixture: &Fixture) {
    let people = (1..=4).fold(fixture.draft(fixture.own), |draft, id| {
        draft.create("Person", json!({ "id": id, "name": "p", "rank": id * 10 }))
    });
    let draft = people
        .link("knows", 1, 2, json!({ "weight": 1, "trust": 0.1 }))
        .link("knows", 1, 3, json!({ "weight": 2, "trust": 0.2 }))
        .link("knows", 2, 3, json!({ "trust": 0.3 }))
        .link("knows", 3, 3, json!({ "weight": 2 }))
        .modify("Person", 2, json!({ "boss": 1 }))
        .modify("Person", 3, json!({ "boss": 1 }));
    fixture.wrote(draft).await;
}

/// Over links, an object counts once per link: its own values, the link's, and the key at the far end.
pub async fn links_are_measured(fixture: Fixture) {
    links(&fixture).await;
    let over = |end| fixture.tally("Person", Rel::All).over(&fixture.schema, "knows", end);
    let tally = over(End::Source)
        .count()
        .measure(Sum, Some("rank"))
        .measure(Sum, Some("link.weight"))
        .measure(Sum, Some("link.trust"))
        .measure(CountDistinct, Some("far"))
        .measure(Max, Some("far"));
    let expected = [
        Accumulator::Count(4),
        Accumulator::Exact(70, 4),
        Accumulator::Exact(5, 3),
        Accumulator::Double(0.6, 3),
        Accumulator::Count(2),
        Accumulator::Value(Value::Integer(3)),
    ];
    assert_eq!(fixture.total(&tally).await, expected);
    let back = over(End::Target).count().measure(Sum, Some("rank")).measure(CountDistinct, Some("far"));
    assert_eq!(fixture.total(&back).await, [Accumulator::Count(4), Accumulator::Exact(110, 4), Accumulator::Count(3)]);
}

/// Over links kept in a foreign key, from both ends.
pub async fn foreign_keys_are_measured(fixture: Fixture) {
    links(&fixture).await;
    let over = |end| fixture.tally("Person", Rel::All).over(&fixture.schema, "reports", end).exactly_by("id").count();
    let grouped =
        |groups: &[(&str, u64)]| groups.iter().map(|(keys, count)| ((*keys).to_owned(), *count)).collect::<Vec<_>>();
    assert_eq!(fixture.counts(&over(End::Target)).await, grouped(&[("[1]", 2)]));
    assert_eq!(fixture.counts(&over(End::Source)).await, grouped(&[("[2]", 1), ("[3]", 1)]));
    let far = fixture.tally("Person", Rel::All).over(&fixture.schema, "reports", End::Source).exactly_by("far").count();
    assert_eq!(fixture.counts(&far).await, grouped(&[("[1]", 2)]));
    let least =
        fixture.tally("Person", Rel::All).over(&fixture.schema, "reports", End::Target).measure(Min, Some("far"));
    assert_eq!(fixture.total(&least).await, [Accumulator::Value(Value::Integer(2))]);
}

/// Measured values have their type.
pub async fn measured_values_keep_their_type(fixture: Fixture) {
    fill(&fixture, &[json!({ "price": "1.5", "length": "PT1S" })]).await;
    assert_eq!(
        measured(&fixture, "price", &[Max]).await,
        [Accumulator::Value(Value::Decimal(Decimal::new(15_000, 4)))]
    );
    assert_eq!(
        measured(&fixture, "length", &[Min]).await,
        [Accumulator::Value(Value::Duration(Duration::from_micros(1_000_000)))]
    );
}

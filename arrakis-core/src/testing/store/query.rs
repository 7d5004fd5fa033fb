//! Queries: sets, their algebra, what is selected, in which order.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::kernel::plan::{Comparison, Predicate, Rel, SortDirection};
use crate::ontology::End;
use crate::testing::{Ask, Draft, Fixture, filter, keys_of};
use crate::{Key, Value};

async fn people(fixture: &Fixture, ranks: &[Option<i64>]) {
    let create = |draft: Draft, (place, rank): (usize, &Option<i64>)| {
        draft.create("Person", json!({ "id": place, "name": format!("p{place}"), "rank": rank }))
    };
    fixture.wrote(ranks.iter().enumerate().fold(fixture.draft(fixture.own), create)).await;
}

fn keys(keys: &[i64]) -> Rel {
    Rel::Keys(keys.iter().copied().map(Key::Integer).collect())
}

async fn found(fixture: &Fixture, rel: Rel) -> Vec<String> {
    fixture.found(fixture.own, &fixture.ask("Person", rel)).await
}

/// All objects of a type, none, and those with given keys: in key order, each once.
pub async fn plain_sets(fixture: Fixture) {
    people(&fixture, &[None; 12]).await;
    let all: Vec<_> = (0..12).map(|id| id.to_string()).collect();
    assert_eq!(found(&fixture, Rel::All).await, all);
    assert_eq!(found(&fixture, Rel::Nothing).await, Vec::<String>::new());
    assert_eq!(found(&fixture, keys(&[11, 3, 99, 3, -1])).await, ["3", "11"]);
    assert_eq!(found(&fixture, keys(&[])).await, Vec::<String>::new());
}

/// Many keys are a set as few are.
pub async fn a_set_of_many_keys(fixture: Fixture) {
    people(&fixture, &[None; 12]).await;
    let many: Vec<_> = (5..20_000).collect();
    assert_eq!(found(&fixture, keys(&many)).await, ["5", "6", "7", "8", "9", "10", "11"]);
}

/// Text keys are in the order of their bytes.
pub async fn text_keys_are_in_byte_order(fixture: Fixture) {
    let codes = ["b", "B", "é", "z", "10", "9", "a b", "ab", "\u{ffff}", "\u{10000}"];
    let create = |draft: Draft, code: &&str| draft.create("Team", json!({ "code": code, "title": "t" }));
    fixture.wrote(codes.iter().fold(fixture.draft(fixture.own), create)).await;
    let mut expected = codes.to_vec();
    expected.sort_unstable();
    assert_eq!(fixture.found(fixture.own, &fixture.ask("Team", Rel::All)).await, expected);
}

/// Unions, intersections, differences and filters nest.
pub async fn sets_combine(fixture: Fixture) {
    let ranks: Vec<_> = (0..10).map(|id| Some(id % 5)).collect();
    people(&fixture, &ranks).await;
    let rank = |rank: i64| filter(fixture.on("Person").eq("rank", rank));
    let below = |rel: Rel, id: i64| Rel::Filter(Box::new(rel), fixture.on("Person").compare("id", Comparison::Lt, id));
    let minus = |from: Rel, gone: Rel| Rel::Subtract(Box::new(from), Box::new(gone));
    for (rel, expected) in [
        (Rel::Union(vec![rank(1), keys(&[1, 4]), Rel::Nothing]), &["1", "4", "6"][..]),
        (Rel::Intersect(vec![keys(&[1, 2, 6]), rank(1)]), &["1", "6"]),
        (Rel::Intersect(vec![Rel::All, keys(&[3]), Rel::All]), &["3"]),
        (Rel::Intersect(vec![rank(1), rank(2)]), &[]),
        (minus(Rel::All, Rel::Union((0..4).map(rank).collect())), &["4", "9"]),
        (minus(rank(1), Rel::All), &[]),
        (minus(keys(&[1, 2]), keys(&[2, 3])), &["1"]),
        (below(Rel::Union(vec![rank(1), rank(2)]), 6), &["1", "2"]),
        (below(below(Rel::All, 3), 2), &["0", "1"]),
        (Rel::Union(vec![minus(rank(1), keys(&[1])), Rel::Intersect(vec![rank(2), below(Rel::All, 5)])]), &["2", "6"]),
        (Rel::Union(Vec::new()), &[]),
    ] {
        assert_eq!(found(&fixture, rel.clone()).await, expected, "{rel:?}");
    }
}

/// Only what is selected is answered, under the names asked for, in the order asked.
pub async fn outputs_are_selected(fixture: Fixture) {
    people(&fixture, &[Some(7)]).await;
    let mut ask = fixture.ask("Person", Rel::All);
    let person = fixture.on("Person");
    ask.plan.branches[0].output = vec![person.index("rank"), person.index("name"), person.index("rank")];
    ask.plan.names = ["points", "label", "again"].map(|name| name.parse().unwrap()).into();
    let rows = fixture.query(fixture.own, &ask).await.unwrap();
    let object = &rows.objects[0];
    assert_eq!(object.properties.values(), [Value::Integer(7), Value::string("p0"), Value::Integer(7)]);
    assert_eq!(object.properties.names(), &ask.plan.names);
    assert_eq!((object.object_type.as_str(), &object.key), ("Person", &Key::Integer(0)));
    ask.plan.branches[0].output.clear();
    ask.plan.names = Arc::new([]);
    assert_eq!(fixture.query(fixture.own, &ask).await.unwrap().objects[0].properties.values(), []);
}

/// An object is answered with the commit that last changed it.
pub async fn objects_bear_their_revision(fixture: Fixture) {
    people(&fixture, &[None, None]).await;
    let before = fixture.store.head().await.unwrap();
    let changed = fixture.wrote(fixture.draft(fixture.own).modify("Person", 1, json!({ "rank": 1 }))).await;
    let rows = fixture.query(fixture.own, &fixture.ask("Person", Rel::All)).await.unwrap();
    assert_eq!(rows.objects.iter().map(|object| object.revision).collect::<Vec<_>>(), [before, changed]);
}

/// Absent values come first ascending and last descending; ties are broken by key in the direction of the last term.
pub async fn order_has_absent_values_and_ties(fixture: Fixture) {
    people(&fixture, &[Some(2), None, Some(1), Some(2), None, Some(i64::MIN)]).await;
    let by = |direction| fixture.ask("Person", Rel::All).order("rank", direction);
    assert_eq!(fixture.found(fixture.own, &by(SortDirection::Asc)).await, ["1", "4", "5", "2", "0", "3"]);
    assert_eq!(fixture.found(fixture.own, &by(SortDirection::Desc)).await, ["3", "0", "2", "5", "4", "1"]);
    let by_key = |direction| fixture.ask("Person", Rel::All).order("id", direction);
    assert_eq!(fixture.found(fixture.own, &by_key(SortDirection::Desc)).await, ["5", "4", "3", "2", "1", "0"]);
}

/// Several terms order one after the other, each in its direction.
pub async fn order_has_several_terms(fixture: Fixture) {
    let rows = [
        ("a", Some(1), Some(0.5)),
        ("b", Some(1), None),
        ("c", None, Some(0.5)),
        ("d", Some(1), Some(0.5)),
        ("e", Some(0), Some(9.0)),
    ];
    let create = |draft: Draft, (id, count, ratio): &(&str, Option<i64>, Option<f64>)| {
        draft.create("Sample", json!({ "id": id, "count": count, "ratio": ratio }))
    };
    fixture.wrote(rows.iter().fold(fixture.draft(fixture.own), create)).await;
    for (count, ratio, expected) in [
        (SortDirection::Asc, SortDirection::Asc, ["c", "e", "b", "a", "d"]),
        (SortDirection::Asc, SortDirection::Desc, ["c", "e", "d", "a", "b"]),
        (SortDirection::Desc, SortDirection::Asc, ["b", "a", "d", "e", "c"]),
        (SortDirection::Desc, SortDirection::Desc, ["d", "a", "b", "e", "c"]),
    ] {
        let ask = fixture.ask("Sample", Rel::All).order("count", count).order("ratio", ratio);
        assert_eq!(fixture.found(fixture.own, &ask).await, expected, "{count:?} {ratio:?}");
    }
}

/// Every ordered base type is ordered by its values: numbers by size, text by byte, times by instant.
pub async fn every_ordered_type_is_ordered(fixture: Fixture) {
    let ascending: [(&str, Vec<Json>); 8] = [
        ("flag", vec![json!(false), json!(true)]),
        (
            "count",
            vec![json!(i64::MIN.to_string()), json!(-10), json!(-9), json!(9), json!(10), json!(i64::MAX.to_string())],
        ),
        (
            "ratio",
            vec![json!(f64::MIN), json!(-1e-300), json!(0.0), json!(5e-324), json!(9.0), json!(10.0), json!(f64::MAX)],
        ),
        ("price", vec![json!("-10"), json!("-9.9999"), json!("0.0001"), json!("9"), json!("10")]),
        ("text", ["", "10", "9", "Z", "a", "aa", "é", "\u{ffff}", "\u{10000}"].map(Json::from).to_vec()),
        ("day", ["0001-01-01", "1969-12-31", "1970-01-01", "9999-12-31"].map(Json::from).to_vec()),
        (
            "at",
            ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z"].map(Json::from).to_vec(),
        ),
        ("length", ["-PT10S", "-PT9S", "PT0.000001S", "PT9S", "PT10S"].map(Json::from).to_vec()),
    ];
    for (property, values) in ascending {
        let count = values.len();
        // Keys fall as values rise, so that the order cannot come from the keys.
        let create = |draft: Draft, (place, value): (usize, &Json)| {
            draft.upsert("Sample", json!({ "id": format!("{property}{}", count - place), property: value }))
        };
        fixture.wrote(values.iter().enumerate().fold(fixture.draft(fixture.own), create)).await;
        let rising: Vec<_> = (0..count).map(|place| format!("{property}{}", count - place)).collect();
        let present = || filter(Predicate::Not(Box::new(fixture.on("Sample").is_null(property))));
        let asc = fixture.ask("Sample", present()).order(property, SortDirection::Asc);
        assert_eq!(fixture.found(fixture.own, &asc).await, rising);
        let desc = fixture.ask("Sample", present()).order(property, SortDirection::Desc);
        assert_eq!(fixture.found(fixture.own, &desc).await, rising.iter().rev().cloned().collect::<Vec<_>>());
    }
}

async fn people_and_teams(fixture: &Fixture) {
    people(fixture, &[Some(3), None, Some(1)]).await;
    let teams = fixture
        .draft(fixture.own)
        .create("Team", json!({ "code": "a", "title": "p1", "score": 3 }))
        .create("Team", json!({ "code": "b", "title": "A" }))
        .create("Team", json!({ "code": "c", "title": "p2", "score": 2 }));
    fixture.wrote(teams).await;
}

/// An interface is queried over every type that implements it, under the interface's names.
pub async fn an_interface_spans_its_types(fixture: Fixture) {
    people_and_teams(&fixture).await;
    let ask = Ask::of_interface(&fixture.schema, "Named", |_| Rel::All);
    let rows = fixture.query(fixture.own, &ask).await.unwrap();
    assert_eq!(keys_of(&rows.objects), ["0", "1", "2", "a", "b", "c"]);
    let types: Vec<_> = rows.objects.iter().map(|object| object.object_type.as_str()).collect();
    assert_eq!(types, ["Person", "Person", "Person", "Team", "Team", "Team"]);
    assert_eq!(serde_json::to_value(&rows.objects[3].properties).unwrap(), json!({ "name": "p1", "rank": 3 }));
}

/// Over several types, order is by value, then by type, then by key; a filter may keep another part of each.
pub async fn an_interface_is_ordered_across_types(fixture: Fixture) {
    people_and_teams(&fixture).await;
    let by = |direction| Ask::of_interface(&fixture.schema, "Named", |_| Rel::All).order("rank", direction);
    assert_eq!(fixture.found(fixture.own, &by(SortDirection::Asc)).await, ["1", "b", "2", "c", "0", "a"]);
    assert_eq!(fixture.found(fixture.own, &by(SortDirection::Desc)).await, ["a", "0", "c", "2", "b", "1"]);
    let by_name = Ask::of_interface(&fixture.schema, "Named", |_| Rel::All).order("name", SortDirection::Asc);
    assert_eq!(fixture.found(fixture.own, &by_name).await, ["b", "0", "1", "a", "2", "c"]);
    let some = Ask::of_interface(&fixture.schema, "Named", |of| match of.api_name.as_str() {
        "Team" => filter(fixture.on("Team").is_null("score")),
        _ => Rel::Traverse(Box::new(fixture.traverse("knows", End::Source, Rel::All))),
    });
    assert_eq!(fixture.found(fixture.own, &some).await, ["b"]);
}

//! Rules counted in the data of a whole space, with samples of the asking tenant's own.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::ontology::{DataCheck, End, VIOLATION_SAMPLES_MAX, Violations};
use crate::testing::{Draft, Fixture};
use crate::{BaseType, Constraint, DataType, Scope, Value};

/// Samples named by letter in each tenant: one and the same data thrice.
async fn samples(fixture: &Fixture, rows: &[Json]) {
    for scope in [fixture.neighbour, fixture.own, fixture.stranger] {
        let create = |draft: Draft, row: &Json| draft.create("Sample", row.clone());
        fixture.wrote(rows.iter().fold(fixture.draft(scope), create)).await;
    }
}

async fn count(fixture: &Fixture, scope: Scope, check: DataCheck) -> (u64, Vec<String>) {
    let mut found = fixture.store.violations(scope, vec![check]).await.unwrap();
    let Violations { count, samples } = found.remove(0);
    (count, samples)
}

fn named(count: u64, samples: &[&str]) -> (u64, Vec<String>) {
    (count, samples.iter().map(|&sample| sample.to_owned()).collect())
}

/// Objects, values present and values absent are counted in all tenants of the space, and sampled in one's own.
pub async fn presence_is_counted(fixture: Fixture) {
    samples(&fixture, &[json!({ "id": "a", "count": 1 }), json!({ "id": "b" }), json!({ "id": "c", "count": 0 })])
        .await;
    let of = || Arc::clone(fixture.object_type("Sample"));
    let number = fixture.on("Sample").index("count");
    for scope in [fixture.own, fixture.neighbour] {
        assert_eq!(count(&fixture, scope, DataCheck::NoObjects(of())).await, named(6, &["a", "b", "c"]));
        assert_eq!(count(&fixture, scope, DataCheck::NoValues(of(), number)).await, named(4, &["a", "c"]));
        assert_eq!(count(&fixture, scope, DataCheck::Required(of(), number)).await, named(2, &["b"]));
    }
    assert_eq!(count(&fixture, fixture.stranger, DataCheck::NoObjects(of())).await, named(3, &["a", "b", "c"]));
    let none = DataCheck::NoObjects(Arc::clone(fixture.object_type("Badge")));
    assert_eq!(count(&fixture, fixture.own, none).await, named(0, &[]));
}

/// Values that break a constraint, and values without a counterpart in another type, are counted.
pub async fn values_that_do_not_fit_are_counted(fixture: Fixture) {
    let rows = [json!({ "id": "a", "text": "12" }), json!({ "id": "b", "text": "twelve" }), json!({ "id": "c" })];
    samples(&fixture, &rows).await;
    let of = || Arc::clone(fixture.object_type("Sample"));
    let text = fixture.on("Sample").index("text");
    let short = DataType { base: BaseType::String, constraints: vec![Constraint::Length { min: None, max: Some(2) }] };
    assert_eq!(count(&fixture, fixture.own, DataCheck::Conforms(of(), text, short)).await, named(2, &["b"]));
    let integer = DataType::of(BaseType::Integer);
    assert_eq!(count(&fixture, fixture.own, DataCheck::Castable(of(), text, integer)).await, named(2, &["b"]));
}

/// Each holder of a value beyond the first of its tenant is counted; absent values are not.
pub async fn repeated_values_are_counted(fixture: Fixture) {
    let rows = [
        ("a", json!("x")),
        ("b", json!("x")),
        ("c", json!("y")),
        ("d", json!("x")),
        ("e", Json::Null),
        ("f", Json::Null),
    ];
    samples(&fixture, &rows.map(|(id, text)| json!({ "id": id, "text": text }))).await;
    let check = DataCheck::Unique(Arc::clone(fixture.object_type("Sample")), fixture.on("Sample").index("text"));
    assert_eq!(count(&fixture, fixture.own, check).await, named(4, &["b", "d"]));
}

/// Values that are no key of an object of the tenant's are counted.
pub async fn values_that_name_nothing_are_counted(fixture: Fixture) {
    for scope in [fixture.own, fixture.neighbour] {
        let draft = fixture
            .draft(scope)
            .create("Sample", json!({ "id": "a", "count": 1 }))
            .create("Sample", json!({ "id": "b", "count": 2 }))
            .create("Sample", json!({ "id": "c" }));
        let id = if scope == fixture.own { 1 } else { 2 };
        fixture.wrote(draft.create("Person", json!({ "id": id, "name": "p" }))).await;
    }
    let (of, to) = (fixture.object_type("Sample"), fixture.object_type("Person"));
    let check = DataCheck::References(Arc::clone(of), fixture.on("Sample").index("count"), Arc::clone(to));
    assert_eq!(count(&fixture, fixture.own, check.clone()).await, named(2, &["b"]));
    assert_eq!(count(&fixture, fixture.neighbour, check).await, named(2, &["a"]));
}

/// Links, their properties and their number at one end are counted as objects are.
pub async fn links_are_counted(fixture: Fixture) {
    for scope in [fixture.own, fixture.neighbour, fixture.stranger] {
        let people =
            (1..=3).fold(fixture.draft(scope), |draft, id| draft.create("Person", json!({ "id": id, "name": "p" })));
        let links = people
            .link("knows", 2, 1, json!({ "weight": 5 }))
            .link("knows", 1, 3, json!({}))
            .link("knows", 1, 2, json!({ "weight": 500 }))
            .link("knows", 3, 2, json!({ "weight": 1 }));
        fixture.wrote(links.unlink("knows", 3, 2)).await;
    }
    let of = || Arc::clone(fixture.link_type("knows"));
    let small = Constraint::Range { min: None, max: Some(Value::Integer(10)) };
    let small = DataType { base: BaseType::Integer, constraints: vec![small] };
    let flag = DataType::of(BaseType::Boolean);
    for (check, expected) in [
        (DataCheck::NoLinks(of()), named(6, &["1 → 2", "1 → 3", "2 → 1"])),
        (DataCheck::LinkRequired(of(), 1), named(2, &["1 → 3"])),
        (DataCheck::LinkNoValues(of(), 1), named(4, &["1 → 2", "2 → 1"])),
        (DataCheck::LinkConforms(of(), 1, small), named(2, &["1 → 2"])),
        (DataCheck::LinkCastable(of(), 1, flag), named(4, &["1 → 2", "2 → 1"])),
        (DataCheck::AtMostOneLink(of(), End::Source), named(2, &["1"])),
        (DataCheck::AtMostOneLink(of(), End::Target), named(0, &[])),
    ] {
        let text = format!("{check:?}");
        assert_eq!(count(&fixture, fixture.own, check).await, expected, "{}", &text[..20]);
    }
}

/// There are as many samples as may be, in the order of the keys, and the count is exact.
pub async fn samples_are_the_first(fixture: Fixture) {
    let people = (0..100)
        .fold(fixture.draft(fixture.own), |draft, id| draft.create("Person", json!({ "id": 99 - id, "name": "p" })));
    fixture.wrote(people).await;
    let (total, samples) =
        count(&fixture, fixture.own, DataCheck::NoObjects(Arc::clone(fixture.object_type("Person")))).await;
    let first: Vec<_> = (0..VIOLATION_SAMPLES_MAX).map(|id| id.to_string()).collect();
    assert_eq!((total, samples), (100, first));
}

/// Rules are counted in the order asked, on what is there now.
pub async fn rules_are_counted_in_order(fixture: Fixture) {
    fixture
        .wrote(
            fixture
                .draft(fixture.own)
                .create("Person", json!({ "id": 1, "name": "p" }))
                .create("Badge", json!({ "id": 1 })),
        )
        .await;
    fixture.wrote(fixture.draft(fixture.own).delete("Badge", 1)).await;
    let check = |name: &str| DataCheck::NoObjects(Arc::clone(fixture.object_type(name)));
    let checks = vec![check("Badge"), check("Person"), check("Badge")];
    let counts: Vec<_> =
        fixture.store.violations(fixture.own, checks).await.unwrap().iter().map(|found| found.count).collect();
    assert_eq!(counts, [0, 1, 0]);
    assert_eq!(fixture.store.violations(fixture.own, Vec::new()).await.unwrap(), []);
}

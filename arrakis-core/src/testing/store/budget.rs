//! Budgets: exact or refused, never cut short.

use std::time::Duration;

use serde_json::json;

use crate::kernel::Budget;
use crate::kernel::plan::{Predicate, Rel};
use crate::ontology::End;
use crate::testing::{Ask, Fixture, filter};
use crate::{Error, ErrorKind, Result};

async fn people(fixture: &Fixture, count: i64) {
    let people = (1..=count).fold(fixture.draft(fixture.own), |draft, id| {
        draft.create("Person", json!({ "id": id, "name": "p", "rank": id % 2 }))
    });
    fixture.wrote(people).await;
}

const fn rows(rows: u64) -> Budget {
    Budget { rows: Some(rows), ms: None }
}

fn code<T>(result: Result<T>) -> Option<String> {
    result.err().map(|error: Error| {
        assert_eq!(error.kind(), ErrorKind::Precondition);
        format!("{} {}", error.code(), error.param("rows_max").or(error.param("time_max_ms")).unwrap())
    })
}

/// A set larger than the row budget is refused, however short the page; one as large is read.
pub async fn a_query_beyond_its_rows_is_refused(fixture: Fixture) {
    people(&fixture, 10).await;
    let ask = |rel| fixture.ask("Person", rel).limit(2);
    let odd = || filter(fixture.on("Person").eq("rank", 1));
    let walk = || Rel::Traverse(Box::new(fixture.traverse("knows", End::Source, Rel::All)));
    for (rel, limit, expected) in [
        (Rel::All, 10, None),
        (Rel::All, 9, Some("kernel.budget.rows 9")),
        (Rel::All, 0, Some("kernel.budget.rows 0")),
        (odd(), 5, None),
        (odd(), 4, Some("kernel.budget.rows 4")),
        (walk(), 0, None),
        (Rel::Nothing, 0, None),
    ] {
        let result = fixture.query(fixture.own, &ask(rel).budget(rows(limit))).await;
        assert_eq!(code(result).as_deref(), expected, "{limit}");
    }
}

/// The row budget counts the whole set, not what is left after a position.
pub async fn rows_are_counted_before_paging(fixture: Fixture) {
    people(&fixture, 10).await;
    let ask = fixture.ask("Person", Rel::All).limit(4);
    let first = fixture.query(fixture.own, &ask.clone().budget(rows(10))).await.unwrap();
    let second = ask.after(first.next);
    assert_eq!(fixture.query(fixture.own, &second.clone().budget(rows(10))).await.unwrap().objects.len(), 4);
    assert_eq!(
        code(fixture.query(fixture.own, &second.budget(rows(9))).await).as_deref(),
        Some("kernel.budget.rows 9")
    );
}

/// Over several types, the row budget counts the objects of all.
pub async fn rows_are_counted_across_types(fixture: Fixture) {
    people(&fixture, 3).await;
    fixture.wrote(fixture.draft(fixture.own).create("Team", json!({ "code": "a", "title": "A" }))).await;
    let all = || Ask::of_interface(&fixture.schema, "Named", |_| Rel::All);
    assert_eq!(code(fixture.query(fixture.own, &all().budget(rows(4))).await), None);
    assert_eq!(code(fixture.query(fixture.own, &all().budget(rows(3))).await).as_deref(), Some("kernel.budget.rows 3"));
}

/// An aggregate over more rows than its budget is refused; over links, each pair is a row.
pub async fn an_aggregate_beyond_its_rows_is_refused(fixture: Fixture) {
    people(&fixture, 4).await;
    let links = [(1, 2), (1, 3), (2, 1), (4, 4), (4, 1)];
    let draft = links
        .into_iter()
        .fold(fixture.draft(fixture.own), |draft, (source, target)| draft.link("knows", source, target, json!({})));
    fixture.wrote(draft).await;
    let plain = fixture.tally("Person", Rel::All).exactly_by("rank").count();
    let over = fixture.tally("Person", Rel::All).over(&fixture.schema, "knows", End::Source).count();
    for (tally, limit, expected) in [
        (&plain, 4, None),
        (&plain, 3, Some("kernel.budget.rows 3")),
        (&over, 5, None),
        (&over, 4, Some("kernel.budget.rows 4")),
    ] {
        let mut tally = tally.clone();
        tally.plan.budget = rows(limit);
        assert_eq!(code(fixture.groups(fixture.own, &tally).await).as_deref(), expected, "{limit}");
    }
}

/// A read that takes longer than its time is refused, where the store keeps time; without a budget it takes what it takes.
pub async fn a_read_beyond_its_time_is_refused(fixture: Fixture) {
    if !fixture.store.capability().budget {
        return;
    }
    people(&fixture, 4_000).await;
    // Time passes by looking at it: whoever watches a budget over this much work sees it run out.
    fixture.clock().tick(Duration::from_millis(50));
    let name = || Predicate::Not(Box::new(fixture.on("Person").eq("name", "q")));
    let slow = Predicate::And((0..50).map(|_| name()).collect());
    let ask = |ms| fixture.ask("Person", filter(slow.clone())).budget(Budget { rows: None, ms });
    assert_eq!(code(fixture.query(fixture.own, &ask(Some(20))).await).as_deref(), Some("kernel.budget.ms 20"));
    assert_eq!(code(fixture.query(fixture.own, &ask(None)).await), None);
    let mut tally = fixture.tally("Person", filter(slow.clone())).exactly_by("rank").count();
    tally.plan.budget.ms = Some(20);
    assert_eq!(code(fixture.groups(fixture.own, &tally).await).as_deref(), Some("kernel.budget.ms 20"));
    // The store is as good as before.
    fixture.clock().tick(Duration::ZERO);
    assert_eq!(fixture.query(fixture.own, &ask(Some(20))).await.unwrap().objects.len(), 1_000);
}

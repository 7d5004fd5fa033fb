//! Walks along links.

use serde_json::json;

use crate::Key;
use crate::kernel::plan::{Comparison, Predicate, Rel, Traverse};
use crate::ontology::End;
use crate::testing::{Draft, Fixture, filter};

/// `1 → 2 → 3 → 4`, `2 → 5`, the circle `6 → 7 → 8 → 6`, `9 → 9`, and `10` alone; the weight of a link is its source.
async fn graph(fixture: &Fixture) {
    let people =
        (1..=10).fold(fixture.draft(fixture.own), |draft, id| draft.create("Person", json!({ "id": id, "name": "p" })));
    let link =
        |draft: Draft, (source, target): (i64, i64)| draft.link("knows", source, target, json!({ "weight": source }));
    let links = [(1, 2), (2, 3), (3, 4), (2, 5), (6, 7), (7, 8), (8, 6), (9, 9)];
    fixture.wrote(links.into_iter().fold(people, link)).await;
}

fn from(ids: &[i64]) -> Rel {
    Rel::Keys(ids.iter().copied().map(Key::Integer).collect())
}

async fn reached(fixture: &Fixture, object_type: &str, traverse: Traverse) -> Vec<String> {
    fixture.found(fixture.own, &fixture.ask(object_type, Rel::Traverse(Box::new(traverse)))).await
}

async fn walked(fixture: &Fixture, ids: &[i64], end: End, (min, max): (u32, u32)) -> Vec<String> {
    let traverse = Traverse { min, max, ..fixture.traverse("knows", end, from(ids)) };
    reached(fixture, "Person", traverse).await
}

/// One link leads to the objects at its far end, in the direction walked.
pub async fn one_link_leads_to_its_far_end(fixture: Fixture) {
    graph(&fixture).await;
    for (ids, end, expected) in [
        (&[1][..], End::Source, &["2"][..]),
        (&[2], End::Source, &["3", "5"]),
        (&[2], End::Target, &["1"]),
        (&[1], End::Target, &[]),
        (&[1, 2, 3], End::Source, &["2", "3", "4", "5"]),
        (&[9], End::Source, &["9"]),
        (&[10, 99], End::Source, &[]),
        (&[], End::Source, &[]),
    ] {
        assert_eq!(walked(&fixture, ids, end, (1, 1)).await, expected, "{ids:?} {end:?}");
    }
}

/// A walk is as long as asked for: the ends of shorter and longer ones are not reached by it.
pub async fn a_walk_is_as_long_as_asked(fixture: Fixture) {
    graph(&fixture).await;
    for (ids, lengths, expected) in [
        (&[1][..], (1, 2), &["2", "3", "5"][..]),
        (&[1], (2, 2), &["3", "5"]),
        (&[1], (3, 3), &["4"]),
        (&[1], (2, 16), &["3", "4", "5"]),
        (&[1], (4, 16), &[]),
        (&[1, 2], (2, 2), &["3", "4", "5"]),
    ] {
        assert_eq!(walked(&fixture, ids, End::Source, lengths).await, expected, "{ids:?} {lengths:?}");
    }
    assert_eq!(walked(&fixture, &[4], End::Target, (2, 3)).await, ["1", "2"]);
}

/// A walk may return to where it was, and ends on circles.
pub async fn a_walk_may_return(fixture: Fixture) {
    graph(&fixture).await;
    for (ids, lengths, expected) in [
        (&[6][..], (1, 2), &["7", "8"][..]),
        (&[6], (3, 3), &["6"]),
        (&[6], (1, 16), &["6", "7", "8"]),
        (&[6], (16, 16), &["7"]),
        (&[9], (1, 16), &["9"]),
        (&[9], (16, 16), &["9"]),
        (&[6, 7], (1, 1), &["7", "8"]),
    ] {
        assert_eq!(walked(&fixture, ids, End::Source, lengths).await, expected, "{ids:?} {lengths:?}");
    }
}

/// A walk in either direction turns as it goes.
pub async fn a_walk_in_either_direction_turns(fixture: Fixture) {
    graph(&fixture).await;
    let either = |ids: &[i64], (min, max)| {
        let traverse = fixture.traverse("knows", End::Source, from(ids));
        Traverse { either: true, min, max, ..traverse }
    };
    for (ids, lengths, expected) in [
        (&[3][..], (1, 1), &["2", "4"][..]),
        (&[5], (2, 2), &["1", "3", "5"]),
        (&[5], (1, 3), &["1", "2", "3", "4", "5"]),
        (&[6], (1, 1), &["7", "8"]),
        (&[6], (2, 2), &["6", "7", "8"]),
        (&[9], (2, 2), &["9"]),
        (&[10], (1, 16), &[]),
    ] {
        assert_eq!(reached(&fixture, "Person", either(ids, lengths)).await, expected, "{ids:?} {lengths:?}");
    }
}

/// Every link of a walk satisfies the condition on links.
pub async fn every_link_satisfies_the_condition(fixture: Fixture) {
    graph(&fixture).await;
    let weight = |comparison, number: i64| Some(fixture.on_link("knows").compare("weight", comparison, number));
    let walk = |ids: &[i64], edge, max| Traverse { max, edge, ..fixture.traverse("knows", End::Source, from(ids)) };
    for (traverse, expected) in [
        (walk(&[1], weight(Comparison::Ne, 2), 4), &["2"][..]),
        (walk(&[1], weight(Comparison::Le, 2), 4), &["2", "3", "5"]),
        (walk(&[2], weight(Comparison::Le, 2), 4), &["3", "5"]),
        (walk(&[6], weight(Comparison::Lt, 8), 16), &["7", "8"]),
        (walk(&[1], weight(Comparison::Gt, 100), 4), &[]),
        (walk(&[1], Some(Predicate::And(Vec::new())), 1), &["2"]),
    ] {
        assert_eq!(reached(&fixture, "Person", traverse.clone()).await, expected, "{traverse:?}");
    }
}

async fn offices(fixture: &Fixture) {
    let draft = fixture
        .draft(fixture.own)
        .create("Team", json!({ "code": "a", "title": "A" }))
        .create("Team", json!({ "code": "b", "title": "B" }))
        .create("Person", json!({ "id": 1, "name": "p", "team": "a" }))
        .create("Person", json!({ "id": 2, "name": "p", "team": "a", "boss": 1 }))
        .create("Person", json!({ "id": 3, "name": "p", "team": "b", "boss": 2 }))
        .create("Person", json!({ "id": 4, "name": "p", "boss": 2 }))
        .create("Person", json!({ "id": 5, "name": "p", "boss": 5 }))
        .link("sponsors", 3, "a", json!({}));
    fixture.wrote(draft).await;
}

/// Links kept in a foreign key are walked from both ends, as often as asked.
pub async fn foreign_keys_are_walked(fixture: Fixture) {
    offices(&fixture).await;
    let walk = |ids: &[i64], end, (min, max)| Traverse { min, max, ..fixture.traverse("reports", end, from(ids)) };
    for (traverse, expected) in [
        (walk(&[2], End::Source, (1, 1)), &["1"][..]),
        (walk(&[3, 4], End::Source, (1, 2)), &["1", "2"]),
        (walk(&[1], End::Target, (1, 1)), &["2"]),
        (walk(&[1], End::Target, (2, 2)), &["3", "4"]),
        (walk(&[1], End::Target, (1, 16)), &["2", "3", "4"]),
        (walk(&[5], End::Target, (7, 7)), &["5"]),
        (Traverse { either: true, ..walk(&[2], End::Source, (1, 1)) }, &["1", "3", "4"]),
        (Traverse { either: true, ..walk(&[3], End::Source, (2, 2)) }, &["1", "3", "4"]),
    ] {
        assert_eq!(reached(&fixture, "Person", traverse.clone()).await, expected, "{traverse:?}");
    }
}

/// Links between two types are walked from one to the other, of either backing.
pub async fn links_between_types_are_walked(fixture: Fixture) {
    offices(&fixture).await;
    let team = |code: &str| Rel::Keys(vec![Key::string(code)]);
    let members = |rel| fixture.traverse("membership", End::Source, rel);
    assert_eq!(reached(&fixture, "Person", members(team("a"))).await, ["1", "2"]);
    assert_eq!(reached(&fixture, "Person", members(Rel::All)).await, ["1", "2", "3"]);
    assert_eq!(reached(&fixture, "Team", fixture.traverse("membership", End::Target, from(&[3, 4]))).await, ["b"]);
    assert_eq!(reached(&fixture, "Team", fixture.traverse("sponsors", End::Source, from(&[1, 3]))).await, ["a"]);
    assert_eq!(reached(&fixture, "Person", fixture.traverse("sponsors", End::Target, team("a"))).await, ["3"]);
}

/// A walk starts from any set, another walk's ends too, and its ends are a set as any other.
pub async fn walks_are_sets(fixture: Fixture) {
    offices(&fixture).await;
    let boss_of_two = filter(fixture.on("Person").eq("boss", 2));
    let teams = Rel::Traverse(Box::new(fixture.traverse("membership", End::Target, boss_of_two)));
    let sponsors_of = |teams| Rel::Traverse(Box::new(fixture.traverse("sponsors", End::Target, teams)));
    assert_eq!(fixture.found(fixture.own, &fixture.ask("Team", teams.clone())).await, ["b"]);
    assert_eq!(
        fixture.found(fixture.own, &fixture.ask("Person", sponsors_of(teams.clone()))).await,
        Vec::<String>::new()
    );
    let others = Rel::Subtract(Box::new(Rel::All), Box::new(teams));
    assert_eq!(fixture.found(fixture.own, &fixture.ask("Person", sponsors_of(others.clone()))).await, ["3"]);
    let staff = Rel::Traverse(Box::new(fixture.traverse("reports", End::Target, from(&[2]))));
    let both = Rel::Intersect(vec![staff.clone(), sponsors_of(others)]);
    assert_eq!(fixture.found(fixture.own, &fixture.ask("Person", both)).await, ["3"]);
    let filtered = Rel::Filter(Box::new(staff), fixture.on("Person").is_null("team"));
    assert_eq!(fixture.found(fixture.own, &fixture.ask("Person", filtered)).await, ["4"]);
}

/// Many ways to one end are one end; a dense graph is walked as far as may be.
pub async fn many_ways_lead_to_one_end(fixture: Fixture) {
    const PEOPLE: i64 = 30;
    let mut draft = (0..PEOPLE)
        .fold(fixture.draft(fixture.own), |draft, id| draft.create("Person", json!({ "id": id, "name": "p" })));
    for source in 0..PEOPLE {
        for step in 1..=5 {
            draft = draft.link("knows", source, (source + step) % PEOPLE, json!({}));
        }
    }
    fixture.wrote(draft).await;
    assert_eq!(walked(&fixture, &[0], End::Source, (1, 1)).await.len(), 5);
    assert_eq!(walked(&fixture, &[0], End::Source, (2, 2)).await.len(), 9);
    assert_eq!(walked(&fixture, &[0], End::Source, (1, 16)).await.len(), 30);
    assert_eq!(walked(&fixture, &[0], End::Source, (16, 16)).await.len(), 30);
}

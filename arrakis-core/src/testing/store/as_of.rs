//! Reads as of a commit: the state right after it, whatever came later.

use serde_json::json;

use crate::kernel::Budget;
use crate::kernel::plan::{Accumulator, AggregateBranch, AggregatePlan, Comparison, MeasureFunction, Operand, Rel};
use crate::ontology::End;
use crate::testing::{Fixture, filter};
use crate::{Key, Seq, Value};

/// Three states: created, changed, deleted. Gives the commit before the first and those of each.
async fn three_states(fixture: &Fixture) -> [Seq; 4] {
    let before = fixture.store.head().await.unwrap();
    let created = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 1, "name": "Ann", "rank": 1 }))
        .create("Person", json!({ "id": 2, "name": "Bob", "rank": 2, "boss": 1 }))
        .create("Person", json!({ "id": 3, "name": "Cat", "rank": 3, "boss": 2 }))
        .link("knows", 1, 2, json!({ "weight": 1 }))
        .link("knows", 2, 3, json!({ "weight": 1 }));
    let changed = fixture
        .draft(fixture.own)
        .modify("Person", 2, json!({ "rank": 20, "name": "Bea" }))
        .relink("knows", 1, 2, json!({ "weight": 5 }))
        .unlink("knows", 2, 3);
    let deleted = fixture.draft(fixture.own).delete("Person", 2);
    [before, fixture.wrote(created).await, fixture.wrote(changed).await, fixture.wrote(deleted).await]
}

/// Objects are read as they were.
pub async fn objects_as_of_a_commit(fixture: Fixture) {
    let [before, created, changed, deleted] = three_states(&fixture).await;
    let expected = [
        (Some(Seq(0)), None),
        (Some(before), None),
        (Some(created), Some((created, "Bob"))),
        (Some(changed), Some((changed, "Bea"))),
        (Some(deleted), None),
        (None, None),
    ];
    for (at, expected) in expected {
        let read =
            fixture.store.objects(fixture.own, fixture.object_type("Person"), &[Key::Integer(2)], at).await.unwrap();
        assert_eq!(read.seq, at.unwrap_or(deleted));
        let found =
            read.value[0].as_ref().map(|object| (object.revision, object.properties.get("name").unwrap().to_json()));
        assert_eq!(found, expected.map(|(revision, name)| (revision, json!(name))), "{at:?}");
    }
    let ann = fixture.object_at(fixture.own, "Person", 1, Some(changed)).await.unwrap();
    assert_eq!(ann.revision, created);
}

/// Queries find what was there, filtered and ordered by the values it had.
pub async fn queries_as_of_a_commit(fixture: Fixture) {
    let [before, created, changed, deleted] = three_states(&fixture).await;
    let person = fixture.on("Person");
    let all = |at| fixture.ask("Person", Rel::All).order("rank", crate::kernel::plan::SortDirection::Desc).at(at);
    assert_eq!(fixture.found(fixture.own, &all(before)).await, Vec::<String>::new());
    assert_eq!(fixture.found(fixture.own, &all(created)).await, ["3", "2", "1"]);
    assert_eq!(fixture.found(fixture.own, &all(changed)).await, ["2", "3", "1"]);
    assert_eq!(fixture.found(fixture.own, &all(deleted)).await, ["3", "1"]);
    let bob = |at| fixture.ask("Person", filter(person.eq("name", "Bob"))).at(at);
    assert_eq!(fixture.found(fixture.own, &bob(created)).await, ["2"]);
    assert_eq!(fixture.found(fixture.own, &bob(changed)).await, Vec::<String>::new());
    let keys = |at| fixture.ask("Person", Rel::Keys(vec![Key::Integer(2), Key::Integer(3)])).at(at);
    assert_eq!(fixture.found(fixture.own, &keys(created)).await, ["2", "3"]);
    assert_eq!(fixture.found(fixture.own, &keys(deleted)).await, ["3"]);
    let read = fixture.store.query(fixture.own, &all(created).plan).await.unwrap();
    assert_eq!(read.seq, created);
    assert_eq!(fixture.store.query(fixture.own, &fixture.ask("Person", Rel::All).plan).await.unwrap().seq, deleted);
}

/// Walks follow the links there were, over the properties they had, of either backing.
pub async fn traversals_as_of_a_commit(fixture: Fixture) {
    let [before, created, changed, deleted] = three_states(&fixture).await;
    let from = Rel::Keys(vec![Key::Integer(1)]);
    let walk = |link: &str, end, at| {
        let mut traverse = fixture.traverse(link, end, from.clone());
        traverse.max = 2;
        fixture.ask("Person", Rel::Traverse(Box::new(traverse))).at(at)
    };
    for (link, end) in [("knows", End::Source), ("reports", End::Target)] {
        assert_eq!(fixture.found(fixture.own, &walk(link, end, before)).await, Vec::<String>::new());
        assert_eq!(fixture.found(fixture.own, &walk(link, end, created)).await, ["2", "3"]);
        assert_eq!(fixture.found(fixture.own, &walk(link, end, deleted)).await, Vec::<String>::new());
    }
    assert_eq!(fixture.found(fixture.own, &walk("knows", End::Source, changed)).await, ["2"]);
    let weight = fixture.on_link("knows").compare("weight", Comparison::Eq, 1);
    let mut heavy = fixture.traverse("knows", End::Source, from);
    heavy.edge = Some(weight);
    let heavy = fixture.ask("Person", Rel::Traverse(Box::new(heavy)));
    assert_eq!(fixture.found(fixture.own, &heavy.clone().at(created)).await, ["2"]);
    assert_eq!(fixture.found(fixture.own, &heavy.at(changed)).await, Vec::<String>::new());
}

/// Conditions on links hold as they held.
pub async fn conditions_on_links_as_of_a_commit(fixture: Fixture) {
    let [_, created, changed, deleted] = three_states(&fixture).await;
    let bea = fixture.on("Person").eq("name", "Bea");
    for (link, end) in [("knows", End::Source), ("reports", End::Target)] {
        let has = fixture.has(link, end, None, Some(bea.clone()));
        let ask = |at| fixture.ask("Person", filter(has.clone())).at(at);
        assert_eq!(fixture.found(fixture.own, &ask(created)).await, Vec::<String>::new());
        assert_eq!(fixture.found(fixture.own, &ask(changed)).await, ["1"]);
        assert_eq!(fixture.found(fixture.own, &ask(deleted)).await, Vec::<String>::new());
    }
}

/// Aggregates count and add what was there.
pub async fn aggregates_as_of_a_commit(fixture: Fixture) {
    let [before, created, changed, deleted] = three_states(&fixture).await;
    let rank = Operand::Property(fixture.on("Person").index("rank"));
    let plan = |at| AggregatePlan {
        branches: vec![AggregateBranch {
            object_type: std::sync::Arc::clone(fixture.object_type("Person")),
            rel: Rel::All,
            over: None,
            groups: Vec::new(),
            operands: vec![None, Some(rank), Some(rank)],
        }],
        measures: vec![MeasureFunction::Count, MeasureFunction::Sum, MeasureFunction::Max],
        at: Some(at),
        budget: Budget::default(),
    };
    for (at, count, sum, max) in
        [(before, 0, 0, None), (created, 3, 6, Some(3)), (changed, 3, 24, Some(20)), (deleted, 2, 4, Some(3))]
    {
        let read = fixture.store.aggregate(fixture.own, &plan(at)).await.unwrap();
        let max = max.map_or(Value::Null, Value::Integer);
        assert_eq!(read.seq, at);
        assert_eq!(read.value.len(), 1);
        let expected = [Accumulator::Count(count), Accumulator::Exact(sum, count), Accumulator::Value(max)];
        assert_eq!(read.value[0].accumulators, expected);
    }
}

/// An object deleted and created again is absent in between.
pub async fn gaps_in_a_life_are_gaps_as_of_then(fixture: Fixture) {
    let person = |name: &str| json!({ "id": 1, "name": name });
    let mut lives = Vec::new();
    for name in ["a", "b", "c"] {
        let born = fixture.wrote(fixture.draft(fixture.own).create("Person", person(name))).await;
        let died = fixture.wrote(fixture.draft(fixture.own).delete("Person", 1)).await;
        lives.push((name, born, died));
    }
    for (name, born, died) in lives {
        let ask = |at| fixture.ask("Person", filter(fixture.on("Person").eq("name", name))).at(at);
        assert_eq!(fixture.found(fixture.own, &ask(born)).await, ["1"]);
        assert_eq!(fixture.found(fixture.own, &ask(died)).await, Vec::<String>::new());
    }
}

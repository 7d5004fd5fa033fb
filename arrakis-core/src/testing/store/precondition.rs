//! Preconditions: what must hold before the first change.

use serde_json::json;

use crate::commit::Precondition;
use crate::testing::{Draft, Fixture};
use crate::{Error, ErrorKind, Seq, Value};

async fn fill(fixture: &Fixture) -> Seq {
    let people = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 1, "name": "Ann" }))
        .create("Person", json!({ "id": 2, "name": "Bob", "boss": 1 }))
        .create("Sample", json!({ "id": "s", "code": "taken" }))
        .link("knows", 1, 2, json!({}));
    fixture.wrote(people).await
}

async fn outcome(fixture: &Fixture, make: impl FnOnce(&Draft) -> Precondition) -> Option<Error> {
    let draft = fixture.draft(fixture.own);
    let precondition = make(&draft);
    let error = fixture.write(draft.when(precondition)).await.err();
    if let Some(error) = &error {
        assert_eq!((error.kind(), error.path()), (ErrorKind::Precondition, Some("preconditions[0]")));
    }
    error
}

async fn code(fixture: &Fixture, make: impl FnOnce(&Draft) -> Precondition) -> Option<String> {
    outcome(fixture, make).await.map(|error| error.code().to_owned())
}

const ABSENT: Option<&str> = Some("commit.precondition.absent");
const AT: Option<&str> = Some("commit.precondition.at");
const UNIQUE: Option<&str> = Some("commit.precondition.unique");
const HOLDS: Option<&str> = Some("commit.precondition.holds");

/// An object is absent, or the commit is refused.
pub async fn an_object_is_absent(fixture: Fixture) {
    fill(&fixture).await;
    let absent = |key: i64| move |draft: &Draft| Precondition::Absent(draft.object_ref("Person", key));
    assert_eq!(code(&fixture, absent(3)).await.as_deref(), None);
    assert_eq!(code(&fixture, absent(1)).await.as_deref(), ABSENT);
    fixture.wrote(fixture.draft(fixture.own).delete("Person", 1)).await;
    assert_eq!(code(&fixture, absent(1)).await.as_deref(), None);
}

/// An object is at exactly the revision expected, or the commit is refused with the one it is at.
pub async fn an_object_is_at_its_revision(fixture: Fixture) {
    let seq = fill(&fixture).await;
    let at = |key: i64, seq: Seq| move |draft: &Draft| Precondition::At(draft.object_ref("Person", key), seq);
    assert_eq!(code(&fixture, at(1, seq)).await.as_deref(), None);
    assert_eq!(code(&fixture, at(1, seq.next())).await.as_deref(), AT);
    let moved = fixture.wrote(fixture.draft(fixture.own).modify("Person", 1, json!({ "rank": 1 }))).await;
    let error = outcome(&fixture, at(1, seq)).await.unwrap();
    assert_eq!(error.param("current"), Some(moved.to_string().as_str()));
    let error = outcome(&fixture, at(9, seq)).await.unwrap();
    assert_eq!((error.code(), error.param("current")), ("commit.precondition.at", Some("absent")));
}

/// No object holds the value, or the commit is refused.
pub async fn a_value_is_free(fixture: Fixture) {
    fill(&fixture).await;
    let code_property = fixture.on("Sample").index("code");
    let free = |text: &'static str| {
        move |draft: &Draft| {
            let object_type = draft.object_ref("Sample", "s").object_type;
            Precondition::Unique(object_type, code_property, Value::string(text))
        }
    };
    assert_eq!(code(&fixture, free("free")).await.as_deref(), None);
    assert_eq!(code(&fixture, free("taken")).await.as_deref(), UNIQUE);
    let draft = fixture.draft(fixture.neighbour);
    let precondition = free("taken")(&draft);
    fixture.wrote(draft.when(precondition)).await;
}

/// An object holds the value expected, the absent one too, or the commit is refused.
pub async fn an_object_holds_its_value(fixture: Fixture) {
    fill(&fixture).await;
    let boss = fixture.on("Person").index("boss");
    let holds =
        |key: i64, value: Value| move |draft: &Draft| Precondition::Holds(draft.object_ref("Person", key), boss, value);
    assert_eq!(code(&fixture, holds(2, Value::Integer(1))).await.as_deref(), None);
    assert_eq!(code(&fixture, holds(1, Value::Null)).await.as_deref(), None);
    assert_eq!(code(&fixture, holds(2, Value::Null)).await.as_deref(), HOLDS);
    assert_eq!(code(&fixture, holds(1, Value::Integer(1))).await.as_deref(), HOLDS);
    assert_eq!(code(&fixture, holds(9, Value::Null)).await.as_deref(), HOLDS);
}

/// A link is at exactly the revision expected, or the commit is refused.
pub async fn a_link_is_at_its_revision(fixture: Fixture) {
    let seq = fill(&fixture).await;
    let at = |target: i64, seq: Seq| move |draft: &Draft| Precondition::LinkAt(draft.link_ref("knows", 1, target), seq);
    assert_eq!(code(&fixture, at(2, seq)).await.as_deref(), None);
    assert_eq!(code(&fixture, at(1, seq)).await.as_deref(), AT);
    fixture.wrote(fixture.draft(fixture.own).relink("knows", 1, 2, json!({ "weight": 1 }))).await;
    assert_eq!(code(&fixture, at(2, seq)).await.as_deref(), AT);
}

/// A link is absent, or the commit is refused.
pub async fn a_link_is_absent(fixture: Fixture) {
    fill(&fixture).await;
    let absent = |source: i64, target: i64| {
        move |draft: &Draft| Precondition::LinkAbsent(draft.link_ref("knows", source, target))
    };
    assert_eq!(code(&fixture, absent(2, 1)).await.as_deref(), None);
    assert_eq!(code(&fixture, absent(1, 2)).await.as_deref(), ABSENT);
}

/// Preconditions are judged before the first change, on the state the batch has reached.
pub async fn preconditions_come_before_changes(fixture: Fixture) {
    let draft = fixture.draft(fixture.own);
    let absent = Precondition::Absent(draft.object_ref("Person", 1));
    let first = draft.when(absent.clone()).create("Person", json!({ "id": 1, "name": "Ann" }));
    let second = fixture.draft(fixture.own).when(absent).delete("Person", 1);
    let results = fixture.store.commit_batch(vec![first.into(), second.into()], crate::Atomicity::Each).await;
    assert!(results[0].is_ok());
    assert_eq!(results[1].as_ref().unwrap_err().code(), "commit.precondition.absent");
}

/// Another tenant's objects neither satisfy nor fail a precondition.
pub async fn preconditions_see_one_tenant(fixture: Fixture) {
    let seq = fill(&fixture).await;
    let draft = fixture.draft(fixture.neighbour);
    let (object, link) = (draft.object_ref("Person", 1), draft.link_ref("knows", 1, 2));
    let absent = [Precondition::Absent(object.clone()), Precondition::LinkAbsent(link.clone())];
    fixture.wrote(draft.with(|commit| commit.preconditions.extend(absent))).await;
    for precondition in [Precondition::At(object, seq), Precondition::LinkAt(link, seq)] {
        let error = fixture.write(fixture.draft(fixture.neighbour).when(precondition)).await.unwrap_err();
        assert_eq!(error.param("current"), Some("absent"));
    }
}

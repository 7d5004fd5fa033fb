//! Foreign keys: nothing dangles, cardinality holds, deletions follow the rule of the link.

use serde_json::json;

use crate::commit::CASCADE_MAX;
use crate::testing::{Draft, Fixture};
use crate::{ErrorKind, Key, Value};

fn own(fixture: &Fixture) -> Draft {
    fixture.draft(fixture.own)
}

fn person(draft: Draft, id: i64) -> Draft {
    draft.create("Person", json!({ "id": id, "name": format!("p{id}") }))
}

async fn remaining(fixture: &Fixture, object_type: &str) -> Vec<String> {
    fixture.found(fixture.own, &fixture.ask(object_type, crate::kernel::plan::Rel::All)).await
}

/// A key that names no object is refused when the commit ends, at the change that wrote it.
pub async fn a_reference_to_nothing_is_refused(fixture: Fixture) {
    fixture.wrote(person(own(&fixture), 1)).await;
    let drafts = [
        person(own(&fixture), 2).create("Task", json!({ "id": 1, "owner": 9 })),
        person(own(&fixture), 2).modify("Person", 1, json!({ "boss": 9 })),
        person(own(&fixture), 2).upsert("Person", json!({ "id": 3, "name": "x", "team": "none" })),
    ];
    for (draft, path) in drafts.into_iter().zip(["changes[1].owner", "changes[1].boss", "changes[1].team"]) {
        let error = fixture.write(draft).await.unwrap_err();
        assert_eq!((error.code(), error.path()), ("kernel.link.dangling", Some(path)));
    }
    assert!(fixture.object(fixture.own, "Person", 2).await.is_none());
}

/// A key may name an object that is created later in the same commit, itself too.
pub async fn a_reference_may_come_before_its_object(fixture: Fixture) {
    let draft = own(&fixture)
        .create("Task", json!({ "id": 1, "owner": 1 }))
        .create("Person", json!({ "id": 1, "name": "Ann", "boss": 2, "team": "a" }))
        .create("Person", json!({ "id": 2, "name": "Bob", "boss": 1 }))
        .create("Person", json!({ "id": 3, "name": "Cat", "boss": 3 }))
        .create("Team", json!({ "code": "a", "title": "A" }));
    fixture.wrote(draft).await;
    assert_eq!(fixture.value("Person", 1, "boss").await, Value::Integer(2));
}

/// A dangling key that is gone when the commit ends does no harm.
pub async fn a_reference_taken_back_is_not_judged(fixture: Fixture) {
    let draft = person(own(&fixture), 1)
        .create("Task", json!({ "id": 1, "owner": 9 }))
        .modify("Task", 1, json!({ "owner": 1 }))
        .create("Task", json!({ "id": 2, "owner": 8 }))
        .delete("Task", 2);
    fixture.wrote(draft).await;
}

/// A key never names another tenant's object.
pub async fn a_reference_stays_in_its_tenant(fixture: Fixture) {
    fixture.wrote(person(own(&fixture), 1)).await;
    for scope in [fixture.neighbour, fixture.stranger] {
        let draft = fixture.draft(scope).create("Task", json!({ "id": 1, "owner": 1 }));
        assert_eq!(fixture.refused(draft).await, "kernel.link.dangling");
    }
}

/// Restrict: an object that is named is not deleted, unless what names it goes in the same commit, before or after.
pub async fn restrict_refuses_to_delete_what_is_named(fixture: Fixture) {
    let draft = own(&fixture)
        .create("Team", json!({ "code": "a", "title": "A" }))
        .create("Team", json!({ "code": "b", "title": "B" }))
        .create("Person", json!({ "id": 1, "name": "Ann", "team": "a" }));
    fixture.wrote(draft).await;
    let error = fixture.write(own(&fixture).delete("Team", "a")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "kernel.object.referenced"));
    assert_eq!((error.path(), error.param("key")), (Some("changes[0]"), Some("a")));
    fixture.wrote(own(&fixture).delete("Team", "a").modify("Person", 1, json!({ "team": "b" }))).await;
    fixture.wrote(own(&fixture).delete("Person", 1).delete("Team", "b")).await;
    assert!(remaining(&fixture, "Team").await.is_empty());
}

/// Restrict: an object deleted and created again in one commit was not taken away.
pub async fn restrict_allows_to_replace_what_is_named(fixture: Fixture) {
    let draft = own(&fixture)
        .create("Team", json!({ "code": "a", "title": "A" }))
        .create("Person", json!({ "id": 1, "name": "Ann", "team": "a" }));
    fixture.wrote(draft).await;
    fixture.wrote(own(&fixture).delete("Team", "a").create("Team", json!({ "code": "a", "title": "B" }))).await;
    assert_eq!(fixture.value("Team", "a", "title").await, Value::string("B"));
}

/// Unlink: keys that named a deleted object become absent, each holder changed by the commit.
pub async fn unlink_clears_what_named_it(fixture: Fixture) {
    let draft = person(own(&fixture), 1)
        .create("Person", json!({ "id": 2, "name": "Bob", "boss": 1, "rank": 5 }))
        .create("Person", json!({ "id": 3, "name": "Cat", "boss": 2 }))
        .create("Badge", json!({ "id": 7, "person": 1 }));
    let created = fixture.wrote(draft).await;
    let deleted = fixture.wrote(own(&fixture).delete("Person", 1)).await;
    let bob = fixture.object(fixture.own, "Person", 2).await.unwrap();
    assert_eq!((bob.revision, bob.properties.get("boss")), (deleted, Some(&Value::Null)));
    assert_eq!(bob.properties.get("rank"), Some(&Value::Integer(5)));
    assert_eq!(fixture.object(fixture.own, "Person", 3).await.unwrap().revision, created);
    assert_eq!(fixture.value("Badge", 7, "person").await, Value::Null);
}

/// Cascade: what names a deleted object goes with it, and what names that, link after link.
pub async fn cascade_deletes_what_named_it(fixture: Fixture) {
    let draft = person(person(own(&fixture), 1), 2)
        .create("Task", json!({ "id": 1, "owner": 1 }))
        .create("Task", json!({ "id": 2, "parent": 1 }))
        .create("Task", json!({ "id": 3, "parent": 2, "owner": 2 }))
        .create("Task", json!({ "id": 4, "owner": 2 }));
    fixture.wrote(draft).await;
    fixture.wrote(own(&fixture).delete("Person", 1)).await;
    assert_eq!(remaining(&fixture, "Task").await, ["4"]);
    assert_eq!(remaining(&fixture, "Person").await, ["2"]);
}

/// Cascade: objects that name each other in a circle, or themselves, go once each.
pub async fn cascade_ends_on_circles(fixture: Fixture) {
    let draft = own(&fixture)
        .create("Task", json!({ "id": 1, "parent": 3 }))
        .create("Task", json!({ "id": 2, "parent": 1 }))
        .create("Task", json!({ "id": 3, "parent": 2 }))
        .create("Task", json!({ "id": 4, "parent": 4 }));
    fixture.wrote(draft).await;
    fixture.wrote(own(&fixture).delete("Task", 2).delete("Task", 4)).await;
    assert!(remaining(&fixture, "Task").await.is_empty());
}

/// What a cascade has deleted is absent to later changes of the commit.
pub async fn what_a_cascade_deleted_is_gone(fixture: Fixture) {
    fixture.wrote(person(own(&fixture), 1).create("Task", json!({ "id": 1, "owner": 1 }))).await;
    let draft = own(&fixture).delete("Person", 1).delete("Task", 1);
    assert_eq!(fixture.refused(draft).await, "kernel.object.absent");
    fixture.wrote(own(&fixture).delete("Person", 1).create("Task", json!({ "id": 1 }))).await;
    assert_eq!(remaining(&fixture, "Task").await, ["1"]);
}

/// A chain as long as a deletion may reach goes whole; one longer is refused, and nothing of it goes.
pub async fn a_cascade_has_a_limit(fixture: Fixture) {
    let limit = i64::try_from(CASCADE_MAX).unwrap();
    let chain = (1..=limit).fold(own(&fixture).create("Task", json!({ "id": 0 })), |draft, id| {
        draft.create("Task", json!({ "id": id, "parent": id - 1 }))
    });
    fixture.wrote(chain).await;
    let longer = own(&fixture).create("Task", json!({ "id": -1 })).modify("Task", 0, json!({ "parent": -1 }));
    fixture.wrote(longer).await;
    let error = fixture.write(own(&fixture).delete("Task", -1)).await.unwrap_err();
    assert_eq!((error.code(), error.param("cascade_max")), ("kernel.object.cascade_too_large", Some("10000")));
    assert!(fixture.object(fixture.own, "Task", limit).await.is_some());
    fixture.wrote(own(&fixture).delete("Task", 0)).await;
    assert_eq!(remaining(&fixture, "Task").await, ["-1"]);
}

/// More holders than a deletion may reach are refused, not left behind.
pub async fn an_unlink_has_a_limit(fixture: Fixture) {
    let holders = i64::try_from(CASCADE_MAX).unwrap() + 2;
    let many = (1..=holders).fold(person(own(&fixture), 0), |draft, id| {
        draft.create("Person", json!({ "id": id, "name": "p", "boss": 0 }))
    });
    fixture.wrote(many).await;
    assert_eq!(fixture.refused(own(&fixture).delete("Person", 0)).await, "kernel.object.cascade_too_large");
    assert_eq!(fixture.value("Person", holders, "boss").await, Value::Integer(0));
    fixture.wrote(own(&fixture).delete("Person", 1).delete("Person", 2).delete("Person", 0)).await;
    assert_eq!(fixture.value("Person", holders, "boss").await, Value::Null);
}

/// Where the named object has one such link, a second holder is refused, when the commit ends.
pub async fn one_holder_where_there_may_be_one(fixture: Fixture) {
    fixture.wrote(person(person(own(&fixture), 1), 2).create("Badge", json!({ "id": 1, "person": 1 }))).await;
    let error = fixture.write(own(&fixture).create("Badge", json!({ "id": 2, "person": 1 }))).await.unwrap_err();
    assert_eq!((error.code(), error.param("link")), ("kernel.link.cardinality", Some("badge")));
    let handed_over =
        own(&fixture).create("Badge", json!({ "id": 2, "person": 1 })).modify("Badge", 1, json!({ "person": 2 }));
    fixture.wrote(handed_over).await;
    let swapped = own(&fixture).modify("Badge", 1, json!({ "person": 1 })).modify("Badge", 2, json!({ "person": 2 }));
    fixture.wrote(swapped).await;
    assert_eq!(fixture.value("Badge", 1, "person").await, Value::Integer(1));
}

/// A key is not judged again by changes that leave it.
pub async fn an_unchanged_reference_is_left_alone(fixture: Fixture) {
    fixture.wrote(person(own(&fixture), 1).create("Task", json!({ "id": 1, "owner": 1 }))).await;
    let draft = own(&fixture).upsert("Task", json!({ "id": 1, "owner": 1 })).modify("Task", 1, json!({ "owner": 1 }));
    fixture.wrote(draft).await;
    let tasks = fixture.links_plan("ownership", crate::ontology::End::Target, Key::Integer(1));
    assert_eq!(fixture.far_keys(fixture.own, &tasks).await, ["1"]);
}

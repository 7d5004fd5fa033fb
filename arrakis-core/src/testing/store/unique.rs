//! Unique values.

use serde_json::json;

use crate::testing::Fixture;
use crate::{ErrorKind, Value};

async fn fill(fixture: &Fixture) {
    let draft = fixture
        .draft(fixture.own)
        .create("Sample", json!({ "id": "a", "code": "x", "number": 1 }))
        .create("Sample", json!({ "id": "b", "code": "y" }));
    fixture.wrote(draft).await;
}

/// A value another object holds is refused, however it is written.
pub async fn a_held_value_is_refused(fixture: Fixture) {
    fill(&fixture).await;
    let drafts = [
        fixture.draft(fixture.own).create("Sample", json!({ "id": "c", "code": "x" })),
        fixture.draft(fixture.own).modify("Sample", "b", json!({ "code": "x" })),
        fixture.draft(fixture.own).upsert("Sample", json!({ "id": "b", "code": "x" })),
        fixture.draft(fixture.own).upsert("Sample", json!({ "id": "c", "code": "x" })),
    ];
    for draft in drafts {
        let error = fixture.write(draft).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "kernel.object.not_unique"));
        assert_eq!((error.path(), error.param("key")), (Some("changes[0].code"), Some("a")));
    }
    assert_eq!(
        fixture.refused(fixture.draft(fixture.own).create("Sample", json!({ "id": "c", "number": 1 }))).await,
        "kernel.object.not_unique"
    );
}

/// Absent values do not count.
pub async fn absent_values_are_not_held(fixture: Fixture) {
    fill(&fixture).await;
    let draft = fixture
        .draft(fixture.own)
        .create("Sample", json!({ "id": "c" }))
        .create("Sample", json!({ "id": "d" }))
        .modify("Sample", "a", json!({ "code": null }))
        .modify("Sample", "b", json!({ "code": null }));
    fixture.wrote(draft).await;
}

/// Values differ by every byte.
pub async fn held_values_differ_by_every_byte(fixture: Fixture) {
    fill(&fixture).await;
    let draft =
        ["X", "x ", "", "é", "e\u{301}"].iter().enumerate().fold(fixture.draft(fixture.own), |draft, (id, code)| {
            draft.create("Sample", json!({ "id": id.to_string(), "code": code }))
        });
    fixture.wrote(draft).await;
}

/// The holder may write its own value again.
pub async fn the_holder_keeps_its_value(fixture: Fixture) {
    fill(&fixture).await;
    fixture.wrote(fixture.draft(fixture.own).modify("Sample", "a", json!({ "code": "x", "text": "t" }))).await;
    fixture.wrote(fixture.draft(fixture.own).upsert("Sample", json!({ "id": "a", "code": "x", "text": "u" }))).await;
    assert_eq!(fixture.value("Sample", "a", "text").await, Value::string("u"));
}

/// Changes are judged in order: a value given up is free for the next change, and no sooner.
pub async fn values_are_judged_in_order(fixture: Fixture) {
    fill(&fixture).await;
    let late = fixture.draft(fixture.own).modify("Sample", "b", json!({ "code": "x" })).modify(
        "Sample",
        "a",
        json!({ "code": "z" }),
    );
    assert_eq!(fixture.refused(late).await, "kernel.object.not_unique");
    let early = fixture.draft(fixture.own).modify("Sample", "a", json!({ "code": "z" })).modify(
        "Sample",
        "b",
        json!({ "code": "x" }),
    );
    fixture.wrote(early).await;
    let deleted = fixture.draft(fixture.own).delete("Sample", "b").create("Sample", json!({ "id": "c", "code": "x" }));
    fixture.wrote(deleted).await;
    let twice = fixture
        .draft(fixture.own)
        .create("Sample", json!({ "id": "d", "code": "q" }))
        .create("Sample", json!({ "id": "e", "code": "q" }));
    assert_eq!(fixture.refused(twice).await, "kernel.object.not_unique");
}

/// Two objects exchange their values through a third, not at once.
pub async fn a_swap_goes_through_a_third_value(fixture: Fixture) {
    fill(&fixture).await;
    let swap = fixture.draft(fixture.own).modify("Sample", "a", json!({ "code": "y" })).modify(
        "Sample",
        "b",
        json!({ "code": "x" }),
    );
    assert_eq!(fixture.refused(swap).await, "kernel.object.not_unique");
    fixture
        .wrote(fixture.draft(fixture.own).modify("Sample", "a", json!({ "code": null })).modify(
            "Sample",
            "b",
            json!({ "code": "x" }),
        ))
        .await;
    fixture.wrote(fixture.draft(fixture.own).modify("Sample", "a", json!({ "code": "y" }))).await;
    assert_eq!(fixture.value("Sample", "a", "code").await, Value::string("y"));
    assert_eq!(fixture.value("Sample", "b", "code").await, Value::string("x"));
}

/// What a deleted object held is free.
pub async fn a_deleted_object_holds_nothing(fixture: Fixture) {
    fill(&fixture).await;
    fixture.wrote(fixture.draft(fixture.own).delete("Sample", "a")).await;
    fixture.wrote(fixture.draft(fixture.own).create("Sample", json!({ "id": "c", "code": "x", "number": 1 }))).await;
}

/// Tenants do not take values from each other.
pub async fn tenants_hold_values_apart(fixture: Fixture) {
    fill(&fixture).await;
    for scope in [fixture.neighbour, fixture.stranger] {
        fixture.wrote(fixture.draft(scope).create("Sample", json!({ "id": "a", "code": "x", "number": 1 }))).await;
    }
}

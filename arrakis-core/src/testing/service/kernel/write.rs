//! A write: all of its edits or none, once, and only when what it expects holds.

use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use super::{Deployment, Method, list, member, told};
use crate::commit::COMMIT_CHANGES_MAX;
use crate::kernel::REASON_LEN_MAX;
use crate::{ErrorKind, Seq};

fn team(code: &str, title: &str) -> Json {
    json!({ "create": { "type": "Team", "properties": { "code": code, "title": title } } })
}

fn rename(code: &str, title: &str) -> Json {
    json!({ "modify": { "type": "Team", "key": code, "properties": { "title": title } } })
}

fn expecting(mut edit: Json, expect: Json) -> Json {
    let (_, fields) = edit.as_object_mut().unwrap().iter_mut().next().unwrap();
    fields["expect"] = expect;
    edit
}

/// A refused write leaves nothing of its edits, whichever of them was at fault; its path names that one.
pub async fn a_refused_write_leaves_nothing(on: Deployment) {
    let before = on.wrote(team("a", "A")).await;
    for (fault, code, path) in [
        (team("a", "B"), "kernel.object.exists", "edits[2].create"),
        (rename("b", "B"), "kernel.object.absent", "edits[2].modify"),
        (
            json!({ "create": { "type": "Team", "properties": { "code": "c" } } }),
            "kernel.property.required",
            "edits[2].create.properties.title",
        ),
        (json!({ "delete": { "type": "Crew", "key": 1 } }), "kernel.object_type.unknown", "edits[2].delete.type"),
        (
            json!({ "modify": { "type": "Team", "key": "a", "properties": { "tilte": "x" } } }),
            "kernel.property.unknown",
            "edits[2].modify.properties.tilte",
        ),
        (
            json!({ "link": { "type": "membership", "source": "a", "target": 9 } }),
            "kernel.link.dangling",
            "edits[2].link.target",
        ),
        (expecting(rename("a", "B"), json!("absent")), "commit.precondition.absent", "edits[2].modify.expect"),
    ] {
        let error = on.refused(json!([team("d", "D"), rename("a", "changed"), fault, team("e", "E")])).await;
        assert_eq!(told(&error), (code, path));
        assert_eq!(on.keys(json!({ "type": "Team" })).await, [json!("a")]);
        assert_eq!(on.object("Team", "a").await["revision"], json!(before));
        assert_eq!(on.head().await, before);
    }
}

/// Edits happen in order, each on what those before it left.
pub async fn edits_happen_in_order(on: Deployment) {
    let seq = on.wrote(json!([team("a", "A"), rename("a", "B"), team("b", "B"), { "delete": { "type": "Team", "key": "b" } }, rename("a", "C")])).await;
    let read = on.object("Team", "a").await;
    assert_eq!((&read["revision"], &read["properties"]["title"]), (&json!(seq), &json!("C")));
    assert_eq!(on.object("Team", "b").await, Json::Null);
    let history = on.answer(Method::History, json!({ "of": { "object": { "type": "Team", "key": "a" } } })).await;
    assert_eq!(list(&member(&history, "versions")).len(), 1);
}

/// The same idempotency key again answers the first receipt, and nothing happens a second time, whatever the edits are now.
pub async fn a_write_sent_again_has_one_effect(on: Deployment) {
    let id = json!(on.test.env().commit_id());
    let send = |edits: Json| on.ask(&on.own, Method::Write, json!({ "edits": edits, "id": id }));
    let first = send(json!([team("a", "A")])).await.unwrap();
    let expected = json!({ "receipt": { "commit": id, "seq": first["receipt"]["seq"], "replayed": false } });
    assert_eq!(first, expected);
    on.wrote(rename("a", "B")).await;
    let head = on.head().await;
    for edits in [
        json!([team("a", "A")]),
        json!([team("b", "B")]),
        json!([team("a", "A"), { "delete": { "type": "Crew", "key": 1 } }]),
    ] {
        let again = send(edits).await.unwrap();
        assert_eq!(again["receipt"]["seq"], first["receipt"]["seq"]);
        assert_eq!(again["receipt"]["replayed"], json!(true));
    }
    assert_eq!(on.properties("Team", "a").await["title"], json!("B"));
    assert_eq!((on.keys(json!({ "type": "Team" })).await, on.head().await), (vec![json!("a")], head));
}

/// A refused write may be sent again under its idempotency key.
pub async fn a_refused_write_may_be_sent_again(on: Deployment) {
    let id = on.test.env().commit_id();
    let request = json!({ "edits": [rename("a", "B")], "id": id });
    assert_eq!(on.refusal(Method::Write, request.clone()).await.code(), "kernel.object.absent");
    on.wrote(team("a", "A")).await;
    assert_eq!(on.answer(Method::Write, request).await["receipt"]["replayed"], json!(false));
}

/// Many copies of one write sent at once have one effect and one answer.
pub async fn copies_sent_at_once_have_one_effect(on: Deployment) {
    on.wrote(team("a", "A")).await;
    let request = json!({ "edits": [rename("a", "B")], "id": on.test.env().commit_id() });
    let mut copies = JoinSet::new();
    for _ in 0..8 {
        let (kernel, own, write) =
            (on.kernel.clone(), on.own.clone(), serde_json::from_value(request.clone()).unwrap());
        copies.spawn(async move { kernel.write(&own, write).await.unwrap().receipt });
    }
    let answers = copies.join_all().await;
    assert!(answers.iter().all(|receipt| receipt.seq == answers[0].seq), "{answers:?}");
    assert_eq!(answers.iter().filter(|receipt| !receipt.replayed).count(), 1, "{answers:?}");
}

/// An object expected absent must not exist.
pub async fn what_is_expected_absent_must_not_exist(on: Deployment) {
    let upsert = |title: &str| json!({ "upsert": { "type": "Team", "properties": { "code": "a", "title": title }, "expect": "absent" } });
    let seq = on.wrote(upsert("A")).await;
    let error = on.refused(upsert("B")).await;
    let told = (error.kind(), told(&error));
    assert_eq!(told, (ErrorKind::Precondition, ("commit.precondition.absent", "edits[0].upsert.expect")));
    assert_eq!(error.param("current"), Some(&*seq.to_string()));
}

/// An object expected at a revision must be at it: modified, replaced and deleted as it was seen or not at all.
pub async fn what_is_expected_at_a_revision_must_be_at_it(on: Deployment) {
    let seen = on.wrote(team("a", "A")).await;
    let moved = on.wrote(rename("a", "B")).await;
    let edits = |at: Seq| {
        let at = json!({ "at": at });
        [
            ("modify", expecting(rename("a", "C"), at.clone())),
            (
                "upsert",
                json!({ "upsert": { "type": "Team", "properties": { "code": "a", "title": "D" }, "expect": at } }),
            ),
            ("delete", json!({ "delete": { "type": "Team", "key": "a", "expect": at } })),
        ]
    };
    for (name, edit) in edits(seen) {
        let error = on.refused(edit).await;
        let path = format!("edits[0].{name}.expect");
        assert_eq!((error.kind(), told(&error)), (ErrorKind::Precondition, ("commit.precondition.at", &*path)));
        assert_eq!(
            (error.param("expected"), error.param("current")),
            (Some(&*seen.to_string()), Some(&*moved.to_string()))
        );
    }
    let mut current = moved;
    for index in 0..3 {
        let [modify, upsert, delete] = edits(current).map(|(_, edit)| edit);
        current = on.wrote([modify, upsert, delete][index].clone()).await;
    }
    let error = on.refused(expecting(rename("a", "E"), json!({ "at": current }))).await;
    assert_eq!((error.code(), error.param("current")), ("commit.precondition.at", Some("absent")));
}

/// A link is expected absent, or at the revision of the link, or of the object whose property holds it.
pub async fn links_are_expected_as_objects_are(on: Deployment) {
    on.people(2).await;
    for link_type in ["knows", "reports"] {
        let ends = json!({ "type": link_type, "source": 1, "target": 2 });
        let (link, unlink) = (json!({ "link": ends }), json!({ "unlink": ends }));
        let seq = on.wrote(expecting(link.clone(), json!("absent"))).await;
        let error = on.refused(expecting(link.clone(), json!("absent"))).await;
        assert_eq!(told(&error), ("commit.precondition.absent", "edits[0].link.expect"));
        let error = on.refused(expecting(unlink.clone(), json!({ "at": seq.0 - 1 }))).await;
        assert_eq!(told(&error), ("commit.precondition.at", "edits[0].unlink.expect"));
        on.wrote(expecting(link, json!({ "at": seq }))).await;
        on.wrote(expecting(unlink, json!({ "at": seq }))).await;
    }
}

/// Expectations are judged by the state before the first edit.
pub async fn expectations_come_before_edits(on: Deployment) {
    let seq = on.wrote(team("a", "A")).await;
    on.wrote(json!([rename("a", "B"), expecting(rename("a", "C"), json!({ "at": seq }))])).await;
    let absent =
        json!({ "upsert": { "type": "Team", "properties": { "code": "b", "title": "C" }, "expect": "absent" } });
    on.wrote(json!([team("b", "B"), absent])).await;
    assert_eq!(on.properties("Team", "b").await["title"], json!("C"));
}

/// Of several writers that expect the same revision exactly one succeeds.
pub async fn one_of_several_expecting_writers_succeeds(on: Deployment) {
    let seq = on.wrote(team("a", "A")).await;
    let mut writers = JoinSet::new();
    for number in 0..8 {
        let edit = expecting(rename("a", &format!("by {number}")), json!({ "at": seq }));
        let write = serde_json::from_value(json!({ "edits": [edit] })).unwrap();
        let (kernel, own) = (on.kernel.clone(), on.own.clone());
        writers.spawn(async move { kernel.write(&own, write).await.map_err(|e| e.code().to_owned()) });
    }
    let outcomes = writers.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let refusals = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refusals.into_iter().all(|code| code == "commit.precondition.at"), "{outcomes:?}");
}

/// A write has 1 to 10,000 edits and a reason of up to 4,096 bytes.
pub async fn a_write_has_its_limits(on: Deployment) {
    assert_eq!(told(&on.refused(json!([])).await), ("kernel.write.empty", "edits"));
    let error = on.refused(vec![team("a", "A"); COMMIT_CHANGES_MAX + 1].into()).await;
    assert_eq!((told(&error), error.param("edits_max")), (("kernel.write.too_large", "edits"), Some("10000")));
    let request = |length: usize| json!({ "edits": [team("a", "A")], "reason": "x".repeat(length) });
    let error = on.refusal(Method::Write, request(REASON_LEN_MAX + 1)).await;
    assert_eq!((told(&error), error.param("length_max")), (("kernel.reason.too_long", "reason"), Some("4096")));
    on.answer(Method::Write, request(REASON_LEN_MAX)).await;
}

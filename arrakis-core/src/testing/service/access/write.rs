//! What may be changed.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, acting, alice, name, told};
use crate::ErrorKind;

const OWN_TEAM: &str = "
roles: [{ name: reader, objects: [{ types: ['*'], verbs: [read] }] }]
rules:
  - { name: own_team, effect: permit, type: Person, verbs: [create, modify, delete], where: team = $actor.team }
";

fn person(id: i64, team: &str) -> Json {
    json!({ "create": { "type": "Person", "properties": { "id": id, "name": "n", "team": team } } })
}

fn modify(key: i64, properties: Json) -> Json {
    json!({ "modify": { "type": "Person", "key": key, "properties": properties } })
}

/// An edit is judged by what it finds and by what it leaves.
pub async fn edits_are_judged_before_and_after(on: Deployment) {
    let ctx = acting(&on, OWN_TEAM, alice().with_role(name("reader")));
    on.write(&ctx, modify(2, json!({ "rank": 8 }))).await.unwrap();
    on.write(&ctx, person(10, "red")).await.unwrap();
    on.write(&ctx, json!({ "upsert": { "type": "Person", "properties": { "id": 10, "name": "m" } } })).await.unwrap();
    on.write(&ctx, json!({ "upsert": { "type": "Person", "properties": { "id": 11, "name": "m", "team": "red" } } }))
        .await
        .unwrap();
    let delete = |key: i64| json!({ "delete": { "type": "Person", "key": key } });
    let upsert = json!({ "upsert": { "type": "Person", "properties": { "id": 12, "name": "m", "team": "blue" } } });
    for (edit, verb, path) in [
        (modify(3, json!({ "rank": 8 })), "modify", "edits[0].modify"),
        // It would no longer be one's own.
        (modify(2, json!({ "team": "blue" })), "modify", "edits[0].modify"),
        // It is not one's own yet.
        (modify(3, json!({ "team": "red" })), "modify", "edits[0].modify"),
        (person(12, "blue"), "create", "edits[0].create"),
        (upsert, "create", "edits[0].upsert"),
        (delete(4), "delete", "edits[0].delete"),
    ] {
        let error = on.write(&ctx, edit.clone()).await.expect_err(&edit.to_string());
        let found = (error.kind(), told(&error), error.param("verb"));
        assert_eq!(found, (ErrorKind::Forbidden, ("permission.denied", path), Some(verb)), "{edit}");
    }
    // Whether an object is there is told to whom might create it.
    for key in [4, 99] {
        let error = on.write(&ctx, person(key, "blue")).await.unwrap_err();
        assert_eq!(told(&error), ("permission.denied", "edits[0].create"), "{key}");
    }
    assert_eq!(on.write(&ctx, person(4, "red")).await.unwrap_err().code(), "kernel.object.exists");
    // Each edit is judged by what those before it leave.
    on.write(&ctx, json!([person(13, "red"), modify(13, json!({ "rank": 1 })), delete(13)])).await.unwrap();
    let error = on.write(&ctx, json!([person(13, "red"), modify(13, json!({ "team": "blue" }))])).await.unwrap_err();
    assert_eq!(told(&error), ("permission.denied", "edits[1].modify"));
    assert_eq!(on.object("Person", 13).await, Json::Null, "all of it or nothing");
    on.write(&ctx, delete(10)).await.unwrap();
}

/// What may not be read cannot be written, and is told like what is not there.
pub async fn what_may_not_be_read_is_written_like_what_is_not_there(on: Deployment) {
    let text = "
rules:
  - { name: seen, effect: permit, type: Person, verbs: [read], where: rank < 4 }
  - { name: any, effect: permit, type: Person, verbs: [create, modify, delete], where: id > 0 }
";
    let ctx = acting(&on, text, alice());
    let pairs = |key: i64| {
        [
            modify(key, json!({ "name": "x" })),
            json!({ "delete": { "type": "Person", "key": key } }),
            json!({ "link": { "type": "knows", "source": 1, "target": key } }),
            json!({ "unlink": { "type": "knows", "source": 4, "target": key } }),
            json!({ "link": { "type": "reports", "source": 1, "target": key } }),
            modify(1, json!({ "boss": key })),
        ]
    };
    for (unseen, absent) in pairs(5).into_iter().zip(pairs(99)) {
        let [unseen, absent] = [on.write(&ctx, unseen.clone()).await, on.write(&ctx, absent).await];
        let [unseen, absent] = [unseen.unwrap_err(), absent.unwrap_err()];
        let shown = |error: &crate::Error| (error.kind(), error.code().to_owned(), error.path().map(str::to_owned));
        assert_eq!(shown(&unseen), shown(&absent));
    }
    assert_eq!(on.properties("Person", 5).await["name"], json!("p5"));
}

/// A link is made and deleted by whom may modify the objects at both of its ends; one held in a property, by whom may modify its holder.
pub async fn links_take_the_right_to_their_ends(on: Deployment) {
    let ctx = acting(&on, OWN_TEAM, alice().with_role(name("reader")));
    let link = |kind: &str, of: &str, source: i64, target: i64| json!({ kind: { "type": of, "source": source, "target": target } });
    on.write(&ctx, link("link", "knows", 2, 1)).await.unwrap();
    on.write(&ctx, link("unlink", "knows", 1, 2)).await.unwrap();
    on.write(&ctx, link("link", "reports", 2, 3)).await.unwrap();
    for edit in [link("link", "knows", 2, 3), link("unlink", "knows", 2, 3), link("link", "reports", 3, 2)] {
        let error = on.write(&ctx, edit.clone()).await.expect_err(&edit.to_string());
        assert_eq!(error.code(), "permission.denied", "{edit}");
    }
}

/// A condition on links is judged by the links there are, and by the keys an object comes to hold.
pub async fn conditions_on_links_are_judged(on: Deployment) {
    let text = "
roles: [{ name: reader, objects: [{ types: ['*'], verbs: [read] }] }]
rules:
  - name: staff
    effect: permit
    type: Person
    verbs: [create, modify]
    where: has(manager, *, id = $actor.person) OR has(known_by, *, id = $actor.person)
";
    let ctx = acting(&on, text, alice().with_role(name("reader")));
    on.write(&ctx, modify(2, json!({ "rank": 5 }))).await.unwrap();
    let hired = json!({ "id": 30, "name": "n", "boss": 1 });
    on.write(&ctx, json!({ "create": { "type": "Person", "properties": hired } })).await.unwrap();
    // 1 knows 2, so it stays judged so whoever its manager is.
    on.write(&ctx, modify(2, json!({ "boss": 3 }))).await.unwrap();
    for edit in [modify(3, json!({ "boss": 4 })), modify(4, json!({ "rank": 1 })), person(31, "red")] {
        let error = on.write(&ctx, edit.clone()).await.expect_err(&edit.to_string());
        assert_eq!(error.code(), "permission.denied", "{edit}");
    }
}

/// A load takes the right to every object and property of its types.
pub async fn a_load_takes_the_whole_type(on: Deployment) {
    let row = json!({ "line": 1, "cells": [{ "json": 40 }, { "json": "n" }, { "json": "red" }] });
    let load = json!({ "into": { "objects": "Person" }, "columns": ["id", "name", "team"], "rows": [row] });
    let ctx = acting(&on, OWN_TEAM, alice().with_role(name("reader")));
    let error = on.ask(&ctx, Method::Load, load.clone()).await.unwrap_err();
    assert_eq!((error.code(), error.param("object_type")), ("permission.denied", Some("Person")));
    let all = "roles: [{ name: all, objects: [{ types: [Person], verbs: [read, create, modify] }] }]";
    let report = on.ask(&acting(&on, all, alice().with_role(name("all"))), Method::Load, load).await.unwrap();
    assert_eq!(report["loaded"], json!(1), "{report}");
}

/// What is undone is judged like what is written.
pub async fn an_undo_is_judged_like_a_write(on: Deployment) {
    let text =
        format!("{OWN_TEAM}  - {{ name: none, effect: forbid, type: Team, verbs: [read], where: code = 'x' }}\n")
            .replace("verbs: [read] }] }]", "verbs: [read] }], actions: ['*'] }]");
    let ctx = acting(&on, &text, alice().with_role(name("reader")));
    let commit_of = async |edit: Json| {
        let written = on.answer(Method::Write, json!({ "edits": [edit] })).await;
        written["receipt"]["commit"].clone()
    };
    let own = commit_of(modify(2, json!({ "rank": 50 }))).await;
    let other = commit_of(modify(3, json!({ "rank": 50 }))).await;
    let report = on.ask(&ctx, Method::Undo, json!({ "commit": own })).await.unwrap();
    assert!(!report.to_string().contains("rank"), "what was there before is not told: {report}");
    let error = on.ask(&ctx, Method::Undo, json!({ "commit": other })).await.unwrap_err();
    assert_eq!(error.code(), "permission.denied");
    assert_eq!(on.properties("Person", 3).await["rank"], json!(50));
}

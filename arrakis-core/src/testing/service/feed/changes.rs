//! What changed, commit by commit.

use serde_json::{Value as Json, json};

use super::{Deployment, changes, list, member, outline, refusal, seq, told};
use crate::{Grants, Permission};

fn person(id: i64, rank: i64) -> Json {
    json!({ "upsert": { "type": "Person", "properties": { "id": id, "name": "x", "rank": rank } } })
}

/// Each commit says who wrote it, when and why, and each object it changed with its values before and after.
pub async fn a_commit_is_told_with_what_it_changed(on: Deployment) {
    let start = on.head().await;
    let created = on.wrote(json!([person(1, 1), person(2, 2)])).await;
    let request = json!({ "edits": [person(1, 5), { "delete": { "type": "Person", "key": 2 } }], "reason": "a count" });
    on.answer(super::Method::Write, request).await;
    let page = changes(&on, json!({ "after": start })).await;
    let commits = member(&page, "commits");
    let [first, second] = list(&commits) else { panic!("{page}") };
    assert_eq!(seq(first, "seq"), created);
    let expected = [json!(["Person", 1, "created", null, 1]), json!(["Person", 2, "created", null, 2])];
    assert_eq!(outline(first, "rank"), expected);
    assert_eq!(
        first["objects"][0]["after"],
        json!({
            "type": "Person", "key": 1, "revision": created, "properties": { "id": 1, "name": "x", "rank": 1, "initial": "x" }
        })
    );
    let expected = [json!(["Person", 1, "modified", 1, 5]), json!(["Person", 2, "deleted", 2, null])];
    assert_eq!(outline(second, "rank"), expected);
    assert_eq!((&second["actor"], &second["reason"]), (&json!("user:tester"), &json!("a count")));
    assert_eq!(second["audit"]["method"], json!("kernel.write"));
    assert!(second["commit"].is_string() && second["at"].is_string());
    assert_eq!((seq(&page, "next"), seq(&page, "seq")), (created.next(), created.next()));
}

/// A row a commit touched more than once is told once, with what it came to; one that came and went is not told.
pub async fn changes_of_one_row_come_to_one(on: Deployment) {
    let start = on.wrote(json!([person(1, 1), person(2, 2)])).await;
    let delete = |id: i64| json!({ "delete": { "type": "Person", "key": id } });
    on.wrote(json!([
        person(1, 3),
        person(1, 4),
        delete(2),
        person(2, 7),
        person(3, 1),
        person(3, 2),
        person(4, 1),
        delete(4)
    ]))
    .await;
    let page = changes(&on, json!({ "after": start })).await;
    let expected = [
        json!(["Person", 1, "modified", 1, 4]),
        json!(["Person", 2, "modified", 2, 7]),
        json!(["Person", 3, "created", null, 2]),
    ];
    assert_eq!(outline(&page["commits"][0], "rank"), expected);
}

/// However often one object was changed, each commit is told with the values it left.
pub async fn an_object_changed_often_is_told_each_time(on: Deployment) {
    let start = on.head().await;
    for rank in 1..=5 {
        on.wrote(person(1, rank)).await;
    }
    on.wrote(json!({ "delete": { "type": "Person", "key": 1 } })).await;
    on.wrote(person(1, 9)).await;
    let page = changes(&on, json!({ "after": start })).await;
    let told: Vec<_> = list(&page["commits"]).iter().flat_map(|commit| outline(commit, "rank")).collect();
    let expected = [
        json!(["Person", 1, "created", null, 1]),
        json!(["Person", 1, "modified", 1, 2]),
        json!(["Person", 1, "modified", 2, 3]),
        json!(["Person", 1, "modified", 3, 4]),
        json!(["Person", 1, "modified", 4, 5]),
        json!(["Person", 1, "deleted", 5, null]),
        json!(["Person", 1, "created", null, 9]),
    ];
    assert_eq!(told, expected);
}

/// Links are told alike whether they have a table of their own or are held in a property, those that go with a deletion included.
pub async fn links_of_both_backings_are_told(on: Deployment) {
    on.people(3).await;
    let start = on.head().await;
    let knows = |weight: i64| json!({ "link": { "type": "knows", "source": 1, "target": 2, "properties": { "weight": weight } } });
    on.wrote(json!([knows(1), { "link": { "type": "reports", "source": 1, "target": 2 } }])).await;
    on.wrote(json!([knows(2), { "modify": { "type": "Person", "key": 1, "properties": { "boss": 3 } } }])).await;
    on.wrote(json!([{ "delete": { "type": "Person", "key": 3 } }, { "unlink": { "type": "knows", "source": 1, "target": 2 } }]))
        .await;
    let page = changes(&on, json!({ "after": start })).await;
    let told = list(&page["commits"]).iter().map(|commit| {
        let of = |link: &Json| json!([link["type"], link["source"], link["target"], link["kind"], link["properties"]]);
        list(&commit["links"]).iter().map(of).collect::<Vec<_>>()
    });
    let expected = [
        vec![json!(["knows", 1, 2, "created", { "weight": 1 }]), json!(["reports", 1, 2, "created", {}])],
        vec![
            json!(["knows", 1, 2, "modified", { "weight": 2 }]),
            json!(["reports", 1, 2, "deleted", null]),
            json!(["reports", 1, 3, "created", {}]),
        ],
        vec![json!(["knows", 1, 2, "deleted", null]), json!(["reports", 1, 3, "deleted", null])],
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

/// A page holds whole commits, as many as the limit has room for and at least one; its `next` leads to the page that follows.
pub async fn a_page_has_whole_commits(on: Deployment) {
    let start = on.head().await;
    for ids in [vec![1], vec![2, 3, 4], vec![5], vec![6], vec![7, 8]] {
        on.wrote(ids.into_iter().map(|id| person(id, 1)).collect()).await;
    }
    let whole = changes(&on, json!({ "after": start })).await;
    for (limit, sizes) in [(1, vec![1, 1, 1, 1, 1]), (2, vec![1, 1, 2, 1]), (4, vec![2, 3]), (100, vec![5])] {
        let (mut after, mut commits, mut found) = (start, Vec::new(), Vec::new());
        loop {
            let page = changes(&on, json!({ "after": after, "limit": limit })).await;
            if list(&page["commits"]).is_empty() {
                break;
            }
            found.push(list(&page["commits"]).len());
            commits.extend(list(&page["commits"]).to_vec());
            after = seq(&page, "next");
        }
        assert_eq!(found, sizes, "pages of {limit}");
        assert_eq!(Json::from(commits), whole["commits"]);
    }
    let end = changes(&on, json!({ "after": whole["next"] })).await;
    assert_eq!(end, json!({ "commits": [], "next": whole["next"], "seq": whole["seq"] }));
}

/// Changes of object types, interfaces and link types are told by name, and commits without any are left out.
pub async fn changes_are_told_of_some_types(on: Deployment) {
    on.people(2).await;
    let start = on.head().await;
    let team = json!({ "create": { "type": "Team", "properties": { "code": "a", "title": "A" } } });
    let task = json!({ "create": { "type": "Task", "properties": { "id": 1, "owner": 1 } } });
    let modify = json!({ "modify": { "type": "Person", "key": 1, "properties": { "boss": 2 } } });
    let knows = json!({ "link": { "type": "knows", "source": 1, "target": 2 } });
    for edit in [team, task, modify, knows] {
        on.wrote(edit).await;
    }
    for (types, expected) in [
        (json!(["Team"]), json!([["Team"]])),
        (json!(["Named"]), json!([["Team"], ["Person"]])),
        (json!(["Task", "knows"]), json!([["Task"], ["knows"]])),
        (json!(["reports"]), json!([["reports"]])),
        (json!(["Person", "reports"]), json!([["Person", "reports"]])),
        (json!(["Badge"]), json!([])),
        (json!([]), json!([])),
    ] {
        let page = changes(&on, json!({ "after": start, "types": types })).await;
        let named = |commit: &Json| -> Json {
            let parts = ["objects", "links"].into_iter().filter_map(|part| commit.get(part));
            parts.flat_map(list).map(|change| change["type"].clone()).collect()
        };
        assert_eq!(list(&page["commits"]).iter().map(named).collect::<Json>(), expected, "{types}");
        assert_eq!(page["next"], page["seq"]);
    }
}

/// What is asked beyond the end of the log, beyond a limit or by an unknown name is refused with its path; unknown members too.
pub async fn a_request_has_its_limits(on: Deployment) {
    let head = on.head().await;
    for (request, code, path) in [
        (json!({ "after": head.next() }), "feed.after.future", "after"),
        (json!({ "limit": 0 }), "feed.limit", "limit"),
        (json!({ "limit": 10_001 }), "feed.limit", "limit"),
        (json!({ "wait_ms": 60_001 }), "feed.wait", "wait_ms"),
        (json!({ "types": ["Person", "Nobody"] }), "feed.type.unknown", "types[1]"),
        (json!({ "types": vec!["Person"; 1_001] }), "feed.types.too_many", "types"),
    ] {
        assert_eq!(told(&refusal(&on, request.clone()).await), (code, path), "{request}");
    }
    assert!(serde_json::from_value::<crate::kernel::ChangesSince>(json!({ "since": 1 })).is_err());
}

/// Changes are told to who may read objects.
pub async fn changes_need_their_permission(on: Deployment) {
    let others = Permission::ALL.into_iter().filter(|permission| *permission != Permission::ObjectRead);
    let ctx = on.own.clone().granted(others.fold(Grants::NONE, Grants::with));
    let error = super::ask(&on, &ctx, json!({})).await.unwrap_err();
    assert_eq!((error.code(), error.param("permission")), ("permission.denied", Some("object.read")));
    let ctx = on.own.clone().granted(Grants::NONE.with(Permission::ObjectRead));
    super::ask(&on, &ctx, json!({})).await.unwrap();
}

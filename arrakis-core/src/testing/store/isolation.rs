//! Tenants: what another one has is absent, in every read.

use std::sync::Arc;

use serde_json::json;

use crate::commit::Commit;
use crate::kernel::plan::{HistorySubject, Predicate, Rel};
use crate::ontology::End;
use crate::testing::{Ask, Fixture, filter};
use crate::{Key, Scope, Seq};

/// Fills one's own tenant, and the same keys with other values in the neighbour's when asked.
async fn fill(fixture: &Fixture, scope: Scope, name: &str) -> Seq {
    let draft = fixture
        .draft(scope)
        .create("Team", json!({ "code": "a", "title": name }))
        .create("Person", json!({ "id": 1, "name": name, "team": "a" }))
        .create("Person", json!({ "id": 2, "name": name, "boss": 1 }))
        .link("knows", 1, 2, json!({ "weight": 1 }));
    fixture.wrote(draft).await
}

/// Everything a tenant can read of the data of [`fill`], now or as of a commit, as text.
async fn everything(fixture: &Fixture, scope: Scope, at: Option<Seq>) -> Vec<String> {
    let store = &fixture.store;
    let keys = [Key::Integer(1), Key::Integer(2)];
    let objects = store.objects(scope, fixture.object_type("Person"), &keys, at).await.unwrap().value;
    let mut read: Vec<_> = objects.iter().flatten().map(|object| format!("{object:?}")).collect();
    let walk = |link: &str, end, rel| Rel::Traverse(Box::new(fixture.traverse(link, end, rel)));
    let any = || Predicate::And(Vec::new());
    let asks = [
        fixture.ask("Person", Rel::All),
        fixture.ask("Person", Rel::Keys(keys.to_vec())),
        fixture.ask("Person", filter(fixture.has("knows", End::Source, None, Some(any())))),
        fixture.ask("Person", filter(fixture.has("reports", End::Target, None, Some(any())))),
        fixture.ask("Person", walk("knows", End::Source, Rel::All)),
        fixture.ask("Person", walk("membership", End::Source, Rel::Keys(vec![Key::string("a")]))),
        Ask::of_interface(&fixture.schema, "Named", |_| Rel::All),
    ];
    for mut ask in asks {
        ask.plan.at = at;
        read.extend(fixture.query(scope, &ask).await.unwrap().objects.iter().map(|object| format!("{object:?}")));
    }
    for (link, end, key) in [
        ("knows", End::Source, Key::Integer(1)),
        ("knows", End::Target, Key::Integer(2)),
        ("membership", End::Source, Key::string("a")),
        ("reports", End::Source, Key::Integer(2)),
    ] {
        let mut plan = fixture.links_plan(link, end, key);
        plan.at = at;
        read.extend(fixture.links(scope, &plan).await.iter().map(|link| format!("{link:?}")));
    }
    for mut tally in [
        fixture.tally("Person", Rel::All).exactly_by("name"),
        fixture.tally("Person", Rel::All).over(&fixture.schema, "knows", End::Source).exactly_by("far"),
        fixture.tally("Team", Rel::All).over(&fixture.schema, "membership", End::Source).exactly_by("far"),
    ] {
        tally.plan.at = at;
        read.extend(fixture.groups(scope, &tally).await.unwrap().keys().cloned());
    }
    if at.is_none() {
        let link = HistorySubject::Link(Arc::clone(fixture.link_type("knows")), Key::Integer(1), Key::Integer(2));
        let versions = [fixture.history(scope, "Person", 1).await, fixture.versions(scope, link).await].concat();
        read.extend(versions.iter().map(|version| format!("{version:?}")));
    }
    read
}

/// What one tenant has written, no other reads: neither of its space nor of another, neither now nor as of then.
pub async fn what_a_tenant_wrote_no_other_reads(fixture: Fixture) {
    let seq = fill(&fixture, fixture.own, "own").await;
    for at in [None, Some(seq)] {
        assert!(everything(&fixture, fixture.own, at).await.len() > 15);
        for scope in [fixture.neighbour, fixture.stranger] {
            assert_eq!(everything(&fixture, scope, at).await, Vec::<String>::new(), "{at:?}");
        }
    }
}

/// Tenants with equal keys read each its own.
pub async fn tenants_with_equal_keys_read_their_own(fixture: Fixture) {
    let names = ["own-values", "neighbour-values", "stranger-values"];
    let scopes = [fixture.own, fixture.neighbour, fixture.stranger];
    for (scope, name) in scopes.into_iter().zip(names) {
        fill(&fixture, scope, name).await;
    }
    let head = fixture.store.head().await.unwrap();
    for (scope, name) in scopes.into_iter().zip(names) {
        for at in [None, Some(head)] {
            let text = everything(&fixture, scope, at).await.join("\n");
            for other in names {
                assert_eq!(text.contains(other), other == name, "{name} reads {other}");
            }
        }
    }
}

/// A tenant's writes leave the other's rows of the same keys as they are.
pub async fn writes_stay_in_their_tenant(fixture: Fixture) {
    for scope in [fixture.own, fixture.neighbour, fixture.stranger] {
        fill(&fixture, scope, "before").await;
    }
    let before =
        [everything(&fixture, fixture.neighbour, None).await, everything(&fixture, fixture.stranger, None).await];
    let drafts: [Commit; 4] = [
        fixture.draft(fixture.own).modify("Person", 1, json!({ "name": "after" })).into(),
        fixture.draft(fixture.own).relink("knows", 1, 2, json!({ "weight": 9 })).into(),
        fixture.draft(fixture.own).unlink("knows", 1, 2).into(),
        fixture.draft(fixture.own).delete("Person", 1).delete("Team", "a").into(),
    ];
    for draft in drafts {
        fixture.wrote(draft).await;
    }
    assert_eq!(
        before,
        [everything(&fixture, fixture.neighbour, None).await, everything(&fixture, fixture.stranger, None).await]
    );
}

/// A refusal tells nothing of another tenant's objects: it is that of an absent one.
pub async fn refusals_do_not_tell_of_other_tenants(fixture: Fixture) {
    fill(&fixture, fixture.own, "own").await;
    let refusal = async |scope: Scope, key: i64, unused: i64| {
        let mut texts = Vec::new();
        for id in [key, unused] {
            let drafts = [
                fixture.draft(scope).modify("Person", id, json!({ "rank": 1 })),
                fixture.draft(scope).delete("Person", id),
                fixture.draft(scope).create("Task", json!({ "id": 1, "owner": id })),
                fixture.draft(scope).link("knows", id, id, json!({})),
                fixture.draft(scope).unlink("knows", id, id),
            ];
            let mut text = String::new();
            for draft in drafts {
                let error = fixture.write(draft).await.unwrap_err();
                text.push_str(&format!("{error:?}").replace(&id.to_string(), "key"));
            }
            texts.push(text);
        }
        (texts.remove(0), texts.remove(0))
    };
    for scope in [fixture.neighbour, fixture.stranger] {
        let (of_another, absent) = refusal(scope, 2, 7).await;
        assert_eq!(of_another, absent);
    }
}

/// Reads of a scope that pairs a tenant with another's space find nothing.
pub async fn a_tenant_astray_reads_nothing(fixture: Fixture) {
    fill(&fixture, fixture.own, "own").await;
    fill(&fixture, fixture.stranger, "stranger").await;
    for astray in
        [Scope { space: fixture.stranger.space, ..fixture.own }, Scope { space: fixture.own.space, ..fixture.stranger }]
    {
        assert_eq!(everything(&fixture, astray, None).await, Vec::<String>::new());
    }
}

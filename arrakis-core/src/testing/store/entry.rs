//! What the log tells of each commit.

use serde_json::json;

use crate::commit::Event;
use crate::testing::Fixture;
use crate::{Effect, EffectKind, Key, LogEntry, Scope, Seq};

async fn entry(fixture: &Fixture, seq: Seq) -> LogEntry {
    fixture.store.entries(fixture.own, Seq(seq.0 - 1), 1).await.unwrap().entries.remove(0)
}

fn object(fixture: &Fixture, object_type: &str, key: impl Into<Key>, kind: EffectKind) -> Effect {
    Effect::Object(fixture.object_type(object_type).id, key.into(), kind)
}

/// An entry says who wrote when, why, by which method, and which events it tells the world.
pub async fn an_entry_tells_who_when_and_why(fixture: Fixture) {
    let event =
        Event { r#type: "team.formed".into(), subject: "Team/a".into(), data: json!({ "b": [1, null], "a": "é" }) };
    let draft = fixture
        .draft(fixture.own)
        .by("user:ann")
        .because("a new team")
        .create("Team", json!({ "code": "a", "title": "A" }))
        .with(|commit| commit.events.push(event.clone()));
    let commit = crate::Commit::from(draft);
    let seq = fixture.wrote(commit.clone()).await;
    let entry = entry(&fixture, seq).await;
    assert_eq!((entry.seq, entry.commit, entry.tenant), (seq, commit.id, fixture.own.tenant));
    assert_eq!((entry.actor.as_str(), entry.reason.as_deref()), ("user:ann", Some("a new team")));
    assert_eq!((entry.at, entry.audit, entry.events), (commit.at, commit.audit, vec![event]));
}

/// An entry lists every row its commit touched, in order; rows left as they were are not touched.
pub async fn an_entry_lists_effects_in_order(fixture: Fixture) {
    let first = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 2, "name": "Bob" }))
        .create("Person", json!({ "id": 1, "name": "Ann" }))
        .upsert("Team", json!({ "code": "a", "title": "A" }))
        .link("knows", 2, 1, json!({}));
    let seq = fixture.wrote(first).await;
    let knows = fixture.link_type("knows").id;
    let link = |kind| Effect::Link(knows, Key::Integer(2), Key::Integer(1), kind);
    assert_eq!(
        entry(&fixture, seq).await.effects,
        [
            object(&fixture, "Person", 2, EffectKind::Created),
            object(&fixture, "Person", 1, EffectKind::Created),
            object(&fixture, "Team", "a", EffectKind::Created),
            link(EffectKind::Created),
        ]
    );
    let second = fixture
        .draft(fixture.own)
        .modify("Person", 1, json!({ "name": "Ann" }))
        .relink("knows", 2, 1, json!({ "weight": 1 }))
        .upsert("Team", json!({ "code": "a", "title": "B" }))
        .unlink("knows", 2, 1)
        .delete("Person", 2);
    let seq = fixture.wrote(second).await;
    assert_eq!(
        entry(&fixture, seq).await.effects,
        [
            link(EffectKind::Modified),
            object(&fixture, "Team", "a", EffectKind::Modified),
            link(EffectKind::Deleted),
            object(&fixture, "Person", 2, EffectKind::Deleted),
        ]
    );
}

/// What on-delete rules reach is among the effects.
pub async fn an_entry_lists_what_a_deletion_reaches(fixture: Fixture) {
    let people = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 1, "name": "Ann" }))
        .create("Person", json!({ "id": 2, "name": "Bob", "boss": 1 }))
        .create("Task", json!({ "id": 1, "owner": 1 }))
        .create("Task", json!({ "id": 2, "parent": 1 }))
        .link("knows", 1, 2, json!({}));
    fixture.wrote(people).await;
    let seq = fixture.wrote(fixture.draft(fixture.own).delete("Person", 1)).await;
    let effects = entry(&fixture, seq).await.effects;
    let knows = fixture.link_type("knows").id;
    let expected = [
        object(&fixture, "Person", 1, EffectKind::Deleted),
        object(&fixture, "Person", 2, EffectKind::Modified),
        object(&fixture, "Task", 1, EffectKind::Deleted),
        object(&fixture, "Task", 2, EffectKind::Deleted),
        Effect::Link(knows, Key::Integer(1), Key::Integer(2), EffectKind::Deleted),
    ];
    assert_eq!(effects.len(), expected.len(), "{effects:?}");
    assert!(expected.iter().all(|effect| effects.contains(effect)), "{effects:?}");
    assert_eq!(effects[0], expected[0]);
}

/// Spaces, tenants and publications are effects.
pub async fn an_entry_lists_spaces_tenants_and_versions(fixture: Fixture) {
    let effects = |scope: Scope| {
        let store = &fixture.store;
        async move {
            let entries = store.entries(scope, Seq(0), 100).await.unwrap().entries;
            entries.into_iter().flat_map(|entry| entry.effects).collect::<Vec<_>>()
        }
    };
    let (own, stranger) = (fixture.own, fixture.stranger);
    let created = [Effect::Space(own.space), Effect::Space(stranger.space), Effect::Tenant(own.tenant)];
    assert_eq!(effects(own).await, [&created[..], &[Effect::Published(1)]].concat());
    assert_eq!(effects(fixture.neighbour).await, [Effect::Tenant(fixture.neighbour.tenant)]);
    assert_eq!(effects(stranger).await, [Effect::Tenant(stranger.tenant), Effect::Published(1)]);
}

/// Entries are of one tenant, oldest first, at most as many as asked for, after the place asked for; the head is the store's.
pub async fn entries_are_read_in_pages(fixture: Fixture) {
    let mut own = Vec::new();
    for number in 0..5 {
        let person = json!({ "id": number, "name": "p" });
        own.push(fixture.wrote(fixture.draft(fixture.own).create("Person", person.clone())).await);
        fixture.wrote(fixture.draft(fixture.neighbour).create("Person", person)).await;
    }
    let head = fixture.store.head().await.unwrap();
    let mut read = Vec::new();
    let mut after = Seq(own[0].0 - 1);
    loop {
        let page = fixture.store.entries(fixture.own, after, 2).await.unwrap();
        assert_eq!(page.head, head);
        assert!(page.entries.len() <= 2);
        let Some(last) = page.entries.last() else { break };
        after = last.seq;
        read.extend(page.entries.iter().map(|entry| entry.seq));
    }
    assert_eq!(read, own);
    assert_eq!(fixture.store.entries(fixture.own, head, 2).await.unwrap().entries, []);
    assert_eq!(fixture.store.entries(fixture.own, Seq(head.0 + 5), 2).await.unwrap().entries, []);
}

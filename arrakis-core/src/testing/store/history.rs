//! The versions of objects and links.

use std::sync::Arc;

use serde_json::json;

use crate::commit::Commit;
use crate::kernel::plan::{HistoryPlan, HistorySubject};
use crate::testing::Fixture;
use crate::{EffectKind, Key, Seq, Value};

/// Each version tells what happened, when, by whom, why, by which commit, and the values from then on; a deletion has none.
pub async fn versions_tell_what_happened(fixture: Fixture) {
    let commits: Vec<Commit> = vec![
        fixture
            .draft(fixture.own)
            .by("user:ann")
            .because("hired")
            .create("Person", json!({ "id": 1, "name": "Ann" }))
            .into(),
        fixture.draft(fixture.own).by("user:bob").modify("Person", 1, json!({ "rank": 2 })).into(),
        fixture.draft(fixture.own).by("user:cat").because("left").delete("Person", 1).into(),
        fixture.draft(fixture.own).by("user:dan").create("Person", json!({ "id": 1, "name": "Ann II" })).into(),
    ];
    let mut expected = Vec::new();
    for commit in &commits {
        fixture.clock().advance(std::time::Duration::from_secs(1));
        let at = fixture.env().now();
        expected.push((fixture.wrote(Commit { at, ..commit.clone() }).await, at));
    }
    let versions = fixture.history(fixture.own, "Person", 1).await;
    assert_eq!(versions.len(), commits.len());
    let changes = [EffectKind::Created, EffectKind::Modified, EffectKind::Deleted, EffectKind::Created];
    for (index, version) in versions.iter().enumerate() {
        let (seq, at) = expected[index];
        assert_eq!((version.revision, version.at, version.change), (seq, at, changes[index]));
        assert_eq!(
            (&version.actor, &version.reason, version.commit),
            (&commits[index].actor, &commits[index].reason, commits[index].id)
        );
        assert_eq!(version.properties.is_none(), version.change == EffectKind::Deleted);
    }
    let rank = |index: usize| versions[index].properties.as_ref().unwrap().get("rank").cloned();
    assert_eq!((rank(0), rank(1), rank(3)), (Some(Value::Null), Some(Value::Integer(2)), Some(Value::Null)));
    assert_eq!(versions[0].properties.as_ref().unwrap().names(), &fixture.object_type("Person").names);
}

/// Links have versions as objects have.
pub async fn links_have_versions(fixture: Fixture) {
    let people = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 1, "name": "a" }))
        .create("Person", json!({ "id": 2, "name": "b" }));
    fixture.wrote(people).await;
    let drafts = [
        fixture.draft(fixture.own).link("knows", 1, 2, json!({ "weight": 1 })),
        fixture.draft(fixture.own).because("closer").relink("knows", 1, 2, json!({ "weight": 2 })),
        fixture.draft(fixture.own).unlink("knows", 1, 2),
        fixture.draft(fixture.own).link("knows", 1, 2, json!({})),
        fixture.draft(fixture.own).delete("Person", 2),
    ];
    let mut seqs = Vec::new();
    for draft in drafts {
        seqs.push(fixture.wrote(draft).await);
    }
    let versions = fixture.link_history(fixture.own, "knows", 1, 2).await;
    assert_eq!(versions.iter().map(|version| version.revision).collect::<Vec<_>>(), seqs);
    let changes: Vec<_> = versions.iter().map(|version| version.change).collect();
    let (created, modified, deleted) = (EffectKind::Created, EffectKind::Modified, EffectKind::Deleted);
    assert_eq!(changes, [created, modified, deleted, created, deleted]);
    assert_eq!(versions[1].reason.as_deref(), Some("closer"));
    assert_eq!(versions[1].properties.as_ref().unwrap().get("weight"), Some(&Value::Integer(2)));
    assert_eq!(fixture.link_history(fixture.own, "knows", 2, 1).await, []);
}

/// What never existed has no versions.
pub async fn what_never_existed_has_no_versions(fixture: Fixture) {
    assert_eq!(fixture.history(fixture.own, "Person", 1).await, []);
    assert_eq!(fixture.link_history(fixture.own, "knows", 1, 2).await, []);
}

/// Versions are read in pages: after a commit, at most as many as asked for.
pub async fn versions_are_read_in_pages(fixture: Fixture) {
    let mut seqs = Vec::new();
    for round in 0..4 {
        let person = json!({ "id": 1, "name": "p", "rank": round });
        seqs.push(fixture.wrote(fixture.draft(fixture.own).create("Person", person)).await);
        seqs.push(fixture.wrote(fixture.draft(fixture.own).modify("Person", 1, json!({ "rank": -1 }))).await);
        seqs.push(fixture.wrote(fixture.draft(fixture.own).delete("Person", 1)).await);
    }
    for limit in [1, 2, 5, 12, 100] {
        let mut read = Vec::new();
        let mut after = Seq(0);
        loop {
            let subject = HistorySubject::Object(Arc::clone(fixture.object_type("Person")), Key::Integer(1));
            let page = fixture.store.history(fixture.own, &HistoryPlan { subject, after, limit }).await.unwrap().value;
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            after = last.revision;
            read.extend(page.iter().map(|version| version.revision));
        }
        assert_eq!(read, seqs, "{limit} at a time");
    }
}

/// Objects reached by on-delete rules have versions by the commit that reached them.
pub async fn what_a_deletion_reached_has_its_version(fixture: Fixture) {
    let draft = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 1, "name": "a" }))
        .create("Person", json!({ "id": 2, "name": "b", "boss": 1 }))
        .create("Task", json!({ "id": 1, "owner": 1 }));
    fixture.wrote(draft).await;
    let deleted = fixture.wrote(fixture.draft(fixture.own).because("gone").delete("Person", 1)).await;
    for (object_type, key, change) in [("Person", 2, EffectKind::Modified), ("Task", 1, EffectKind::Deleted)] {
        let versions = fixture.history(fixture.own, object_type, key).await;
        let last = versions.last().unwrap();
        assert_eq!((last.revision, last.change, last.reason.as_deref()), (deleted, change, Some("gone")));
    }
}

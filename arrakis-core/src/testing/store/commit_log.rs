//! The commit log: order, whole commits, replays.

use std::sync::Arc;
use std::task::{Context as TaskContext, Waker};
use std::time::Duration;

use serde_json::json;

use crate::commit::{CommitLog, undone};
use crate::testing::{Draft, Fixture};
use crate::{Atomicity, Commit, ErrorKind, Receipt, Result, Scope, Seq};

fn team(fixture: &Fixture, code: &str) -> Draft {
    fixture.draft(fixture.own).create("Team", json!({ "code": code, "title": code }))
}

fn seqs(results: &[Result<Receipt>]) -> Vec<Result<u64, &str>> {
    results.iter().map(|result| result.as_ref().map(|receipt| receipt.seq.0).map_err(crate::Error::code)).collect()
}

async fn batch(fixture: &Fixture, drafts: Vec<Draft>, atomicity: Atomicity) -> Vec<Result<Receipt>> {
    fixture.store.commit_batch(drafts.into_iter().map(Commit::from).collect(), atomicity).await
}

/// The newest commit of an empty store is 0.
pub async fn an_empty_store_has_no_commit(fixture: Fixture) {
    assert_eq!(fixture.head_at_first, Seq(0));
    // Two spaces, three tenants, two publications.
    assert_eq!(fixture.store.head().await.unwrap(), Seq(7));
}

/// Commits are numbered in order without gaps; a refused commit takes no number.
pub async fn seq_is_gap_free(fixture: Fixture) {
    let head = fixture.store.head().await.unwrap().0;
    let drafts = vec![team(&fixture, "a"), team(&fixture, "a"), team(&fixture, "b"), team(&fixture, "c")];
    let results = batch(&fixture, drafts, Atomicity::Each).await;
    assert_eq!(seqs(&results), [Ok(head + 1), Err("kernel.object.exists"), Ok(head + 2), Ok(head + 3)]);
    assert_eq!(fixture.refused(team(&fixture, "c")).await, "kernel.object.exists");
    assert_eq!(fixture.wrote(team(&fixture, "d")).await, Seq(head + 4));
    assert_eq!(fixture.store.head().await.unwrap(), Seq(head + 4));
}

/// A commit whose id is in the log answers the first receipt, marked as replayed, and changes nothing.
pub async fn a_commit_twice_answers_the_first_receipt(fixture: Fixture) {
    let commit = Commit::from(team(&fixture, "a"));
    let other = Commit { id: commit.id, ..team(&fixture, "b").into() };
    let first = fixture.write(commit.clone()).await.unwrap();
    assert_eq!((first.commit, first.replayed), (commit.id, false));
    for again in [commit, other] {
        assert_eq!(fixture.write(again).await.unwrap(), Receipt { replayed: true, ..first });
    }
    assert_eq!(fixture.store.head().await.unwrap(), first.seq);
    assert!(fixture.object(fixture.own, "Team", "b").await.is_none());
}

/// The same id twice in one batch is one commit.
pub async fn a_commit_twice_in_a_batch_is_one(fixture: Fixture) {
    let commit = Commit::from(team(&fixture, "a"));
    for atomicity in [Atomicity::Each, Atomicity::All] {
        let results = fixture.store.commit_batch(vec![commit.clone(), commit.clone()], atomicity).await;
        let [Ok(first), Ok(second)] = &results[..] else { panic!("{results:?}") };
        assert_eq!((first.seq, second.replayed), (second.seq, true), "{atomicity:?}");
    }
}

/// A refused commit may be tried again under its id.
pub async fn a_refused_commit_may_be_tried_again(fixture: Fixture) {
    let commit = Commit::from(fixture.draft(fixture.own).modify("Team", "a", json!({ "score": 1 })));
    assert_eq!(fixture.refused(commit.clone()).await, "kernel.object.absent");
    fixture.wrote(team(&fixture, "a")).await;
    assert!(!fixture.write(commit).await.unwrap().replayed);
}

/// A commit id another tenant has used is refused, and tells nothing of that tenant's commit.
pub async fn a_commit_id_of_another_tenant_is_refused(fixture: Fixture) {
    let commit = Commit::from(team(&fixture, "a"));
    fixture.wrote(commit.clone()).await;
    for scope in [fixture.neighbour, fixture.stranger] {
        let error = fixture.write(Commit { scope, ..commit.clone() }).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "commit.id.taken"));
        assert_eq!(error.params().count(), 0);
    }
}

/// One failing commit never fails its neighbours, and its changes are not visible to them.
pub async fn a_failing_commit_leaves_its_neighbours(fixture: Fixture) {
    let drafts = vec![
        team(&fixture, "a"),
        team(&fixture, "b").create("Team", json!({ "code": "a", "title": "again" })),
        fixture.draft(fixture.own).modify("Team", "b", json!({ "score": 1 })),
        team(&fixture, "b"),
    ];
    let results = batch(&fixture, drafts, Atomicity::Each).await;
    let codes: Vec<_> = results.iter().map(|result| result.as_ref().err().map(crate::Error::code)).collect();
    assert_eq!(codes, [None, Some("kernel.object.exists"), Some("kernel.object.absent"), None]);
    assert_eq!(fixture.value("Team", "a", "title").await.to_json(), json!("a"));
}

/// A commit sees the changes of those before it in the batch.
pub async fn a_commit_sees_those_before_it(fixture: Fixture) {
    let drafts = vec![
        team(&fixture, "a"),
        fixture.draft(fixture.own).modify("Team", "a", json!({ "score": 1 })),
        fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "Ann", "team": "a" })),
        fixture.draft(fixture.own).delete("Person", 1).delete("Team", "a"),
    ];
    let results = batch(&fixture, drafts, Atomicity::Each).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let seqs: Vec<_> = results.iter().map(|result| result.as_ref().unwrap().seq).collect();
    let modified = fixture.object_at(fixture.own, "Team", "a", Some(seqs[1])).await.unwrap();
    assert_eq!((modified.revision, fixture.object(fixture.own, "Team", "a").await), (seqs[1], None));
}

/// A commit refused half-way leaves nothing: no object, no link, no end of a version, no log entry.
pub async fn a_refused_commit_leaves_nothing(fixture: Fixture) {
    let people = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 1, "name": "Ann" }))
        .create("Person", json!({ "id": 2, "name": "Bob", "boss": 1 }))
        .create("Task", json!({ "id": 1, "owner": 1 }))
        .link("knows", 1, 2, json!({ "weight": 1 }));
    let before = fixture.wrote(people).await;
    let draft = fixture
        .draft(fixture.own)
        .create("Team", json!({ "code": "a", "title": "A" }))
        .modify("Person", 2, json!({ "name": "Bea", "team": "a" }))
        .relink("knows", 1, 2, json!({ "weight": 2 }))
        .link("knows", 2, 1, json!({}))
        .delete("Person", 1)
        .create("Person", json!({ "id": 2, "name": "Cat" }));
    let error = fixture.write(draft).await.unwrap_err();
    assert_eq!((error.code(), error.path()), ("kernel.object.exists", Some("changes[5]")));
    assert!(fixture.object(fixture.own, "Team", "a").await.is_none());
    for (object_type, key) in [("Person", 1), ("Person", 2), ("Task", 1)] {
        assert_eq!(fixture.object(fixture.own, object_type, key).await.unwrap().revision, before);
        assert_eq!(fixture.history(fixture.own, object_type, key).await.len(), 1);
    }
    let links = fixture.links(fixture.own, &fixture.links_plan("knows", crate::ontology::End::Source, 1)).await;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].properties.get("weight").unwrap().to_json(), json!(1));
    assert_eq!(fixture.link_history(fixture.own, "knows", 2, 1).await, []);
    assert_eq!(fixture.store.head().await.unwrap(), before);
    assert_eq!(fixture.store.entries(fixture.own, before, 10).await.unwrap().entries, []);
}

/// An all-or-nothing batch without a fault is applied whole.
pub async fn all_of_a_batch_is_applied(fixture: Fixture) {
    let head = fixture.store.head().await.unwrap().0;
    let results = batch(&fixture, vec![team(&fixture, "a"), team(&fixture, "b")], Atomicity::All).await;
    assert_eq!(seqs(&results), [Ok(head + 1), Ok(head + 2)]);
    assert!(fixture.object(fixture.own, "Team", "b").await.is_some());
}

/// An all-or-nothing batch with a fault leaves nothing: the failing commit says why, the others that they were undone, and those
/// that were in the log before answer their first receipt still.
pub async fn none_of_a_batch_is_applied(fixture: Fixture) {
    let (early, late) = (Commit::from(team(&fixture, "early")), Commit::from(team(&fixture, "late")));
    let before = [fixture.wrote(early.clone()).await, fixture.wrote(late.clone()).await];
    let new = Commit::from(team(&fixture, "a"));
    let commits = vec![new.clone(), early, team(&fixture, "a").into(), team(&fixture, "b").into(), new.clone(), late];
    let results = fixture.store.commit_batch(commits, Atomicity::All).await;
    let undone = undone();
    let expected = [
        Err(undone.code()),
        Ok(before[0].0),
        Err("kernel.object.exists"),
        Err(undone.code()),
        Err(undone.code()),
        Ok(before[1].0),
    ];
    assert_eq!(seqs(&results), expected);
    assert!(results.iter().flatten().all(|receipt| receipt.replayed));
    assert_eq!(fixture.store.head().await.unwrap(), before[1]);
    assert!(fixture.object(fixture.own, "Team", "a").await.is_none());
    // What was undone may come again.
    assert_eq!(fixture.wrote(new).await, before[1].next());
}

/// An empty batch has no results.
pub async fn an_empty_batch_has_no_results(fixture: Fixture) {
    for atomicity in [Atomicity::Each, Atomicity::All] {
        assert!(fixture.store.commit_batch(Vec::new(), atomicity).await.is_empty());
    }
    assert_eq!(fixture.store.head().await.unwrap(), Seq(7));
}

/// A commit without changes takes its place in the log.
pub async fn a_commit_without_changes_is_logged(fixture: Fixture) {
    let commit = fixture.commit(fixture.own);
    let seq = fixture.wrote(commit.clone()).await;
    let page = fixture.store.entries(fixture.own, Seq(seq.0 - 1), 1).await.unwrap();
    assert_eq!((page.entries[0].commit, &page.entries[0].effects), (commit.id, &Vec::new()));
}

/// Commits of many writers at once are each whole, each numbered once.
pub async fn concurrent_writers_share_one_order(fixture: Fixture) {
    const WRITERS: i64 = 8;
    const COMMITS: i64 = 12;
    let before = fixture.store.head().await.unwrap();
    let fixture = Arc::new(fixture);
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let fixture = Arc::clone(&fixture);
        writers.push(tokio::runtime::Handle::current().spawn(async move {
            let mut written = Vec::new();
            for number in 0..COMMITS {
                let id = writer * 1_000 + number;
                let person = json!({ "id": id, "name": format!("p{id}") });
                let draft = fixture
                    .draft(fixture.own)
                    .create("Person", person)
                    .create("Task", json!({ "id": id, "owner": id }));
                written.push((id, fixture.wrote(draft).await));
            }
            written
        }));
    }
    let mut written = Vec::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    written.sort_by_key(|(_, seq)| *seq);
    let expected: Vec<u64> = (1..=u64::try_from(WRITERS * COMMITS).unwrap()).map(|place| before.0 + place).collect();
    assert_eq!(written.iter().map(|(_, seq)| seq.0).collect::<Vec<_>>(), expected);
    for (id, seq) in written {
        for object_type in ["Person", "Task"] {
            assert_eq!(fixture.object(fixture.own, object_type, id).await.unwrap().revision, seq);
        }
    }
}

/// Dropping the future of a batch leaves it applied whole, or not at all.
pub async fn a_dropped_batch_is_whole_or_nothing(fixture: Fixture) {
    let commit = Commit::from(team(&fixture, "a").create("Person", json!({ "id": 1, "name": "Ann", "team": "a" })));
    let mut dropped = fixture.store.commit_batch(vec![commit.clone()], Atomicity::Each);
    let first_look = dropped.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
    drop(dropped);
    // A later batch waits its turn behind the dropped one.
    fixture.wrote(team(&fixture, "b")).await;
    let applied = fixture.store.receipt(fixture.own, commit.id).await.unwrap().is_some();
    assert!(applied || first_look.is_pending());
    assert_eq!(fixture.object(fixture.own, "Team", "a").await.is_some(), applied);
    assert_eq!(fixture.object(fixture.own, "Person", 1).await.is_some(), applied);
    let again = fixture.write(commit).await.unwrap();
    assert_eq!(again.replayed, applied);
}

/// A commit decided under a version that is no longer the current one is refused, and may be decided again.
pub async fn a_moved_schema_refuses_the_commit(fixture: Fixture) {
    let stale = team(&fixture, "a");
    let next = fixture.next_schema(&fixture.schema, Fixture::ontology());
    fixture.publish(fixture.neighbour, &fixture.publication(&next, Vec::new())).await.unwrap();
    let error = fixture.write(stale).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("kernel.schema.moved", true));
    assert_eq!((error.param("version"), error.param("current")), (Some("1"), Some("2")));
    let draft = fixture.draft_under(fixture.own, &next).create("Team", json!({ "code": "a", "title": "A" }));
    fixture.wrote(draft).await;
}

/// A change of objects that does not say under which version it was decided is a defect of its maker.
pub async fn an_unstated_schema_refuses_the_commit(fixture: Fixture) {
    let draft = team(&fixture, "a").with(|commit| commit.schema_version = None);
    assert_eq!(fixture.write(draft).await.unwrap_err().kind(), ErrorKind::Internal);
}

/// The log never goes back in time: an earlier instant is raised to its predecessor's.
pub async fn the_log_never_goes_back_in_time(fixture: Fixture) {
    fixture.clock().advance(Duration::from_secs(10));
    let late = fixture.env().now();
    let first = fixture.wrote(team(&fixture, "a")).await;
    let early = crate::Timestamp::from_micros(late.micros() - 5_000_000).unwrap();
    fixture.wrote(team(&fixture, "b").at(early)).await;
    let later = crate::Timestamp::from_micros(late.micros() + 1).unwrap();
    fixture.wrote(team(&fixture, "c").at(later)).await;
    let entries = fixture.store.entries(fixture.own, Seq(first.0 - 1), 3).await.unwrap().entries;
    assert_eq!(entries.iter().map(|entry| entry.at).collect::<Vec<_>>(), [late, late, later]);
}

/// The commit at an instant is the newest at or before it.
pub async fn the_commit_at_an_instant_is_the_newest_by_then(fixture: Fixture) {
    let start = fixture.env().now();
    let micros = |offset: i64| crate::Timestamp::from_micros(start.micros() + offset).unwrap();
    let mut seqs = Vec::new();
    for (code, offset) in [("a", 10), ("b", 20), ("c", 20), ("d", 30)] {
        seqs.push(fixture.wrote(team(&fixture, code).at(micros(offset))).await);
    }
    let store = &fixture.store;
    for (at, expected) in [
        (crate::Timestamp::from_micros_saturating(i64::MIN), Seq(0)),
        (micros(-1), Seq(0)),
        (micros(0), Seq(7)),
        (micros(9), Seq(7)),
        (micros(10), seqs[0]),
        (micros(19), seqs[0]),
        (micros(20), seqs[2]),
        (micros(29), seqs[2]),
        (micros(30), seqs[3]),
        (crate::Timestamp::from_micros_saturating(i64::MAX), seqs[3]),
    ] {
        assert_eq!(store.seq_at(at).await.unwrap(), expected, "{at}");
    }
}

/// A receipt is found by its tenant, and by no other.
pub async fn a_receipt_is_found_by_its_tenant(fixture: Fixture) {
    let receipt = fixture.write(team(&fixture, "a")).await.unwrap();
    let found = |scope: Scope| fixture.store.receipt(scope, receipt.commit);
    assert_eq!(found(fixture.own).await.unwrap(), Some(receipt));
    assert_eq!(found(fixture.neighbour).await.unwrap(), None);
    assert_eq!(found(fixture.stranger).await.unwrap(), None);
    assert_eq!(fixture.store.receipt(fixture.own, fixture.unused_id()).await.unwrap(), None);
}

/// A commit that was made by a request under an idempotency key is not taken for that of another request, in its own batch or later.
pub async fn a_commit_is_of_one_request(fixture: Fixture) {
    let commit = Commit::from(team(&fixture, "a"));
    let by = |request: Option<&str>| {
        let mut commit = commit.clone();
        commit.audit.request = request.map(Into::into);
        commit
    };
    let told = |answers: Vec<crate::Result<crate::Receipt>>| -> Vec<_> {
        answers.into_iter().map(|answer| answer.map_err(|e| e.code().to_owned()).map(|of| of.replayed)).collect()
    };
    let other = || Err("request.idempotency.other_request".to_owned());
    let batch = vec![by(Some("x")), by(Some("x")), by(Some("y")), by(None)];
    let answers = fixture.store.commit_batch(batch, Atomicity::Each).await;
    assert_eq!(told(answers), [Ok(false), Ok(true), other(), Ok(true)]);
    assert_eq!(
        fixture.store.commit_batch(vec![by(Some("x"))], Atomicity::Each).await[0].as_ref().map(|of| of.replayed).ok(),
        Some(true)
    );
    // Nothing that comes along with it is made either.
    let beside = Commit::from(team(&fixture, "b"));
    let answers = fixture.store.commit_batch(vec![beside.clone(), by(Some("y"))], Atomicity::All).await;
    assert_eq!(told(answers), [Err("commit.batch.undone".to_owned()), other()]);
    assert_eq!(fixture.store.receipt(fixture.own, beside.id).await.unwrap(), None);
}

/// A rehearsal answers the effects a commit then has, and changes nothing.
pub async fn a_rehearsal_tells_what_a_commit_would_do(fixture: Fixture) {
    fixture.wrote(team(&fixture, "a")).await;
    let head = fixture.store.head().await.unwrap();
    let drafts = [
        team(&fixture, "b").modify("Team", "a", json!({ "score": 3 })),
        fixture.draft(fixture.own).delete("Team", "a"),
        fixture.draft(fixture.own),
    ];
    for draft in drafts {
        let commit = Commit::from(draft);
        let foreseen = fixture.store.rehearse(commit.clone()).await.unwrap();
        assert_eq!(fixture.store.rehearse(commit.clone()).await.unwrap(), foreseen);
        let seq = fixture.wrote(commit).await;
        let page = fixture.store.entries(fixture.own, Seq(seq.0 - 1), 1).await.unwrap();
        assert_eq!(page.entries[0].effects, foreseen);
    }
    assert_eq!(fixture.store.head().await.unwrap(), Seq(head.0 + 3), "rehearsals take no number");
}

/// A rehearsal answers the refusal a commit would get; a commit id in the log is refused.
pub async fn a_rehearsal_refuses_what_a_commit_refuses(fixture: Fixture) {
    let commit = Commit::from(team(&fixture, "a"));
    fixture.wrote(commit.clone()).await;
    let head = fixture.store.head().await.unwrap();
    assert_eq!(fixture.store.rehearse(commit).await.unwrap_err().code(), "commit.id.taken");
    for draft in [team(&fixture, "b").create("Team", json!({ "code": "a", "title": "a" })), {
        fixture.draft(fixture.own).modify("Team", "z", json!({ "score": 1 }))
    }] {
        let commit = Commit::from(draft);
        let foretold = fixture.store.rehearse(commit.clone()).await.unwrap_err();
        let told = fixture.write(commit).await.unwrap_err();
        assert_eq!((foretold.code(), foretold.path()), (told.code(), told.path()));
    }
    assert!(fixture.object(fixture.own, "Team", "b").await.is_none());
    assert_eq!(fixture.store.head().await.unwrap(), head);
}

/// The key of cursors is the store's own and stays.
pub async fn the_cursor_key_stays(fixture: Fixture) {
    let key = fixture.store.cursor_key();
    fixture.wrote(team(&fixture, "a")).await;
    assert_eq!(fixture.store.cursor_key(), key);
    assert_ne!(key, [0; 32]);
    assert!(!format!("{:?}", fixture.store).contains(&format!("{key:?}")), "a secret is never printed");
}

#[expect(dead_code, reason = "holds that the ports upcast, which compiles or does not")]
fn a_store_is_each_of_its_ports(store: Arc<dyn crate::Store>) -> Arc<dyn CommitLog> {
    store
}

//! The store's sessions are ended by an administrator, one after the other, whatever they are doing.

use std::sync::Arc;
use std::time::Duration;

use arrakis_core::{Atomicity, Commit, CommitLog};
use serde_json::json;
use tokio::runtime::Handle;

use super::ledger::TYPE;
use super::load::{Crowd, Load};
use super::{HELD, RECOVERY_MAX, becomes, draws, filled, hold_commits, number, options, own_connection, server, times};

/// How many sessions are ended.
const TERMINATIONS: usize = 500;
/// How many sessions are ended while their commit is durable and not answered.
const DURING_COMMIT: usize = 20;
/// The most commits between two of them.
const BETWEEN_MAX: u64 = 4;
/// After how many the store is asked how long it takes to answer.
const ROUND: usize = 25;
/// Ends one session of the store, whichever: the one that writes, one that reads, keeps leases, tells or listens.
const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'arrakis' AND backend_type = 'client backend' ORDER BY random() LIMIT 1
) AS s";
/// Ends the session that writes or keeps leases or tells: those that may wait longest.
const TERMINATE_WRITER: &str = "SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'arrakis' AND usename IS NOT NULL AND query !~* '^\\s*select' ORDER BY random() LIMIT 1
) AS s";

/// Five hundred ended sessions under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ended_sessions_lose_nothing() {
    let Some(server) = server("ended_sessions_lose_nothing") else { return };
    let mut draws = draws("ended_sessions_lose_nothing");
    let store = filled(&server.url(), &options()).await;
    let mut load = Load::start(store, Crowd { writers: 6, readers: 3 }, &mut draws).await;
    let mut admin = own_connection(&server.url()).await;
    let (mut slowest, mut ended) = (Duration::ZERO, 0);
    while ended < times(TERMINATIONS) {
        load.goes_on(draws.u64(0..=BETWEEN_MAX)).await;
        let sql = if draws.bool() { TERMINATE } else { TERMINATE_WRITER };
        ended += usize::try_from(number(&mut admin, sql).await).unwrap();
        if ended % ROUND == 0 {
            slowest = slowest.max(load.recovers().await);
            load.verify_rows().await;
        }
    }
    println!("{ended} sessions ended; slowest recovery {slowest:?}");
    assert!(slowest <= RECOVERY_MAX, "{slowest:?}");
    load.end().await;
}

/// Twenty commits that were applied and never answered: the store learns it by itself, and tells them as what they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_ended_while_it_commits_is_resolved() {
    let Some(server) = server("a_session_ended_while_it_commits_is_resolved") else { return };
    let (store, fixture) = filled(&server.url(), &options()).await;
    let mut admin = own_connection(&server.url()).await;
    let mut head = store.head().await.unwrap();
    hold_commits(&mut admin, true).await;
    for round in 0..times(DURING_COMMIT) {
        let team = |code: String| -> Commit {
            fixture.draft(fixture.own).upsert(TYPE, json!({ "code": code, "title": "t" })).into()
        };
        let fresh = team(format!("k{round}"));
        // Beside it one that was there before, and one that is refused.
        let again = Commit { id: fresh.id, ..team("other".to_owned()) };
        let refused = Commit::from(fixture.draft(fixture.own).modify(TYPE, "absent", json!({ "title": "t" })));
        let batch = vec![fresh.clone(), refused, again];
        let store_too = Arc::clone(&store);
        let committing = Handle::current().spawn(async move { store_too.commit_batch(batch, Atomicity::Each).await });
        becomes(&mut admin, HELD, 1).await;
        let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        assert_eq!(number(&mut admin, ended).await, 1);
        let results = committing.await.unwrap();
        head = head.next();
        let told = |index: usize| results[index].as_ref().map(|receipt| (receipt.seq, receipt.replayed));
        assert_eq!(told(0).unwrap(), (head, false), "applied once");
        assert_eq!(told(1).unwrap_err().code(), "kernel.object.absent");
        assert_eq!(told(2).unwrap(), (head, true));
        assert_eq!(store.head().await.unwrap(), head);
    }
    hold_commits(&mut admin, false).await;
    println!("{} commits resolved whose answer was lost", times(DURING_COMMIT));
}

//! The server stops where it is: connections stay open and nothing answers.

use std::sync::Arc;
use std::time::Duration;

use arrakis_core::kernel::ObjectStore;
use arrakis_core::kernel::plan::Rel;
use arrakis_core::{Atomicity, Commit, CommitLog, Env, Outcome};
use arrakis_storage::PgOptions;
use serde_json::json;
use tokio::runtime::Handle;

use super::ledger::TYPE;
use super::load::{Crowd, Load, passing};
use super::{
    HELD, RECOVERY_MAX, becomes, blocking, draws, filled, hold_commits, options, own_connection, server, times,
};

/// How often the server is paused under load.
const PAUSES: usize = 4;
/// How long a read of a server that does not answer may take: two tries, each with a statement or a connection to wait for, and the grace.
const READ_MAX: Duration = Duration::from_secs(5);
/// How long a write may take: as many tries as there are, each with a connection to wait for.
const WRITE_MAX: Duration = Duration::from_secs(25);

fn impatient() -> PgOptions {
    PgOptions {
        connect_timeout_ms: 300,
        statement_timeout_ms: 300,
        commit_timeout_ms: 500,
        lock_timeout_ms: 200,
        ..options()
    }
}

/// Reads and writes of a server that does not answer end in time, and when it goes on so does the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_paused_server_is_not_waited_for() {
    let Some(server) = server("a_paused_server_is_not_waited_for") else { return };
    let (store, fixture) = filled(&server.url(), &impatient()).await;
    let env = Env::system();
    let team = |code: &str| -> Commit {
        fixture.draft(fixture.own).create(TYPE, json!({ "code": code, "title": code })).into()
    };
    store.commit_batch(vec![team("before")], Atomicity::Each).await.remove(0).unwrap();
    blocking(|| server.pause());

    let start = env.monotonic();
    let error = store.query(fixture.own, &fixture.ask(TYPE, Rel::All).plan).await.unwrap_err();
    let read = env.monotonic().saturating_sub(start);
    assert!(matches!(error.code(), "store.unreachable" | "store.timeout") && error.is_retryable(), "{error:?}");
    assert!(read <= READ_MAX, "{read:?}");

    let commit = team("during");
    let start = env.monotonic();
    let error = store.commit_batch(vec![commit.clone()], Atomicity::Each).await.remove(0).unwrap_err();
    let write = env.monotonic().saturating_sub(start);
    assert_eq!((error.code(), error.is_retryable()), ("store.unreachable", true), "{error:?}");
    assert!(write <= WRITE_MAX, "{write:?}");
    println!("a paused server: a read is refused after {read:?}, a write after {write:?}");

    let was_applied = error.outcome();
    blocking(|| server.resume());
    let start = env.monotonic();
    let receipt = loop {
        match store.commit_batch(vec![commit.clone()], Atomicity::Each).await.remove(0) {
            Ok(receipt) => break receipt,
            Err(error) => passing(&error),
        }
    };
    let recovered = env.monotonic().saturating_sub(start);
    assert!(recovered <= RECOVERY_MAX, "{recovered:?}");
    assert!(was_applied == Outcome::Unknown || !receipt.replayed, "what was not applied is not there");
    assert!(fixture.object(fixture.own, TYPE, "during").await.is_some());
}

/// A server that stops under load, for longer than the store waits, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_paused_under_load_loses_nothing() {
    let Some(server) = server("a_server_paused_under_load_loses_nothing") else { return };
    let mut draws = draws("a_server_paused_under_load_loses_nothing");
    let store = filled(&server.url(), &impatient()).await;
    let mut load = Load::start(store, Crowd { writers: 4, readers: 2 }, &mut draws).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..times(PAUSES) {
        load.goes_on(draws.u64(1..=40)).await;
        blocking(|| server.pause());
        // A read that fails has waited as long as it may.
        while load.store.head().await.is_ok() {}
        let _ = load.store.head().await.unwrap_err();
        blocking(|| server.resume());
        slowest = slowest.max(load.recovers().await);
        load.verify_rows().await;
    }
    println!("{} pauses; slowest recovery {slowest:?}", times(PAUSES));
    assert!(slowest <= RECOVERY_MAX, "{slowest:?}");
    load.end().await;
}

/// A commit that was applied and never answered, of a server that then does not answer either: its outcome is unknown, and the same id tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_that_cannot_be_resolved_is_unknown_until_it_is_asked_for_again() {
    let test = "a_commit_that_cannot_be_resolved_is_unknown_until_it_is_asked_for_again";
    let Some(server) = server(test) else { return };
    let (store, fixture) = filled(&server.url(), &PgOptions { commit_timeout_ms: 3_000, ..impatient() }).await;
    let mut admin = own_connection(&server.url()).await;
    let commit: Commit = fixture.draft(fixture.own).create(TYPE, json!({ "code": "a", "title": "a" })).into();
    hold_commits(&mut admin, true).await;
    let committing = {
        let (store, commit) = (Arc::clone(&store), commit.clone());
        Handle::current().spawn(async move { store.commit_batch(vec![commit], Atomicity::Each).await.remove(0) })
    };
    becomes(&mut admin, HELD, 1).await;
    blocking(|| server.pause());
    let error = committing.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.outcome()), ("store.unreachable", Outcome::Unknown), "{error:?}");
    assert!(error.is_retryable());
    blocking(|| server.resume());
    hold_commits(&mut admin, false).await;
    let receipt = loop {
        match store.commit_batch(vec![commit.clone()], Atomicity::Each).await.remove(0) {
            Ok(receipt) => break receipt,
            Err(error) => passing(&error),
        }
    };
    assert!(receipt.replayed, "it was applied");
    assert_eq!(fixture.history(fixture.own, TYPE, "a").await.len(), 1, "once");
}

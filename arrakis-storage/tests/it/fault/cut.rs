//! The network between store and server is cut at a byte.

use std::time::Duration;

use arrakis_core::{Atomicity, Commit, CommitLog, Outcome};
use serde_json::json;
use xtask::proxy::Proxy;

use super::ledger::TYPE;
use super::load::{Crowd, Load, passing};
use super::{RECOVERY_MAX, draws, filled, options, server, times};

/// How often the network is cut at a random byte.
const CUTS: usize = 400;
/// How often it is cut at each byte around the end of a commit.
const CUTS_AT_COMMIT: usize = 100;
/// The furthest cut: some batches and reads further on.
const FURTHEST: u64 = 30_000;
/// After how many the store is asked how long it takes to answer.
const ROUND: usize = 20;

fn through(proxy: &Proxy) -> String {
    format!("postgres://postgres@{}/postgres", proxy.address())
}

/// Four hundred cuts at random bytes under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_network_cut_at_a_random_byte_loses_nothing() {
    let Some(server) = server("a_network_cut_at_a_random_byte_loses_nothing") else { return };
    let mut draws = draws("a_network_cut_at_a_random_byte_loses_nothing");
    let proxy = Proxy::start(([127, 0, 0, 1], server.port()).into());
    let store = filled(&through(&proxy), &options()).await;
    let mut load = Load::start(store, Crowd { writers: 4, readers: 2 }, &mut draws).await;
    let mut slowest = Duration::ZERO;
    for cut in 0..times(CUTS) {
        let magnitude = draws.u32(4..=FURTHEST.ilog2());
        proxy.cut_after(draws.u64(..1 << magnitude));
        load.goes_on(draws.u64(1..=3)).await;
        if cut % ROUND == 0 {
            slowest = slowest.max(load.recovers().await);
            load.verify_rows().await;
        }
    }
    println!("{} cuts; slowest recovery {slowest:?}", times(CUTS));
    assert!(slowest <= RECOVERY_MAX, "{slowest:?}");
    load.end().await;
}

/// A hundred cuts around the last bytes of a commit, whose answer is lost: applied or not, the store finds out, and the same id has one effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_network_cut_during_a_commit_is_resolved() {
    let Some(server) = server("a_network_cut_during_a_commit_is_resolved") else { return };
    let mut draws = draws("a_network_cut_during_a_commit_is_resolved");
    let proxy = Proxy::start(([127, 0, 0, 1], server.port()).into());
    let (store, fixture) = filled(&through(&proxy), &options()).await;
    let commit = |value: i64| -> Commit {
        let values = json!({ "code": "a", "title": "a", "score": value });
        fixture.draft(fixture.own).upsert(TYPE, values).into()
    };
    let (mut value, mut head, mut unknown, mut replayed) = (1_000_000, store.head().await.unwrap(), 0, 0);
    for _ in 0..times(CUTS_AT_COMMIT) {
        // What a commit takes on the way there and back, the connections being there and quiet.
        let mut passed = 0;
        for _ in 0..2 {
            let before = proxy.bytes();
            value += 1;
            let receipt = store.commit_batch(vec![commit(value)], Atomicity::Each).await.remove(0).unwrap();
            head = head.next();
            assert_eq!(receipt.seq, head);
            passed = proxy.bytes() - before;
        }
        proxy.cut_after(passed - draws.u64(..80).min(passed));
        value += 1;
        let commit = commit(value);
        head = head.next();
        loop {
            match store.commit_batch(vec![commit.clone()], Atomicity::Each).await.remove(0) {
                Ok(receipt) => {
                    replayed += usize::from(receipt.replayed);
                    assert_eq!(receipt.seq, head, "I6: one effect");
                    break;
                }
                Err(error) => {
                    passing(&error);
                    unknown += usize::from(error.outcome() == Outcome::Unknown);
                }
            }
        }
        // One more, so that the cut has been made however the bytes were counted.
        proxy.cut();
        let again = store.commit_batch(vec![commit], Atomicity::Each).await.remove(0).unwrap();
        assert_eq!((again.seq, again.replayed), (head, true), "I6: the same answer");
        assert_eq!(store.head().await.unwrap(), head);
    }
    println!("{} cuts during a commit; {unknown} answered unknown, {replayed} replayed", times(CUTS_AT_COMMIT));
    let history = fixture.history(fixture.own, TYPE, "a").await;
    assert_eq!(history.len().min(1_000), (3 * times(CUTS_AT_COMMIT)).min(1_000), "a version for each commit");
}

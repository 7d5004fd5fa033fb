//! Several stores on one database: each is a [`PgStore`] with its own thread, connections and memory, as in processes of their own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::kernel::ObjectStore;
use arrakis_core::ontology::OntologyStore;
use arrakis_core::relay::RelayStore;
use arrakis_core::testing::{Fixture, TestEnv};
use arrakis_core::{Atomicity, Commit, CommitId, CommitLog, Committer, Env, Key, Seq, Store};
use arrakis_storage::PgStore;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::ledger::{TYPE, score, whole_log};
use super::publication::second;
use super::{becomes, blocking, opened, options, own_connection, server, times};

/// How many commits each store writes.
const COMMITS: i64 = 250;
/// How many writers a store has.
const WRITERS: i64 = 4;
/// How soon another process learns of a commit.
const WOKEN_WITHIN: Duration = Duration::from_secs(1);

async fn write(store: Arc<PgStore>, fixture: Arc<Fixture>, writer: i64, count: i64) -> Vec<(CommitId, Seq)> {
    let committer = Committer::start(store as Arc<dyn CommitLog>);
    let mut receipts = Vec::new();
    for value in 1..=count {
        // All write the same object too, which must lose none of the writes.
        let commit = Commit::from(
            fixture
                .draft(fixture.own)
                .upsert(TYPE, json!({ "code": format!("w{writer}"), "title": "own", "score": value }))
                .upsert(TYPE, json!({ "code": "shared", "title": format!("{writer}"), "score": value })),
        );
        let receipt = committer.commit(commit).await.unwrap();
        receipts.push((receipt.commit, receipt.seq));
    }
    receipts
}

async fn stores_write_one_order(stores: i64) {
    let Some(server) = server("stores_write_one_order") else { return };
    let test = TestEnv::default();
    let first = opened(&server.url(), &test, &options()).await;
    let fixture = Arc::new(Fixture::new(Arc::clone(&first) as Arc<dyn Store>, test.clone()).await);
    let baseline = first.head().await.unwrap();
    let mut all = vec![first];
    for _ in 1..stores {
        all.push(opened(&server.url(), &test, &options()).await);
    }
    let count = COMMITS / WRITERS * i64::try_from(times(1)).unwrap();
    let (env, mut writers) = (Env::system(), JoinSet::new());
    let start = env.monotonic();
    for (number, store) in (0..).zip(&all) {
        for writer in 0..WRITERS {
            let writer = number * WRITERS + writer;
            writers.spawn_on(write(Arc::clone(store), Arc::clone(&fixture), writer, count), &Handle::current());
        }
    }
    let mut acknowledged: HashMap<CommitId, Seq> = HashMap::new();
    while let Some(receipts) = writers.join_next().await {
        for (commit, seq) in receipts.unwrap() {
            assert!(acknowledged.insert(commit, seq).is_none());
        }
    }
    println!("{stores} stores wrote {} commits in {:?}", acknowledged.len(), env.monotonic().saturating_sub(start));
    let log = whole_log(&*all[0]).await;
    assert_eq!(log.len(), acknowledged.len() + usize::try_from(baseline.0).unwrap());
    for (index, entry) in log.iter().enumerate() {
        assert_eq!(entry.seq.0, index as u64 + 1, "one order without gaps");
        if entry.seq > baseline {
            assert_eq!(acknowledged.get(&entry.commit), Some(&entry.seq), "each at the place that was acknowledged");
        }
    }
    for store in &all {
        assert_eq!(whole_log(&**store).await, log, "every store has the same log");
        let keys: Vec<Key> = (0..stores * WRITERS).map(|writer| Key::from(&*format!("w{writer}"))).collect();
        let found = store.objects(fixture.own, fixture.object_type(TYPE), &keys, None).await.unwrap().value;
        for object in found {
            assert_eq!(score(object.unwrap().properties.get("score")), count, "no write is lost");
        }
    }
    let versions = fixture.history(fixture.own, TYPE, "shared").await;
    assert_eq!(versions.len(), acknowledged.len().min(1_000), "each write of the shared object is a version");
    blocking(|| drop((all, fixture)));
}

/// Two stores that write the same tenant.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_write_one_order() {
    stores_write_one_order(2).await;
}

/// Four stores that write the same tenant.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_stores_write_one_order() {
    stores_write_one_order(4).await;
}

/// What one store publishes and makes, the other knows at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn schemas_and_tables_of_one_store_are_the_others() {
    let Some(server) = server("schemas_and_tables_of_one_store_are_the_others") else { return };
    let test = TestEnv::default();
    let left = opened(&server.url(), &test, &options()).await;
    let fixture = Fixture::new(Arc::clone(&left) as Arc<dyn Store>, test.clone()).await;
    let right = opened(&server.url(), &test, &options()).await;
    let by_right = |commit: Commit| async { right.commit_batch(vec![commit], Atomicity::Each).await.remove(0) };
    let of = fixture.object_type(TYPE);
    let team =
        |code: &str| Commit::from(fixture.draft(fixture.own).create(TYPE, json!({ "code": code, "title": code })));
    let read = |store: Arc<PgStore>, key: &'static str| async move {
        let found = store.objects(fixture.own, of, &[Key::from(key)], None).await.unwrap().value.remove(0);
        found.is_some()
    };
    // Before there is a table, both have read that there is nothing; then each makes one that the other reads and writes.
    assert!(!read(Arc::clone(&left), "a").await && !read(Arc::clone(&right), "a").await);
    fixture.wrote(team("a")).await;
    assert!(read(Arc::clone(&right), "a").await);
    by_right(team("b")).await.unwrap();
    assert!(read(Arc::clone(&left), "b").await);
    let badge = |id: i64| Commit::from(fixture.draft(fixture.own).create("Badge", json!({ "id": id })));
    by_right(badge(1)).await.unwrap();
    fixture.wrote(badge(2)).await;
    by_right(badge(3)).await.unwrap();
    assert!(fixture.object(fixture.own, "Badge", 3).await.is_some());

    let schema = second(&fixture);
    fixture.publish(fixture.own, &fixture.publication(&schema, Vec::new())).await.unwrap();
    let error = by_right(team("c")).await.unwrap_err();
    assert_eq!(error.code(), "kernel.schema.moved");
    assert_eq!(right.schema(fixture.own.space).await.unwrap().unwrap().version, 2);
    let values = json!({ "code": "c", "title": "c", "motto": "go" });
    by_right(fixture.draft_under(fixture.own, &schema).create(TYPE, values).into()).await.unwrap();
    let of = schema.object_type(TYPE).unwrap();
    for store in [&left, &right] {
        let found = store.objects(fixture.own, of, &[Key::from("c")], None).await.unwrap().value.remove(0);
        assert!(found.unwrap().properties.get("motto").is_some_and(|motto| *motto != arrakis_core::Value::default()));
    }
}

/// A commit of one store wakes who waits on the other, by a notice and not by looking: the server is asked nothing meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_wakes_who_waits_elsewhere() {
    let Some(server) = server("a_commit_wakes_who_waits_elsewhere") else { return };
    let test = TestEnv::default();
    let left = opened(&server.url(), &test, &options()).await;
    let fixture = Fixture::new(Arc::clone(&left) as Arc<dyn Store>, test.clone()).await;
    let right = opened(&server.url(), &test, &options()).await;
    let mut admin = own_connection(&server.url()).await;
    let (env, mut slowest) = (Env::system(), Duration::ZERO);
    for number in 0..20 {
        let after = right.head().await.unwrap();
        let waiting = {
            let (right, env) = (Arc::clone(&right), env.clone());
            Handle::current().spawn(async move {
                let head = right.wait(after, Duration::from_secs(20)).await.unwrap();
                (head, env.monotonic())
            })
        };
        // The first wait begins to listen.
        becomes(&mut admin, "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^LISTEN'", 1).await;
        let values = json!({ "code": format!("k{number}"), "title": "t" });
        let seq = fixture.wrote(fixture.draft(fixture.own).create(TYPE, values)).await;
        let written = env.monotonic();
        let (head, woken) = waiting.await.unwrap();
        assert!(head >= seq);
        slowest = slowest.max(woken.saturating_sub(written));
    }
    println!("woken within {slowest:?}");
    assert!(slowest < WOKEN_WITHIN, "{slowest:?}");
}

//! Futures of the store are dropped wherever they happen to be.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use arrakis_core::kernel::plan::Rel;
use arrakis_core::kernel::{Budget, ObjectStore};
use arrakis_core::testing::Fixture;
use arrakis_core::{Atomicity, Commit, CommitLog, Key};
use arrakis_storage::PgStore;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::ledger::{TYPE, score, whole_log};
use super::{becomes, draws, filled, number, options, own_connection, run, server, times};

/// How many futures are dropped before they ended.
const DROPS: usize = 20_000;
/// How many tasks drop them side by side.
const TASKS: usize = 8;
/// The most polls a future that is polled when it is woken gets.
const POLLS_MAX: u32 = 4;
/// The most looks at one that is polled whether or not it was woken.
const LOOKS_MAX: u32 = 60;
/// The keys written and read.
const KEYS: i64 = 16;

/// A future that is polled so many times when it is woken, and given up then.
struct Polled<F>(Pin<Box<F>>, u32);

impl<F: Future> Future for Polled<F> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        if self.1 == 0 {
            return Poll::Ready(false);
        }
        self.1 -= 1;
        match self.0.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            // Given up at once rather than at the next wake-up, which may never come.
            Poll::Pending if self.1 == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Polls a future some times, woken or at any instant, and drops it; says whether it ended before.
async fn dropped<F: Future>(future: F, draws: &mut fastrand::Rng) -> bool {
    if draws.bool() {
        return Polled(Box::pin(future), draws.u32(1..=POLLS_MAX)).await;
    }
    let looks = draws.u32(1..=LOOKS_MAX);
    let mut future = pin!(future);
    for _ in 0..looks {
        if future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

async fn drop_many(store: Arc<PgStore>, fixture: Arc<Fixture>, mut draws: fastrand::Rng, count: usize) -> usize {
    let of = Arc::clone(fixture.object_type(TYPE));
    let ask = fixture.ask(TYPE, Rel::All).plan;
    let timed = fixture.ask(TYPE, Rel::All).budget(Budget { ms: Some(10_000), ..Budget::default() }).plan;
    let (mut ended, mut given_up) = (0, 0);
    while given_up < count {
        // Tenants alternate, so that connections change theirs.
        let scope = if draws.bool() { fixture.own } else { fixture.neighbour };
        let number = draws.i64(..KEYS);
        let key = Key::from(format!("k{number}").as_str());
        let has_ended = match draws.u32(..6) {
            0 => dropped(store.objects(scope, &of, &[key], None), &mut draws).await,
            1 => dropped(store.objects(scope, &of, &[key, Key::from("k1")], None), &mut draws).await,
            2 => dropped(store.query(scope, &ask), &mut draws).await,
            3 => dropped(store.query(scope, &timed), &mut draws).await,
            4 => dropped(store.head(), &mut draws).await,
            _ => {
                let values = json!({ "code": format!("k{number}"), "title": "t", "score": number });
                let commit = Commit::from(fixture.draft(scope).upsert(TYPE, values));
                dropped(store.commit_batch(vec![commit], Atomicity::Each), &mut draws).await
            }
        };
        ended += usize::from(has_ended);
        given_up += usize::from(!has_ended);
    }
    ended
}

/// Twenty thousand dropped futures: no transaction stays open, no connection is lost, and answers are right.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dropped_futures_leave_nothing_open() {
    let Some(server) = server("dropped_futures_leave_nothing_open") else { return };
    let mut draws = draws("dropped_futures_leave_nothing_open");
    let (store, fixture) = filled(&server.url(), &options()).await;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let part = drop_many(Arc::clone(&store), Arc::clone(&fixture), draws.fork(), times(DROPS) / TASKS);
        tasks.spawn_on(part, &Handle::current());
    }
    let mut ended = 0;
    while let Some(task) = tasks.join_next().await {
        ended += task.unwrap();
    }
    println!("{} futures dropped; {ended} more ended before they would have been", times(DROPS));

    let mut admin = own_connection(&server.url()).await;
    becomes(&mut admin, "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'", 0).await;
    answers_right(&store, &fixture).await;
    every_permit_is_there(&store, &fixture, &server.url()).await;
    let backends = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'arrakis'";
    // One writes and one tells of it, and two read the log.
    let most = i64::try_from(options().readers_max).unwrap() + 4;
    let found = number(&mut admin, backends).await;
    assert!(found <= most, "{found} connections for at most {most}");
}

/// What is in the log is in the rows, and nothing else.
async fn answers_right(store: &PgStore, fixture: &Fixture) {
    for scope in [fixture.own, fixture.neighbour] {
        let log = whole_log(store).await;
        let of = fixture.object_type(TYPE);
        for number in 0..KEYS {
            let key = Key::from(format!("k{number}").as_str());
            let writes =
                |effect: &arrakis_core::Effect| matches!(effect, arrakis_core::Effect::Object(_, k, _) if *k == key);
            let last = log.iter().rfind(|e| e.tenant == scope.tenant && e.effects.iter().any(writes)).map(|e| e.seq);
            let found = store.objects(scope, of, std::slice::from_ref(&key), None).await.unwrap().value.remove(0);
            assert_eq!(found.as_ref().map(|object| object.revision), last);
            assert!(found.is_none_or(|object| score(object.properties.get("score")) == number));
        }
    }
}

/// As many reads as there may be run at the same time, each held by a lock until all of them wait for it.
async fn every_permit_is_there(store: &Arc<PgStore>, fixture: &Arc<Fixture>, url: &str) {
    let (mut holder, mut watcher) = (own_connection(url).await, own_connection(url).await);
    let table = "SELECT n FROM arrakis.object_table AS o JOIN arrakis.tenant AS t ON t.space = o.space
        WHERE t.name = 'own' ORDER BY n LIMIT 1";
    let table = number(&mut holder, table).await;
    run(&mut holder, format!("BEGIN; LOCK TABLE arrakis.obj_{table} IN ACCESS EXCLUSIVE MODE")).await;
    let mut reads = JoinSet::new();
    for _ in 0..options().readers_max {
        let (store, fixture) = (Arc::clone(store), Arc::clone(fixture));
        let read = async move { store.query(fixture.own, &fixture.ask(TYPE, Rel::All).plan).await.map(drop) };
        reads.spawn_on(read, &Handle::current());
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'arrakis' AND wait_event_type = 'Lock' AND state = 'active'";
    becomes(&mut watcher, waiting, i64::try_from(options().readers_max).unwrap()).await;
    run(&mut holder, "ROLLBACK").await;
    while let Some(read) = reads.join_next().await {
        read.unwrap().unwrap();
    }
}

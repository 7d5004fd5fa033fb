//! A store that was restored from an older copy: what was cached of what happened after the copy never happened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrakis_core::cache::{CacheOptions, ReadCache, Steps};
use arrakis_core::kernel::{GetObjects, Kernel, KernelExt, KernelService, Object};
use arrakis_core::ontology::Ontology;
use arrakis_core::relay::{Lease, RelayCursor, RelayStore};
use arrakis_core::testing::cache::ShakyCache;
use arrakis_core::testing::{Fixture, TestEnv};
use arrakis_core::{Committer, Context, Env, LogPage, Result, Seq, Store};
use arrakis_storage::{MemoryStore, SqliteOptions, SqliteStore};
use async_trait::async_trait;
use serde_json::json;

struct Process {
    kernel: Kernel,
    cache: Arc<ReadCache>,
    steps: Steps,
    committer: Committer,
    ctx: Context,
}

impl Process {
    fn new(env: Env, store: &Arc<dyn Store>, log: Arc<dyn RelayStore>, shared: &Arc<ShakyCache>, ctx: Context) -> Self {
        let committer = Committer::start(Arc::clone(store) as _);
        let ontology = Arc::new(Ontology::new(env.clone(), committer.clone(), Arc::clone(store) as _));
        let options = CacheOptions { shared: Some(Arc::clone(shared) as _), ..CacheOptions::default() };
        let (cache, steps) = ReadCache::stepped(env.clone(), &committer, log, options);
        let kernel = Kernel::new(env, committer.clone(), Arc::clone(store) as _, ontology);
        Self { kernel: kernel.with_cache(Arc::clone(&cache)), cache, steps, committer, ctx }
    }

    async fn step(&mut self) {
        while self.steps.step().await.unwrap() {}
    }

    async fn name(&self, id: i64, name: &str) -> Seq {
        self.kernel.upsert(&self.ctx, "Person", json!({ "id": id, "name": name })).await.unwrap().receipt.seq
    }

    async fn person(&self, id: i64) -> Option<Object> {
        self.kernel.get(&self.ctx, GetObjects::of("Person", [id])).await.unwrap().objects.remove(0)
    }

    async fn close(self) {
        let Self { kernel, cache, steps, committer, .. } = self;
        cache.close().await;
        drop((kernel, cache, steps));
        committer.close().await;
    }
}

fn named(person: Option<Object>) -> String {
    person.unwrap().properties.get("name").unwrap().to_json().as_str().unwrap().to_owned()
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("restored-{}.db", std::process::id()))
}

fn open(env: Env) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(file(), env, &SqliteOptions::default()).unwrap())
}

async fn shut(store: Arc<dyn Store>) {
    tokio::task::spawn_blocking(move || drop(store)).await.unwrap();
}

/// Waits until what was read has been put.
async fn put(shared: &ShakyCache, count: usize) {
    while shared.len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_happened_after_the_copy_is_not_answered() {
    let (test, shared) = (TestEnv::default(), Arc::new(ShakyCache::new(1)));
    let store = open(test.env());
    let fixture = Fixture::new(Arc::clone(&store), test.clone()).await;
    let ctx = fixture.context(fixture.own);
    drop(fixture);
    let process =
        |store: &Arc<dyn Store>| Process::new(test.env(), store, Arc::clone(store) as _, &shared, ctx.clone());
    let before = process(&store);
    before.name(1, "kept").await;
    before.close().await;
    shut(store).await;
    let copy = std::fs::read(file()).unwrap();
    // What never will have happened is cached.
    let store = open(test.env());
    let mut lost = process(&store);
    let gone = lost.name(1, "lost").await;
    let last = lost.name(2, "lost").await;
    lost.step().await;
    assert_eq!(named(lost.person(1).await), "lost");
    assert_eq!(named(lost.person(2).await), "lost");
    put(&shared, 2).await;
    lost.close().await;
    shut(store).await;
    std::fs::write(file(), copy).unwrap();
    // The same places of the log are taken by other commits, none of them of this object.
    let store = open(test.env());
    let mut after = process(&store);
    while store.head().await.unwrap() <= last {
        after.name(3, "new").await;
    }
    assert!(gone < last);
    after.step().await;
    assert_eq!(named(after.person(1).await), "kept");
    assert!(after.person(2).await.is_none());
    assert_eq!(after.cache.report().foreign_refused, 2);
    after.close().await;
    shut(store).await;
    std::fs::remove_file(file()).unwrap();
}

/// The log of one store, and then of another.
#[derive(Debug)]
struct Switch {
    logs: [Arc<dyn Store>; 2],
    is_second: AtomicBool,
}

impl Switch {
    fn log(&self) -> &Arc<dyn Store> {
        &self.logs[usize::from(self.is_second.load(Ordering::Relaxed))]
    }
}

#[async_trait]
impl RelayStore for Switch {
    async fn log(&self, after: Seq, limit: u32) -> Result<LogPage> {
        self.log().log(after, limit).await
    }

    async fn wait(&self, after: Seq, timeout: Duration) -> Result<Seq> {
        self.log().wait(after, timeout).await
    }

    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>> {
        self.log().acquire(name, holder, ttl).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<()> {
        self.log().renew(lease, ttl).await
    }

    async fn advance(&self, lease: &Lease, to: Seq) -> Result<()> {
        self.log().advance(lease, to).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.log().release(lease).await
    }

    async fn cursors(&self) -> Result<Vec<RelayCursor>> {
        self.log().cursors().await
    }
}

/// How many commits the log that follows has more or less than the one before.
const DIFFERENCES: [i64; 3] = [-1, 0, 2];

#[tokio::test]
async fn another_log_under_a_running_process_is_noticed() {
    for difference in DIFFERENCES {
        let mut contexts = Vec::new();
        let mut stores: Vec<Arc<dyn Store>> = Vec::new();
        let test = TestEnv::default();
        for _ in 0..2 {
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new(test.env()));
            let fixture = Fixture::new(Arc::clone(&store), test.clone()).await;
            contexts.push(fixture.context(fixture.own));
            stores.push(store);
        }
        let logs = [Arc::clone(&stores[0]), Arc::clone(&stores[1])];
        let switch = Arc::new(Switch { logs, is_second: AtomicBool::new(false) });
        let shared = Arc::new(ShakyCache::new(1));
        let ctx = contexts[0].clone();
        let mut one = Process::new(test.env(), &stores[0], Arc::clone(&switch) as _, &shared, ctx.clone());
        let other = Process::new(test.env(), &stores[1], Arc::clone(&stores[1]) as _, &shared, ctx);
        for commit in 0..3 {
            one.name(1, &commit.to_string()).await;
        }
        for commit in 0..3 + difference {
            other.name(2, &commit.to_string()).await;
        }
        one.step().await;
        for hits in [0, 0, 1] {
            assert_eq!(one.cache.report().hits, hits);
            one.person(1).await;
        }
        switch.is_second.store(true, Ordering::Relaxed);
        one.step().await;
        let before = one.cache.report();
        one.person(1).await;
        let after = one.cache.report();
        assert_eq!((after.hits, after.misses), (before.hits, before.misses + 1), "{difference} commits more");
    }
}

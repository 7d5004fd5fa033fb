//! The law of the cache: an answer is the store's own, as of a commit that is new enough, whatever happened to the caches on the way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::task::JoinHandle;

use super::shaky::{ShakyCache, SlowStore};
use crate::cache::{CACHE_HISTORY_MAX, CACHE_STALE_MAX_MS, CacheOptions, CacheReport, ReadCache, Steps};
use crate::kernel::{GetObjects, Kernel, KernelService, Objects};
use crate::ontology::{NewOntology, Ontology, OntologyExt, SchemaSource};
use crate::relay::RelayStore;
use crate::testing::{Fixture, TestEnv};
use crate::{Committer, Context, Effect, Key, Scope, Seq, Store};

/// How many processes share the store and the cache.
const PROCESSES: usize = 3;
/// How many keys of each type are written and read: few, so that everything meets.
const KEYS: i64 = 5;
/// How many things happen, one after the other and at the same time.
const EVENTS: usize = 500;

/// One process.
struct Process {
    kernel: Kernel,
    ontology: Arc<Ontology>,
    cache: Arc<ReadCache>,
    steps: Steps,
    /// Its own commits that it was acknowledged.
    acknowledged: Vec<Seq>,
}

/// What an answer is held against.
struct Expected {
    /// At least this commit, by what the request says and by the bound.
    least: Seq,
    /// Commits of the process itself, which it was acknowledged before it asked.
    acknowledged: Vec<Seq>,
}

struct World {
    fixture: Fixture,
    shared: Arc<ShakyCache>,
    processes: Vec<Process>,
    /// Reads and nothing else: it has no cache.
    oracle: Kernel,
    random: fastrand::Rng,
    /// When there was which head.
    heads: Vec<(Duration, Seq)>,
    reads: Vec<JoinHandle<(GetObjects, Expected, crate::Result<Objects>)>>,
    /// What every commit changed, by its place.
    effects: Arc<Mutex<HashMap<Seq, Vec<Effect>>>>,
    versions: i64,
}

fn services(fixture: &Fixture, seed: u64) -> (Committer, Arc<Ontology>, Kernel) {
    let (store, env) = (&fixture.store, fixture.env().clone());
    let committer = Committer::start(Arc::clone(store) as _);
    let ontology = Arc::new(Ontology::new(env.clone(), committer.clone(), Arc::clone(store) as _));
    let slow = Arc::new(SlowStore::new(Arc::clone(store) as _, seed));
    let kernel = Kernel::new(env, committer.clone(), slow, Arc::clone(&ontology) as _);
    (committer, ontology, kernel)
}

impl World {
    async fn new(store: Arc<dyn Store>, test: TestEnv, seed: u64) -> Self {
        let fixture = Fixture::new(store, test).await;
        let shared = Arc::new(ShakyCache::new(seed));
        let process = |number: u64| {
            let (committer, ontology, kernel) = services(&fixture, seed ^ number);
            // One process keeps next to nothing itself.
            let bytes_max = if number == 0 { 11_200 } else { 1 << 20 };
            let options = CacheOptions { bytes_max, shared: Some(Arc::clone(&shared) as _) };
            let log = Arc::clone(&fixture.store) as Arc<dyn RelayStore>;
            let (cache, steps) = ReadCache::stepped(fixture.env().clone(), &committer, log, options);
            let kernel = kernel.with_cache(Arc::clone(&cache));
            let ontology = Arc::new(Ontology::clone(&ontology).with_cache(Arc::clone(&cache)));
            Process { kernel, ontology, cache, steps, acknowledged: Vec::new() }
        };
        let processes = (0..PROCESSES as u64).map(process).collect();
        let (_, _, oracle) = services(&fixture, seed);
        let head = fixture.store.head().await.unwrap();
        let heads = vec![(fixture.env().monotonic(), head)];
        let random = fastrand::Rng::with_seed(seed);
        let (reads, effects) = (Vec::new(), Arc::default());
        Self { fixture, shared, processes, oracle, random, heads, reads, effects, versions: 0 }
    }

    fn context(&self) -> (Scope, Context) {
        let scope = self.fixture.own;
        (scope, self.fixture.context(scope))
    }

    fn key(&mut self) -> i64 {
        self.random.i64(1..=KEYS)
    }

    /// An edit that may be refused: what is there is not known here.
    fn edit(&mut self) -> Json {
        let (id, other, rank) = (self.key(), self.key(), self.random.i64(..));
        match self.random.u8(..10) {
            0 => json!({ "delete": { "type": "Person", "key": id } }),
            1 => json!({ "delete": { "type": "Task", "key": id } }),
            2 | 3 => {
                json!({ "upsert": { "type": "Task", "properties": { "id": id, "owner": other, "parent": null } } })
            }
            4 => json!({ "upsert": { "type": "Task", "properties": { "id": id, "parent": other } } }),
            5 => json!({ "modify": { "type": "Person", "key": id, "properties": { "boss": other } } }),
            6 | 7 => json!({ "modify": { "type": "Person", "key": id, "properties": { "rank": rank } } }),
            _ => {
                let properties = json!({ "id": id, "name": format!("p{rank}"), "rank": rank });
                json!({ "upsert": { "type": "Person", "properties": properties } })
            }
        }
    }

    async fn write(&mut self) {
        let edits: Vec<Json> = (0..self.random.usize(1..=3)).map(|_| self.edit()).collect();
        let (_, ctx) = self.context();
        let index = self.random.usize(..PROCESSES);
        let request = serde_json::from_value(json!({ "edits": edits })).unwrap();
        if let Ok(written) = self.processes[index].kernel.write(&ctx, request).await {
            self.processes[index].acknowledged.push(written.receipt.seq);
        }
        self.committed().await;
    }

    async fn publish(&mut self) {
        self.versions += 1;
        let mut ontology = serde_json::to_value(Fixture::ontology()).unwrap();
        let person = ontology["object_types"].as_array_mut().unwrap().iter_mut().find(|of| of["name"] == "Person");
        let properties = person.unwrap()["properties"].as_array_mut().unwrap();
        for number in 1..=self.versions {
            properties.push(json!({ "name": format!("extra{number}"), "type": "integer" }));
        }
        let definition: NewOntology = serde_json::from_value(ontology).unwrap();
        let (_, ctx) = self.context();
        let process = &mut self.processes[self.random.usize(..PROCESSES)];
        process.ontology.publish(&ctx, definition).await.unwrap();
        self.committed().await;
    }

    /// Notes what there is now.
    async fn committed(&mut self) {
        let known = self.heads.last().unwrap().1;
        let page = self.fixture.store.log(known, 100).await.unwrap();
        let now = self.fixture.env().monotonic();
        let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in page.entries {
            self.heads.push((now, entry.seq));
            effects.insert(entry.seq, entry.effects);
        }
    }

    fn read(&mut self) {
        let index = self.random.usize(..PROCESSES);
        let object_type = if self.random.bool() { "Person" } else { "Task" };
        let keys: Vec<i64> = (0..self.random.usize(1..=3)).map(|_| self.key()).collect();
        let mut request = GetObjects::of(object_type, keys);
        if self.random.u8(..4) == 0 {
            let head = self.heads.last().unwrap().1;
            request.at_least = Some(Seq(self.random.u64(head.0.saturating_sub(5)..=head.0)));
        }
        // The same may be asked for by several at once.
        for _ in 0..self.random.usize(1..=2) {
            self.ask(index, request.clone());
        }
    }

    fn ask(&mut self, index: usize, request: GetObjects) {
        let now = self.fixture.env().monotonic();
        let bound = now.saturating_sub(Duration::from_millis(CACHE_STALE_MAX_MS));
        // Of what was committed at that very instant it may know, or not.
        let old = self.heads.iter().rev().find(|(at, _)| *at < bound).map_or(Seq(0), |(_, seq)| *seq);
        let process = &self.processes[index];
        let least = old.max(request.at_least.unwrap_or_default());
        let expected = Expected { least, acknowledged: process.acknowledged.clone() };
        let (kernel, (_, ctx)) = (process.kernel.clone(), self.context());
        self.reads.push(tokio::runtime::Handle::current().spawn(async move {
            let answer = kernel.get(&ctx, request.clone()).await;
            (request, expected, answer)
        }));
    }

    /// Holds every answer that is there against what it must be.
    async fn check(&mut self) {
        let (_, ctx) = self.context();
        for read in std::mem::take(&mut self.reads) {
            let (request, expected, answer) = read.await.unwrap();
            let answer = answer.unwrap_or_else(|error| panic!("{request:?}: {}", error.chain()));
            assert!(answer.seq >= expected.least, "{request:?}: {} is older than {}", answer.seq, expected.least);
            let exact = GetObjects { as_of: Some(answer.seq.into()), at_least: None, ..request.clone() };
            let exact = self.oracle.get(&ctx, exact).await.unwrap();
            assert_eq!(answer.objects, exact.objects, "{request:?} as of {}", answer.seq);
            let object_type = self.fixture.object_type(&request.object_type).id;
            let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
            let touches = |effect: &Effect| match effect {
                Effect::Object(of, key, _) => *of == object_type && request.keys.contains(key),
                _ => false,
            };
            let missed =
                expected.acknowledged.iter().find(|own| **own > answer.seq && effects[own].iter().any(touches));
            assert_eq!(missed, None, "{request:?} as of {}: the process wrote it itself", answer.seq);
        }
    }

    async fn event(&mut self) {
        match self.random.u8(..100) {
            0..=19 => self.write().await,
            20..=59 => self.read(),
            60..=79 => {
                let index = self.random.usize(..PROCESSES);
                self.processes[index].steps.step().await.unwrap();
            }
            80..=85 => self.fixture.clock().advance(Duration::from_millis(self.random.u64(1..400))),
            86 => self.shared.save(),
            87 => self.shared.restore(),
            88 => self.shared.flush(),
            89 | 90 => self.shared.damage(),
            91 => self.shared.fail(self.random.u8(..3) == 0),
            92 if self.random.u8(..4) == 0 => self.publish().await,
            _ => tokio::task::yield_now().await,
        }
    }
}

/// Lets anything happen in any order, and holds each answer against the store. Answers what the caches did.
pub async fn answers_are_the_stores_own(store: Arc<dyn Store>, test: TestEnv, seed: u64) -> Vec<CacheReport> {
    let mut world = World::new(store, test, seed).await;
    for number in 0..EVENTS {
        world.event().await;
        if number % 8 == 0 {
            world.check().await;
        }
    }
    world.check().await;
    let reports = world.processes.iter().map(|process| process.cache.report()).collect();
    for process in &world.processes {
        process.cache.close().await;
    }
    reports
}

/// A version of the ontology is read once for all processes, and is the one the store has.
pub async fn a_version_of_the_ontology_is_shared(store: Arc<dyn Store>, test: TestEnv) {
    let mut world = World::new(store, test, 1).await;
    world.publish().await;
    world.publish().await;
    let space = world.fixture.own.space;
    for round in 0..2 {
        for process in &world.processes {
            for version in 1..=3 {
                let stored = world.fixture.store.schema_version(space, version).await.unwrap().unwrap();
                let schema = SchemaSource::version(&*process.ontology, space, version).await.unwrap();
                assert_eq!((schema.version, schema.hash), (stored.version, stored.hash));
                assert_eq!(schema.to_stored().unwrap(), stored.to_stored().unwrap());
            }
            let unknown = SchemaSource::version(&*process.ontology, space, 4).await.unwrap_err();
            assert_eq!(unknown.code(), "ontology.version.unknown");
        }
        let reports = world.processes.iter().map(|process| process.cache.report());
        let (hits, fills) =
            reports.fold((0, 0), |sum, report| (sum.0 + report.shared_hits, sum.1 + report.shared_fills));
        assert!(hits > 0 && fills > 0 && hits + fills <= 9, "round {round}: {hits} found, {fills} put");
    }
}

/// A key that is not there is kept as well, until it is.
pub async fn an_absent_object_appears_when_it_is_written(store: Arc<dyn Store>, test: TestEnv) {
    let mut world = World::new(store, test, 1).await;
    let (_, ctx) = world.context();
    let mut processes = world.processes.drain(..2);
    let [mut one, other] = [processes.next().unwrap(), processes.next().unwrap()];
    one.steps.step().await.unwrap();
    let request = || GetObjects::of("Person", [Key::Integer(1)]);
    for hits in [0, 0, 1] {
        assert_eq!(one.cache.report().hits, hits);
        assert_eq!(one.kernel.get(&ctx, request()).await.unwrap().objects, [None]);
    }
    let create = json!({ "edits": [{ "create": { "type": "Person", "properties": { "id": 1, "name": "Ada" } } }] });
    let written = other.kernel.write(&ctx, serde_json::from_value(create).unwrap()).await.unwrap();
    assert_eq!(one.kernel.get(&ctx, request()).await.unwrap().objects, [None], "it was not told yet");
    let least = GetObjects { at_least: Some(written.receipt.seq), ..request() };
    assert!(one.kernel.get(&ctx, least).await.unwrap().objects[0].is_some(), "it must have seen it");
    one.steps.step().await.unwrap();
    assert!(one.kernel.get(&ctx, request()).await.unwrap().objects[0].is_some());
    let beyond = GetObjects { at_least: Some(written.receipt.seq.next()), ..request() };
    assert_eq!(one.kernel.get(&ctx, beyond).await.unwrap_err().code(), "kernel.at_least.behind");
}

/// A log that is read in parts is the present only when it is read to its end, and one that is too long is not read from where it was.
pub async fn a_long_log_is_read_to_its_end(store: Arc<dyn Store>, test: TestEnv) {
    let mut world = World::new(store, test, 1).await;
    let (_, ctx) = world.context();
    let mut processes = world.processes.drain(..2);
    let [mut one, other] = [processes.next().unwrap(), processes.next().unwrap()];
    let edits = |name: i64| json!({ "edits": [{ "upsert": { "type": "Person", "properties": { "id": 1, "name": name.to_string() } } }] });
    let request = || GetObjects::of("Person", [Key::Integer(1)]);
    one.steps.step().await.unwrap();
    for commits in [600, i64::try_from(CACHE_HISTORY_MAX).unwrap() + 600] {
        one.kernel.get(&ctx, request()).await.unwrap();
        let mut last = Seq(0);
        for name in 0..commits {
            last = other.kernel.write(&ctx, serde_json::from_value(edits(name)).unwrap()).await.unwrap().receipt.seq;
        }
        // What was known before is too old.
        world.fixture.clock().advance(Duration::from_millis(CACHE_STALE_MAX_MS + 1));
        let mut steps = 0;
        while one.steps.step().await.unwrap() {
            steps += 1;
            let answer = one.kernel.get(&ctx, request()).await.unwrap();
            assert_eq!(answer.seq, last, "the log is not read to its end: the store answers");
        }
        assert!(steps > 1, "{steps}");
        let before = one.cache.report();
        for _ in 0..2 {
            let answer = one.kernel.get(&ctx, request()).await.unwrap();
            assert_eq!(answer.objects[0].as_ref().map(|object| object.revision), Some(last));
        }
        let after = one.cache.report();
        assert_eq!(after.hits - before.hits, 2, "after {commits} commits");
    }
}

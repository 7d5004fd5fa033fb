//! Reads by key through the caches, beside a bare GET of the same bytes: `cargo bench --bench cache --features redis`.
//!
//! Starts a Redis of its own. Ends with the tables that `docs/performance.md` holds.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench ends where what it measures fails, and prints what it measured"
)]

#[path = "../kernel/report.rs"]
mod report;

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use arrakis::{Arrakis, CacheOptions, GetObjects, KernelExt};
use criterion::Criterion;
use serde_json::json;
use tokio::runtime::Runtime;
use xtask::services::Redis;

use crate::report::Case;

const ONTOLOGY: &str = "
object_types:
  - name: Item
    primary_key: id
    properties:
      - { name: id, type: integer }
      - { name: name, type: string }
      - { name: category, type: string }
      - { name: score, type: double }
      - { name: price, type: { decimal: { precision: 18, scale: 2 } } }
      - { name: made, type: date }
      - { name: active, type: boolean }
      - { name: stock, type: integer }
";
/// How many objects are read, one after the other.
const ITEMS: i64 = 1_000;
/// The longest a read from the memory of the process may take, nanoseconds.
const LOCAL_MAX_NS: f64 = 2_000.0;

const CASES: [Case; 1] = [Case {
    group: "cached_get",
    what: "point read through Redis, beside a bare GET",
    per_iteration: None,
    ratio_max: 1.3,
}];

struct Bench {
    runtime: Runtime,
    redis: Redis,
    ids: AtomicI64,
}

impl Bench {
    fn next(&self) -> i64 {
        self.ids.fetch_add(7, Ordering::Relaxed) % ITEMS
    }

    /// Opens a file whose reads are cached in so many bytes, or not at all, and puts the items there.
    async fn open(&self, path: &Path, bytes_max: Option<usize>) -> Arrakis {
        let builder = match bytes_max {
            None => Arrakis::builder(),
            Some(bytes_max) => {
                Arrakis::builder().cache(CacheOptions { bytes_max, shared: None }).redis(self.redis.url())
            }
        };
        let arrakis = builder.open(path).await.expect("it opens");
        let ctx = arrakis.context();
        arrakis.publish(&ctx, ONTOLOGY).await.expect("it publishes");
        for id in 0..ITEMS {
            let item = json!({
                "id": id, "name": format!("Item number {id}"), "category": format!("category-{}", id % 100),
                "score": 0.5, "price": "12.50", "made": "2026-11-25", "active": true, "stock": id,
            });
            arrakis.kernel().upsert(&ctx, "Item", item).await.expect("it is written");
        }
        arrakis
    }

    /// Measures reads of a store, once what is to be cached is.
    fn read(
        &self,
        criterion: &mut Criterion,
        (group, name): (&str, &str),
        arrakis: &Arrakis,
        is_warm: impl Fn() -> bool,
    ) {
        let (kernel, ctx) = (arrakis.kernel(), arrakis.context());
        let get = async || kernel.get(&ctx, GetObjects::of("Item", [self.next()])).await.expect("it is read");
        self.runtime.block_on(async {
            while !is_warm() {
                black_box(get().await);
            }
        });
        let mut group = criterion.benchmark_group(group);
        group.bench_function(name, |b| b.to_async(&self.runtime).iter(async || black_box(get().await)));
        group.finish();
    }

    /// Measures bare GETs of what lies in Redis.
    fn get(&self, criterion: &mut Criterion) {
        let (keys, connection) = self.runtime.block_on(async {
            let client = redis::Client::open(self.redis.url()).expect("a URL");
            let mut connection = client.get_multiplexed_async_connection().await.expect("it connects");
            let keys: Vec<String> =
                redis::cmd("KEYS").arg("*").query_async(&mut connection).await.expect("it has keys");
            (keys, connection)
        });
        let mut group = criterion.benchmark_group("cached_get");
        group.bench_function("raw", |b| {
            b.to_async(&self.runtime).iter(async || {
                let index = usize::try_from(self.next()).expect("a number") % keys.len();
                let mut command = redis::cmd("GET");
                command.arg(keys.get(index).expect("a key"));
                let value: Option<Vec<u8>> = command.query_async(&mut connection.clone()).await.expect("it is read");
                black_box(value)
            });
        });
        group.finish();
    }
}

fn main() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let redis = Redis::start(dir).expect("a Redis");
    let bench = Bench { runtime, redis, ids: AtomicI64::new(0) };
    let mut criterion = Criterion::default().configure_from_args();
    let path = |name: &str| dir.join(format!("bench-cache-{}-{name}.db", std::process::id()));
    for (name, bytes_max) in [("store", None), ("local", Some(64 << 20)), ("shared", Some(0))] {
        let arrakis = bench.runtime.block_on(bench.open(&path(name), bytes_max));
        let report = || arrakis.cache_report().unwrap_or_default();
        match name {
            "store" => bench.read(&mut criterion, ("point_read", "store"), &arrakis, || true),
            "local" => bench.read(&mut criterion, ("point_read", "local"), &arrakis, || report().hits > 10_000),
            _ => {
                bench.read(&mut criterion, ("cached_get", "arrakis"), &arrakis, || report().shared_hits > 10_000);
                bench.get(&mut criterion);
            }
        }
        println!("{name}: {:?}", arrakis.cache_report());
        bench.runtime.block_on(arrakis.close());
        // What is left lies in a folder for temporary files.
        let _ = std::fs::remove_file(path(name));
    }
    let results = dir.parent().unwrap_or(dir).join("criterion");
    report::print(&CASES, &results);
    for (function, max) in [("store", None), ("local", Some(LOCAL_MAX_NS))] {
        let Some(ns) = report::median_ns(&results, "point_read", function) else { continue };
        let bound = max.map_or(String::new(), |max| {
            format!(", at most {max:.0} ns: {}", if ns <= max { "met" } else { "NOT met" })
        });
        println!("point read, {function}: {ns:.0} ns{bound}");
    }
}

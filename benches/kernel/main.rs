//! The kernel beside hand-written SQL on the bare driver, on the same tables, in one run: `cargo bench --bench kernel`.
//!
//! Ends with the table of ratios that `docs/performance.md` holds. `ARRAKIS_BENCH_ITEMS` sets how many items the reads run over
//! (1,000,000 unless told); `ARRAKIS_BENCH_ONLY=large_ontology` runs only the last part, the publishing of a large ontology.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a bench ends where what it measures fails, prints what it measured, and counts far below any limit"
)]

mod data;
mod large_ontology;
mod parts;
#[expect(dead_code, reason = "the actions bench uses the rest")]
mod raw;
mod report;
mod table;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arrakis::{Aggregate, Arrakis, Context, Filter, GetObjects, KernelExt, MeasureFunction, ObjectSet, OrderBy, Query};
use criterion::Criterion;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::data::{Item, item};
use crate::large_ontology::{ElapsedTime as _, now};
use crate::raw::{Names, Raw};
use crate::report::Case;

/// Items a bulk load writes in one iteration.
const LOAD_ITEMS: i64 = 200_000;
/// Commits in flight at once.
const IN_FLIGHT: i64 = 256;
/// Object types of a large ontology, and the properties of each.
const TYPES: usize = 2_000;
/// Properties of each of them.
const PROPERTIES: usize = 30;

const CASES: [Case; 7] = [
    Case { group: "point_read", what: "point read", per_iteration: None, ratio_max: 2.0 },
    Case { group: "ordered_page", what: "filtered, ordered page of 100", per_iteration: None, ratio_max: 1.5 },
    Case { group: "two_hops", what: "two-hop traverse, page of 100", per_iteration: None, ratio_max: 1.5 },
    Case { group: "group_by", what: "group-by over all items", per_iteration: None, ratio_max: 1.3 },
    Case {
        group: "bulk_load",
        what: "bulk load, indexes built afterwards",
        per_iteration: Some(LOAD_ITEMS as f64),
        ratio_max: 2.0,
    },
    Case { group: "durable_commit", what: "one durable commit (modify)", per_iteration: None, ratio_max: 1.5 },
    Case {
        group: "commits_in_flight",
        what: "256 durable commits in flight",
        per_iteration: Some(IN_FLIGHT as f64),
        ratio_max: 2.0,
    },
];

/// One file with items and links, an Arrakis over it, and the hand-written side.
struct Bench {
    runtime: Runtime,
    arrakis: Arrakis,
    ctx: Context,
    path: PathBuf,
    names: Names,
    items: i64,
}

impl Bench {
    fn set_up(dir: &Path, file: &str, items: i64) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let path = dir.join(file);
        let (arrakis, ctx, names) = runtime.block_on(async {
            let arrakis = Arrakis::open(&path).await.expect("it opens");
            let ctx = arrakis.context();
            arrakis.publish(&ctx, include_str!("ontology.yaml")).await.expect("it publishes");
            let names = Names::of(&arrakis, &ctx).await;
            if items > 0 {
                arrakis.kernel().load(&ctx, data::load_items(0..items)).await.expect("it loads");
                arrakis.kernel().load(&ctx, parts::load_parts(items.min(100_000))).await.expect("it loads");
            }
            (arrakis, ctx, names)
        });
        Self { runtime, arrakis, ctx, path, names, items }
    }

    fn close(self) {
        self.runtime.block_on(self.arrakis.close());
    }
}

fn reads(criterion: &mut Criterion, bench: &Bench) {
    // One for each group, gone before Arrakis is measured: the connections of a process share one budget of cached pages.
    let raw = || Raw::read(&bench.path, &bench.names);
    let ids = AtomicI64::new(0);
    let next = || ids.fetch_add(7_919, Ordering::Relaxed) % bench.items;
    let kernel = bench.arrakis.kernel();

    let mut group = criterion.benchmark_group("point_read");
    {
        let raw = raw();
        group.bench_function("raw", |b| b.iter(|| black_box(raw.point(next()))));
    }
    group.bench_function("arrakis", |b| {
        b.to_async(&bench.runtime).iter(async || {
            black_box(kernel.get(&bench.ctx, GetObjects::of("Item", [next()])).await.expect("it is read"))
        });
    });
    group.finish();

    let category = || format!("category-{:03}", next() % data::CATEGORIES);
    let mut group = criterion.benchmark_group("ordered_page");
    {
        let raw = raw();
        group.bench_function("raw", |b| b.iter(|| black_box(raw.page(&category()))));
    }
    group.bench_function("arrakis", |b| {
        b.to_async(&bench.runtime).iter(async || {
            let set = ObjectSet::of("Item").filter(Filter::eq("category", category()));
            black_box(
                kernel
                    .query(&bench.ctx, Query::of(set).order_by(OrderBy::asc("score")).page_size(100))
                    .await
                    .expect("it is read"),
            )
        });
    });
    group.finish();

    let start = || next() % bench.items.min(100_000);
    let mut group = criterion.benchmark_group("two_hops");
    {
        let raw = raw();
        group.bench_function("raw", |b| b.iter(|| black_box(raw.two_hops(start()))));
    }
    group.bench_function("arrakis", |b| {
        b.to_async(&bench.runtime).iter(async || {
            let set = ObjectSet::ids("Item", [start()]).traverse("parts").traverse("parts");
            black_box(kernel.query(&bench.ctx, Query::of(set).page_size(100)).await.expect("it is read"))
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("group_by");
    group.sample_size(10);
    {
        let raw = raw();
        group.bench_function("raw", |b| b.iter(|| black_box(raw.group())));
    }
    group.bench_function("arrakis", |b| {
        b.to_async(&bench.runtime).iter(async || {
            let aggregate = Aggregate::of(ObjectSet::of("Item")).group_by("category").count("items");
            let aggregate = aggregate.metric("score", MeasureFunction::Sum, "score");
            black_box(kernel.aggregate(&bench.ctx, aggregate).await.expect("it is read"))
        });
    });
    group.finish();
}

fn bulk_load(criterion: &mut Criterion, dir: &Path) {
    // A table is made with its first row.
    let empty = Bench::set_up(dir, "load_shape.db", 1_000);
    let indexes = Raw::index_statements(&empty.path, &empty.names);
    let items: Vec<Item> = (0..LOAD_ITEMS).map(item).collect();
    let fresh = AtomicI64::new(0);
    let file = |side: &str| dir.join(format!("load_{side}_{}.db", fresh.fetch_add(1, Ordering::Relaxed)));

    let mut group = criterion.benchmark_group("bulk_load");
    group.sample_size(10).measurement_time(Duration::from_secs(15));
    group.bench_function("raw", |b| {
        b.iter_custom(|iterations| {
            let one = |_| {
                let path = file("raw");
                let mut raw = Raw::copy_of(&empty.path, &path, &empty.names, false);
                let start = now();
                raw.load(&items, arrakis_core::commit::COMMIT_CHANGES_MAX, &indexes);
                let taken = start.elapsed_time();
                drop(raw);
                remove(&path);
                taken
            };
            (0..iterations).map(one).sum()
        });
    });
    group.bench_function("arrakis", |b| {
        b.iter_custom(|iterations| {
            let one = |_| {
                let path = file("arrakis");
                let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
                let bench = Bench::set_up(dir, &name, 0);
                let load = data::load_items(0..LOAD_ITEMS);
                let start = now();
                bench.runtime.block_on(bench.arrakis.kernel().load(&bench.ctx, load)).expect("it loads");
                let taken = start.elapsed_time();
                bench.close();
                remove(&path);
                taken
            };
            (0..iterations).map(one).sum()
        });
    });
    group.finish();
}

fn commits(criterion: &mut Criterion, dir: &Path) {
    let bench = Bench::set_up(dir, "commits.db", 20_000);
    // The table of superseded versions is made with the first of them.
    let first = bench.arrakis.kernel().modify(&bench.ctx, "Item", 0, json!({ "score": -1 }));
    bench.runtime.block_on(first).expect("it is written");
    let mut raw = Raw::copy_of(&bench.path, &dir.join("commits_raw.db"), &bench.names, true);
    raw.load(&(0..20_000).map(item).collect::<Vec<_>>(), arrakis_core::commit::COMMIT_CHANGES_MAX, &[]);
    let turn = AtomicI64::new(1_000);
    let next = || turn.fetch_add(1, Ordering::Relaxed);
    let kernel = bench.arrakis.kernel();

    let mut group = criterion.benchmark_group("durable_commit");
    group.measurement_time(Duration::from_secs(8));
    group.bench_function("raw", |b| {
        b.iter(|| {
            let turn = next();
            raw.modify(turn * 31 % 20_000, turn, turn);
        });
    });
    group.bench_function("arrakis", |b| {
        b.to_async(&bench.runtime).iter(async || {
            let turn = next();
            let key = turn * 31 % 20_000;
            kernel.modify(&bench.ctx, "Item", key, json!({ "score": turn })).await.expect("it is written")
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("commits_in_flight");
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    let first = || turn.fetch_add(IN_FLIGHT, Ordering::Relaxed) + 1_000_000;
    group.bench_function("raw", |b| {
        b.iter(|| {
            let first = first();
            raw.create_batch(&(first..first + IN_FLIGHT).map(item).collect::<Vec<_>>(), first);
        });
    });
    group.bench_function("arrakis", |b| {
        b.iter(|| {
            let first = first();
            bench.runtime.block_on(async {
                let mut writers = tokio::task::JoinSet::new();
                for id in first..first + IN_FLIGHT {
                    let (arrakis, ctx) = (bench.arrakis.clone(), bench.ctx.clone());
                    writers.spawn(async move { create(&arrakis, &ctx, id).await });
                }
                writers.join_all().await;
            });
        });
    });
    group.finish();
}

async fn create(arrakis: &Arrakis, ctx: &Context, id: i64) {
    let item = item(id);
    let made = arrakis::Timestamp::from_micros_saturating(item.made_micros);
    let properties = json!({
        "id": id, "category": item.category, "score": item.score, "name": item.name, "weight": item.weight, "made": made
    });
    arrakis.kernel().create(ctx, "Item", properties).await.expect("it is written");
}

fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // A file that is gone already is as good as removed.
        let _ = std::fs::remove_file(name);
    }
}

fn open_small(dir: &Path) {
    let bench = Bench::set_up(dir, "open.db", 10_000);
    let (runtime, path) = (bench.runtime, bench.path);
    runtime.block_on(bench.arrakis.close());
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let start = now();
            let arrakis = runtime.block_on(Arrakis::open(&path)).expect("it opens");
            let taken = start.elapsed_time();
            runtime.block_on(arrakis.close());
            taken
        })
        .collect();
    times.sort();
    println!(
        "open of a file of 10,000 items: median {:?}, longest {:?} (bound 20 ms)",
        times[times.len() / 2],
        times[times.len() - 1]
    );
}

/// All that is measured over data.
#[expect(clippy::disallowed_methods, reason = "a bench is a binary: its size is set by the environment")]
fn kernel(dir: &Path) {
    let mut criterion = Criterion::default().configure_from_args();
    let items = std::env::var("ARRAKIS_BENCH_ITEMS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);

    let bench = Bench::set_up(dir, "reads.db", items);
    reads(&mut criterion, &bench);
    bench.close();
    bulk_load(&mut criterion, dir);
    commits(&mut criterion, dir);
    criterion.final_summary();
    let criterion_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../criterion");
    report::print(&CASES, &criterion_dir);
    open_small(dir);
}

#[expect(clippy::disallowed_methods, reason = "a bench is a binary: what it runs is set by the environment")]
fn main() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kernel_bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a folder to work in");
    if std::env::var("ARRAKIS_BENCH_ONLY").as_deref() != Ok("large_ontology") {
        kernel(&dir);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(large_ontology::measure(&dir, TYPES, PROPERTIES));
    let _ = std::fs::remove_dir_all(&dir);
}

//! Actions beside hand-written transactions that write the same rows, reads of the past beside reads of now, and what live sets cost:
//! `cargo bench --bench actions`.
//!
//! Ends with the tables that `docs/performance.md` holds.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "a bench ends where what it measures fails, prints what it measured, and counts far below any limit"
)]

#[path = "../kernel/data.rs"]
mod data;
#[path = "../kernel/raw.rs"]
#[expect(dead_code, reason = "the other bench uses the rest")]
mod raw;
#[path = "../kernel/report.rs"]
mod report;
#[path = "../kernel/table.rs"]
mod table;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arrakis::{
    Act, Arrakis, Context, Durability, Filter, GetObjects, KernelExt, ObjectSet, OrderBy, Query, Seq, SetEvent,
    SqliteOptions, Subscribe,
};
use criterion::Criterion;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::data::item;
use crate::raw::{Names, Raw};
use crate::report::Case;

/// Items the actions are done to.
const ITEMS: i64 = 20_000;
/// Actions in flight at once.
const IN_FLIGHT: i64 = 256;
/// Versions of each object whose past is read.
const VERSIONS: i64 = 100;
/// Objects with that many versions, among [`ITEMS`] that were never changed.
const HOT: i64 = 500;
/// Live sets on one type, each by another value of an indexed property.
const LIVE_SETS: i64 = 1_000;
/// Rounds of [`IN_FLIGHT`] actions each rate is measured over.
const ROUNDS: i64 = 60;

/// The longest one action may take with `synchronous = NORMAL`, at the median.
const ACTION_NORMAL_MAX: Duration = Duration::from_micros(300);

const CASES: [Case; 4] = [
    Case { group: "action_full", what: "one durable action", per_iteration: None, ratio_max: 1.3 },
    Case {
        group: "actions_in_flight",
        what: "256 durable actions in flight",
        per_iteration: Some(IN_FLIGHT as f64),
        ratio_max: 2.5,
    },
    Case {
        group: "point_as_of",
        what: "point read as of 50 versions ago, beside one of now",
        per_iteration: None,
        ratio_max: 2.0,
    },
    Case {
        group: "page_as_of",
        what: "ordered page as of then, beside one of now",
        per_iteration: None,
        ratio_max: 2.0,
    },
];

/// One file with items and the action, an Arrakis over it, and the hand-written side over a copy of its tables.
struct Bench {
    runtime: Runtime,
    arrakis: Arrakis,
    ctx: Context,
    raw: Raw,
    turn: AtomicI64,
}

impl Bench {
    fn set_up(dir: &Path, name: &str, durability: Durability) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let path = dir.join(format!("{name}.db"));
        let options = SqliteOptions { durability, ..SqliteOptions::default() };
        let (arrakis, ctx, names) = runtime.block_on(async {
            let arrakis = Arrakis::builder().sqlite(options).open(&path).await.expect("it opens");
            let ctx = arrakis.context();
            let ontology = format!("{}\n{}", include_str!("../kernel/ontology.yaml"), include_str!("action.yaml"));
            arrakis.publish(&ctx, &ontology).await.expect("it publishes");
            arrakis.kernel().load(&ctx, data::load_items(0..ITEMS)).await.expect("it loads");
            // The table of superseded versions is made with the first of them.
            arrakis.kernel().modify(&ctx, "Item", 0, json!({ "score": 1 })).await.expect("it is written");
            let names = Names::of(&arrakis, &ctx).await;
            (arrakis, ctx, names)
        });
        let mut raw = Raw::copy_of(&path, &dir.join(format!("{name}_raw.db")), &names, true);
        if durability == Durability::Normal {
            raw.relax();
        }
        raw.load(&(0..ITEMS).map(item).collect::<Vec<_>>(), arrakis_core::commit::COMMIT_CHANGES_MAX, &[]);
        Self { runtime, arrakis, ctx, raw, turn: AtomicI64::new(1_000) }
    }

    fn close(self) {
        self.runtime.block_on(self.arrakis.close());
    }
}

fn adjust(item: i64) -> Act {
    let serde_json::Value::Object(parameters) = json!({ "item": item, "by": 1 }) else {
        unreachable!("it is an object")
    };
    Act::of("adjust", parameters)
}

/// One action at a time, beside one transaction at a time.
fn one_at_a_time(criterion: &mut Criterion, bench: &mut Bench, name: &str) {
    let Bench { runtime, arrakis, ctx, raw, turn } = bench;
    let next = || turn.fetch_add(1, Ordering::Relaxed);
    let mut group = criterion.benchmark_group(name);
    group.measurement_time(Duration::from_secs(8));
    group.bench_function("raw", |b| {
        b.iter(|| {
            let turn = next();
            raw.modify(turn * 31 % ITEMS, turn, turn);
        });
    });
    group.bench_function("arrakis", |b| {
        b.to_async(&*runtime).iter(async || {
            let key = next() * 31 % ITEMS;
            arrakis.actions().execute(ctx, adjust(key)).await.expect("it is executed")
        });
    });
    group.finish();
}

fn in_flight(criterion: &mut Criterion, bench: &mut Bench) {
    let Bench { runtime, arrakis, ctx, raw, turn } = bench;
    let first = || turn.fetch_add(IN_FLIGHT, Ordering::Relaxed);
    let mut group = criterion.benchmark_group("actions_in_flight");
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    group.bench_function("raw", |b| {
        b.iter(|| {
            let first = first();
            raw.modify_batch((first..first + IN_FLIGHT).map(|turn| turn % ITEMS), first);
        });
    });
    group.bench_function("arrakis", |b| {
        b.iter(|| act_at_once(runtime, arrakis, ctx, first()));
    });
    group.finish();
}

/// Executes [`IN_FLIGHT`] actions on as many items at once.
fn act_at_once(runtime: &Runtime, arrakis: &Arrakis, ctx: &Context, first: i64) {
    runtime.block_on(async {
        let mut actors = tokio::task::JoinSet::new();
        for turn in first..first + IN_FLIGHT {
            let (arrakis, ctx) = (arrakis.clone(), ctx.clone());
            actors.spawn(async move {
                arrakis.actions().execute(&ctx, adjust(turn % ITEMS)).await.expect("it is executed");
            });
        }
        actors.join_all().await;
    });
}

/// Commits a second of modifications in flight: without live sets and with a thousand on the type, in turns; and how long after it was
/// acknowledged a change is told.
fn live_sets(dir: &Path) {
    let bench = Bench::set_up(dir, "live", Durability::Full);
    let Bench { runtime, arrakis, ctx, turn, .. } = &bench;
    let written = |rounds: i64| {
        let start = now();
        for _ in 0..rounds {
            act_at_once(runtime, arrakis, ctx, turn.fetch_add(IN_FLIGHT, Ordering::Relaxed));
        }
        (rounds * IN_FLIGHT) as f64 / (now() - start).as_secs_f64()
    };
    written(10);
    let mut table = vec![("without live sets", written(ROUNDS))];
    let mut sets = Vec::new();
    for category in 0..LIVE_SETS {
        let set = ObjectSet::of("Item").filter(Filter::eq("category", format!("category-{category:03}")));
        sets.push(
            runtime.block_on(arrakis.feed().subscribe(ctx, Subscribe::to(set).buffer(100_000))).expect("it is told"),
        );
    }
    let readers: Vec<_> = sets
        .into_iter()
        .map(|mut set| runtime.spawn(async move { while let Some(Ok(_)) = set.next().await {} }))
        .collect();
    written(10);
    table.push(("with 1,000 live sets", written(ROUNDS)));
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    written(10);
    table.push(("without them again", written(ROUNDS)));
    println!("\n| 256 actions in flight | actions/s |\n|---|---:|");
    for (what, rate) in &table {
        println!("| {what} | {rate:.0} |");
    }
    let without = table.iter().filter(|(what, _)| what.starts_with("without")).map(|(_, rate)| rate).sum::<f64>() / 2.0;
    let cost = 1.0 - table.iter().find(|(what, _)| what.starts_with("with ")).expect("it is measured").1 / without;
    println!("\nA thousand live sets cost {:.0} % of the writes (bound 25 %).", cost * 100.0);
    let mut delays = runtime.block_on(delays(arrakis, ctx));
    delays.sort_unstable();
    let at = |share: usize| delays.get((delays.len() - 1) * share / 1_000).copied().unwrap_or_default();
    println!(
        "A change is told {:?} after it is acknowledged, at the 99th percentile {:?} (bound 10 ms).",
        at(500),
        at(990)
    );
    bench.close();
}

/// How long after its acknowledgement each of many changes is told; nothing for one told before.
async fn delays(arrakis: &Arrakis, ctx: &Context) -> Vec<Duration> {
    let set = ObjectSet::of("Item").filter("id < 100");
    let mut live = arrakis.feed().subscribe(ctx, Subscribe::to(set)).await.expect("it is told");
    live.next().await.expect("it is told").expect("it is told");
    let mut delays = Vec::new();
    for turn in 0..1_000 {
        let acted = arrakis.actions().execute(ctx, adjust(turn % 100)).await.expect("it is executed");
        let acknowledged = now();
        loop {
            match live.next().await.expect("it is told").expect("it is told") {
                SetEvent::Delta(delta) if delta.seq >= acted.receipt.seq => break,
                _ => {}
            }
        }
        delays.push(now() - acknowledged);
    }
    delays
}

#[expect(clippy::disallowed_methods, reason = "a bench looks at the clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Reads of now and of the past, where few objects have many versions and most were never changed.
fn past(criterion: &mut Criterion, dir: &Path) {
    let bench = Bench::set_up(dir, "past", Durability::Normal);
    let Bench { runtime, arrakis, ctx, turn, .. } = &bench;
    let mut middle = Seq(0);
    for version in 0..VERSIONS {
        let edits: Vec<arrakis::Edit> = (0..HOT)
            .map(|id| arrakis::Edit::Modify {
                object_type: "Item".to_owned(),
                key: (id * (ITEMS / HOT)).into(),
                properties: json!({ "weight": version }).try_into().expect("an object"),
                expect: None,
            })
            .collect();
        let written = runtime.block_on(arrakis.kernel().write(ctx, edits.into())).expect("it is written");
        if version == VERSIONS / 2 {
            middle = written.receipt.seq;
        }
    }
    let kernel = arrakis.kernel();
    let hot = || turn.fetch_add(1, Ordering::Relaxed) * 31 % HOT * (ITEMS / HOT);
    let category = || format!("category-{:03}", turn.fetch_add(1, Ordering::Relaxed) * 31 % data::CATEGORIES);
    let page = || {
        let set = ObjectSet::of("Item").filter(Filter::eq("category", category()));
        Query::of(set).order_by(OrderBy::asc("score")).page_size(20)
    };
    let mut group = criterion.benchmark_group("point_as_of");
    group.bench_function("raw", |b| {
        b.to_async(runtime)
            .iter(async || black_box(kernel.get(ctx, GetObjects::of("Item", [hot()])).await.expect("it is read")));
    });
    group.bench_function("arrakis", |b| {
        b.to_async(runtime).iter(async || {
            black_box(kernel.get(ctx, GetObjects::of("Item", [hot()]).as_of(middle)).await.expect("it is read"))
        });
    });
    group.finish();
    let mut group = criterion.benchmark_group("page_as_of");
    group.bench_function("raw", |b| {
        b.to_async(runtime).iter(async || black_box(kernel.query(ctx, page()).await.expect("it is read")));
    });
    group.bench_function("arrakis", |b| {
        b.to_async(runtime)
            .iter(async || black_box(kernel.query(ctx, page().as_of(middle)).await.expect("it is read")));
    });
    group.finish();
    bench.close();
}

fn main() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("actions_bench");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a folder to work in");
    let mut criterion = Criterion::default().configure_from_args();

    let mut bench = Bench::set_up(&dir, "normal", Durability::Normal);
    one_at_a_time(&mut criterion, &mut bench, "action_normal");
    bench.close();
    let mut bench = Bench::set_up(&dir, "full", Durability::Full);
    one_at_a_time(&mut criterion, &mut bench, "action_full");
    in_flight(&mut criterion, &mut bench);
    bench.close();
    past(&mut criterion, &dir);
    criterion.final_summary();
    live_sets(&dir);
    let criterion_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../criterion");
    report::print(&CASES, &criterion_dir);
    let [ours, raw] = ["arrakis", "raw"].map(|side| {
        let ns = report::median_ns(&criterion_dir, "action_normal", side).unwrap_or_default();
        Duration::from_nanos(ns as u64)
    });
    println!(
        "One action with synchronous = NORMAL takes {ours:?} (bound {ACTION_NORMAL_MAX:?}), the raw transaction {raw:?}."
    );
    let _ = std::fs::remove_dir_all(&dir);
}

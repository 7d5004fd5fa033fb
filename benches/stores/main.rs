//! The PostgreSQL store, the caches and the relay, beside the bare clients: `cargo bench --bench stores --features postgres,redis,nats`.
//!
//! Starts servers of its own, which force to the disk what they acknowledge. `ARRAKIS_BENCH_ONLY=point,page` measures only these;
//! `ARRAKIS_BENCH_SOAK=1` updates rows for ten minutes rather than one before the processes are measured again.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "a bench ends where what it measures fails, prints what it measured, and counts little"
)]

mod cache;
#[path = "../kernel/data.rs"]
mod data;
mod postgres;
mod raw;
mod relay;
#[path = "../kernel/table.rs"]
mod table;
mod turns;
mod writers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use arrakis::{Arrakis, Env, PgOptions, PgStore};
use arrakis_core::CommitLog;
use tokio::sync::Mutex;
use xtask::services::{Nats, Postgres, Redis};

use crate::data::load_items;
use crate::postgres::{ITEMS, Sides};
use crate::raw::Raw;
use crate::table::Measured;

const ONTOLOGY: &str = concat!(include_str!("../kernel/ontology.yaml"), "\n", include_str!("../actions/action.yaml"));

/// A file of this run.
fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-stores-{}-{name}.db", std::process::id()))
}

/// Whether a case is to be measured.
fn wants(case: &str) -> bool {
    std::env::var("ARRAKIS_BENCH_ONLY").map_or(true, |only| only.split(',').any(|wanted| wanted == case))
}

async fn of_postgres(url: &str, nats: Option<&str>, measured: &mut Vec<Measured>) {
    let store = Arc::new(PgStore::open(url, Env::system(), &PgOptions::default()).await.expect("it opens"));
    let arrakis = Arrakis::builder().over(Arc::clone(&store) as _).await.expect("it opens");
    let ctx = arrakis.context();
    arrakis.publish(&ctx, ONTOLOGY).await.expect("it publishes");
    arrakis.kernel().load(&ctx, load_items(0..ITEMS)).await.expect("it loads");
    let next = AtomicI64::new(ITEMS);
    arrakis.kernel().load(&ctx, load_items(ITEMS..ITEMS + 1)).await.expect("it loads");
    next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let raw = Mutex::new(Raw::beside(url, &arrakis, &ctx).await);
    raw.lock().await.vacuum().await;
    let sides = Sides { arrakis: &arrakis, ctx: ctx.clone(), raw, next };
    if wants("point") {
        measured.push(sides.point_read().await);
    }
    if wants("page") {
        measured.push(sides.page_read().await);
    }
    if wants("commit") {
        measured.push(sides.one_commit().await);
    }
    if wants("flight") {
        measured.extend(sides.in_flight().await);
    }
    if wants("load") {
        measured.push(sides.load().await);
    }
    if let Some(nats) = nats {
        let before = store.head().await.expect("it is read");
        sides.act(relay::ENTRIES).await;
        measured.push(relay::measure(&store, before, nats).await);
    }
    let raw = sides.raw.into_inner();
    drop(store);
    arrakis.close().await;
    if wants("writers") {
        let mut raw = raw;
        measured.extend(writers::measure(url, &mut raw).await);
    }
}

fn main() {
    if writers::is_writer() {
        return;
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut measured = Vec::new();
    if ["point", "page", "commit", "flight", "load", "relay", "writers"].into_iter().any(wants) {
        let postgres = Postgres::start(dir).expect("a PostgreSQL");
        let nats = wants("relay").then(|| Nats::start(dir).expect("a NATS"));
        let nats_url = nats.as_ref().map(|nats| nats.url());
        runtime.block_on(of_postgres(&postgres.url(), nats_url.as_deref(), &mut measured));
    }
    if wants("cache") {
        let redis = Redis::start(dir).expect("a Redis");
        measured.extend(runtime.block_on(cache::measure(&redis.url())));
    }
    table::print(&measured);
}

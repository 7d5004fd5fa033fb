//! Reads through the cache: two processes, one file, one Redis.

mod fault;
mod register;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use arrakis::{Arrakis, CacheOptions, KernelExt};
use serde_json::json;
use xtask::services::{Kind, Redis, url_or_skip};

const COUNTERS: &str = "object_types: [{name: Counter, primary_key: id, properties: [{name: id, type: integer}, {name: count, type: integer}]}]";

const COUNTERS_READ: i64 = 100;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// A path no other test uses.
fn fresh_path() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    folder().join(format!("cache-{}-{}.db", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

async fn open(path: &Path, redis: &str, bytes_max: usize) -> Arrakis {
    let options = CacheOptions { bytes_max, shared: None };
    Arrakis::builder().cache(options).redis(redis).open(path).await.unwrap_or_else(|e| panic!("{}", e.chain()))
}

fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        // The side files go with the last connection.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_when_opening_and_no_secret_shown() {
    for (url, code) in [("redis://:sesame@127.0.0.1:1", "redis.unreachable"), ("rediss:sesame", "redis.url.malformed")]
    {
        let builder = Arrakis::builder().redis(url);
        assert!(!format!("{builder:?}").contains("sesame"));
        let error = builder.in_memory().await.unwrap_err();
        assert_eq!((error.code(), error.param("setting")), (code, Some("redis")));
        assert!(!format!("{error:?} {}", error.chain()).contains("sesame"));
    }
}

#[tokio::test]
async fn a_second_process_finds_what_the_first_has_read() {
    let Some(url) = url_or_skip(Kind::Redis, "cache::second_process") else { return };
    let path = fresh_path();
    let one = open(&path, &url, 1 << 20).await;
    let ctx = one.context();
    one.publish(&ctx, COUNTERS).await.unwrap();
    let read = async |of: &Arrakis, id: i64| of.kernel().object(&of.context(), "Counter", id).await.unwrap();
    for id in 0..COUNTERS_READ {
        one.kernel().create(&ctx, "Counter", json!({ "id": id, "count": 7 })).await.unwrap();
        read(&one, id).await;
    }
    while one.cache_report().unwrap().shared_fills == 0 {
        tokio::task::yield_now().await;
    }
    // It keeps too little itself to answer what it has read before.
    let other = open(&path, &url, 10_000).await;
    for id in (0..COUNTERS_READ).cycle() {
        assert_eq!(read(&one, id).await, read(&other, id).await);
        if other.cache_report().unwrap().shared_hits > 0 {
            break;
        }
    }
    while one.cache_report().unwrap().hits == 0 {
        read(&one, 1).await;
    }
    one.kernel().modify(&ctx, "Counter", 1, json!({ "count": 8 })).await.unwrap();
    assert_eq!(
        serde_json::to_value(read(&one, 1).await).unwrap()["properties"]["count"],
        8,
        "at once where it was written"
    );
    while serde_json::to_value(read(&other, 1).await).unwrap()["properties"]["count"] == 7 {}
    one.close().await;
    other.close().await;
    remove(&path);
}

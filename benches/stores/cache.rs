//! Reads by key through the caches: beside a bare GET of the same bytes, and from the memory of the process.

use std::hint::black_box;
use std::sync::atomic::{AtomicI64, Ordering};

use arrakis::{Arrakis, CacheOptions, GetObjects};
use redis::aio::MultiplexedConnection;

use crate::data::load_items;
use crate::table::Measured;
use crate::turns::{Bound, alternate};
use crate::{ONTOLOGY, scratch};

/// How many objects are read, one after the other.
const ITEMS: i64 = 1_000;
/// The longest a read from the memory of the process may take, nanoseconds.
const LOCAL_MAX_NS: f64 = 2_000.0;

/// Opens a file whose reads are cached in so many bytes of memory and in Redis, and fills the caches.
async fn open(redis: &str, name: &str, bytes_max: usize) -> Arrakis {
    let builder = Arrakis::builder().cache(CacheOptions { bytes_max, shared: None }).redis(redis);
    let arrakis = builder.open(scratch(name)).await.expect("it opens");
    let ctx = arrakis.context();
    arrakis.publish(&ctx, ONTOLOGY).await.expect("it publishes");
    arrakis.kernel().load(&ctx, load_items(0..ITEMS)).await.expect("it loads");
    let hits = || arrakis.cache_report().map_or(0, |report| report.hits + report.shared_hits);
    while hits() < 10_000 {
        for id in 0..ITEMS {
            get(&arrakis, id).await;
        }
    }
    arrakis
}

async fn get(arrakis: &Arrakis, id: i64) {
    let read = arrakis.kernel().get(&arrakis.context(), GetObjects::of("Item", [id])).await;
    black_box(read.expect("it is read"));
}

async fn bare(redis: &str) -> (Vec<String>, MultiplexedConnection) {
    let client = redis::Client::open(redis).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("it connects");
    let keys = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.expect("it has keys");
    (keys, connection)
}

pub(crate) async fn measure(redis: &str) -> Vec<Measured> {
    let next = AtomicI64::new(0);
    let id = || next.fetch_add(7, Ordering::Relaxed) % ITEMS;
    let shared = open(redis, "shared", 0).await;
    let (keys, connection) = bare(redis).await;
    let through_redis = alternate(
        Bound::time("point read through Redis, beside a bare GET", 1.3),
        3_000,
        async |count| {
            for _ in 0..count {
                let index = usize::try_from(id()).expect("a number") % keys.len();
                let mut command = redis::cmd("GET");
                command.arg(keys.get(index).expect("a key"));
                let value: Option<Vec<u8>> = command.query_async(&mut connection.clone()).await.expect("it is read");
                black_box(value);
            }
        },
        async |count| {
            for _ in 0..count {
                get(&shared, id()).await;
            }
        },
    )
    .await;
    shared.close().await;
    let local = open(redis, "local", 64 << 20).await;
    let bound = Bound::time("point read from memory, beside 2 µs", 1.0);
    let from_memory = alternate(
        bound,
        50_000,
        async |_| {},
        async |count| {
            for _ in 0..count {
                get(&local, id()).await;
            }
        },
    )
    .await;
    local.close().await;
    vec![through_redis, bound.of(LOCAL_MAX_NS, from_memory.ours_ns)]
}

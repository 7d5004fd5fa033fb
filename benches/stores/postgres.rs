//! The PostgreSQL store beside hand-written SQL.

use std::hint::black_box;
use std::sync::atomic::{AtomicI64, Ordering};

use arrakis::{Act, Arrakis, Context, Filter, GetObjects, KernelExt, ObjectSet, OrderBy, Query};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value as Json, json};
use tokio::sync::Mutex;

use crate::data::{CATEGORIES, item, load_items};
use crate::raw::Raw;
use crate::table::Measured;
use crate::turns::{Bound, alternate, median, of_one, timed};

/// The items there are before anything is measured.
pub(crate) const ITEMS: i64 = 100_000;
/// The commits in flight at a time.
pub(crate) const IN_FLIGHT: usize = 256;
/// The items of one load.
const LOADED: i64 = 50_000;

/// Both sides of one database.
pub(crate) struct Sides<'a> {
    pub(crate) arrakis: &'a Arrakis,
    pub(crate) ctx: Context,
    pub(crate) raw: Mutex<Raw>,
    pub(crate) next: AtomicI64,
}

/// An item as it is written through the kernel.
pub(crate) fn json_item(id: i64) -> Json {
    let item = item(id);
    json!({
        "id": id, "category": item.category, "score": item.score, "name": item.name, "weight": item.weight,
        "made": arrakis::Timestamp::from_micros_saturating(item.made_micros).to_string(),
    })
}

impl Sides<'_> {
    /// Keys that nobody has used yet.
    fn fresh(&self, count: i64) -> std::ops::Range<i64> {
        let start = self.next.fetch_add(count, Ordering::Relaxed);
        start..start + count
    }

    pub(crate) async fn point_read(&self) -> Measured {
        let next = AtomicI64::new(0);
        let id = || next.fetch_add(7_919, Ordering::Relaxed) % ITEMS;
        alternate(
            Bound::time("point read", 1.3),
            2_000,
            async |count| {
                let mut raw = self.raw.lock().await;
                for _ in 0..count {
                    black_box(raw.point(id()).await);
                }
            },
            async |count| {
                for _ in 0..count {
                    let read = self.arrakis.kernel().get(&self.ctx, GetObjects::of("Item", [id()])).await;
                    black_box(read.expect("it is read"));
                }
            },
        )
        .await
    }

    pub(crate) async fn page_read(&self) -> Measured {
        let next = AtomicI64::new(0);
        let category = || format!("category-{:03}", next.fetch_add(7, Ordering::Relaxed) % CATEGORIES);
        alternate(
            Bound::time("filtered page of 100, ordered", 1.3),
            300,
            async |count| {
                let mut raw = self.raw.lock().await;
                for _ in 0..count {
                    black_box(raw.page(&category()).await);
                }
            },
            async |count| {
                for _ in 0..count {
                    let set = ObjectSet::of("Item").filter(Filter::eq("category", category()));
                    let query = Query::of(set).order_by(OrderBy::asc("score")).page_size(100);
                    black_box(self.arrakis.kernel().query(&self.ctx, query).await.expect("it is read"));
                }
            },
        )
        .await
    }

    async fn create(&self, id: i64) {
        self.arrakis.kernel().create(&self.ctx, "Item", json_item(id)).await.expect("it is written");
    }

    async fn create_in_flight(&self, ids: std::ops::Range<i64>) {
        let writes = stream::iter(ids).map(|id| self.create(id));
        writes.buffer_unordered(IN_FLIGHT).for_each(async |()| {}).await;
    }

    async fn adjust(&self, id: i64) {
        let Json::Object(parameters) = json!({ "item": id % ITEMS, "by": 1 }) else { return };
        self.arrakis.actions().execute(&self.ctx, Act::of("adjust", parameters)).await.expect("it is done");
    }

    /// Executes so many actions, each of which tells an event.
    pub(crate) async fn act(&self, count: usize) {
        let acts = stream::iter(self.fresh(count as i64)).map(|id| self.adjust(id));
        acts.buffer_unordered(IN_FLIGHT).for_each(async |()| {}).await;
    }

    pub(crate) async fn one_commit(&self) -> Measured {
        alternate(
            Bound::time("one commit alone", 1.5),
            200,
            async |count| {
                let mut raw = self.raw.lock().await;
                for id in self.fresh(count as i64) {
                    raw.create(id).await;
                }
            },
            async |count| {
                for id in self.fresh(count as i64) {
                    self.create(id).await;
                }
            },
        )
        .await
    }

    pub(crate) async fn in_flight(&self) -> [Measured; 2] {
        let batches = alternate(
            Bound::rate("256 commits in flight, beside batches of 256", 2.0),
            IN_FLIGHT * 20,
            async |count| {
                let mut raw = self.raw.lock().await;
                for _ in 0..count / IN_FLIGHT {
                    raw.create_batch(self.fresh(IN_FLIGHT as i64)).await;
                }
            },
            async |count| self.create_in_flight(self.fresh(count as i64)).await,
        )
        .await;
        let mut alone = Vec::new();
        for _ in 0..3 {
            let took = timed(async || {
                for id in self.fresh(200) {
                    self.create(id).await;
                }
            });
            alone.push(of_one(took.await, 200));
        }
        let beside_one = Bound::rate("256 commits in flight, beside one writer of ours", 0.1);
        let beside_one = beside_one.of(median(alone), batches.ours_ns);
        [batches, beside_one]
    }

    pub(crate) async fn load(&self) -> Measured {
        alternate(
            Bound::rate("load, beside binary COPY", 2.0),
            LOADED as usize,
            async |count| self.raw.lock().await.copy(self.fresh(count as i64)).await,
            async |count| {
                let load = load_items(self.fresh(count as i64));
                let report = self.arrakis.kernel().load(&self.ctx, load).await.expect("it loads");
                assert_eq!(report.rejected, 0, "{report:?}");
            },
        )
        .await
    }
}

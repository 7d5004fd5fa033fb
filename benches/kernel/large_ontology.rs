//! The figures that have no hand-written twin: publishing a large ontology while others read, and opening a file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrakis::{Arrakis, Context, GetObjects, KernelExt};
use serde_json::json;
use tokio::task::JoinHandle;

/// How long a read may take while others write.
const READ_MAX: Duration = Duration::from_millis(50);

/// Publishes `types` × `properties`, then writes the first object of each type, while a reader reads as fast as it can; prints how long
/// either took and the longest single read. Opens the file again after each, and prints how long that took.
pub(crate) async fn measure(dir: &Path, types: usize, properties: usize) {
    let path = dir.join("large.db");
    let arrakis = Arrakis::open(&path).await.expect("it opens");
    let ctx = arrakis.context();
    let small = json!({ "object_types": [{ "name": "Probe", "primary_key": "id", "properties": [{ "name": "id", "type": "integer" }] }] });
    arrakis.publish(&ctx, &small.to_string()).await.expect("it publishes");
    arrakis.kernel().create(&ctx, "Probe", json!({ "id": 1 })).await.expect("it is written");

    let mut object_types = small["object_types"].as_array().cloned().unwrap_or_default();
    object_types.extend((0..types).map(|number| object_type(number, properties)));
    let document = json!({ "object_types": object_types }).to_string();
    let reader = Reader::start(&arrakis, &ctx);
    let start = now();
    arrakis.publish(&ctx, &document).await.expect("it publishes");
    let taken = start.elapsed_time();
    let read = reader.stop().await;
    arrakis.close().await;
    println!("publish of {types} types × {properties} properties: {taken:?} (bound 2 s); {read} (bound 50 ms)");

    let arrakis = open(&path).await;
    let start = now();
    arrakis.kernel().get(&ctx, GetObjects::of("Probe", [1])).await.expect("it is read");
    println!("first read of that file, which compiles its ontology: {:?}", start.elapsed_time());
    let reader = Reader::start(&arrakis, &ctx);
    let mut commits = Vec::with_capacity(types);
    for number in 0..types {
        let start = now();
        let name = format!("Type{number}");
        arrakis.kernel().create(&ctx, &name, json!({ "id": "first" })).await.expect("it is written");
        commits.push(start.elapsed_time());
    }
    let read = reader.stop().await;
    arrakis.close().await;
    commits.sort();
    let total: Duration = commits.iter().sum();
    let longest = commits.iter().rev().take(3).collect::<Vec<_>>();
    println!(
        "first object of each of {types} types, one commit after the other: {total:?}, longest commits {longest:?}; {read}"
    );
    open(&path).await.close().await;
}

async fn open(path: &Path) -> Arrakis {
    let start = now();
    let arrakis = Arrakis::open(path).await.expect("it opens");
    println!("open of that file: {:?}", start.elapsed_time());
    arrakis
}

/// Reads one object as fast as it can.
struct Reader {
    done: Arc<AtomicBool>,
    task: JoinHandle<(Duration, u64, u64)>,
}

impl Reader {
    fn start(arrakis: &Arrakis, ctx: &Context) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (arrakis, ctx, until) = (arrakis.clone(), ctx.clone(), Arc::clone(&done));
        let task = tokio::task::spawn_blocking(move || {
            let handle = tokio::runtime::Handle::current();
            let (mut longest, mut reads, mut long) = (Duration::ZERO, 0_u64, 0_u64);
            while !until.load(Ordering::Relaxed) {
                let start = now();
                handle.block_on(arrakis.kernel().get(&ctx, GetObjects::of("Probe", [1]))).expect("it is read");
                let taken = start.elapsed_time();
                longest = longest.max(taken);
                reads += 1;
                long += u64::from(taken > READ_MAX);
            }
            (longest, reads, long)
        });
        Self { done, task }
    }

    async fn stop(self) -> String {
        self.done.store(true, Ordering::Relaxed);
        let (longest, reads, long) = self.task.await.expect("the reader ends");
        format!("longest of {reads} reads meanwhile: {longest:?}, {long} over 50 ms")
    }
}

fn object_type(number: usize, properties: usize) -> serde_json::Value {
    let kinds = ["string", "integer", "double", "boolean", "timestamp", "date"];
    let property = |index: usize| json!({ "name": format!("p{index}"), "type": kinds[index % kinds.len()], "indexed": index == 1 });
    let mut all = vec![json!({ "name": "id", "type": "string" })];
    all.extend((1..properties).map(property));
    json!({ "name": format!("Type{number}"), "primary_key": "id", "properties": all })
}

/// The one place that reads the clock.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// How long since.
pub(crate) trait ElapsedTime {
    /// The time since this instant.
    fn elapsed_time(&self) -> Duration;
}

impl ElapsedTime for Instant {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    fn elapsed_time(&self) -> Duration {
        self.elapsed()
    }
}

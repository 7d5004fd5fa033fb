//! The figures that have no hand-written twin: publishing a large ontology while others read, and opening a file.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrakis::{Arrakis, GetObjects};
use serde_json::json;

/// Publishes `types` × `properties` while a reader reads as fast as it can, and prints how long it took and the longest single read;
/// then opens the file again and prints how long that took.
pub(crate) async fn measure(dir: &Path, types: usize, properties: usize) {
    let path = dir.join("large.db");
    let arrakis = Arrakis::open(&path).await.expect("it opens");
    let ctx = arrakis.context();
    let small = json!({ "object_types": [{ "name": "Probe", "primary_key": "id", "properties": [{ "name": "id", "type": "integer" }] }] });
    arrakis.publish(&ctx, &small.to_string()).await.expect("it publishes");

    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (arrakis, ctx, done) = (arrakis.clone(), ctx.clone(), Arc::clone(&done));
        tokio::task::spawn_blocking(move || {
            let handle = tokio::runtime::Handle::current();
            let (mut longest, mut reads) = (Duration::ZERO, 0_u64);
            while !done.load(Ordering::Relaxed) {
                let start = now();
                handle.block_on(arrakis.kernel().get(&ctx, GetObjects::of("Probe", [1]))).expect("it is read");
                longest = longest.max(start.elapsed_time());
                reads += 1;
            }
            (longest, reads)
        })
    };

    let mut object_types = small["object_types"].as_array().cloned().unwrap_or_default();
    object_types.extend((0..types).map(|number| object_type(number, properties)));
    let document = json!({ "object_types": object_types }).to_string();
    let start = now();
    arrakis.publish(&ctx, &document).await.expect("it publishes");
    let taken = start.elapsed_time();
    done.store(true, Ordering::Relaxed);
    let (longest, reads) = reader.await.expect("the reader ends");
    arrakis.close().await;

    let start = now();
    let arrakis = Arrakis::open(&path).await.expect("it opens");
    let opened = start.elapsed_time();
    arrakis.close().await;
    println!(
        "publish of {types} types × {properties} properties: {taken:?} (bound 2 s); longest of {reads} reads meanwhile: {longest:?} (bound 50 ms)"
    );
    println!("open of that file: {opened:?}");
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

//! What the parts of a process count by themselves, told as metrics from time to time.

use std::time::Duration;

use arrakis_core::cache::CacheReport;
use arrakis_core::metric;
use tokio::task::JoinSet;

use crate::Arrakis;

impl Arrakis {
    /// Tells what the cache did and how far the relays are as metrics, this often, for as long as what it returns is there: it is shut down
    /// before the store is closed. Where there is no
    /// [`telemetry`](crate::telemetry) nobody hears it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn observed(&self, every: Duration) -> JoinSet<()> {
        let (arrakis, mut tasks) = (self.clone(), JoinSet::new());
        tasks.spawn(async move {
            let mut before = CacheReport::default();
            loop {
                if let Some(report) = arrakis.cache_report() {
                    tell_cache(before, report);
                    before = report;
                }
                arrakis.tell_relays().await;
                tokio::time::sleep(every).await;
            }
        });
        tasks
    }

    async fn tell_relays(&self) {
        let relays = match self.relays().await {
            Ok(relays) => relays,
            Err(error) => return tracing::debug!(error = %error.chain(), "how far the relays are is not known"),
        };
        let now = self.env().now();
        for status in relays {
            let relay = &*status.name;
            metric!(gauge.ark_relay_backlog = status.backlog(), relay);
            metric!(gauge.ark_relay_age_seconds = status.age(now).as_secs_f64(), relay);
        }
    }
}

fn tell_cache(before: CacheReport, now: CacheReport) {
    let counts = [
        ("hit", before.hits, now.hits),
        ("shared_hit", before.shared_hits, now.shared_hits),
        ("miss", before.misses, now.misses),
        ("joined", before.joined, now.joined),
        ("behind", before.behind, now.behind),
        ("stale", before.stale_refused, now.stale_refused),
        ("foreign", before.foreign_refused, now.foreign_refused),
    ];
    for (result, before, now) in counts {
        metric!(monotonic_counter.ark_cache_lookups = now.saturating_sub(before), result);
    }
    metric!(monotonic_counter.ark_cache_errors = now.errors.saturating_sub(before.errors));
    metric!(monotonic_counter.ark_cache_evicted = now.evicted.saturating_sub(before.evicted));
    metric!(gauge.ark_cache_bytes = now.bytes);
}

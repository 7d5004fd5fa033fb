//! The law of the cache, over the memory store.

use std::sync::Arc;

use arrakis_core::cache::CacheReport;
use arrakis_core::testing::TestEnv;
use arrakis_core::testing::cache::law;
use arrakis_storage::MemoryStore;

const SEEDS: u64 = 60;

fn store(test: &TestEnv) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(test.env()))
}

#[tokio::test]
async fn answers_are_the_stores_own() {
    let mut all: Vec<CacheReport> = Vec::new();
    for seed in 0..SEEDS {
        let test = TestEnv::default();
        all.extend(law::answers_are_the_stores_own(store(&test), test, seed).await);
    }
    // What never happened was not tested.
    for (name, count) in [
        ("hits", all.iter().map(|report| report.hits).sum::<u64>()),
        ("shared hits", all.iter().map(|report| report.shared_hits).sum()),
        ("stale entries", all.iter().map(|report| report.stale_refused).sum()),
        ("foreign entries", all.iter().map(|report| report.foreign_refused).sum()),
        ("reads behind", all.iter().map(|report| report.behind).sum()),
        ("joined loads", all.iter().map(|report| report.joined).sum()),
        ("evictions", all.iter().map(|report| report.evicted).sum()),
        ("errors", all.iter().map(|report| report.errors).sum()),
        ("skipped calls", all.iter().map(|report| report.skipped).sum()),
    ] {
        assert!(count > 20, "{name}: {count}");
    }
}

#[tokio::test]
async fn an_absent_object_appears_when_it_is_written() {
    let test = TestEnv::default();
    law::an_absent_object_appears_when_it_is_written(store(&test), test).await;
}

#[tokio::test]
async fn a_long_log_is_read_to_its_end() {
    let test = TestEnv::default();
    law::a_long_log_is_read_to_its_end(store(&test), test).await;
}

#[tokio::test]
async fn a_version_of_the_ontology_is_shared() {
    let test = TestEnv::default();
    law::a_version_of_the_ontology_is_shared(store(&test), test).await;
}

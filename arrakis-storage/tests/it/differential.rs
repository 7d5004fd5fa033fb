//! Random histories: the memory store and the SQLite store give the same answers, to the byte.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where what it takes for granted fails, and tells its seeds"
)]

use std::sync::Arc;

use arrakis_core::testing::{TestEnv, differential};
use arrakis_core::{Env, Store};
use arrakis_storage::{MemoryStore, SqliteOptions, SqliteStore};

use crate::sqlite::fresh_path;

/// How many cases one pair of stores serves: more, and SQLite is slowed by the tables of all their spaces.
const CASES_PER_STORE: u64 = 10;

fn memory(env: Env) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(env))
}

fn sqlite(env: Env) -> Arc<dyn Store> {
    let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
    Arc::new(SqliteStore::open(fresh_path("differential"), env, &options).unwrap())
}

async fn run(seeds: std::ops::Range<u64>) {
    println!("cases of the seeds {seeds:?}");
    for first in seeds.clone().step_by(usize::try_from(CASES_PER_STORE).unwrap()) {
        let (left, right) = (memory(TestEnv::default().env()), sqlite(TestEnv::default().env()));
        for seed in first..seeds.end.min(first + CASES_PER_STORE) {
            differential::run(seed, &left, &right).await;
        }
    }
}

/// Two thousand cases in all, in four tests that run side by side.
macro_rules! quarters {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            run($seeds).await;
        }
    )*};
}

quarters! {
    the_stores_agree_on_the_first_five_hundred_cases: 0..500;
    the_stores_agree_on_the_second_five_hundred_cases: 500..1_000;
    the_stores_agree_on_the_third_five_hundred_cases: 1_000..1_500;
    the_stores_agree_on_the_last_five_hundred_cases: 1_500..2_000;
}

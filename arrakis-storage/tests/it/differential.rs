//! Random histories: the memory store, the SQLite store and the PostgreSQL store give the same answers, to the byte.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where what it takes for granted fails, and tells its seeds"
)]

use std::future::{Ready, ready};
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

fn sqlite(env: Env) -> Ready<Option<Arc<dyn Store>>> {
    let options = SqliteOptions { temporary: true, ..SqliteOptions::default() };
    ready(Some(Arc::new(SqliteStore::open(fresh_path("differential"), env, &options).unwrap())))
}

/// Runs cases on the memory store and another; where there is no other, that was said.
async fn run<F: Future<Output = Option<Arc<dyn Store>>>>(seeds: std::ops::Range<u64>, other: impl Fn(Env) -> F) {
    println!("cases of the seeds {seeds:?}");
    for first in seeds.clone().step_by(usize::try_from(CASES_PER_STORE).unwrap()) {
        let left = memory(TestEnv::default().env());
        let Some(right) = other(TestEnv::default().env()).await else { return };
        for seed in first..seeds.end.min(first + CASES_PER_STORE) {
            differential::run(seed, &left, &right).await;
        }
    }
}

/// Cases in four tests that run side by side.
macro_rules! quarters {
    ($other:path => $($name:ident: $seeds:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            run($seeds, $other).await;
        }
    )*};
}

/// Two thousand cases in all.
mod of_sqlite {
    use super::{run, sqlite};

    quarters! { sqlite =>
        the_stores_agree_on_the_first_five_hundred_cases: 0..500;
        the_stores_agree_on_the_second_five_hundred_cases: 500..1_000;
        the_stores_agree_on_the_third_five_hundred_cases: 1_000..1_500;
        the_stores_agree_on_the_last_five_hundred_cases: 1_500..2_000;
    }
}

/// Each of its statements takes a way to the server and back, so there are fewer cases.
#[cfg(all(feature = "postgres", feature = "testing"))]
mod of_postgres {
    use super::run;
    use crate::postgres::open;

    quarters! { open =>
        the_stores_agree_on_the_first_hundred_and_fifty_cases: 0..150;
        the_stores_agree_on_the_second_hundred_and_fifty_cases: 150..300;
        the_stores_agree_on_the_third_hundred_and_fifty_cases: 300..450;
        the_stores_agree_on_the_last_hundred_and_fifty_cases: 450..600;
    }
}

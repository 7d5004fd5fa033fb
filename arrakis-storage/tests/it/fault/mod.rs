//! The PostgreSQL store while its server is killed, its connections are cut, its futures are dropped: what was acknowledged stays, what was
//! refused is not there, and nobody has to help.
//!
//! Every random choice follows from a seed that is printed; `ARRAKIS_FAULT_SEED` gives it again. `ARRAKIS_SOAK=1` repeats each fault
//! twenty times as often.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test ends where what it takes for granted fails, and tells what it measured"
)]

mod cancel;
mod cut;
mod fence;
mod index;
mod kill;
mod ledger;
mod load;
mod migration;
mod module;
mod open;
mod pause;
mod publication;
mod replica;
mod terminate;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrakis_core::testing::{Fixture, TestEnv};
use arrakis_core::{Env, Error, Store};
use arrakis_storage::{PgOptions, PgStore};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use xtask::services::Postgres;

/// How often a soak repeats what a plain run does once.
const SOAK: usize = 20;
/// How long a condition that comes true by itself may take.
const EVENTUALLY: Duration = Duration::from_secs(20);
/// The time between two looks at such a condition.
const LOOK: Duration = Duration::from_millis(10);
/// How long a store may take to answer after its server does.
pub(crate) const RECOVERY_MAX: Duration = Duration::from_secs(5);

/// How often a fault is made.
pub(crate) fn times(plain: usize) -> usize {
    if variable("ARRAKIS_SOAK").is_some_and(|value| value == "1") { plain * SOAK } else { plain }
}

#[expect(clippy::disallowed_methods, reason = "the environment is how a run of the tests is told how long to be")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A source of random choices whose seed is printed.
pub(crate) fn draws(test: &str) -> fastrand::Rng {
    let seed = variable("ARRAKIS_FAULT_SEED").and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let mut bytes = [0; 8];
        Env::system().random(&mut bytes);
        u64::from_le_bytes(bytes)
    });
    println!("{test}: seed {seed}");
    fastrand::Rng::with_seed(seed)
}

/// A private server, where there is one.
pub(crate) fn server(test: &str) -> Option<Postgres> {
    Postgres::start_or_skip(Path::new(env!("CARGO_TARGET_TMPDIR")), test)
}

/// A store for faults: few readers, so that each of them is hit.
pub(crate) fn options() -> PgOptions {
    PgOptions { readers_max: 4, ..PgOptions::default() }
}

/// Opens a store.
pub(crate) async fn opened(url: &str, test: &TestEnv, options: &PgOptions) -> Arc<PgStore> {
    let store = PgStore::open(url, test.env(), options).await;
    Arc::new(store.unwrap_or_else(|error| panic!("{}", error.chain())))
}

/// A store with the suites' ontology in it.
pub(crate) async fn filled(url: &str, options: &PgOptions) -> (Arc<PgStore>, Arc<Fixture>) {
    let test = TestEnv::default();
    let store = opened(url, &test, options).await;
    let fixture = Fixture::new(Arc::clone(&store) as Arc<dyn Store>, test).await;
    (store, Arc::new(fixture))
}

/// A connection of the test's own.
pub(crate) async fn own_connection(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// Runs statements on it.
pub(crate) async fn run(connection: &mut PgConnection, sql: impl Into<String>) {
    let sql = sql.into();
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql.clone())))
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The number a statement answers.
pub(crate) async fn number(connection: &mut PgConnection, sql: impl Into<String>) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.into())).fetch_one(connection).await.unwrap()
}

/// Looks until a number a statement answers is this one.
pub(crate) async fn becomes(connection: &mut PgConnection, sql: &str, wanted: i64) {
    let env = Env::system();
    let (start, mut looks) = (env.monotonic(), tokio::time::interval(LOOK));
    loop {
        let found = number(connection, sql).await;
        if found == wanted {
            return;
        }
        assert!(env.monotonic().saturating_sub(start) < EVENTUALLY, "{sql}: {found}, not {wanted}");
        looks.tick().await;
    }
}

/// Whether commits wait for a standby that never comes: durable, and not answered.
pub(crate) async fn hold_commits(admin: &mut PgConnection, hold: bool) {
    let standbys = if hold { "nobody" } else { "" };
    run(admin, format!("ALTER SYSTEM SET synchronous_standby_names = '{standbys}'")).await;
    run(admin, "SELECT pg_reload_conf()").await;
    let seen =
        format!("SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = '{standbys}'");
    becomes(admin, &seen, 1).await;
}

/// Sessions whose commit is durable and not answered.
pub(crate) const HELD: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/// Blocks the thread without keeping tasks from going on.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// All that an error says, to whomever.
pub(crate) fn told(error: &Error) -> String {
    let params: Vec<String> = error.params().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{error}\n{error:?}\n{}\n{}\n{}", error.chain(), error.code(), params.join("\n"))
}

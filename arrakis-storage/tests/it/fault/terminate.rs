//! The store's sessions are ended by an administrator, one after the other, whatever they are doing.

use std::time::Duration;

use super::load::{Crowd, Load};
use super::{RECOVERY_MAX, draws, filled, number, options, own_connection, server, times};

/// How many sessions are ended.
const TERMINATIONS: usize = 500;
/// The most commits between two of them.
const BETWEEN_MAX: u64 = 4;
/// After how many the store is asked how long it takes to answer.
const ROUND: usize = 25;
/// Ends one session of the store, whichever: the one that writes, one that reads, keeps leases, tells or listens.
const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'arrakis' AND backend_type = 'client backend' ORDER BY random() LIMIT 1
) AS s";
/// Ends the session that writes or keeps leases or tells: those that may wait longest.
const TERMINATE_WRITER: &str = "SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'arrakis' AND usename IS NOT NULL AND query !~* '^\\s*select' ORDER BY random() LIMIT 1
) AS s";

/// Five hundred ended sessions under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ended_sessions_lose_nothing() {
    let Some(server) = server("ended_sessions_lose_nothing") else { return };
    let mut draws = draws("ended_sessions_lose_nothing");
    let store = filled(&server.url(), &options()).await;
    let mut load = Load::start(store, Crowd { writers: 6, readers: 3 }, &mut draws).await;
    let mut admin = own_connection(&server.url()).await;
    let (mut slowest, mut ended) = (Duration::ZERO, 0);
    while ended < times(TERMINATIONS) {
        load.goes_on(draws.u64(0..=BETWEEN_MAX)).await;
        let sql = if draws.bool() { TERMINATE } else { TERMINATE_WRITER };
        ended += usize::try_from(number(&mut admin, sql).await).unwrap();
        if ended % ROUND == 0 {
            slowest = slowest.max(load.recovers().await);
            load.verify_rows().await;
        }
    }
    println!("{ended} sessions ended; slowest recovery {slowest:?}");
    assert!(slowest <= RECOVERY_MAX, "{slowest:?}");
    load.end().await;
}

//! The server is killed and started again, and again.

use std::io::Write;
use std::time::Duration;

use super::load::{Crowd, Load};
use super::{RECOVERY_MAX, blocking, draws, filled, options, server, times};

/// How often the server is killed.
const KILLS: usize = 50;
/// The most commits between two kills.
const BETWEEN_MAX: u64 = 30;

/// Fifty kills under load: what was acknowledged is there, what was refused is not, and the store answers within five seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_server_loses_nothing() {
    let Some(mut server) = server("a_killed_server_loses_nothing") else { return };
    let mut draws = draws("a_killed_server_loses_nothing");
    // A killed process loses nothing it wrote: forcing each of a thousand files to the disk takes longer than all the rest.
    let settings = server.data().join("postgresql.auto.conf");
    let mut settings = std::fs::OpenOptions::new().append(true).open(settings).unwrap();
    writeln!(settings, "recovery_init_sync_method = syncfs").unwrap();
    let store = filled(&server.url(), &options()).await;
    let mut load = Load::start(store, Crowd { writers: 6, readers: 3 }, &mut draws).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..times(KILLS) {
        load.goes_on(draws.u64(1..=BETWEEN_MAX)).await;
        blocking(|| {
            server.kill();
            server.restart().unwrap();
        });
        slowest = slowest.max(load.recovers().await);
        load.verify_rows().await;
    }
    println!("{} kills; slowest recovery {slowest:?}", times(KILLS));
    assert!(slowest <= RECOVERY_MAX, "{slowest:?}");
    load.end().await;
}

//! The relay onto NATS: killed, wiped, unreachable.

use std::sync::Arc;
use std::time::Duration;

use arrakis_bus::{NatsBus, NatsOptions};
use arrakis_core::Env;
use arrakis_core::event::{EventBus, Start, SubscribeOptions};
use arrakis_core::relay::{BusSink, Relay};
use xtask::services::Nats;

use super::{Ledger, WAIT_MAX, Writer, options, relay_options, sqlite};

/// How often the server is killed and wiped.
const WIPES: u64 = 20;
/// How often it is killed and keeps what it has.
const KILLS: u64 = 6;
/// Commits between two of them.
const WRITES: u64 = 40;
const SUBJECTS: u64 = 6;
/// The longest one write may take while NATS is away: far above what a commit takes on a busy machine, far below any timeout of NATS.
const WRITE_MAX: Duration = Duration::from_secs(2);

async fn connect(url: &str) -> Arc<dyn EventBus> {
    let options = NatsOptions {
        ack_timeout: Duration::from_secs(2),
        member_ttl: Duration::from_secs(2),
        ..NatsOptions::new(url)
    };
    Arc::new(NatsBus::connect(Env::system(), options).await.unwrap())
}

fn folder(name: &str) -> std::path::PathBuf {
    std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}

async fn write(writer: &Writer, count: u64) {
    for subject in 0..count {
        tokio::time::timeout(WRITE_MAX, writer.write(&[subject % SUBJECTS])).await.expect("a write waits for no bus");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_that_is_killed_and_wiped_is_filled_again_from_the_log() {
    let Some(mut server) = Nats::start_or_skip(&folder("relay-wiped"), "a bus that is killed and wiped") else {
        return;
    };
    let store = sqlite();
    let writer = Writer::new(&store).await;
    let bus = connect(&server.url()).await;
    let sink = Arc::new(BusSink::new(connect(&server.url()).await, "it", "kernel"));
    let relay = Relay::start(store.clone(), sink, Env::system(), relay_options(3_000)).unwrap();
    let mut one = bus.subscribe(options("one")).await.unwrap();
    let mut ledger = Ledger::new();
    for round in 1..=WIPES {
        write(&writer, WRITES / 2).await;
        server.wipe().unwrap();
        write(&writer, WRITES / 2).await;
        ledger.hear(&mut *one, round * WRITES).await;
    }
    let counts = relay.counts();
    assert!(counts.rewinds > 0, "{counts:?}");
    // Who comes now is told everything as well, in order.
    let head = store.head().await.unwrap();
    tokio::time::timeout(WAIT_MAX, relay.told(head)).await.unwrap().unwrap();
    let mut late = bus.subscribe(SubscribeOptions { start: Start::Oldest, ..options("late") }).await.unwrap();
    Ledger::new().hear(&mut *late, WIPES * WRITES).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_that_is_killed_loses_and_reorders_nothing() {
    let Some(mut server) = Nats::start_or_skip(&folder("relay-killed"), "a bus that is killed") else { return };
    let store = sqlite();
    let writer = Writer::new(&store).await;
    let bus = connect(&server.url()).await;
    let sink = Arc::new(BusSink::new(connect(&server.url()).await, "it", "kernel"));
    let relay = Relay::start(store.clone(), sink, Env::system(), relay_options(3_000)).unwrap();
    let mut one = bus.subscribe(options("one")).await.unwrap();
    let mut ledger = Ledger::new();
    for round in 1..=KILLS {
        write(&writer, WRITES / 2).await;
        server.kill();
        write(&writer, WRITES / 2).await;
        server.restart().unwrap();
        ledger.hear(&mut *one, round * WRITES).await;
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_bus_is_away_writes_go_on_and_are_told_later() {
    let Some(mut server) = Nats::start_or_skip(&folder("relay-away"), "a bus that is away") else { return };
    let store = sqlite();
    let writer = Writer::new(&store).await;
    let bus = connect(&server.url()).await;
    let sink = Arc::new(BusSink::new(connect(&server.url()).await, "it", "kernel"));
    let relay = Relay::start(store.clone(), sink, Env::system(), relay_options(3_000)).unwrap();
    let mut one = bus.subscribe(options("one")).await.unwrap();
    let mut ledger = Ledger::new();
    write(&writer, WRITES).await;
    ledger.hear(&mut *one, WRITES).await;
    for (round, pauses, away) in [(1, true, 5), (2, false, 60)] {
        if pauses {
            server.pause();
        } else {
            server.kill();
        }
        let env = Env::system();
        let until = env.monotonic() + Duration::from_secs(away);
        // What is written meanwhile is told afterwards: a minute of it at some pace.
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        let mut written = 0;
        while env.monotonic() < until {
            write(&writer, 1).await;
            written += 1;
            pace.tick().await;
        }
        if pauses {
            server.resume();
        } else {
            server.restart().unwrap();
        }
        assert!(written > 20, "round {round}: {written}");
        let effects = ledger.effects + written;
        ledger.hear(&mut *one, effects).await;
    }
    relay.stop().await;
}

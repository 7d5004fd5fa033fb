//! The relay onto the bus of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arrakis_bus::{InProcessBus, InProcessOptions};
use arrakis_core::event::EventBus;
use arrakis_core::relay::{BusSink, Relay, RelayOptions, RelayStatus, Sink};
use arrakis_core::{Env, Error, LogEntry, Result, Seq};
use async_trait::async_trait;

use super::{Ledger, WAIT_MAX, Writer, memory, options, relay_options, sqlite};

/// A sink that fails when told to, and can lose what it holds.
#[derive(Debug)]
struct Fickle {
    inner: BusSink,
    fails: AtomicBool,
    held: AtomicU64,
    /// The newest entry delivered; an entry told out of order fails the test.
    last: AtomicU64,
}

impl Fickle {
    fn new(bus: &Arc<dyn EventBus>) -> Arc<Self> {
        let inner = BusSink::new(Arc::clone(bus), "it", "kernel");
        let (fails, held, last) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { inner, fails, held, last })
    }
}

#[async_trait]
impl Sink for Fickle {
    async fn position(&self) -> Result<Option<Seq>> {
        Ok(Some(Seq(self.held.load(Ordering::SeqCst))))
    }

    async fn deliver(&self, entries: &[LogEntry]) -> Result<()> {
        let last = self.last.load(Ordering::SeqCst);
        assert!(entries[0].seq.0 <= last + 1, "entries after {last} were left out: {}", entries[0].seq);
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::unavailable("fickle", "not now"));
        }
        self.inner.deliver(entries).await?;
        self.last.store(entries[entries.len() - 1].seq.0, Ordering::SeqCst);
        Ok(())
    }

    async fn mark(&self, to: Seq) -> Result<()> {
        self.held.store(to.0, Ordering::SeqCst);
        Ok(())
    }
}

fn bus() -> Arc<dyn EventBus> {
    Arc::new(InProcessBus::new(Env::system(), InProcessOptions::default()))
}

async fn told(relay: &Relay, seq: Seq) {
    tokio::time::timeout(WAIT_MAX, relay.told(seq)).await.expect("told in time").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_is_told_in_order() {
    for store in [memory(), sqlite()] {
        let (writer, bus) = (Writer::new(&store).await, bus());
        let sink = Arc::new(BusSink::new(Arc::clone(&bus), "it", "kernel"));
        let mut one = bus.subscribe(options("one")).await.unwrap();
        let relay = Relay::start(store.clone(), sink, Env::system(), relay_options(2_000)).unwrap();
        for round in 0..50 {
            writer.write(&[round % 3, round % 7]).await;
        }
        let mut ledger = Ledger::new();
        ledger.hear(&mut *one, 100).await;
        relay.stop().await;
        let status = RelayStatus::of(&*store).await.unwrap().remove(0);
        assert_eq!((status.backlog(), status.holder, status.oldest_at), (0, None, None));
        assert_eq!((ledger.repeated, status.cursor), (0, store.head().await.unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_fails_delays_no_write_and_is_told_later() {
    let store = sqlite();
    let (writer, bus) = (Writer::new(&store).await, bus());
    let sink = Fickle::new(&bus);
    sink.fails.store(true, Ordering::SeqCst);
    let mut one = bus.subscribe(options("one")).await.unwrap();
    let relay =
        Relay::start(store.clone(), Arc::clone(&sink) as Arc<dyn Sink>, Env::system(), relay_options(2_000)).unwrap();
    for subject in 0..40 {
        writer.write(&[subject % 4]).await;
    }
    let waiting = async {
        while relay.counts().failures < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WAIT_MAX, waiting).await.unwrap();
    let counts = relay.counts();
    assert_eq!((counts.delivered, counts.failing.as_deref()), (0, Some("fickle")));
    let status = RelayStatus::of(&*store).await.unwrap().remove(0);
    assert_eq!((status.cursor, status.backlog()), (Seq(0), store.head().await.unwrap().0));
    assert!(status.age(Env::system().now()) > Duration::ZERO);
    sink.fails.store(false, Ordering::SeqCst);
    Ledger::new().hear(&mut *one, 40).await;
    told(&relay, store.head().await.unwrap()).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_lost_what_it_held_is_told_again() {
    let store = memory();
    let (writer, bus) = (Writer::new(&store).await, bus());
    let sink = Fickle::new(&bus);
    let start = || {
        Relay::start(store.clone(), Arc::clone(&sink) as Arc<dyn Sink>, Env::system(), relay_options(2_000)).unwrap()
    };
    let relay = start();
    for subject in 0..20 {
        writer.write(&[subject % 4]).await;
    }
    let head = store.head().await.unwrap();
    told(&relay, head).await;
    relay.stop().await;
    sink.held.store(5, Ordering::SeqCst);
    let relay = start();
    told(&relay, head).await;
    let counts = relay.counts();
    assert_eq!((counts.rewinds, counts.delivered), (1, head.0 - 5));
    relay.stop().await;
    assert_eq!(store.cursors().await.unwrap()[0].cursor, head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_take_turns_and_lose_nothing() {
    const ROUNDS: u64 = 12;
    const WRITES: u64 = 20;
    let store = sqlite();
    let (writer, bus) = (Writer::new(&store).await, bus());
    let mut one = bus.subscribe(options("one")).await.unwrap();
    let start = || {
        let sink = Arc::new(BusSink::new(Arc::clone(&bus), "it", "kernel"));
        Relay::start(store.clone(), sink, Env::system(), relay_options(150)).unwrap()
    };
    let mut replicas = vec![start(), start()];
    for round in 0..ROUNDS {
        for subject in 0..WRITES {
            writer.write(&[subject % 5]).await;
        }
        // One goes, in an orderly way or as a crash would have it, and another comes.
        let gone = replicas.remove(0);
        if round % 2 == 0 {
            gone.stop().await;
        } else {
            drop(gone);
        }
        replicas.push(start());
    }
    let mut ledger = Ledger::new();
    ledger.hear(&mut *one, ROUNDS * WRITES).await;
    for replica in replicas {
        replica.stop().await;
    }
    let status = RelayStatus::of(&*store).await.unwrap().remove(0);
    assert_eq!(status.backlog(), 0);
    assert!(status.epoch > 2, "{status:?}");
}

#[tokio::test]
async fn bad_options_are_refused() {
    let (store, bus) = (memory(), bus());
    let start = |options: RelayOptions| {
        let sink = Arc::new(BusSink::new(Arc::clone(&bus), "it", "kernel"));
        Relay::start(store.clone(), sink, Env::system(), options).unwrap_err().code().to_owned()
    };
    let good = || relay_options(1_000);
    assert_eq!(start(RelayOptions { name: String::new(), ..good() }), "relay.name.malformed");
    assert_eq!(start(RelayOptions { lease_ttl: Duration::ZERO, ..good() }), "relay.lease.ttl");
    for page_len_max in [0, 10_001] {
        assert_eq!(start(RelayOptions { page_len_max, ..good() }), "relay.page.limit");
    }
}

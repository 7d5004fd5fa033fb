//! From the log to JetStream, beside publishing the same messages.

use std::sync::Arc;

use arrakis::{BusSink, Env, NatsBus, NatsOptions, PgStore, Relay, RelayOptions, Seq, Sink};
use arrakis_core::event::{CloudEvent, subject};
use arrakis_core::relay::{LEASE_TTL_MAX, RELAY_PAGE_LEN_MAX, RelayStore};
use arrakis_core::{CommitLog, LogEntry};
use async_nats::HeaderMap;
use async_nats::jetstream;
use futures_util::stream::{self, StreamExt};

use crate::table::Measured;
use crate::turns::{Bound, median, of_one, timed};

/// How many entries are told at a time.
pub(crate) const ENTRIES: usize = 20_000;
/// How often each side does it, on a stream of its own.
const TURNS: usize = 5;
/// The most messages sent and not acknowledged, on either side.
const WINDOW: usize = 512;

/// Entries of the log, a page at a time, as the relay reads them.
async fn pages(store: &dyn RelayStore, after: Seq) -> Vec<Vec<LogEntry>> {
    let (mut after, mut count, mut pages) = (after, 0, Vec::new());
    while count < ENTRIES {
        let page = store.log(after, RELAY_PAGE_LEN_MAX).await.expect("it is read").entries;
        after = page.last().expect("there are more").seq;
        count += page.len();
        pages.push(page);
    }
    pages
}

async fn ours(store: &Arc<PgStore>, after: Seq, url: &str, turn: usize) -> f64 {
    let name = format!("ours{turn}");
    let options = NatsOptions { stream: name.clone(), prefix: name.clone(), window: WINDOW, ..NatsOptions::new(url) };
    let bus = NatsBus::connect(Env::system(), options).await.expect("it connects");
    let sink = BusSink::new(Arc::new(bus), "bench", "bench");
    // Both the sink and the cursor hold what came before.
    sink.mark(after).await.expect("it is noted");
    let lease = store.acquire(&name, "bench", LEASE_TTL_MAX).await.expect("it is asked for").expect("it is free");
    store.advance(&lease, after).await.expect("it is moved");
    store.release(&lease).await.expect("it is given back");
    let head = store.head().await.expect("it is read");
    let options = RelayOptions::new(name, &Env::system());
    let relay = Relay::start(Arc::clone(store) as _, Arc::new(sink), Env::system(), options).expect("it starts");
    let took = timed(async || relay.told(head).await.expect("it is told")).await;
    assert_eq!(relay.counts().rewinds, 0, "nothing was told twice");
    relay.stop().await;
    of_one(took, ENTRIES)
}

async fn raw(entries: &[Vec<LogEntry>], url: &str, turn: usize) -> f64 {
    let prefix = format!("raw{turn}");
    // The stream is as that of the other side.
    let options = NatsOptions { stream: prefix.clone(), prefix: prefix.clone(), ..NatsOptions::new(url) };
    NatsBus::connect(Env::system(), options).await.expect("it makes the stream");
    let client = async_nats::connect(url).await.expect("it connects");
    let context = jetstream::new(client);
    let events = entries.iter().flatten().flat_map(|entry| CloudEvent::of_entry("bench", entry));
    let message = |event: CloudEvent| {
        let mut headers = HeaderMap::new();
        for (name, value) in event.headers() {
            headers.insert(name, value);
        }
        headers.insert("Nats-Msg-Id", format!("{}{}", event.source, event.id));
        (subject::of_event(&prefix, &event), headers, event.body())
    };
    let messages: Vec<_> = events.map(message).collect();
    let count = messages.len();
    let took = timed(async || {
        let sends = messages.into_iter().map(|(subject, headers, body)| {
            let context = &context;
            async move {
                let sent = context.publish_with_headers(subject, headers, body.into()).await.expect("it is sent");
                sent.await.expect("it is acknowledged");
            }
        });
        stream::iter(sends).buffer_unordered(WINDOW).for_each(async |()| {}).await;
    });
    let took = took.await;
    assert!(count >= ENTRIES, "an event each at least: {count}");
    of_one(took, ENTRIES)
}

pub(crate) async fn measure(store: &Arc<PgStore>, after: Seq, url: &str) -> Measured {
    let entries = pages(&**store, after).await;
    let (mut raw_ns, mut ours_ns) = (Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let (raw, ours) = (raw(&entries, url, turn).await, ours(store, after, url, turn).await);
        if turn > 0 {
            raw_ns.push(raw);
            ours_ns.push(ours);
        }
    }
    Bound::rate("log to JetStream, beside pipelined publishing", 1.0 / 0.7).of(median(raw_ns), median(ours_ns))
}

//! The task that reads the log and tells the sink.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Span;

use super::{Lease, RELAY_PAGE_LEN_MAX, RelayCounts, RelayStore, Sink};
use crate::metric;
use crate::telemetry::follow;
use crate::{Env, Error, LogEntry, LogPage, Result, Seq};

/// The shortest and the longest time before something that failed is tried again; doubled from one failure to the next.
const RETRY_MIN: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// The longest one wait for a commit.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// How often the cursor is moved while there is always more to tell: what is told again after a crash is what was told since.
const ADVANCE_EVERY: Duration = Duration::from_millis(200);
/// How long [`Relay::stop`] waits for the page in flight.
const STOP_WAIT_MAX: Duration = Duration::from_secs(10);

/// How a relay works.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    /// The cursor's name: one for each sink.
    pub name: String,
    /// Who this is, different for each process.
    pub holder: String,
    /// How long a lease lasts; it is renewed three times as often. What is left of it is waited for when a process ends without giving
    /// it back.
    pub lease_ttl: Duration,
    /// The most entries told at a time, at least 1 and at most [`RELAY_PAGE_LEN_MAX`].
    pub page_len_max: u32,
}

impl RelayOptions {
    /// A relay with leases of 10 s and pages of 4,096 entries, as a holder nobody else is.
    pub fn new(name: impl Into<String>, env: &Env) -> Self {
        Self {
            name: name.into(),
            holder: env.uuid().to_string(),
            lease_ttl: Duration::from_secs(10),
            page_len_max: 4_096,
        }
    }
}

/// Tells a sink of a store's log, from a cursor of the store on, as long as it lives.
///
/// One of any number of relays with one name tells; the others wait for its lease. Nothing a sink does makes a write wait or fail: a
/// sink that cannot be told is told later.
#[derive(Debug)]
pub struct Relay {
    stop: watch::Sender<bool>,
    counts: watch::Receiver<RelayCounts>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts one on the current runtime.
    ///
    /// # Errors
    /// `relay.name.malformed`, `relay.lease.ttl`, `relay.page.limit`.
    pub fn start(store: Arc<dyn RelayStore>, sink: Arc<dyn Sink>, env: Env, options: RelayOptions) -> Result<Self> {
        super::check_lease(&options.name, &options.holder, options.lease_ttl)?;
        if options.page_len_max == 0 || options.page_len_max > RELAY_PAGE_LEN_MAX {
            return Err(Error::invalid("relay.page.limit", "a page has 1 to 10000 entries")
                .with("page_len_max", RELAY_PAGE_LEN_MAX));
        }
        let (stop, stopped) = watch::channel(false);
        let (told, counts) = watch::channel(RelayCounts::default());
        let work = Work { store, sink, env, options, stopped, counts: told };
        let task = tokio::runtime::Handle::current().spawn(work.run());
        Ok(Self { stop, counts, task })
    }

    /// What it did so far.
    pub fn counts(&self) -> RelayCounts {
        self.counts.borrow().clone()
    }

    /// Waits until the sink answered for an entry.
    ///
    /// # Errors
    /// `relay.stopped` when it ended before.
    pub async fn told(&self, seq: Seq) -> Result<()> {
        let mut counts = self.counts.clone();
        let told = counts.wait_for(|counts| counts.told >= seq).await;
        told.map(drop).map_err(|_| Error::unavailable("relay.stopped", "the relay has ended"))
    }

    /// Ends it: what is being told is told to its end, if that takes no longer than 10 s, the cursor is moved and the lease given back.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // What takes longer is given up, and told again by whoever comes next.
        let _ = tokio::time::timeout(STOP_WAIT_MAX, &mut self.task).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the task works with.
struct Work {
    store: Arc<dyn RelayStore>,
    sink: Arc<dyn Sink>,
    env: Env,
    options: RelayOptions,
    stopped: watch::Receiver<bool>,
    counts: watch::Sender<RelayCounts>,
}

/// How far one holder is.
struct Progress {
    /// The newest entry the sink answered for.
    told: Seq,
    /// Where the cursor is.
    advanced: Seq,
    advanced_at: Duration,
}

impl Work {
    async fn run(self) {
        let mut failures = 0;
        while !self.is_stopped() {
            match self.turn(&mut failures).await {
                Ok(()) => {}
                Err(error) => {
                    failures += 1;
                    let first = self.failed(&error);
                    if first {
                        tracing::warn!(name = self.options.name, code = error.code(), "relay: {}", error.chain());
                    }
                    self.pause(retry_after(failures)).await;
                }
            }
        }
    }

    /// Takes the lease if it can, and tells until it is lost, something fails or the relay is stopped.
    async fn turn(&self, failures: &mut u32) -> Result<()> {
        let RelayOptions { name, holder, lease_ttl, .. } = &self.options;
        let Some(lease) = self.store.acquire(name, holder, *lease_ttl).await? else {
            self.pause(*lease_ttl / 3).await;
            return Ok(());
        };
        self.counts.send_modify(|counts| counts.is_leading = true);
        let result = first(self.keep(&lease), self.lead(&lease, failures)).await;
        self.counts.send_modify(|counts| counts.is_leading = false);
        // Who comes next need not wait for its end; when this fails it does.
        let released = self.store.release(&lease).await;
        result.and(released)
    }

    /// Renews the lease until that fails. What is told under it stops then, before it is over by the store's clock.
    async fn keep(&self, lease: &Lease) -> Result<()> {
        let ttl = self.options.lease_ttl;
        loop {
            tokio::time::sleep(ttl / 3).await;
            match tokio::time::timeout(ttl / 3, self.store.renew(lease, ttl)).await {
                Ok(renewed) => renewed?,
                Err(_) => return Err(super::lease_lost(lease)),
            }
        }
    }

    /// Tells what follows the cursor, or what the sink lost, page by page.
    async fn lead(&self, lease: &Lease, failures: &mut u32) -> Result<()> {
        let mut progress = self.begin(lease).await?;
        let mut page = self.store.log(progress.told, self.options.page_len_max).await?;
        while !self.is_stopped() {
            let Some(last) = page.entries.last().map(|entry| entry.seq) else {
                self.advance(lease, &mut progress).await?;
                self.unless_stopped(self.store.wait(progress.told, WAIT_MAX)).await.transpose()?;
                self.counts.send_if_modified(|counts| counts.failing.take().is_some());
                page = self.store.log(progress.told, self.options.page_len_max).await?;
                continue;
            };
            let next: Result<LogPage>;
            ((), next) = both(self.deliver(&page, last), self.store.log(last, self.options.page_len_max)).await?;
            *failures = 0;
            progress.told = last;
            if self.env.monotonic().saturating_sub(progress.advanced_at) >= ADVANCE_EVERY {
                self.advance(lease, &mut progress).await?;
            }
            page = next?;
        }
        self.advance(lease, &mut progress).await
    }

    /// Finds where to begin: at the cursor, or before it when the sink holds less.
    async fn begin(&self, lease: &Lease) -> Result<Progress> {
        let held = self.sink.position().await?;
        let from = held.map_or(lease.cursor, |held| held.min(lease.cursor));
        if from < lease.cursor {
            tracing::warn!(
                name = self.options.name,
                cursor = lease.cursor.0,
                held = from.0,
                "relay: the sink lost entries"
            );
            self.counts.send_modify(|counts| counts.rewinds += 1);
            self.store.advance(lease, from).await?;
        }
        self.counts.send_modify(|counts| counts.told = from);
        Ok(Progress { told: from, advanced: from, advanced_at: self.env.monotonic() })
    }

    async fn deliver(&self, page: &LogPage, last: Seq) -> Result<()> {
        // As long as these are told, in the trace of each.
        let spans = page.entries.iter().filter_map(|entry| Some((entry, entry.audit.trace.as_deref()?)));
        let spans: Vec<_> = spans.map(|(entry, trace)| self.span(entry, trace)).collect();
        self.sink.deliver(&page.entries).await?;
        drop(spans);
        self.tell(page, last);
        self.counts.send_modify(|counts| {
            counts.delivered += u64::try_from(page.entries.len()).unwrap_or(u64::MAX);
            counts.told = last;
            counts.failing = None;
        });
        Ok(())
    }

    fn span(&self, entry: &LogEntry, trace: &str) -> Span {
        let span =
            tracing::info_span!("relay.deliver", otel.kind = "producer", relay = self.options.name, seq = entry.seq.0);
        follow(&span, Some(trace));
        span
    }

    /// Tells in numbers how far it is.
    fn tell(&self, page: &LogPage, last: Seq) {
        let relay = self.options.name.as_str();
        let backlog = page.head.0.saturating_sub(last.0);
        let newest = page.entries.last().map_or(0, |entry| self.env.now().micros().saturating_sub(entry.at.micros()));
        let lag_seconds = Duration::from_micros(u64::try_from(newest).unwrap_or(0)).as_secs_f64();
        metric!(monotonic_counter.ark_relay_delivered = page.entries.len() as u64, relay);
        metric!(gauge.ark_relay_backlog = backlog, relay);
        metric!(histogram.ark_relay_lag_seconds = lag_seconds, relay);
    }

    /// Moves the cursor behind what the sink answered for: first the sink notes it, so that it never knows less than the cursor says.
    async fn advance(&self, lease: &Lease, progress: &mut Progress) -> Result<()> {
        if progress.advanced < progress.told {
            self.sink.mark(progress.told).await?;
            self.store.advance(lease, progress.told).await?;
            progress.advanced = progress.told;
        }
        progress.advanced_at = self.env.monotonic();
        Ok(())
    }

    /// Notes a failure; answers whether it is another than the one before.
    fn failed(&self, error: &Error) -> bool {
        let mut is_new = false;
        metric!(monotonic_counter.ark_relay_failures = 1_u64, relay = self.options.name);
        self.counts.send_modify(|counts| {
            is_new = counts.failing.as_deref() != Some(error.code());
            counts.failures += 1;
            counts.failing = Some(error.code().to_owned());
        });
        is_new
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    async fn pause(&self, duration: Duration) {
        self.unless_stopped(tokio::time::sleep(duration)).await;
    }

    /// Waits for something, but no longer than until the relay is stopped.
    async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        let mut stopped = self.stopped.clone();
        let stopped = async move {
            // It is told before whoever tells is dropped.
            let _ = stopped.wait_for(|stopped| *stopped).await;
            None
        };
        first(async { Some(wait.await) }, stopped).await
    }
}

fn retry_after(failures: u32) -> Duration {
    RETRY_MIN.saturating_mul(1_u32 << failures.saturating_sub(1).min(16)).min(RETRY_MAX)
}

/// Waits for the first of two futures, and drops the other.
async fn first<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|cx| match one.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(done),
        Poll::Pending => other.as_mut().poll(cx),
    })
    .await
}

/// Waits for two futures; an error of the first ends the wait.
async fn both<T, U>(one: impl Future<Output = Result<T>>, other: impl Future<Output = U>) -> Result<(T, U)> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(move |cx| {
        if first.is_none()
            && let Poll::Ready(done) = one.as_mut().poll(cx)
        {
            match done {
                Ok(done) => first = Some(done),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if second.is_none()
            && let Poll::Ready(done) = other.as_mut().poll(cx)
        {
            second = Some(done);
        }
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => Poll::Ready(Ok((first, second))),
            (one, other) => {
                (first, second) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}

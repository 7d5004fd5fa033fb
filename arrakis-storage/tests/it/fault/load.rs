//! Writers, readers and a follower that go on while a store's server or network fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrakis_core::kernel::ObjectStore;
use arrakis_core::kernel::plan::Rel;
use arrakis_core::relay::{LEASE_TTL_MAX, Lease, RelayStore};
use arrakis_core::testing::Fixture;
use arrakis_core::{Commit, CommitLog, Committer, Env, Error, ErrorKind, Key, Outcome, Receipt, Seq};
use arrakis_storage::PgStore;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ledger::{Ledger, TYPE, score};

/// How many keys a writer has, all its own.
const KEYS: usize = 12;
/// How long a reader pauses after a read failed, unless a commit succeeds before.
const READER_PAUSE: Duration = Duration::from_millis(100);
/// How long a follower waits, and a probe after it failed.
const STEP: Duration = Duration::from_millis(20);
/// One in so many commits is asked for again, and one in so many is one that must be refused.
const ONE_IN: usize = 8;
/// What a store may answer while its server or network fails.
const PASSING: [&str; 4] = ["store.unreachable", "store.busy", "store.timeout", "store.connections"];

/// Who works on a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    pub(crate) writers: usize,
    pub(crate) readers: usize,
}

/// A store under load.
pub(crate) struct Load {
    pub(crate) store: Arc<PgStore>,
    pub(crate) fixture: Arc<Fixture>,
    pub(crate) ledger: Arc<Ledger>,
    committer: Committer,
    baseline: Seq,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
    env: Env,
}

#[derive(Clone)]
struct Part {
    store: Arc<PgStore>,
    fixture: Arc<Fixture>,
    ledger: Arc<Ledger>,
    committer: Committer,
    stop: Arc<AtomicBool>,
}

/// Asserts that an error is one of a server or a network that fails, whatever it does otherwise.
pub(crate) fn passing(error: &Error) {
    let is_passing = error.kind() == ErrorKind::Unavailable && PASSING.contains(&error.code()) && error.is_retryable();
    assert!(is_passing, "{error:?}");
}

impl Load {
    /// Starts the load on a store with the suites' ontology in it.
    pub(crate) async fn start(
        (store, fixture): (Arc<PgStore>, Arc<Fixture>),
        crowd: Crowd,
        draws: &mut fastrand::Rng,
    ) -> Self {
        let committer = Committer::start(Arc::clone(&store) as Arc<dyn CommitLog>);
        let (ledger, stop) = (Arc::new(Ledger::default()), Arc::new(AtomicBool::new(false)));
        let baseline = store.head().await.unwrap();
        let part = Part {
            store: Arc::clone(&store),
            fixture: Arc::clone(&fixture),
            ledger: Arc::clone(&ledger),
            committer: committer.clone(),
            stop: Arc::clone(&stop),
        };
        let lease = store.acquire("follower", "load", LEASE_TTL_MAX).await.unwrap().expect("nobody holds it");
        let mut tasks = JoinSet::new();
        for writer in 0..crowd.writers {
            tasks.spawn_on(part.clone().write(writer, draws.fork()), &Handle::current());
        }
        for _ in 0..crowd.readers {
            tasks.spawn_on(part.clone().read(crowd.writers, draws.fork()), &Handle::current());
        }
        tasks.spawn_on(part.follow(lease), &Handle::current());
        Self { store, fixture, ledger, committer, baseline, stop, tasks, env: Env::system() }
    }

    /// The newest commit that was acknowledged.
    pub(crate) fn seen(&self) -> watch::Receiver<Seq> {
        self.committer.seen()
    }

    /// Waits until so many more commits were acknowledged.
    pub(crate) async fn goes_on(&mut self, commits: u64) {
        let mut seen = self.seen();
        let wanted = Seq(seen.borrow().0 + commits);
        let reached = async { seen.wait_for(|seen| *seen >= wanted).await.map(drop) };
        let failed = async {
            let ended = self.tasks.join_next().await;
            panic!("a task of the load ended: {:?}", ended.map(|end| end.map_err(|e| e.to_string())));
        };
        let reached = tokio::time::timeout(super::EVENTUALLY, async {
            tokio::select! { reached = reached => reached.unwrap(), () = failed => {} }
        });
        assert!(reached.await.is_ok(), "no commit is acknowledged any more; {}", self.ledger.summary());
    }

    /// How long it takes until a commit and a read are answered.
    pub(crate) async fn recovers(&self) -> Duration {
        let start = self.env.monotonic();
        let value = self.ledger.bounds("probe").issued + 1;
        let commit = Commit::from(self.fixture.draft(self.fixture.own).upsert(TYPE, team("probe", value)));
        let (id, mut seen) = (commit.id, self.seen());
        self.ledger.issued("probe", value);
        let receipt = loop {
            match self.committer.commit(commit.clone()).await {
                Ok(receipt) => break receipt,
                Err(error) => passing(&error),
            }
            let _ = tokio::time::timeout(STEP, seen.changed()).await;
        };
        self.ledger.acknowledged(id, receipt.seq, "probe", value);
        while let Err(error) =
            self.store.objects(self.fixture.own, self.fixture.object_type(TYPE), &[Key::from("probe")], None).await
        {
            passing(&error);
            let _ = tokio::time::timeout(STEP, seen.changed()).await;
        }
        self.env.monotonic().saturating_sub(start)
    }

    /// Holds every row against what was acknowledged, while the load goes on.
    pub(crate) async fn verify_rows(&self) {
        self.ledger.verify_rows(&self.store, &self.fixture).await;
    }

    /// Ends the load, and holds everything against what was acknowledged.
    pub(crate) async fn end(mut self) -> (Arc<PgStore>, Arc<Fixture>) {
        self.stop.store(true, Ordering::Release);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        println!("{}", self.ledger.summary());
        self.ledger.verify(&self.store, &self.fixture, self.baseline).await;
        (self.store, self.fixture)
    }
}

fn team(key: &str, value: i64) -> serde_json::Value {
    json!({ "code": key, "title": key, "score": value })
}

impl Part {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Acquire)
    }

    /// Writes one value after another, each until it is known what became of it.
    async fn write(self, writer: usize, mut draws: fastrand::Rng) {
        let mut value = 0;
        while self.goes_on() {
            value += 1;
            let key = format!("w{writer}-{}", draws.usize(..KEYS));
            self.ledger.issued(&key, value);
            let commit = Commit::from(self.fixture.draft(self.fixture.own).upsert(TYPE, team(&key, value)));
            let Some(receipt) = self.answered(&commit, &mut draws).await else {
                self.ledger.refused(commit.id, Some((&key, value)));
                continue;
            };
            self.ledger.acknowledged(commit.id, receipt.seq, &key, value);
            match draws.usize(..ONE_IN) {
                0 => self.again(&commit, receipt).await,
                1 => self.in_vain(&key).await,
                _ => {}
            }
        }
    }

    /// Asks until the answer is certain; `None` for not applied, which is asked for again as often as it is taken for an answer.
    async fn answered(&self, commit: &Commit, draws: &mut fastrand::Rng) -> Option<Receipt> {
        loop {
            match self.committer.commit(commit.clone()).await {
                Ok(receipt) => return Some(receipt),
                Err(error) => {
                    passing(&error);
                    match error.outcome() {
                        Outcome::Unknown => self.ledger.unknown(),
                        Outcome::NotApplied if draws.bool() => return None,
                        Outcome::NotApplied => {}
                    }
                }
            }
        }
    }

    /// The same id has the same answer.
    async fn again(&self, commit: &Commit, first: Receipt) {
        match self.committer.commit(commit.clone()).await {
            Ok(again) => {
                assert_eq!((again.seq, again.replayed), (first.seq, true), "I6");
                self.ledger.replayed();
            }
            Err(error) => passing(&error),
        }
    }

    /// What is refused is not there afterwards.
    async fn in_vain(&self, key: &str) {
        let commit = Commit::from(self.fixture.draft(self.fixture.own).create(TYPE, team(key, -1)));
        let id = commit.id;
        let error = self.committer.commit(commit).await.unwrap_err();
        if error.code() != "kernel.object.exists" {
            passing(&error);
        }
        self.ledger.refused(id, Some((key, -1)));
    }

    async fn read(self, writers: usize, mut draws: fastrand::Rng) {
        let ask = self.fixture.ask(TYPE, Rel::All).limit(10_000);
        let mut seen = self.committer.seen();
        while self.goes_on() {
            let key = format!("w{}-{}", draws.usize(..writers), draws.usize(..KEYS));
            let before = self.ledger.bounds(&key);
            let value = if draws.usize(..ONE_IN) == 0 {
                self.store.query(self.fixture.own, &ask.plan).await.map(|found| {
                    let object = found.value.objects.into_iter().find(|object| object.key == Key::from(&*key));
                    object.map(|object| score(object.properties.get("score")))
                })
            } else {
                let of = self.fixture.object_type(TYPE);
                let found = self.store.objects(self.fixture.own, of, &[Key::from(&*key)], None).await;
                found.map(|found| Some(score(found.value[0].as_ref()?.properties.get("score"))))
            };
            match value {
                Ok(value) => self.ledger.saw(&key, value.unwrap_or_default(), before),
                Err(error) => {
                    passing(&error);
                    self.ledger.read_failed();
                    let _ = tokio::time::timeout(READER_PAUSE, seen.changed()).await;
                }
            }
        }
    }

    /// Reads the log as it grows and moves its cursor along, each entry once and in order.
    async fn follow(self, lease: Lease) {
        let mut after = lease.cursor;
        while self.goes_on() {
            let page = match self.store.wait(after, STEP).await {
                Ok(head) if head <= after => continue,
                Ok(_) => self.store.log(after, 1_000).await,
                Err(error) => Err(error),
            };
            let moved = match page {
                Ok(page) => {
                    for entry in &page.entries {
                        assert_eq!(entry.seq, after.next(), "the follower misses nothing and sees nothing twice");
                        after = entry.seq;
                    }
                    match self.store.advance(&lease, after).await {
                        Ok(()) => self.store.renew(&lease, LEASE_TTL_MAX).await,
                        error => error,
                    }
                }
                Err(error) => Err(error),
            };
            if let Err(error) = moved {
                passing(&error);
                let _ = tokio::time::timeout(READER_PAUSE, self.committer.seen().changed()).await;
            }
        }
    }
}

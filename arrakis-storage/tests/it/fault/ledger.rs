//! What writers were told, and whether the store agrees.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrakis_core::kernel::ObjectStore;
use arrakis_core::kernel::plan::{HistoryPlan, HistorySubject};
use arrakis_core::relay::RelayStore;
use arrakis_core::testing::Fixture;
use arrakis_core::{CommitId, CommitLog, Effect, Key, LogEntry, Seq, Value};
use arrakis_storage::PgStore;

/// The type that is written.
pub(crate) const TYPE: &str = "Team";
/// How much of the log is read at once.
const PAGE: u32 = 5_000;

/// What became of one value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// The newest that was acknowledged.
    pub(crate) acknowledged: i64,
    /// The newest that was handed over.
    pub(crate) issued: i64,
}

#[derive(Debug, Default)]
struct State {
    bounds: HashMap<String, Bounds>,
    acknowledged: HashMap<CommitId, (Seq, String, i64)>,
    refused: HashSet<CommitId>,
    refused_values: HashSet<(String, i64)>,
    seen: HashSet<(String, i64)>,
    unknown: usize,
    read_failures: usize,
    replays: usize,
}

/// What writers were told and readers saw.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<State>);

impl Ledger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn issued(&self, key: &str, value: i64) {
        self.state().bounds.entry(key.to_owned()).or_default().issued = value;
    }

    /// A commit was acknowledged. Twice is as good as once when both say the same.
    pub(crate) fn acknowledged(&self, commit: CommitId, seq: Seq, key: &str, value: i64) {
        let mut state = self.state();
        state.bounds.entry(key.to_owned()).or_default().acknowledged = value;
        let before = state.acknowledged.insert(commit, (seq, key.to_owned(), value));
        assert!(before.is_none(), "a writer acknowledges each commit once");
    }

    /// A commit was refused for good: nobody asks for it again.
    pub(crate) fn refused(&self, commit: CommitId, value: Option<(&str, i64)>) {
        let mut state = self.state();
        state.refused.insert(commit);
        state.refused_values.extend(value.map(|(key, value)| (key.to_owned(), value)));
    }

    pub(crate) fn unknown(&self) {
        self.state().unknown += 1;
    }

    pub(crate) fn replayed(&self) {
        self.state().replays += 1;
    }

    pub(crate) fn read_failed(&self) {
        self.state().read_failures += 1;
    }

    pub(crate) fn bounds(&self, key: &str) -> Bounds {
        self.state().bounds.get(key).copied().unwrap_or_default()
    }

    /// A reader saw a value, which began to look when the bounds were these.
    pub(crate) fn saw(&self, key: &str, value: i64, before: Bounds) {
        let issued = self.bounds(key).issued;
        assert!(before.acknowledged <= value && value <= issued, "I1: {key} is {value}, {before:?}, {issued}");
        self.state().seen.insert((key.to_owned(), value));
    }

    pub(crate) fn summary(&self) -> String {
        let state = self.state();
        format!(
            "{} acknowledged, {} refused, {} unknown and asked again, {} replays, {} values read, {} reads failed",
            state.acknowledged.len(),
            state.refused.len(),
            state.unknown,
            state.replays,
            state.seen.len(),
            state.read_failures
        )
    }

    /// Holds the ledger against the whole log and every row.
    pub(crate) async fn verify(&self, store: &PgStore, fixture: &Fixture, baseline: Seq) {
        let log = whole_log(store).await;
        let head = store.head().await.unwrap();
        assert_eq!(log.last().map(|entry| entry.seq), Some(head), "the log ends at the head");
        let mut at: HashMap<CommitId, Seq> = HashMap::new();
        let mut last: HashMap<String, Vec<Seq>> = HashMap::new();
        for (index, entry) in log.iter().enumerate() {
            assert_eq!(entry.seq.0, index as u64 + 1, "the log has no gap");
            assert!(at.insert(entry.commit, entry.seq).is_none(), "I6: a commit is in the log once");
            for effect in entry.effects.iter().filter(|_| entry.seq > baseline) {
                let Effect::Object(_, key, _) = effect else { panic!("nobody wrote {effect:?}") };
                last.entry(key.to_string()).or_default().push(entry.seq);
            }
        }
        let (acknowledged, bounds) = {
            let state = self.state();
            for (commit, (seq, key, value)) in &state.acknowledged {
                assert_eq!(at.get(commit), Some(seq), "I1: {key} = {value} was acknowledged at {seq:?}");
            }
            let found = state.refused.iter().find(|commit| at.contains_key(commit));
            assert_eq!(found, None, "I2: a refused commit is in the log");
            let seen = state.seen.intersection(&state.refused_values).next();
            assert_eq!(seen, None, "I2: a refused value was read");
            (state.acknowledged.len(), state.bounds.clone())
        };
        assert_eq!(log.len() as u64 - baseline.0, acknowledged as u64, "the log has nothing that nobody wrote");
        let rows = rows(store, fixture).await;
        assert_eq!(rows.len(), last.len(), "a row for each key of the log, and no other");
        for (key, (revision, value)) in &rows {
            assert_eq!(*value, bounds[key].acknowledged, "I1: {key}");
            assert_eq!(last[key].last(), Some(revision), "the row is of the last commit that wrote it");
            assert_eq!(&versions(store, fixture, key).await, &last[key], "the versions of {key} are those of the log");
        }
    }

    /// Holds the ledger against every row while writers go on.
    pub(crate) async fn verify_rows(&self, store: &PgStore, fixture: &Fixture) {
        let before = self.state().bounds.clone();
        let rows = rows(store, fixture).await;
        for (key, bounds) in &before {
            let value = rows.get(key).map_or(0, |(_, value)| *value);
            self.saw(key, value, *bounds);
        }
    }
}

/// Every entry, oldest first.
pub(crate) async fn whole_log(store: &dyn RelayStore) -> Vec<LogEntry> {
    let mut log: Vec<LogEntry> = Vec::new();
    loop {
        let page = store.log(log.last().map_or(Seq(0), |entry| entry.seq), PAGE).await.unwrap();
        if page.entries.is_empty() {
            return log;
        }
        log.extend(page.entries);
    }
}

/// The number an object holds, 0 for none.
pub(crate) fn score(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Integer(number)) => *number,
        _ => 0,
    }
}

async fn rows(store: &PgStore, fixture: &Fixture) -> HashMap<String, (Seq, i64)> {
    let ask = fixture.ask(TYPE, arrakis_core::kernel::plan::Rel::All).limit(10_000);
    let found = store.query(fixture.own, &ask.plan).await.unwrap().value;
    assert!(found.next.is_none(), "all rows are in one page");
    let row = |object: &arrakis_core::kernel::Object| {
        (object.key.to_string(), (object.revision, score(object.properties.get("score"))))
    };
    found.objects.iter().map(row).collect()
}

async fn versions(store: &PgStore, fixture: &Fixture, key: &str) -> Vec<Seq> {
    let subject = HistorySubject::Object(fixture.object_type(TYPE).clone(), Key::from(key));
    let mut found: Vec<Seq> = Vec::new();
    loop {
        let after = found.last().copied().unwrap_or_default();
        let plan = HistoryPlan { subject: subject.clone(), after, limit: 1_000 };
        let page = store.history(fixture.own, &plan).await.unwrap().value;
        if page.is_empty() {
            return found;
        }
        found.extend(page.iter().map(|version| version.revision));
    }
}

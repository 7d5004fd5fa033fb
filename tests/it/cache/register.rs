//! Counters with a memory: what a read of one must be, by when it began.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arrakis::{Env, Seq};

/// How old an answer may be.
const BOUND: Duration = Duration::from_secs(1);

/// One counter, which one process counts up.
#[derive(Debug)]
pub(super) struct Register {
    env: Env,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: i64,
    /// When each count was acknowledged, and by which commit.
    acknowledged: Vec<(Duration, i64, Seq)>,
}

/// What a read that begins now may be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// At least this, in any process.
    pub(super) anywhere: i64,
    /// At least this, in the process that counts, and for who asks for `seq`.
    pub(super) newest: i64,
    pub(super) seq: Seq,
}

impl Register {
    pub(super) fn new(env: Env) -> Self {
        Self { env, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) -> i64 {
        let mut state = self.state();
        state.begun += 1;
        state.begun
    }

    pub(super) fn acknowledge(&self, count: i64, seq: Seq) {
        let now = self.env.monotonic();
        self.state().acknowledged.push((now, count, seq));
    }

    pub(super) fn allowed(&self) -> Allowed {
        let old = self.env.monotonic().saturating_sub(BOUND);
        let state = self.state();
        let anywhere = state.acknowledged.iter().rev().find(|(at, ..)| *at < old).map_or(0, |(_, count, _)| *count);
        let (newest, seq) = state.acknowledged.last().map_or((0, Seq(0)), |(_, count, seq)| (*count, *seq));
        Allowed { anywhere, newest, seq }
    }

    /// The most that a read that has ended may have been answered.
    pub(super) fn begun(&self) -> i64 {
        self.state().begun
    }

    /// The count every acknowledged write has led to.
    pub(super) fn last(&self) -> i64 {
        self.state().acknowledged.last().map_or(0, |(_, count, _)| *count)
    }
}

//! Endpoints that fail, five times in a row or every second time, are left alone for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many failures in a row open a breaker.
const FAILURES_MAX: u32 = 5;
/// For how long it is open at first; each time it opens again without a success between, for twice as long.
const OPEN_MIN: Duration = Duration::from_secs(1);
/// For how long at most.
const OPEN_MAX: Duration = Duration::from_secs(30);

/// In what time answers are counted, and how many there are before it is judged by how many of them failed: half.
const WINDOW: Duration = Duration::from_secs(10);
const ANSWERS_MIN: u32 = 20;

/// Whether an endpoint is asked.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Failures since the last success.
    failures: u32,
    /// How often it opened since.
    opened: u32,
    /// Until when it is open.
    until: Option<Duration>,
    /// Whether the one request that is let through is under way.
    is_tried: bool,
    /// Whether the endpoint said that it is not well.
    is_down: bool,
    recent: Window,
}

/// What came of asking lately.
#[derive(Debug, Default)]
struct Window {
    since: Duration,
    answers: u32,
    failures: u32,
}

impl Window {
    fn count(&mut self, now: Duration, is_failure: bool) {
        if now.saturating_sub(self.since) > WINDOW {
            *self = Self { since: now, ..Self::default() };
        }
        self.answers += 1;
        self.failures += u32::from(is_failure);
    }

    const fn is_bad(&self) -> bool {
        self.answers >= ANSWERS_MIN && self.failures * 2 >= self.answers
    }
}

impl Breaker {
    /// Whether the endpoint may be asked now; of those that come when it has been open for long enough, one may.
    pub(super) fn may(&self, now: Duration) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.until {
            _ if state.is_down => false,
            None => true,
            Some(until) if now < until || state.is_tried => false,
            Some(_) => {
                state.is_tried = true;
                true
            }
        }
    }

    /// It answered.
    pub(super) fn succeeded(&self, now: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.recent.count(now, false);
        *state = State { is_down: state.is_down, recent: std::mem::take(&mut state.recent), ..State::default() };
    }

    /// It did not answer, or that it could not.
    pub(super) fn failed(&self, now: Duration) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        state.recent.count(now, true);
        if state.failures >= FAILURES_MAX || state.is_tried || state.recent.is_bad() {
            state.recent = Window::default();
            let open = OPEN_MIN.saturating_mul(2_u32.saturating_pow(state.opened)).min(OPEN_MAX);
            state.until = Some(now + open);
            state.opened = (state.opened + 1).min(16);
            state.is_tried = false;
        }
    }

    /// What came of asking it is not known: whoever asked is gone.
    pub(super) fn left(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_tried = false;
    }

    /// It said whether it is well.
    pub(super) fn is_well(&self, is_well: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_well && state.is_down {
            *state = State::default();
        }
        state.is_down = !is_well;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_of_which_half_fails_is_left_alone() {
        let (breaker, at) = (Breaker::default(), Duration::from_secs(1));
        for _ in 0..9 {
            breaker.failed(at);
            breaker.succeeded(at);
        }
        breaker.succeeded(at);
        assert!(breaker.may(at));
        breaker.failed(at);
        assert!(!breaker.may(at), "ten of twenty");
        // What was long ago does not count.
        let breaker = Breaker::default();
        for second in 0..40 {
            let at = Duration::from_secs(second);
            breaker.failed(at);
            breaker.succeeded(at);
        }
        assert!(breaker.may(Duration::from_secs(40)), "not often enough");
    }

    #[test]
    fn an_endpoint_that_fails_is_left_alone_and_tried_again() {
        let (breaker, at) = (Breaker::default(), Duration::from_secs);
        for _ in 0..FAILURES_MAX {
            assert!(breaker.may(at(0)));
            breaker.failed(at(0));
        }
        assert!(!breaker.may(Duration::from_millis(999)));
        assert!(breaker.may(at(1)) && !breaker.may(at(1)), "one is let through");
        breaker.failed(at(1));
        assert!(!breaker.may(Duration::from_millis(2_999)) && breaker.may(at(3)), "twice as long");
        breaker.left();
        assert!(breaker.may(at(3)));
        breaker.succeeded(at(3));
        assert!(breaker.may(at(3)) && breaker.may(at(3)));
        breaker.is_well(false);
        assert!(!breaker.may(at(3)));
        breaker.is_well(true);
        assert!(breaker.may(at(3)));
    }
}

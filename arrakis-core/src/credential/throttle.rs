//! How fast secrets may be guessed: each failure makes the next attempt wait longer, and what is not tried is forgiven in time.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{Error, ErrorKind, Result};

/// How many attempts are free.
pub const ATTEMPTS_FREE: f64 = 5.0;
/// The longest wait. Nobody is locked out for good, least of all by a stranger.
pub const WAIT_MAX: Duration = Duration::from_secs(900);
/// In what time half of the failures are forgiven.
const HALF_LIFE_S: f64 = 900.0;
/// The most that are remembered; the least guilty is forgotten first.
pub const THROTTLED_MAX: usize = 100_000;

/// Attempts by whoever or whatever is guessed at: an account, a network. Kept in this process alone.
pub struct Throttle<K> {
    counts: Mutex<HashMap<K, Count>>,
}

#[derive(Clone, Copy)]
struct Count {
    failures: f64,
    at: Duration,
}

impl Count {
    /// The failures that are left of what was counted.
    fn at(self, now: Duration) -> f64 {
        self.failures * (-now.saturating_sub(self.at).as_secs_f64() / HALF_LIFE_S).exp2()
    }

    /// From when the next attempt is heard.
    fn until(self) -> Duration {
        let over = self.failures - ATTEMPTS_FREE;
        if over < 0.0 {
            return self.at;
        }
        self.at + Duration::from_secs_f64(over.exp2().min(WAIT_MAX.as_secs_f64()))
    }
}

impl<K: Hash + Eq> Default for Throttle<K> {
    fn default() -> Self {
        Self { counts: Mutex::default() }
    }
}

impl<K: Hash + Eq + Clone> Throttle<K> {
    /// Counts an attempt as failed, until [`Throttle::succeeded`] says otherwise: so attempts made at once are all counted.
    ///
    /// # Errors
    /// `throttle.wait`, with the seconds to wait, for an attempt that comes too soon. It is not counted.
    pub fn attempt(&self, key: &K, now: Duration) -> Result<()> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = counts.get(key).copied();
        if let Some(count) = before
            && now < count.until()
        {
            let wait = count.until().saturating_sub(now).as_secs() + 1;
            return Err(Error::new(ErrorKind::RateLimited, "throttle.wait", "too many attempts: wait before the next")
                .with("retry_after_s", wait));
        }
        if before.is_none() && counts.len() >= THROTTLED_MAX {
            forget(&mut counts, now);
        }
        let failures = before.map_or(0.0, |count| count.at(now)) + 1.0;
        counts.insert(key.clone(), Count { failures, at: now });
        Ok(())
    }

    /// Forgives everything: the secret was known.
    pub fn succeeded(&self, key: &K) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Takes back one attempt: it came to nothing, for a reason that tells nothing of the secret.
    pub fn undone(&self, key: &K) {
        if let Some(count) = self.counts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(key) {
            count.failures = (count.failures - 1.0).max(0.0);
        }
    }
}

/// Makes room: half of what is remembered goes, that with the fewest failures left.
fn forget<K: Hash + Eq>(counts: &mut HashMap<K, Count>, now: Duration) {
    let mut left: Vec<_> = counts.values().map(|count| count.at(now)).collect();
    let middle = left.len() / 2;
    let (_, median, _) = left.select_nth_unstable_by(middle, f64::total_cmp);
    let median = *median;
    let mut room = middle;
    counts.retain(|_, count| {
        let stays = count.at(now) > median || room == 0;
        room -= usize::from(!stays);
        stays
    });
}

impl<K> fmt::Debug for Throttle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Throttle(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_guesses_are_few_attempts() {
        let throttle = Throttle::default();
        let mut heard = 0;
        // One guess a millisecond, for a thousand seconds, at one account.
        for millisecond in 0..1_000_000 {
            heard += u32::from(throttle.attempt(&"ann", Duration::from_millis(millisecond)).is_ok());
        }
        assert!(heard <= 24, "{heard}");
        let error = throttle.attempt(&"ann", Duration::from_secs(1_000)).unwrap_err();
        let wait: u64 = error.param("retry_after_s").unwrap().parse().unwrap();
        assert!((1..=901).contains(&wait) && error.is_retryable(), "{wait}");
        assert!(throttle.attempt(&"bob", Duration::from_secs(1_000)).is_ok());
        // Who knows the secret is heard after the wait, whatever a stranger did.
        assert!(throttle.attempt(&"ann", Duration::from_secs(1_000 + wait)).is_ok());
        throttle.succeeded(&"ann");
        for _ in 0..5 {
            assert!(throttle.attempt(&"ann", Duration::from_secs(2_000)).is_ok());
        }
    }

    #[test]
    fn time_forgives() {
        let throttle = Throttle::default();
        let day = Duration::from_secs(86_400);
        for time in 0..100 {
            assert!(throttle.attempt(&0, day * time).is_ok());
        }
        throttle.undone(&0);
        throttle.undone(&0);
        assert!(throttle.counts.lock().unwrap()[&0].failures.abs() < 1.0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::default();
        for _ in 0..6 {
            let _ = throttle.attempt(&usize::MAX, Duration::ZERO);
        }
        for key in 0..3 * THROTTLED_MAX {
            assert!(throttle.attempt(&key, Duration::ZERO).is_ok());
        }
        assert!(throttle.counts.lock().unwrap().len() <= THROTTLED_MAX);
        assert!(throttle.attempt(&usize::MAX, Duration::ZERO).is_err(), "the guiltiest is not forgotten");
    }
}

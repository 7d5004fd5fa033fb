//! How often may be asked: the generic cell rate algorithm (ITU-T I.371), over a table of a bounded length.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::config::Rate;

/// The most keys that are remembered.
const KEYS_MAX: usize = 100_000;

/// What a limit says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// How many may be asked at once.
    pub(super) limit: u64,
    /// How many more may be asked now.
    pub(super) remaining: u64,
    /// When all of them may be asked again, seconds.
    pub(super) reset_s: u64,
    /// How long to wait, for one that is refused.
    pub(super) wait: Option<Duration>,
}

/// The times at which those who ask would have asked evenly.
#[derive(Debug)]
pub(super) struct Limiter<K> {
    interval: f64,
    burst: u32,
    arrivals: Mutex<Arrivals<K>>,
}

#[derive(Debug)]
struct Arrivals<K> {
    by_key: HashMap<K, f64>,
    /// The newest moment any of them asked at: who took the time and was overtaken before it was counted asks no earlier.
    newest: f64,
}

impl<K: Hash + Eq> Limiter<K> {
    pub(super) fn new(Rate { per_second, burst }: Rate) -> Self {
        let arrivals = Mutex::new(Arrivals { by_key: HashMap::new(), newest: 0.0 });
        Self { interval: 1.0 / per_second, burst, arrivals }
    }

    /// Counts a request, unless it comes too soon.
    pub(super) fn ask(&self, key: K, now: Duration) -> Allowance {
        let most = self.interval * f64::from(self.burst);
        let mut table = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let Arrivals { by_key, newest } = &mut *table;
        let now = now.as_secs_f64().max(*newest);
        *newest = now;
        if by_key.len() >= KEYS_MAX && !by_key.contains_key(&key) {
            // Who has asked evenly is known by nothing that would be missed.
            by_key.retain(|_, arrival| *arrival > now);
            if by_key.len() >= KEYS_MAX {
                by_key.clear();
            }
        }
        let arrival = by_key.get(&key).copied().unwrap_or(now).max(now);
        let next = arrival + self.interval;
        let over = next - now - most;
        // What is a billionth of a second too soon is not.
        if over > 1e-9 {
            let wait = Some(Duration::from_secs_f64(over));
            return Allowance { limit: self.burst.into(), remaining: 0, reset_s: seconds(arrival - now), wait };
        }
        by_key.insert(key, next);
        let left = ((most - (next - now)) / self.interval + 1e-6).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and the burst")]
        let remaining = left.max(0.0) as u64;
        Allowance { limit: self.burst.into(), remaining, reset_s: seconds(next - now), wait: None }
    }
}

fn seconds(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds.max(0.0).ceil()).map_or(0, |duration| duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_so_many_a_second() {
        let limiter = Limiter::new(Rate { per_second: 10.0, burst: 3 });
        let at = Duration::from_millis;
        let remaining: Vec<_> = (0..3).map(|_| limiter.ask("a", at(0)).remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = limiter.ask("a", at(0));
        assert!(refused.wait.is_some_and(|wait| wait > at(99) && wait <= at(101)), "{refused:?}");
        assert!(limiter.ask("b", at(0)).wait.is_none(), "others are counted apart");
        assert!(limiter.ask("a", at(99)).wait.is_some() && limiter.ask("a", at(100)).wait.is_none());
        assert_eq!(limiter.ask("a", at(60_000)).remaining, 2);
        assert!(limiter.ask("a", at(59_000)).wait.is_none(), "one that was overtaken is not refused for it");
        let asked = (60_000..70_000).filter(|ms| limiter.ask("c", at(*ms)).wait.is_none()).count();
        assert!((102..=103).contains(&asked), "{asked} in ten seconds");
    }
}

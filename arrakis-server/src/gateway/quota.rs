//! How much may be asked in an hour, a day or a month of UTC: counted by this process, from when it began.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::{Actor, TenantId, Timestamp};
use jiff::tz::TimeZone;

use super::config::{Period, Quota};
use super::rate::Allowance;

/// The most keys that are counted; who comes later is let through.
const KEYS_MAX: usize = 100_000;

/// What was asked so far, whatever configurations there were meanwhile.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) tenants: Counts<TenantId>,
    pub(super) actors: Counts<(TenantId, Actor)>,
}

/// How much each has asked in its window, by when that ends, seconds.
#[derive(Debug)]
pub(super) struct Counts<K>(Mutex<HashMap<K, (i64, u64)>>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq> Counts<K> {
    /// Counts a request, unless the quota is used up.
    pub(super) fn ask(&self, quota: Quota, key: K, now: Timestamp) -> Allowance {
        let now_s = now.micros().div_euclid(1_000_000);
        let end_s = end_of(quota.per, now_s);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= KEYS_MAX && !counts.contains_key(&key) {
            counts.retain(|_, (end_s, _)| *end_s > now_s);
        }
        let reset_s = u64::try_from(end_s - now_s).unwrap_or_default();
        let allowance = |remaining, wait| Allowance { limit: quota.most, remaining, reset_s, wait };
        if counts.len() >= KEYS_MAX && !counts.contains_key(&key) {
            return allowance(quota.most, None);
        }
        let counted = counts.entry(key).or_insert((end_s, 0));
        // Of an earlier window, or of one of another length before the configuration changed.
        if counted.0 != end_s {
            *counted = (end_s, 0);
        }
        if counted.1 >= quota.most {
            return allowance(0, Some(Duration::from_secs(reset_s)));
        }
        counted.1 += 1;
        allowance(quota.most - counted.1, None)
    }
}

/// When the window ends that a moment is in, seconds since 1970.
fn end_of(per: Period, now_s: i64) -> i64 {
    match per {
        Period::Hour => (now_s.div_euclid(3_600) + 1) * 3_600,
        Period::Day => (now_s.div_euclid(86_400) + 1) * 86_400,
        Period::Month => end_of_month(now_s).unwrap_or(i64::MAX),
    }
}

/// `None` at the end of time.
fn end_of_month(now_s: i64) -> Option<i64> {
    let date = jiff::Timestamp::from_second(now_s).ok()?.to_zoned(TimeZone::UTC).date();
    let first = date.last_of_month().tomorrow().ok()?;
    Some(first.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn so_much_in_a_window_and_all_of_it_in_the_next() {
        let counts = Counts::default();
        let quota = Quota { most: 2, per: Period::Day };
        let last = at("2026-11-27T23:59:58Z");
        assert_eq!(counts.ask(quota, "a", last), Allowance { limit: 2, remaining: 1, reset_s: 2, wait: None });
        assert_eq!(counts.ask(quota, "a", last).remaining, 0);
        assert_eq!(counts.ask(quota, "a", last).wait, Some(Duration::from_secs(2)));
        assert_eq!(counts.ask(quota, "b", last).wait, None, "others are counted apart");
        assert_eq!(counts.ask(quota, "a", at("2026-11-28T00:00:00Z")).remaining, 1);
    }

    #[test]
    fn windows_are_of_the_calendar() {
        for (per, now, end) in [
            (Period::Hour, "2026-11-27T05:59:59Z", "2026-11-27T06:00:00Z"),
            (Period::Day, "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"),
            (Period::Month, "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z"),
            (Period::Month, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            let seconds = |text| at(text).micros() / 1_000_000;
            assert_eq!(end_of(per, seconds(now)), seconds(end), "{now}");
        }
    }

    #[test]
    fn no_more_are_counted_than_there_is_room_for() {
        let counts = Counts::default();
        let quota = Quota { most: 1, per: Period::Hour };
        let now = at("2026-11-27T05:00:00Z");
        for key in 0..=KEYS_MAX {
            assert!(counts.ask(quota, key, now).wait.is_none());
        }
        assert_eq!(counts.0.lock().unwrap().len(), KEYS_MAX);
        assert!(counts.ask(quota, 0, now).wait.is_some(), "who is counted stays so");
        assert!(counts.ask(quota, KEYS_MAX, at("2026-11-27T06:00:00Z")).wait.is_none());
        assert_eq!(counts.0.lock().unwrap().len(), 1, "what is over is forgotten");
    }
}

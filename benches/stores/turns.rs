//! Two sides measured in turns, so that whatever else the machine does falls on both.

use std::time::{Duration, Instant};

use crate::table::Measured;

/// How many turns each side has.
const TURNS: usize = 9;

/// What is measured, and the most times the raw time that it may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) what: &'static str,
    pub(crate) ratio_max: f64,
    /// Whether the table shows a rate rather than a time.
    pub(crate) is_rate: bool,
}

impl Bound {
    pub(crate) const fn time(what: &'static str, ratio_max: f64) -> Self {
        Self { what, ratio_max, is_rate: false }
    }

    pub(crate) const fn rate(what: &'static str, ratio_max: f64) -> Self {
        Self { what, ratio_max, is_rate: true }
    }

    /// A pair of times, of one thing each, nanoseconds.
    pub(crate) fn of(self, raw_ns: f64, ours_ns: f64) -> Measured {
        let Self { what, ratio_max, is_rate } = self;
        Measured { what: what.to_owned(), raw_ns, ours_ns, per_iteration: is_rate.then_some(1.0), ratio_max }
    }
}

/// Measures both sides in turns: each turn does so many things one after the other. Answers the medians of the time of one.
pub(crate) async fn alternate(
    bound: Bound,
    count: usize,
    mut raw: impl AsyncFnMut(usize),
    mut ours: impl AsyncFnMut(usize),
) -> Measured {
    let (mut raw_ns, mut ours_ns) = (Vec::new(), Vec::new());
    // The first turn of each warms up.
    for turn in 0..=TURNS {
        let raw_took = timed(async || raw(count).await).await;
        let ours_took = timed(async || ours(count).await).await;
        if turn > 0 {
            raw_ns.push(of_one(raw_took, count));
            ours_ns.push(of_one(ours_took, count));
        }
    }
    bound.of(median(raw_ns), median(ours_ns))
}

/// How long something takes.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) async fn timed(work: impl AsyncFnOnce()) -> Duration {
    let start = Instant::now();
    work().await;
    start.elapsed()
}

pub(crate) fn of_one(took: Duration, count: usize) -> f64 {
    took.as_nanos() as f64 / count as f64
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

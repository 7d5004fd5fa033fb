//! Authorization beside Cedar and Casbin on the same model, lists beside the same lists without a policy, and tokens beside bare Ed25519:
//! `cargo bench -p arrakis-authz`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a bench ends where what it measures fails, prints what it measured, and counts little"
)]

mod check;
mod list;
mod token;

use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};

/// How many turns each side has.
const TURNS: usize = 9;
/// How long a turn takes at least.
const TURN: Duration = Duration::from_millis(20);

/// What was measured, nanoseconds, and the bound it is held to.
pub(crate) struct Measured {
    pub(crate) what: String,
    pub(crate) ours_ns: f64,
    /// The others, by name.
    pub(crate) others: Vec<(&'static str, f64)>,
    pub(crate) bound: Bound,
}

/// What is asked of a measurement.
pub(crate) enum Bound {
    /// At most so long, nanoseconds, and less than each of the others.
    Time(f64),
    /// At most so many times the first of the others.
    Ratio(f64),
}

/// The median time of one of each side, nanoseconds, measured in turns.
pub(crate) fn alternate<const N: usize>(mut sides: [&mut dyn FnMut(); N]) -> [f64; N] {
    let counts: [u32; N] = std::array::from_fn(|side| {
        let mut count = 1_u32;
        loop {
            let took = timed(sides[side], count);
            if took >= TURN || count >= 1 << 24 {
                return count;
            }
            count *= 2;
        }
    });
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..TURNS {
        for side in 0..N {
            let took = timed(sides[side], counts[side]);
            times[side].push(took.as_secs_f64() * 1e9 / f64::from(counts[side]));
        }
    }
    times.map(median)
}

fn timed(side: &mut dyn FnMut(), count: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        side();
    }
    start.elapsed()
}

pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn show(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    }
}

fn print(measured: &[Measured]) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["what", "Arrakis", "beside", "bound", "met"]);
    for column in 1..=3 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for Measured { what, ours_ns, others, bound } in measured {
        let beside: Vec<_> = others.iter().map(|(name, ns)| format!("{name} {}", show(*ns))).collect();
        let (bound, is_met) = match bound {
            Bound::Time(max) => (show(*max), ours_ns <= max && others.iter().all(|(_, ns)| ours_ns < ns)),
            Bound::Ratio(max) => {
                let ratio = others.first().map_or(f64::NAN, |(_, ns)| ours_ns / ns);
                (format!("{ratio:.2} of {max:.2}"), ratio <= *max)
            }
        };
        let met = if is_met { "yes" } else { "no" };
        table.add_row([what.clone(), show(*ours_ns), beside.join(", "), bound, met.into()]);
    }
    println!("\n{table}");
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let mut measured = Vec::new();
    runtime.block_on(check::measure(&mut measured));
    runtime.block_on(token::measure(&mut measured));
    runtime.block_on(list::measure(&mut measured));
    print(&measured);
}

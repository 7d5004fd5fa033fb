//! Several processes that write the same tenant, each with a store of its own.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrakis::{Arrakis, KernelExt};
use futures_util::future::join_all;
use serde_json::json;

use crate::postgres::{IN_FLIGHT, ITEMS};
use crate::raw::Raw;
use crate::table::Measured;
use crate::turns::{Bound, median};

/// What makes this program a writer: the URL of the database, how long it writes, and its number.
const WRITER: &str = "ARRAKIS_BENCH_WRITER";
/// How long the processes write at a time.
const TURN: Duration = Duration::from_secs(4);
/// How often each number of processes is measured.
const TURNS: usize = 3;
/// How long rows are updated before the second measurement, and with `ARRAKIS_BENCH_SOAK=1`.
const UPDATES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(600)];

/// Writes, when this process was started to.
pub(crate) fn is_writer() -> bool {
    let Ok(told) = std::env::var(WRITER) else { return false };
    let mut parts = told.split(' ');
    let mut part = || parts.next().expect("a part").to_owned();
    let (url, millis, number) = (part(), part(), part());
    let millis = millis.parse().expect("a number");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let written = runtime.block_on(write(&url, Duration::from_millis(millis), number.parse().expect("a number")));
    println!("{written}");
    true
}

/// Updates items for a while, many at a time; answers how many commits were acknowledged.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn write(url: &str, lasting: Duration, number: i64) -> u64 {
    let arrakis = Arrakis::open_postgres(url).await.expect("it opens");
    let (ctx, written) = (arrakis.context(), AtomicU64::new(0));
    // All are at work before any is counted.
    arrakis.kernel().modify(&ctx, "Item", number, json!({ "score": -1 })).await.expect("it is written");
    let start = Instant::now();
    let writer = async |lane: usize| {
        let mut id = number * 7_919 + i64::try_from(lane).expect("a few") * 31;
        while start.elapsed() < lasting {
            id = (id + 104_729) % ITEMS;
            // Another value than the row has, so that it is written.
            let score = fastrand::i64(0..1 << 40);
            arrakis.kernel().modify(&ctx, "Item", id, json!({ "score": score })).await.expect("it is written");
            written.fetch_add(1, Ordering::Relaxed);
        }
    };
    join_all((0..IN_FLIGHT).map(writer)).await;
    written.into_inner()
}

/// Commits per second of so many processes together.
fn rate(url: &str, processes: usize, lasting: Duration) -> f64 {
    let program = std::env::current_exe().expect("this program");
    let start = |number: usize| {
        let told = format!("{url} {} {number}", lasting.as_millis());
        Command::new(&program).env(WRITER, told).stdout(Stdio::piped()).spawn().expect("it starts")
    };
    let children: Vec<_> = (0..processes).map(start).collect();
    let counts = children.into_iter().map(|child| {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "a writer failed: {}", output.status);
        String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().expect("a count")
    });
    counts.sum::<f64>() / lasting.as_secs_f64()
}

/// Two and four processes beside one, on tables that were cleaned, and again after a while of updates.
pub(crate) async fn measure(url: &str, raw: &mut Raw) -> Vec<Measured> {
    raw.vacuum().await;
    let mut measured = beside_one(url, ["two processes, beside one of ours", "four processes, beside one of ours"]);
    let soak = std::env::var_os("ARRAKIS_BENCH_SOAK").is_some();
    let lasting = UPDATES.get(usize::from(soak)).copied().unwrap_or_default();
    let during = rate(url, 1, lasting);
    println!("{during:.0} updates/s for {} s", lasting.as_secs());
    let after = ["two processes, after the updates", "four processes, after the updates"];
    measured.extend(beside_one(url, after));
    measured
}

fn beside_one(url: &str, [two, four]: [&'static str; 2]) -> Vec<Measured> {
    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (processes, rates) in [1, 2, 4].into_iter().zip(&mut rates) {
            rates.push(rate(url, processes, TURN));
        }
    }
    let [one_ns, two_ns, four_ns] = rates.map(|rates| 1e9 / median(rates));
    vec![Bound::rate(two, 1.25).of(one_ns, two_ns), Bound::rate(four, 1.25).of(one_ns, four_ns)]
}

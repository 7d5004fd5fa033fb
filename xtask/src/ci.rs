//! `cargo xtask ci`: the steps CI runs, in order, each named and timed.

use std::time::{Duration, Instant};

use xtask::services::Kind;

use crate::workspace::{Outcome, Workspace, run as shell};
use crate::{deny, lean, quickstart, schemathesis, test, tidy};

/// Packages and features that must compile without warnings on their own, besides everything at once.
const FEATURE_SETS: [&[&str]; 15] = [
    &["-p", "arrakis-core"],
    &["-p", "arrakis-core", "--features", "users"],
    &["-p", "arrakis-bus"],
    &["-p", "arrakis-storage", "--no-default-features", "--features", "memory"],
    &["-p", "arrakis-storage", "--no-default-features", "--features", "sqlite"],
    &["-p", "arrakis-storage", "--no-default-features", "--features", "postgres"],
    &["-p", "arrakis", "--no-default-features"],
    &["-p", "arrakis"],
    &["-p", "arrakis", "--features", "cli"],
    &["-p", "arrakis", "--features", "postgres,redis,nats"],
    &["-p", "arrakis", "--features", "oidc"],
    &["-p", "arrakis", "--features", "client"],
    &["-p", "arrakis", "--features", "server"],
    &["-p", "arrakis", "--features", "gateway"],
    &["-p", "arrakis", "--features", "telemetry"],
];

/// What happens to the remaining steps when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    Stop,
    KeepGoing,
}

struct Step {
    name: &'static str,
    check: fn(&Workspace) -> Outcome,
}

/// Benches have no step: clippy type-checks them with all other targets.
const STEPS: [Step; 10] = [
    Step { name: "format", check: format },
    Step { name: "clippy", check: clippy },
    Step { name: "tidy", check: tidy::run },
    Step { name: "features", check: features },
    Step { name: "test", check: |workspace| test::run(workspace, &Kind::ALL, &[]) },
    Step { name: "http", check: schemathesis::run },
    Step { name: "docs", check: docs },
    Step { name: "lean", check: lean::run },
    Step { name: "quickstart", check: quickstart::run },
    Step { name: "deny", check: deny::run },
];

/// Runs every step and prints what each took.
///
/// # Errors
/// With the names of the steps that failed.
pub(crate) fn run(workspace: &Workspace, on_failure: OnFailure) -> Outcome {
    let mut report = Vec::new();
    let mut failed = Vec::new();
    for step in &STEPS {
        println!("\n== {} ==", step.name);
        let (result, took) = timed(|| (step.check)(workspace));
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        if let Err(error) = result {
            println!("{error}");
            failed.push(step.name);
        }
        println!("== {}: {verdict} in {:.1} s ==", step.name, took.as_secs_f64());
        report.push(format!("{:<12} {verdict:<7} {:>7.1} s", step.name, took.as_secs_f64()));
        if !failed.is_empty() && on_failure == OnFailure::Stop {
            break;
        }
    }
    println!("\n{}", report.join("\n"));
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}

#[expect(clippy::disallowed_methods, reason = "how long a step took is this tool's own output")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

fn format(workspace: &Workspace) -> Outcome {
    shell(&mut workspace.cargo(["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Outcome {
    let everything = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    shell(&mut workspace.cargo(everything))
}

/// Clippy rather than check: it says all that check says, and fails on a warning.
fn features(workspace: &Workspace) -> Outcome {
    for set in FEATURE_SETS {
        println!("{}", set.join(" "));
        shell(workspace.cargo(["clippy"]).args(set).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn docs(workspace: &Workspace) -> Outcome {
    let every_crate = ["doc", "--workspace", "--no-deps", "--all-features"];
    shell(workspace.cargo(every_crate).env("RUSTDOCFLAGS", "-D warnings"))
}

//! `cargo xtask test`: every test of the workspace, and one honest line at the end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use xtask::services::Kind;

use crate::servers::Provided;
use crate::tally::Tally;
use crate::workspace::{Outcome, Workspace, line};

/// Arguments of `cargo test` that choose packages or targets.
const SELECTORS: [&str; 13] = [
    "-p",
    "--package",
    "--lib",
    "--bin",
    "--bins",
    "--test",
    "--tests",
    "--example",
    "--examples",
    "--bench",
    "--benches",
    "--all-targets",
    "--doc",
];

/// Runs unit and integration tests, then doctests, with the servers they need, and prints the sum of both as the last line.
///
/// # Errors
/// When a test failed, was skipped for want of a server that is required, or something could not be built; the error ends
/// with that sum, so that it still is the last line. Before any test when what is required cannot be had.
pub(crate) fn run(workspace: &Workspace, required: &[Kind], extra: &[&str]) -> Outcome {
    let servers = Provided::get(workspace, required)?;
    println!("{}", servers.origin());
    let mut total = Tally::default();
    let mut all_passed = true;
    for (part, selectors) in parts(extra) {
        let mut command = workspace.cargo(["test", "--all-features", "--no-fail-fast"]);
        command.args(selectors).args(extra).envs(servers.variables.iter().map(|(name, url)| (name, url)));
        let (tally, passed) = stream(&mut command)?;
        let verdict = match (passed, tally.failed) {
            (true, _) => "ok",
            (false, 0) => "FAILED, something did not build or ended without a result",
            (false, _) => "FAILED",
        };
        println!("{part}: {verdict}, {tally}\n");
        let not_built = !passed && tally.is_empty();
        all_passed &= passed;
        total.add(tally);
        if not_built {
            break;
        }
    }
    for reason in servers.missing.iter().chain(&total.reasons) {
        println!("skipped: {reason}");
    }
    let required: Vec<&str> = required.iter().map(|kind| kind.name()).collect();
    let lacking = total.lacking(&required);
    if !lacking.is_empty() {
        return Err(format!("tests were skipped that require {}\n{total}", lacking.join(", ")).into());
    }
    if !all_passed {
        return Err(total.to_string().into());
    }
    println!("{total}");
    Ok(())
}

/// What it brings asks for other features of the crates that all share: its tests are a run of their own, so that the others have what users have.
pub(crate) const MEASURED_BESIDE: &str = "arrakis-authz";

/// The runs of `cargo test` that make up one test run, each with the arguments that select its targets.
fn parts(extra: &[&str]) -> Vec<(&'static str, &'static [&'static str])> {
    // What follows a further `--` is for the test binaries.
    let for_cargo = extra.iter().take_while(|word| **word != "--");
    if for_cargo.filter_map(|word| word.split('=').next()).any(|word| SELECTORS.contains(&word)) {
        vec![("chosen tests", &[])]
    } else {
        vec![
            ("unit and integration tests", &["--workspace", "--exclude", MEASURED_BESIDE, "--tests"]),
            ("the oracle", &["-p", MEASURED_BESIDE, "--tests"]),
            ("doctests", &["--workspace", "--exclude", MEASURED_BESIDE, "--doc"]),
        ]
    }
}

/// Runs `cargo test`, passing on each line as it comes, and returns what the lines sum to and whether it succeeded.
fn stream(command: &mut Command) -> Outcome<(Tally, bool)> {
    println!("$ {}", line(command));
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut here = std::io::stdout().lock();
        for text in BufReader::new(output).split(b'\n') {
            let text = text?;
            here.write_all(&text)?;
            here.write_all(b"\n")?;
            here.flush()?;
            tally.read(&String::from_utf8_lossy(&text));
        }
    }
    let passed = child.wait()?.success();
    Ok((tally, passed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_packages_and_targets_replace_the_parts() {
        assert_eq!(parts(&["tidy"]).len(), 3);
        assert_eq!(parts(&["-p", "xtask", "tidy"]).len(), 1);
        assert_eq!(parts(&["--test=kernel"]).len(), 1);
        assert_eq!(parts(&["name", "--", "--test"]).len(), 3);
    }
}

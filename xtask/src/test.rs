//! `cargo xtask test`: every test of the workspace, and one honest line at the end.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

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

/// Runs unit and integration tests, then doctests, and prints the sum of both as the last line.
///
/// # Errors
/// When a test failed or something could not be built; the error is that sum, so that it still is the last line.
pub(crate) fn run(workspace: &Workspace, extra: &[&str]) -> Outcome {
    let mut total = Tally::default();
    let mut all_passed = true;
    for (part, selectors) in parts(extra) {
        let mut command = workspace.cargo(["test", "--all-features", "--no-fail-fast"]);
        command.args(selectors).args(extra);
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
    for reason in &total.reasons {
        println!("skipped: {reason}");
    }
    if !all_passed {
        return Err(total.to_string().into());
    }
    println!("{total}");
    Ok(())
}

/// The runs of `cargo test` that make up one test run, each with the arguments that select its targets.
fn parts(extra: &[&str]) -> Vec<(&'static str, &'static [&'static str])> {
    // What follows a further `--` is for the test binaries.
    let for_cargo = extra.iter().take_while(|word| **word != "--");
    if for_cargo.filter_map(|word| word.split('=').next()).any(|word| SELECTORS.contains(&word)) {
        vec![("chosen tests", &[])]
    } else {
        vec![("unit and integration tests", &["--workspace", "--tests"]), ("doctests", &["--workspace", "--doc"])]
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

/// What `cargo test` printed, summed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Tests that said `skipped: …` and returned: libtest counts them as passed, though they checked nothing.
    skipped_by_themselves: u64,
    /// Why each skipped test was skipped, in the words of the test.
    reasons: Vec<String>,
}

impl Tally {
    fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, " passed");
            self.failed += count(counts, " failed");
            self.ignored += count(counts, " ignored");
        } else if let Some((test, reason)) = line.split_once(" ... ignored") {
            self.reasons.push(format!("{}{reason}", test.trim_start_matches("test ")));
        } else if let Some(reason) = line.rsplit(" ... ").next().and_then(|said| said.strip_prefix("skipped: ")) {
            self.skipped_by_themselves += 1;
            self.reasons.push(reason.to_owned());
        }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.skipped_by_themselves += other.skipped_by_themselves;
        self.reasons.extend(other.reasons);
    }

    fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed == 0 && self.ignored == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.passed.saturating_sub(self.skipped_by_themselves);
        let skipped = self.ignored + self.skipped_by_themselves;
        write!(out, "{passed} passed, {} failed, {skipped} skipped", self.failed)
    }
}

/// The number before a word: 3 in `ok. 3 passed; 0 failed` for ` passed`.
fn count(counts: &str, word: &str) -> u64 {
    let before = counts.split(';').find_map(|part| part.strip_suffix(word));
    before.and_then(|before| before.rsplit(' ').next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> String {
        let mut tally = Tally::default();
        for line in lines {
            tally.read(line);
        }
        format!("{tally} {:?}", tally.reasons)
    }

    #[test]
    fn sums_every_result_line() {
        let lines = [
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
            "running 3 tests",
        ];
        assert_eq!(tally(&lines), "13 passed, 2 failed, 1 skipped []");
    }

    #[test]
    fn a_test_that_says_skipped_did_not_pass() {
        let lines = [
            "skipped: postgres: ARRAKIS_POSTGRES_URL is not set",
            "test store::opens ... skipped: redis: not listening",
            "test drops ... ignored, needs root",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ];
        assert_eq!(
            tally(&lines),
            "1 passed, 0 failed, 3 skipped \
             [\"postgres: ARRAKIS_POSTGRES_URL is not set\", \"redis: not listening\", \"drops, needs root\"]"
        );
    }

    #[test]
    fn chosen_packages_and_targets_replace_the_parts() {
        assert_eq!(parts(&["tidy"]).len(), 2);
        assert_eq!(parts(&["-p", "xtask", "tidy"]).len(), 1);
        assert_eq!(parts(&["--test=kernel"]).len(), 1);
        assert_eq!(parts(&["name", "--", "--test"]).len(), 2);
    }
}

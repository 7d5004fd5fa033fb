//! What `cargo test` printed, summed: tests that say they were skipped did not pass.

use std::fmt;

/// The numbers of tests, and why some were skipped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    pub(crate) failed: u64,
    ignored: u64,
    /// Tests that said `skipped: …` and returned: libtest counts them as passed, though they checked nothing.
    skipped_by_themselves: u64,
    /// Why each skipped test was skipped, in the words of the test.
    pub(crate) reasons: Vec<String>,
}

impl Tally {
    /// Reads one line.
    pub(crate) fn read(&mut self, line: &str) {
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

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.skipped_by_themselves += other.skipped_by_themselves;
        self.reasons.extend(other.reasons);
    }

    /// Whether no test ran.
    pub(crate) fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed == 0 && self.ignored == 0
    }

    /// Which of these things a test was skipped for: the first word of its reason.
    pub(crate) fn lacking<'a>(&self, things: &[&'a str]) -> Vec<&'a str> {
        let lacks = |thing: &&&str| self.reasons.iter().any(|reason| reason.split(": ").next() == Some(thing));
        things.iter().filter(lacks).copied().collect()
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
    fn a_skip_for_want_of_a_required_server_is_told_from_others() {
        let mut tally = Tally::default();
        for line in ["skipped: redis: cache_holds: not set", "skipped: clock: postgres: no", "skipped: nats: a: no"] {
            tally.read(line);
        }
        assert_eq!(tally.lacking(&["postgres", "redis"]), ["redis"]);
        assert_eq!(tally.lacking(&[]), [] as [&str; 0]);
    }
}

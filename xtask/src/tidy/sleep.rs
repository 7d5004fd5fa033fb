//! A test waits for what it waits for; one that sleeps is slow when it works and wrong when it does not.

use super::{Finding, rust::Rust};

const SLEEPS: [&str; 4] = ["sleep", "sleep_until", "sleep_ms", "park_timeout"];

pub(super) fn check(path: &str, rust: &Rust<'_>) -> Vec<Finding> {
    let whole_file = is_test_file(path);
    let test_items = rust.test_items();
    let in_test = |at: usize| whole_file || test_items.iter().any(|(open, close)| (*open..=*close).contains(&at));
    let calls = SLEEPS.iter().flat_map(|name| rust.words(name).into_iter().map(move |at| (at, *name)));
    calls
        .filter(|(at, name)| in_test(*at) && is_free_call(rust, *at, name))
        .map(|(at, _)| Finding::new(path, rust.line_at(at), "sleep", "a test must not sleep to wait"))
        .collect()
}

/// Files compiled only for tests: those of a `tests` or `testing` folder, and modules of that name.
fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| matches!(part.trim_end_matches(".rs"), "tests" | "testing" | "test"))
}

/// Whether a name is called as a function. A method of that name may be a manual clock's, which does not wait.
fn is_free_call(rust: &Rust<'_>, at: usize, name: &str) -> bool {
    let method = rust.code.get(..at).is_some_and(|before| before.trim_end().ends_with('.'));
    let declared = rust.code.get(..at).is_some_and(|before| before.trim_end().ends_with("fn"));
    let called = rust.code_from(at + name.len()).trim_start().starts_with('(');
    called && !method && !declared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(path, &Rust::read(text)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn sleeping_tests_are_found() {
        assert_eq!(lines("tests/kernel.rs", "\nstd::thread::sleep(d);"), [2]);
        assert_eq!(lines("arrakis-core/src/testing/clock.rs", "tokio::time::sleep (d).await"), [1]);
        let inline = "sleep(d);\n#[cfg(test)]\nmod tests {\n    fn a() { sleep_until(d); }\n}\nfn b() { sleep(d); }\n";
        assert_eq!(lines("arrakis-bus/src/relay.rs", inline), [4]);
    }

    #[test]
    fn library_code_and_manual_clocks_pass() {
        assert_eq!(lines("arrakis-bus/src/relay.rs", "fn f() { sleep(d); }"), [] as [usize; 0]);
        assert_eq!(lines("tests/kernel.rs", "env.sleep(d); fn sleep() {} // sleep(d)"), [] as [usize; 0]);
    }
}

//! Nothing lands unfinished, switched off, or with its debugging left in.

use super::{Finding, rust::Rust};

const FORBIDDEN: [&str; 6] = ["todo!", "unimplemented!", "dbg!", "#[ignore]", "#[ignore =", "#[ignore="];

pub(super) fn check(path: &str, rust: &Rust<'_>) -> Vec<Finding> {
    let found = FORBIDDEN.iter().flat_map(|text| rust.code.match_indices(text));
    let whole = found.filter(|(at, _)| {
        let before = rust.code.get(..*at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    });
    let finding = |(at, text): (usize, &str)| {
        Finding::new(path, rust.line_at(at), "stub", format!("`{}` is for work not done", text.trim_end_matches(" =")))
    };
    whole.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check("a.rs", &Rust::read(text)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn stubs_are_found() {
        assert_eq!(lines("fn a() {\n    todo!()\n}"), [2]);
        assert_eq!(lines("#[test]\n#[ignore = \"slow\"]\nfn a() { dbg!(3); }"), [3, 2]);
        assert_eq!(lines("unimplemented!(\"later\")"), [1]);
    }

    #[test]
    fn words_and_strings_pass() {
        assert_eq!(lines("// todo!\nlet a = \"dbg!(3)\"; my_dbg!(a);"), [] as [usize; 0]);
    }
}

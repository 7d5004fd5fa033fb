//! The repository is the same on every machine: no file names a path of the one it was written on.

use super::Finding;

/// In two halves each, so that this file does not name them either.
const FORBIDDEN: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!(".lib", "rary"),
    concat!("/tmp/", "wt"),
    concat!("/ro", "ot/"),
    concat!("../sha", "red"),
];

pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let found = text.lines().enumerate().flat_map(|(index, line)| {
        let named = FORBIDDEN.iter().filter(move |name| names(line, name));
        named.map(move |name| (index + 1, *name))
    });
    found
        .map(|(line, name)| Finding::new(path, line, "machine-path", format!("`{name}` is a path of one machine")))
        .collect()
}

/// Whether a line names a path, and not a longer one that ends alike.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.)".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_are_found() {
        let text = format!("fine\nsee {}notes\n", concat!("/wo", "rk/"));
        let found = check("docs/a.md", &text);
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn other_paths_pass() {
        let text = format!("home{}x self{} /tmp/app.db", concat!("/wo", "rk/"), concat!(".lib", "rary"));
        assert_eq!(check("a.rs", &text), []);
    }
}

//! A module is named for what it is about. These names say nothing, and draw in all that has no home.

use super::{Finding, rust::Rust};

const FORBIDDEN: [&str; 11] =
    ["util", "utils", "common", "helper", "helpers", "misc", "type", "types", "model", "models", "manager"];

pub(super) fn check(path: &str, rust: &Rust<'_>) -> Vec<Finding> {
    let file = path.split('/').map(|part| part.trim_end_matches(".rs")).filter_map(forbidden).map(|name| (1, name));
    let inline = rust.words("mod").into_iter().filter_map(|at| {
        let after = rust.code_from(at).strip_prefix("mod")?.trim_start();
        let name = after.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        Some((rust.line_at(at), forbidden(name)?))
    });
    let finding = |(line, name)| Finding::new(path, line, "module-name", format!("`{name}` says nothing"));
    file.chain(inline).map(finding).collect()
}

fn forbidden(name: &str) -> Option<&'static str> {
    FORBIDDEN.into_iter().find(|forbidden| *forbidden == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(path, &Rust::read(text)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn empty_names_are_found() {
        assert_eq!(lines("arrakis-core/src/utils.rs", ""), [1]);
        assert_eq!(lines("tests/common/mod.rs", ""), [1]);
        assert_eq!(lines("src/lib.rs", "\npub mod helpers;\nmod types {\n}\n"), [2, 3]);
    }

    #[test]
    fn nouns_pass() {
        assert_eq!(lines("arrakis-core/src/value_type.rs", "mod model_version; // mod util\n"), [] as [usize; 0]);
    }
}

//! Small files and functions: what does not fit on a few screens is not understood as a whole.

use super::{Finding, rust::Rust};

/// The most lines a Rust file may have.
const FILE_LINES_MAX: usize = 500;
/// The most lines a function may have, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// The most lines an example may have: it wires and prints, the rest belongs in a crate.
const EXAMPLE_LINES_MAX: usize = 60;

pub(super) fn files(path: &str, rust: &Rust<'_>) -> Vec<Finding> {
    let lines = rust.text.lines().count();
    let limit = if is_example(path) { EXAMPLE_LINES_MAX } else { FILE_LINES_MAX };
    if lines <= limit {
        return Vec::new();
    }
    vec![Finding::new(path, limit + 1, "file-length", format!("{lines} lines, at most {limit}"))]
}

/// A binary of the root package's `examples/`: a file there, or the `main.rs` of a folder there.
fn is_example(path: &str) -> bool {
    let inside = path.strip_prefix("examples/");
    inside.is_some_and(|inside| !inside.contains('/') || inside.ends_with("/main.rs"))
}

pub(super) fn functions(path: &str, rust: &Rust<'_>) -> Vec<Finding> {
    let long = |at: usize| {
        let name = function_name(rust, at)?;
        let (_, close) = rust.body(at)?;
        let line = rust.line_at(at);
        let lines = rust.line_at(close) - line + 1;
        let message = format!("`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}");
        (lines > FUNCTION_LINES_MAX).then(|| Finding::new(path, line, "function-length", message))
    };
    rust.words("fn").into_iter().filter_map(long).collect()
}

/// The name after `fn`; nothing for a function pointer type.
fn function_name<'a>(rust: &'a Rust<'_>, at: usize) -> Option<&'a str> {
    let after = rust.code_from(at).strip_prefix("fn")?.trim_start();
    let name = after.split(|c: char| !c.is_alphanumeric() && !"_$#".contains(c)).next()?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let rust = Rust::read(text);
        let found = files(path, &rust).into_iter().chain(functions(path, &rust));
        found.map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(rules("a/src/lib.rs", &"x\n".repeat(500)), []);
        assert_eq!(rules("a/src/lib.rs", &"x\n".repeat(501)), [(501, "file-length")]);
    }

    #[test]
    fn examples_are_shorter() {
        let text = "x\n".repeat(61);
        assert_eq!(rules("examples/quickstart.rs", &text), [(61, "file-length")]);
        assert_eq!(rules("examples/gateway/main.rs", &text), [(61, "file-length")]);
        assert_eq!(rules("examples/gateway/routes.rs", &text), []);
    }

    #[test]
    fn long_functions_are_found() {
        let body =
            |lines: usize| format!("impl A {{\n    pub async fn f<'a>(&'a self)\n    {{{}}}\n}}\n", "\n".repeat(lines));
        assert_eq!(rules("a.rs", &body(68)), []);
        assert_eq!(rules("a.rs", &body(69)), [(2, "function-length")]);
    }

    #[test]
    fn braces_in_literals_and_bodiless_functions_do_not_confuse() {
        let text = format!("trait T {{\n fn a();\n fn b(f: fn() -> u8) {{ '{{'; \"{{\" }}\n}}\n{}", "x\n".repeat(80));
        assert_eq!(rules("a.rs", &text), []);
    }
}

//! `cargo xtask tidy`: the house rules no compiler checks. One rule is one file; a rule sees text and knows no disk.

mod commented_out;
mod direction;
mod length;
mod machine_path;
mod module_name;
mod port;
mod rust;
mod sleep;
mod sql;
mod stub;

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use crate::workspace::{Outcome, Workspace};
use rust::Rust;

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}: {}", self.path, self.line, self.rule, self.message)
    }
}

/// A file as the rules see it: its path from the root, with `/`, and its text.
#[derive(Debug)]
struct File {
    path: String,
    text: String,
}

impl File {
    fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|its| its == extension)
    }
}

type RustRule = fn(&str, &Rust<'_>) -> Vec<Finding>;

/// The rules about one Rust file.
const RUST_RULES: [RustRule; 7] = [
    length::files,
    length::functions,
    commented_out::check,
    module_name::check,
    port::check,
    sleep::check,
    stub::check,
];

/// Checks every rule on every tracked file and prints what breaks them.
///
/// # Errors
/// When something breaks a rule.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let files = text_files(workspace)?;
    let mut findings = direction::check(&workspace.metadata()?);
    findings.extend(findings_in(&files));
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    if findings.is_empty() { Ok(()) } else { Err("the tree is not tidy".into()) }
}

fn findings_in(files: &[File]) -> Vec<Finding> {
    let mut findings = sql::check(files);
    for file in files {
        findings.extend(machine_path::check(&file.path, &file.text));
        if file.has_extension("rs") {
            let rust = Rust::read(&file.text);
            findings.extend(RUST_RULES.iter().flat_map(|rule| rule(&file.path, &rust)));
        }
    }
    findings
}

/// The files of the workspace that hold UTF-8 text.
fn text_files(workspace: &Workspace) -> Outcome<Vec<File>> {
    let mut files = Vec::new();
    for path in workspace.files()? {
        match std::fs::read_to_string(workspace.root().join(&path)) {
            Ok(text) => files.push(File { path, text }),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::NotFound) => {}
            Err(error) => return Err(format!("{path}: {error}").into()),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_about_files_is_asked() {
        let long = format!("fn f() {{{}}}", "\n".repeat(500));
        let port = format!("#[async_trait]\npub trait A {{{}}}", "fn f();".repeat(9));
        let texts = [
            ("a/src/lib.rs", long.as_str()),
            ("a/src/utils.rs", "// let x = 3;"),
            ("a/tests/a.rs", "todo!(); std::thread::sleep(d);"),
            ("a/sql/a.sql", "SELECT 1; SELECT 2"),
            ("arrakis-core/src/a.rs", port.as_str()),
            ("README.md", concat!("/wo", "rk/")),
        ];
        let files = texts.map(|(path, text)| File { path: path.to_owned(), text: text.to_owned() });
        let rules: BTreeSet<&str> = findings_in(&files).iter().map(|finding| finding.rule).collect();
        let all = "commented-out file-length function-length machine-path module-name port-size sleep sql-statements \
                   sql-unused stub";
        assert_eq!(rules, all.split(' ').collect());
    }
}

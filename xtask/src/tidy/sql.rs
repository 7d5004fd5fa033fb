//! A `.sql` file is one statement that some code of its crate includes.

use std::collections::BTreeSet;

use super::{File, Finding, rust::Rust};

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let included: BTreeSet<String> = files
        .iter()
        .filter(|file| file.has_extension("rs"))
        .flat_map(|file| includes(&file.path, &file.text))
        .collect();
    let statements = files.iter().filter(|file| file.has_extension("sql"));
    let mut findings = Vec::new();
    for File { path, text } in statements {
        if !included.contains(path) {
            findings.push(Finding::new(path, 1, "sql-unused", "no code of its crate includes this file"));
        }
        let count = statement_count(text);
        if count != 1 {
            findings.push(Finding::new(path, 1, "sql-statements", format!("{count} statements, must be one")));
        }
    }
    findings
}

/// The files of its own crate a Rust file includes, from the root.
fn includes(path: &str, text: &str) -> Vec<String> {
    let rust = Rust::read(text);
    let krate = path.split("/src/").next().unwrap_or_default();
    let names = rust.words("include_str").into_iter().filter_map(|at| {
        let quoted = text.get(at..)?.split_once('"')?.1;
        resolve(path, quoted.split_once('"')?.0)
    });
    names.filter(|name| name.starts_with(krate)).collect()
}

/// A path relative to a file, as one from the root.
fn resolve(from: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// How many statements an SQL text holds; a trigger, with the statements in its body, is one.
fn statement_count(text: &str) -> usize {
    let code = without_comments_and_literals(text).to_lowercase();
    let mut count = 0;
    let mut in_trigger = false;
    for statement in code.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        if in_trigger {
            in_trigger = words.first() != Some(&"end");
            continue;
        }
        count += 1;
        in_trigger = words.first() == Some(&"create") && words.contains(&"trigger") && words.contains(&"begin");
    }
    count
}

fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' | '"' => {
                code.push('x');
                rest.chars().skip(1).take_while(|inside| *inside != c).map(char::len_utf8).sum::<usize>() + 2
            }
            _ => {
                code.push(c);
                c.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn rules(code: &str, sql: &str) -> Vec<&'static str> {
        let files = [file("a/src/store/object.rs", code), file("a/sql/object.sql", sql)];
        check(&files).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn unused_files_are_found() {
        assert_eq!(rules("include_str!(\"../../sql/object.sql\")", "SELECT 1"), [] as [&str; 0]);
        assert_eq!(rules("// include_str!(\"../../sql/object.sql\")", "SELECT 1"), ["sql-unused"]);
        let other_crate = [file("b/src/lib.rs", "include_str!(\"../../a/x.sql\")"), file("a/x.sql", "SELECT 1")];
        assert_eq!(check(&other_crate).len(), 1);
    }

    #[test]
    fn two_statements_are_found() {
        assert_eq!(statement_count("-- a; b\nSELECT ';' /* ; */ FROM \"x;y\";\n"), 1);
        assert_eq!(statement_count("DELETE FROM a; DELETE FROM b"), 2);
        assert_eq!(statement_count("CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM c; END;"), 1);
        assert_eq!(statement_count("BEGIN; COMMIT;"), 2);
        assert_eq!(statement_count("-- nothing\n"), 0);
    }
}

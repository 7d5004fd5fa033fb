//! Version control remembers old code; comments say why.

use super::Finding;
use super::rust::{Comment, Rust};

/// Finds at most one place in each run of comment lines.
pub(super) fn check(path: &str, rust: &Rust<'_>) -> Vec<Finding> {
    let own_lines = rust.comments.iter().filter(|comment| !comment.trailing);
    let lines: Vec<(usize, &str)> = own_lines.flat_map(numbered_lines).collect();
    let runs = lines.chunk_by(|(line, _), (next, _)| line + 1 == *next);
    let finding =
        |(line, text): (usize, &str)| Finding::new(path, line, "commented-out", format!("code in a comment: {text}"));
    runs.filter_map(first_code).map(finding).collect()
}

fn numbered_lines<'a>(comment: &Comment<'a>) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
    let first = comment.line;
    comment.text.lines().enumerate().map(move |(offset, text)| (first + offset, text.trim()))
}

fn first_code<'a>(run: &[(usize, &'a str)]) -> Option<(usize, &'a str)> {
    let mut after_code = false;
    run.iter().copied().find(|(_, text)| {
        let code = looks_like_code(text);
        is_code(text) || (code && std::mem::replace(&mut after_code, code))
    })
}

/// Whether a comment's line is code without doubt.
fn is_code(text: &str) -> bool {
    let ends = text.ends_with([';', '{', '}']);
    let attribute = (text.starts_with("#[") || text.starts_with("#![")) && text.ends_with(']');
    let starts = ["let ", "use ", "pub ", "fn ", "async fn ", "impl ", "struct ", "enum ", "mod ", "return "];
    let macro_call = ["!(", "![", "!{"].iter().any(|open| {
        text.split_once(open).is_some_and(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || "_:".contains(c)))
    });
    attribute || (ends && (macro_call || starts.iter().any(|start| text.starts_with(start))))
}

/// Whether it may be: two such lines in a row are code.
fn looks_like_code(text: &str) -> bool {
    let ends = text.ends_with([';', '{', '}']) || text.ends_with("),") || text.ends_with(")?");
    let only_punctuation = !text.is_empty() && text.chars().all(|c| "{}()[];,".contains(c));
    let marks = [" = ", "::", "(", "->", "=>", "&mut ", "}"];
    is_code(text)
        || only_punctuation
        || text.starts_with("#[")
        || (ends && marks.iter().any(|mark| text.contains(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check("a.rs", &Rust::read(text)).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn code_in_comments_is_found() {
        assert_eq!(lines("// let x = 3;\n"), [1]);
        assert_eq!(lines("fn a() {\n    // println!(\"{}\", 3);\n}\n"), [2]);
        assert_eq!(lines("// #[test]\n"), [1]);
        assert_eq!(lines("/*\nself.call(3);\nself.call(4);\n*/\n"), [3]);
        assert_eq!(lines("// if x.is_some() {\n//     y.push(3);\n// }\n"), [2]);
    }

    #[test]
    fn one_block_is_one_finding() {
        assert_eq!(lines("// fn f() {\n//     let y = 3;\n//     g(y);\n// }\n\n// use a::b;\n"), [1, 6]);
    }

    #[test]
    fn reasons_are_not_code() {
        let text = "\
// The writer is woken here, not there: a reader (see `open`) may hold the lock;
// it lets go of it within one page.
// SAFETY: the slice is `len` long.
// use the first, not the last: it has the lower revision
let x = 3; // let it be;
/// let x = 3;
//! use a;
";
        assert_eq!(lines(text), [] as [usize; 0]);
    }
}

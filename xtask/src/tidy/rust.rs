//! Rust text split into what is code and what is not, so that no rule mistakes a string or a comment for code.

/// A Rust file: its text, the same text with all but code blanked out, and its comments.
#[derive(Debug)]
pub(super) struct Rust<'a> {
    pub(super) text: &'a str,
    /// As long as `text`, line by line and byte by byte, with comments and the insides of literals as spaces.
    pub(super) code: String,
    pub(super) comments: Vec<Comment<'a>>,
}

/// A comment that is not documentation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comment<'a> {
    /// The line it starts on, from 1.
    pub(super) line: usize,
    /// Without its `//`, or its `/*` and `*/`.
    pub(super) text: &'a str,
    /// Whether code stands before it on its line.
    pub(super) trailing: bool,
}

impl<'a> Rust<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let mut reader = Reader { text, at: 0, code: Vec::with_capacity(text.len()), comments: Vec::new() };
        while reader.at < text.len() {
            reader.step();
        }
        let code = String::from_utf8_lossy(&reader.code).into_owned();
        Self { text, code, comments: reader.comments }
    }

    /// The line of a byte, from 1.
    pub(super) fn line_at(&self, at: usize) -> usize {
        line_at(self.code.as_bytes(), at)
    }

    /// Where a word stands in the code, as a whole identifier.
    pub(super) fn words(&self, word: &str) -> Vec<usize> {
        let bytes = self.code.as_bytes();
        let starts = self.code.match_indices(word).map(|(at, _)| at);
        let is_part = |byte: &u8| is_word(*byte);
        let whole = |at: &usize| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            !before.is_some_and(is_part) && !bytes.get(at + word.len()).is_some_and(is_part)
        };
        starts.filter(whole).collect()
    }

    /// The code from a byte on.
    pub(super) fn code_from(&self, at: usize) -> &str {
        self.code.get(at..).unwrap_or_default()
    }

    /// The body in braces of the item whose keyword stands at a byte: from its `{` to its `}`.
    /// Nothing when a `;` ends the item first.
    pub(super) fn body(&self, item: usize) -> Option<(usize, usize)> {
        let mut nesting = 0_i32;
        let mut open = None;
        for (offset, byte) in self.code_from(item).bytes().enumerate() {
            match byte {
                b'{' if nesting == 0 && open.is_none() => {
                    open = Some(item + offset);
                    nesting = 1;
                }
                b'(' | b'[' | b'{' => nesting += 1,
                b')' | b']' | b'}' => nesting -= 1,
                b';' if nesting == 0 && open.is_none() => return None,
                _ => {}
            }
            if let (0, Some(open)) = (nesting, open) {
                return Some((open, item + offset));
            }
        }
        None
    }

    /// The parts of the code that are only compiled for tests: items under `#[cfg(test)]`.
    pub(super) fn test_items(&self) -> Vec<(usize, usize)> {
        let marks = self.code.match_indices("#[cfg(test)]");
        marks.filter_map(|(at, mark)| self.body(at + mark.len())).collect()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn line_at(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    code: Vec<u8>,
    comments: Vec<Comment<'a>>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn step(&mut self) {
        let rest = self.rest();
        if rest.starts_with("//") {
            self.line_comment(rest);
        } else if rest.starts_with("/*") {
            self.block_comment(rest);
        } else if let Some(length) = raw_string_len(rest).filter(|_| self.at_word_start()) {
            self.literal(length);
        } else if rest.starts_with('"') {
            self.literal(quoted_len(rest, '"'));
        } else if let Some(length) = char_len(rest) {
            self.literal(length);
        } else {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            self.code.extend_from_slice(rest.as_bytes().get(..length).unwrap_or_default());
            self.at += length;
        }
    }

    /// Whether an identifier could start here, so that the `r` of `for"` opens no raw string.
    fn at_word_start(&self) -> bool {
        !self.code.last().is_some_and(|byte| is_word(*byte))
    }

    fn line_comment(&mut self, rest: &'a str) {
        let length = rest.find('\n').unwrap_or(rest.len());
        let comment = rest.get(2..length).unwrap_or_default();
        // Four slashes are a plain comment again.
        let documents = comment.starts_with('!') || (comment.starts_with('/') && !comment.starts_with("//"));
        self.comment(comment, documents);
        self.blank(length);
    }

    fn block_comment(&mut self, rest: &'a str) {
        let mut depth = 0_usize;
        let mut length = 0;
        while let Some(here) = rest.get(length..).filter(|here| !here.is_empty()) {
            if here.starts_with("/*") {
                depth += 1;
                length += 2;
            } else if here.starts_with("*/") {
                depth -= 1;
                length += 2;
            } else {
                length += here.chars().next().map_or(1, char::len_utf8);
            }
            if depth == 0 {
                break;
            }
        }
        let comment = rest.get(2..length.saturating_sub(2)).unwrap_or_default();
        self.comment(comment, comment.starts_with(['*', '!']));
        self.blank(length);
    }

    fn comment(&mut self, text: &'a str, documents: bool) {
        if !documents {
            let line = line_at(&self.code, self.code.len());
            let before = self.code.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            let trailing = before.iter().any(|byte| !byte.is_ascii_whitespace());
            self.comments.push(Comment { line, text, trailing });
        }
    }

    /// Passes a literal: its quotes stay, so that what touches them stays apart.
    fn literal(&mut self, length: usize) {
        self.code.push(b'"');
        self.at += 1;
        self.blank(length.saturating_sub(2));
        if length > 1 {
            self.code.push(b'"');
            self.at += 1;
        }
    }

    fn blank(&mut self, length: usize) {
        let blanked = self.rest().bytes().take(length).map(|byte| if byte == b'\n' { b'\n' } else { b' ' });
        self.code.extend(blanked);
        self.at += length;
    }
}

/// The length of the raw string a text starts with: `r"…"`, `br#"…"#`, `cr##"…"##`.
fn raw_string_len(text: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        let after = text.strip_prefix(prefix).map(|after| after.trim_start_matches('#'));
        after.is_some_and(|after| after.starts_with('"'))
    })?;
    let after = text.get(prefix.len()..)?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let end = format!("\"{}", "#".repeat(hashes));
    let open = prefix.len() + hashes + 1;
    let inside = text.get(open..)?.find(&end).unwrap_or(text.len() - open);
    Some((open + inside + end.len()).min(text.len()))
}

/// The length of the quoted literal a text starts with, its escapes obeyed.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the character literal a text starts with; nothing for a lifetime.
fn char_len(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        return Some(quoted_len(text, '\''));
    }
    inside.get(first.len_utf8()..)?.starts_with('\'').then(|| first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Rust::read(text).code
    }

    #[test]
    fn literals_and_comments_are_blank() {
        assert_eq!(code(r#"f("a{b", 1) // {"#), r#"f("   ", 1)     "#);
        assert_eq!(code(r##"r#"{"}"# + b"\"{""##), r#""      " + b"   ""#);
        assert_eq!(code("a /* { /* { */ } */ b"), format!("a {} b", " ".repeat(17)));
        assert_eq!(code("\"é\n{\" x"), "\"  \n \" x");
    }

    #[test]
    fn lifetimes_are_not_characters() {
        assert_eq!(code("fn f<'a>(x: &'a str) { '{'; '\\''; '\\u{7b}' }"), {
            "fn f<'a>(x: &'a str) { \" \"; \"  \"; \"      \" }"
        });
        assert_eq!(code("b'\"' 'é' '_ x"), "b\" \" \"  \" '_ x");
    }

    #[test]
    fn raw_identifiers_are_code() {
        assert_eq!(code("r#type { for \"{\" }"), "r#type { for \" \" }");
    }

    #[test]
    fn comments_know_their_line_and_documentation_is_none() {
        let rust = Rust::read("//! doc\n/// doc\nlet a; // why\n// own\n/* block */\n/** doc */\n//// plain\n");
        let seen: Vec<_> = rust.comments.iter().map(|c| (c.line, c.text, c.trailing)).collect();
        assert_eq!(seen, [(3, " why", true), (4, " own", false), (5, " block ", false), (7, "// plain", false)]);
    }

    #[test]
    fn bodies_end_at_their_own_brace() {
        let rust = Rust::read("fn a(x: [u8; { 3 }]) -> X { if y { '}' } } fn b();");
        let (open, close) = rust.body(0).unwrap();
        assert_eq!(rust.code.get(open..=close).unwrap(), "{ if y { \" \" } }");
        assert_eq!(rust.body(close + 2), None);
    }

    #[test]
    fn unfinished_text_ends() {
        for text in ["\"abc", "'", "'\\", "r#\"abc", "/* a", "r", "fn f() {", "é'"] {
            assert_eq!(code(text).len(), text.len(), "{text}");
        }
    }
}

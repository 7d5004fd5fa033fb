//! The words of filter text.

use crate::{Error, Result};

/// A place in a filter text.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    offset: usize,
}

/// An argument as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// In quotes, which are gone.
    Quoted(String),
    /// Without quotes.
    Bare(String),
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.offset = self.text.len() - self.rest().trim_start().len();
    }

    /// Where the next word starts, in bytes.
    pub(super) fn offset(&mut self) -> usize {
        self.skip_space();
        self.offset
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.rest().is_empty()
    }

    /// Takes the symbol when it comes next.
    pub(super) fn take(&mut self, symbol: &str) -> bool {
        self.skip_space();
        let taken = self.rest().starts_with(symbol);
        if taken {
            self.offset += symbol.len();
        }
        taken
    }

    /// Takes the keyword when it comes next, whole.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        self.skip_space();
        let after = self.rest().strip_prefix(keyword);
        let whole =
            after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.'));
        if whole {
            self.offset += keyword.len();
        }
        whole
    }

    /// Takes the name of a property, link or function: letters, digits, underscores and dots, or anything in quotes.
    pub(super) fn take_name(&mut self) -> Result<Option<Word>> {
        self.skip_space();
        if self.rest().starts_with(['"', '\'']) {
            return self.take_quoted().map(Some);
        }
        Ok(self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '.').map(Word::Bare))
    }

    /// Takes an argument: quoted, or everything up to white space, a parenthesis, a comma or a quote. No operator starts one, for
    /// `==` is a slip of the pen.
    pub(super) fn take_argument(&mut self) -> Result<Option<Word>> {
        self.skip_space();
        if self.rest().starts_with(['"', '\'']) {
            return self.take_quoted().map(Some);
        }
        if self.rest().starts_with(['=', '!', '<', '>', ':']) {
            return Ok(None);
        }
        Ok(self.take_while(|c| !c.is_whitespace() && !"(),\"'".contains(c)).map(Word::Bare))
    }

    fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> Option<String> {
        let rest = self.rest();
        let taken = rest.find(|c| !accepts(c)).map_or(rest, |end| rest.get(..end).unwrap_or_default());
        self.offset += taken.len();
        (!taken.is_empty()).then(|| taken.to_owned())
    }

    fn take_quoted(&mut self) -> Result<Word> {
        let start = self.offset;
        let mut characters = self.rest().char_indices();
        let quote = characters.next().map(|(_, quote)| quote);
        let mut word = String::new();
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some((_, escaped @ ('\\' | '"' | '\''))) => word.push(escaped),
                    Some((_, 'n')) => word.push('\n'),
                    Some((_, 'r')) => word.push('\r'),
                    Some((_, 't')) => word.push('\t'),
                    _ => {
                        self.offset += index;
                        return Err(
                            self.fault("filter.text.escape", r#"a backslash is followed by one of \ " ' n r t"#)
                        );
                    }
                },
                end if Some(end) == quote => {
                    self.offset += index + end.len_utf8();
                    return Ok(Word::Quoted(word));
                }
                other => word.push(other),
            }
        }
        Err(self.fault_at(start, "filter.text.quote", "the quote is not closed"))
    }

    /// A fault at the next character.
    pub(super) fn fault(&self, code: &'static str, message: &'static str) -> Error {
        self.fault_at(self.offset, code, message)
    }

    /// A fault at a byte of the text.
    pub(super) fn fault_at(&self, offset: usize, code: &'static str, message: &'static str) -> Error {
        let column = column(self.text, offset);
        Error::invalid(code, format!("{message} (column {column})")).with("column", column)
    }
}

/// The column of a byte, in characters from 1.
pub(in crate::kernel) fn column(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).chars().count() + 1
}

//! What is known of a stream of bytes as it passes: how far it is, whether a row is too long, whether a quote is left open.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use indicatif::ProgressBar;

use super::{ROW_LEN_MAX, too_long};

/// What was seen of a stream; shared by the reader under a parser and whoever drives the parser.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    /// Bytes since a row was last taken.
    in_row: u64,
    line: u64,
    field: Field,
    /// The line on which the quote now open was opened.
    opened: u64,
}

/// Where in a field of RFC 4180 the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field {
    #[default]
    Start,
    Bare,
    Quoted,
    /// After a quote inside a quoted field: it ends the field or, doubled, stands for itself.
    Quote,
}

impl Seen {
    /// Notes that the parser gave a row: the next one starts.
    pub(super) fn row_taken(&self) {
        self.0.borrow_mut().in_row = 0;
    }

    /// The line on which a quote was opened that is still open at the end of the stream.
    pub(super) fn open_quote(&self) -> Option<u64> {
        let state = self.0.borrow();
        (state.field == Field::Quoted).then_some(state.opened)
    }
}

/// A reader that keeps [`Seen`] current and moves a progress bar.
#[derive(Debug)]
pub(super) struct Watch<R> {
    inner: R,
    seen: Seen,
    delimiter: u8,
    bar: ProgressBar,
}

impl<R: Read> Watch<R> {
    /// Watches a stream of fields; `delimiter` parts them.
    pub(super) fn new(inner: R, delimiter: u8, bar: &ProgressBar) -> (Self, Seen) {
        let seen = Seen::default();
        seen.0.borrow_mut().line = 1;
        (Self { inner, seen: seen.clone(), delimiter, bar: bar.clone() }, seen)
    }
}

impl<R: Read> Read for Watch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bar.inc(read as u64);
        let mut state = self.seen.0.borrow_mut();
        for byte in buffer.iter().take(read) {
            state.pass(*byte, self.delimiter);
        }
        // The parser reads ahead by less than this buffer.
        if state.in_row > ROW_LEN_MAX {
            let line = if state.field == Field::Quoted { state.opened } else { state.line };
            return Err(io::Error::other(too_long().with("line", line)));
        }
        Ok(read)
    }
}

impl State {
    fn pass(&mut self, byte: u8, delimiter: u8) {
        self.in_row += 1;
        let ends = byte == delimiter || byte == b'\n' || byte == b'\r';
        self.field = match (self.field, byte) {
            (Field::Start, b'"') => {
                self.opened = self.line;
                Field::Quoted
            }
            (Field::Quoted, b'"') => Field::Quote,
            (Field::Quote, b'"') | (Field::Quoted, _) => Field::Quoted,
            _ if ends => Field::Start,
            _ => Field::Bare,
        };
        self.line += u64::from(byte == b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_quote(text: &str) -> Option<u64> {
        let (mut watch, seen) = Watch::new(text.as_bytes(), b',', &ProgressBar::hidden());
        io::copy(&mut watch, &mut io::sink()).unwrap();
        seen.open_quote()
    }

    #[test]
    fn a_quote_left_open_is_found_with_its_line() {
        assert_eq!(open_quote("a,b\n1,\"x\ny"), Some(2));
        assert_eq!(open_quote("\"a"), Some(1));
        for closed in ["", "a,\"b\"\n", "5\" pipe,6\n", "\"a\"\"b\",\"\"", "\"a\nb\"\r\n"] {
            assert_eq!(open_quote(closed), None, "{closed}");
        }
    }

    #[test]
    fn a_row_without_end_is_refused_before_it_fills_the_memory() {
        let (mut watch, seen) = Watch::new(io::repeat(b'x'), b',', &ProgressBar::hidden());
        let copied = io::copy(&mut watch, &mut io::sink()).unwrap_err();
        assert_eq!(super::super::unreadable(copied).code(), "rows.row.too_long");
        seen.row_taken();
        assert_eq!(watch.read(&mut [0; 8]).unwrap(), 8);
    }
}

//! Rows of a CSV or NDJSON file as a load takes them, read as a stream.
//!
//! A row that cannot be read is handed over without cells: the kernel rejects it with those it refuses itself, so that one count
//! decides whether anything is loaded. [`Rows::explain`] then puts the reason in.

mod assemble;
mod csv;
mod mapping;
mod ndjson;
mod watch;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

use arrakis::{LOAD_ROWS_MAX, LoadReport, LoadRow, Rejection};
use clap::ValueEnum;
use indicatif::ProgressBar;

pub(crate) use self::assemble::Shape;
pub(crate) use self::mapping::{Mapping, Target};

/// What editors on some systems put before text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// The most bytes of one row.
pub(crate) const ROW_LEN_MAX: u64 = 67_108_864;

/// How the rows of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Input {
    /// RFC 4180 with a header; a byte order mark is skipped.
    Csv,
    /// One JSON object a line; a byte order mark and empty lines are skipped.
    Ndjson,
}

/// The rows of a file.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// The properties the cells are of.
    pub(crate) columns: Vec<String>,
    /// The rows.
    pub(crate) records: Vec<LoadRow>,
    /// Why rows could not be read, by line.
    unreadable: HashMap<u64, Unreadable>,
    /// For each property the columns of the file it comes from.
    origins: HashMap<String, Vec<(String, Target)>>,
}

/// Why a row could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unreadable {
    column: Option<String>,
    code: String,
    reason: String,
}

impl Unreadable {
    fn new(code: &str, reason: impl Into<String>) -> Self {
        Self { column: None, code: code.to_owned(), reason: reason.into() }
    }

    fn in_column(mut self, column: &str) -> Self {
        self.column = Some(column.to_owned());
        self
    }
}

impl Rows {
    /// Reads all rows, moving `bar` on by the bytes read.
    ///
    /// # Errors
    /// What concerns the file as a whole: `rows.unreadable`, `rows.header.*`, `rows.mapping.*`, `rows.row.too_long`,
    /// `kernel.load.too_large`.
    pub(crate) fn read(
        file: impl Read,
        input: Input,
        delimiter: u8,
        mapping: &Mapping,
        shape: &Shape,
        bar: &ProgressBar,
    ) -> arrakis::Result<Self> {
        match input {
            Input::Csv => csv::read(file, delimiter, mapping, shape, bar),
            Input::Ndjson => ndjson::read(file, mapping, shape, bar),
        }
    }

    /// Puts into a report why rows could not be read, and the columns of the file for the properties of the ontology.
    pub(crate) fn explain(&self, report: &mut LoadReport) {
        for rejection in &mut report.rejections {
            if let Some(why) = self.unreadable.get(&rejection.line) {
                rejection.column.clone_from(&why.column);
                rejection.code.clone_from(&why.code);
                rejection.reason.clone_from(&why.reason);
            } else if let Some(property) = rejection.column.take() {
                rejection.column = self.column_of(&property);
            }
        }
    }

    /// The columns behind a path into a row, such as `location.lat`; `None` where it names none.
    fn column_of(&self, path: &str) -> Option<String> {
        let property = path.split(['.', '[']).next().unwrap_or(path);
        let origins = self.origins.get(property)?;
        let named = origins.iter().find(|(_, target)| target.to_string() == path);
        let columns: Vec<&str> = match named {
            Some((column, _)) => vec![column],
            None => origins.iter().map(|(column, _)| column.as_str()).collect(),
        };
        Some(columns.join(", "))
    }

    fn push(&mut self, line: u64, cells: Result<Vec<arrakis::Cell>, Unreadable>) -> arrakis::Result<()> {
        if self.records.len() >= LOAD_ROWS_MAX {
            return Err(arrakis::Error::invalid("kernel.load.too_large", "the load has too many rows")
                .with("rows_max", LOAD_ROWS_MAX));
        }
        let cells = cells.unwrap_or_else(|why| {
            self.unreadable.insert(line, why);
            Vec::new()
        });
        self.records.push(LoadRow { line, cells });
        Ok(())
    }
}

/// The file from behind its byte order mark on.
fn without_mark<R: Read>(file: R) -> arrakis::Result<BufReader<R>> {
    let mut file = BufReader::new(file);
    if file.fill_buf().map_err(unreadable)?.starts_with(BYTE_ORDER_MARK) {
        file.consume(BYTE_ORDER_MARK.len());
    }
    Ok(file)
}

fn unreadable(error: std::io::Error) -> arrakis::Error {
    // The limit of a row is found where bytes are read, and passes through the reader of the format.
    if error.get_ref().and_then(|inner| inner.downcast_ref::<arrakis::Error>()).is_some() {
        let inner = error.into_inner().and_then(|inner| inner.downcast::<arrakis::Error>().ok());
        return inner.map_or_else(too_long, |inner| *inner);
    }
    arrakis::Error::new(arrakis::ErrorKind::Unavailable, "rows.unreadable", "the file cannot be read").caused_by(error)
}

fn too_long() -> arrakis::Error {
    arrakis::Error::invalid("rows.row.too_long", "a row is too long").with("length_max", ROW_LEN_MAX)
}

/// A rejection as standard error tells it.
pub(crate) fn describe(source: &str, rejection: &Rejection) -> String {
    let Rejection { line, column, code, reason } = rejection;
    let column = column.as_ref().map(|column| format!(" column {column}:")).unwrap_or_default();
    super::text::printable(&format!("{source}:{line}:{column} error[{code}]: {reason}")).into_owned()
}

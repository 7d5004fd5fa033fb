//! Answers on standard output, in the format asked for. Data only: everything else goes to standard error.

use std::borrow::Cow;
use std::io::{self, BufWriter, Stdout, Write};

use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::Value as Json;

use super::failure::{Failure, Result};
use super::text::printable;

/// The most characters of a cell of a table; a longer one ends in `…`. The other formats cut nothing.
const CELL_CHARS_MAX: usize = 64;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; cells longer than 64 characters are cut and end in `…`.
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Ndjson,
    /// RFC 4180, with a header.
    Csv,
}

/// A list that is written as it comes.
#[derive(Debug)]
pub(crate) struct List<W: Write> {
    format: Format,
    out: W,
    columns: Vec<String>,
    rows: Vec<Vec<Json>>,
    count: usize,
}

impl List<BufWriter<Stdout>> {
    /// A list on standard output, called `name` in JSON.
    pub(crate) fn begin(format: Format, name: &str) -> Result<Self> {
        Self::on(BufWriter::new(io::stdout()), format, name)
    }
}

impl<W: Write> List<W> {
    fn on(mut out: W, format: Format, name: &str) -> Result<Self> {
        if format == Format::Json {
            write!(out, "{{{}:[", Json::from(name))?;
        }
        Ok(Self { format, out, columns: Vec::new(), rows: Vec::new(), count: 0 })
    }

    /// Names the columns, before the first record.
    pub(crate) fn columns<S: Into<String>>(&mut self, columns: impl IntoIterator<Item = S>) -> Result<()> {
        self.columns = columns.into_iter().map(Into::into).collect();
        if self.format == Format::Csv && !self.columns.is_empty() {
            write_csv(&mut self.out, self.columns.iter().map(String::as_str))?;
        }
        Ok(())
    }

    /// Adds a record: whole, and as a row of cells.
    pub(crate) fn push(&mut self, record: &impl Serialize, cells: impl FnOnce() -> Vec<Json>) -> Result<()> {
        match self.format {
            Format::Table => self.rows.push(cells()),
            Format::Csv => write_csv(&mut self.out, cells().iter().map(text_of))?,
            Format::Json => {
                self.out.write_all(if self.count == 0 { b"\n" } else { b",\n" })?;
                write_json(&mut self.out, record)?;
            }
            Format::Ndjson => {
                write_json(&mut self.out, record)?;
                self.out.write_all(b"\n")?;
            }
        }
        self.count += 1;
        Ok(())
    }

    /// Hands over what was written so far; a table is only written whole.
    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    /// Ends the list; in JSON with these members beside it, those that are null left out.
    pub(crate) fn end(mut self, members: &[(&str, Json)]) -> Result<()> {
        match self.format {
            Format::Json => {
                self.out.write_all(if self.count == 0 { b"]" } else { b"\n]" })?;
                for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                    write!(self.out, ",{}:{value}", Json::from(*name))?;
                }
                self.out.write_all(b"}\n")?;
            }
            Format::Table if self.rows.is_empty() => {}
            Format::Table => write_table(&mut self.out, &self.columns, &self.rows)?,
            Format::Ndjson | Format::Csv => {}
        }
        Ok(self.out.flush()?)
    }
}

/// Writes one record: in JSON indented, in a table as one row.
pub(crate) fn print(format: Format, record: &impl Serialize, row: Vec<(&str, Json)>) -> Result<()> {
    if format == Format::Json {
        let text = serde_json::to_string_pretty(record).map_err(io::Error::from)?;
        return print_text(&text);
    }
    let (columns, cells): (Vec<_>, Vec<_>) = row.into_iter().unzip();
    let mut list = List::begin(format, "")?;
    list.columns(columns)?;
    list.push(record, || cells)?;
    list.end(&[])
}

/// Writes a text that ends in one line break.
pub(crate) fn print_text(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.trim_end_matches('\n').as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

fn write_json(out: &mut impl Write, record: &impl Serialize) -> Result<()> {
    serde_json::to_writer(out, record).map_err(|e| Failure::from(io::Error::from(e)))
}

fn write_csv<S: AsRef<str>>(out: &mut impl Write, cells: impl Iterator<Item = S>) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().buffer_capacity(256).from_writer(Vec::new());
    for cell in cells {
        writer.write_field(cell.as_ref()).map_err(io::Error::other)?;
    }
    writer.write_record(None::<&[u8]>).map_err(io::Error::other)?;
    let line = writer.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
    Ok(out.write_all(&line)?)
}

fn write_table(out: &mut impl Write, columns: &[String], rows: &[Vec<Json>]) -> Result<()> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(columns.iter().map(|name| printable(name).into_owned()));
    table.add_rows(rows.iter().map(|row| row.iter().map(cell_of).collect::<Vec<_>>()));
    Ok(writeln!(out, "{table}")?)
}

fn cell_of(value: &Json) -> Cell {
    let text = text_of(value);
    let text = printable(&text);
    let shown = match text.char_indices().nth(CELL_CHARS_MAX) {
        Some(_) => text.chars().take(CELL_CHARS_MAX - 1).chain(['…']).collect(),
        None => text.into_owned(),
    };
    let alignment = if value.is_number() { CellAlignment::Right } else { CellAlignment::Left };
    Cell::new(shown).set_alignment(alignment)
}

/// A value as a cell: text as it is, nothing for null, JSON for the rest.
fn text_of(value: &Json) -> Cow<'_, str> {
    match value {
        Json::Null => Cow::Borrowed(""),
        Json::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(format: Format, rows: &[Vec<Json>]) -> String {
        let mut out = Vec::new();
        let mut list = List::on(&mut out, format, "objects").unwrap();
        list.columns(["name", "n"]).unwrap();
        for row in rows {
            list.push(&json!({ "name": row[0], "n": row[1] }), || row.clone()).unwrap();
        }
        list.end(&[("next", Json::Null), ("seq", json!(3))]).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_format_holds_the_same_records() {
        let rows = [vec![json!("a,\"b\"\n"), json!(12)], vec![Json::Null, json!([1, "x"])]];
        assert_eq!(
            written(Format::Json, &rows),
            "{\"objects\":[\n{\"n\":12,\"name\":\"a,\\\"b\\\"\\n\"},\n{\"n\":[1,\"x\"],\"name\":null}\n],\"seq\":3}\n"
        );
        assert_eq!(
            written(Format::Ndjson, &rows),
            "{\"n\":12,\"name\":\"a,\\\"b\\\"\\n\"}\n{\"n\":[1,\"x\"],\"name\":null}\n"
        );
        assert_eq!(written(Format::Csv, &rows), "name,n\n\"a,\"\"b\"\"\n\",12\n,\"[1,\"\"x\"\"]\"\n");
        assert_eq!(
            written(Format::Table, &rows),
            "┌─────────┬─────────┐\n│ name    ┆ n       │\n╞═════════╪═════════╡\n│ a,\"b\"\\n ┆      12 │\n\
             │         ┆ [1,\"x\"] │\n└─────────┴─────────┘\n"
        );
    }

    #[test]
    fn an_empty_list_is_still_a_document() {
        assert_eq!(written(Format::Json, &[]), "{\"objects\":[],\"seq\":3}\n");
        assert_eq!(written(Format::Csv, &[]), "name,n\n");
        assert_eq!(written(Format::Table, &[]), "");
    }

    #[test]
    fn only_tables_cut() {
        let rows = [vec![json!("é".repeat(65)), Json::Null]];
        assert!(written(Format::Table, &rows).contains(&format!("│ {}… ┆", "é".repeat(63))));
        assert!(written(Format::Csv, &rows).contains(&"é".repeat(65)));
    }
}

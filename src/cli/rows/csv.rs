//! Rows of a CSV file (RFC 4180).

use std::io::Read;

use arrakis::{Error, Result};
use csv::{ByteRecord, ReaderBuilder};
use indicatif::ProgressBar;

use super::assemble::{Assembler, Shape};
use super::watch::Watch;
use super::{Mapping, Rows, Unreadable, unreadable};

pub(super) fn read(
    file: impl Read,
    delimiter: u8,
    mapping: &Mapping,
    shape: &Shape,
    bar: &ProgressBar,
) -> Result<Rows> {
    let file = super::without_mark(file)?;
    let (watch, seen) = Watch::new(file, delimiter, bar);
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(watch);
    let mut record = ByteRecord::new();
    if !take(&mut reader, &mut record)? {
        return Err(Error::invalid("rows.header.missing", "the file has no header"));
    }
    let header = header(&record)?;
    if let Some(unknown) = mapping.unknown(|name| header.iter().any(|column| column == name)) {
        return Err(Error::invalid("rows.mapping.column", "the file has no such column").with("column", unknown));
    }
    let mut assembler = Assembler::new(mapping, shape);
    for column in &header {
        assembler.column(column)?;
    }
    let mut rows = Rows::default();
    loop {
        seen.row_taken();
        if !take(&mut reader, &mut record)? {
            break;
        }
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(line, cells(&record, &header, &assembler))?;
    }
    let mut rows = assembler.finish(rows)?;
    if let (Some(opened), Some(last)) = (seen.open_quote(), rows.records.last_mut()) {
        last.cells.clear();
        let why = Unreadable::new("rows.csv.open_quote", format!("the quote opened on line {opened} is not closed"));
        rows.unreadable.insert(last.line, why);
    }
    Ok(rows)
}

fn take<R: Read>(reader: &mut csv::Reader<R>, record: &mut ByteRecord) -> Result<bool> {
    reader.read_byte_record(record).map_err(|e| match e.into_kind() {
        csv::ErrorKind::Io(error) => unreadable(error),
        other => Error::internal("rows.unreadable", "the file cannot be read").caused_by(format!("{other:?}")),
    })
}

fn header(record: &ByteRecord) -> Result<Vec<String>> {
    let mut header: Vec<String> = Vec::with_capacity(record.len());
    for (index, field) in record.iter().enumerate() {
        let number = index + 1;
        let name = std::str::from_utf8(field).map_err(|e| {
            Error::invalid("rows.header.utf8", "the header is not UTF-8").with("column", number).caused_by(e)
        })?;
        if name.is_empty() {
            return Err(Error::invalid("rows.header.unnamed", "a column has no name").with("column", number));
        }
        if header.iter().any(|other| other == name) {
            return Err(Error::invalid("rows.header.twice", "two columns have one name").with("column", name));
        }
        header.push(name.to_owned());
    }
    Ok(header)
}

fn cells(record: &ByteRecord, header: &[String], assembler: &Assembler<'_>) -> Result<Vec<arrakis::Cell>, Unreadable> {
    if record.len() != header.len() {
        let reason = format!("the row has {} fields, the header {}", record.len(), header.len());
        return Err(Unreadable::new("rows.csv.fields", reason));
    }
    let mut cells = assembler.row();
    for (index, (field, column)) in record.iter().zip(header).enumerate() {
        let text = std::str::from_utf8(field).map_err(|e| {
            let reason = format!("the value is not UTF-8 from its byte {} on", e.valid_up_to() + 1);
            Unreadable::new("rows.utf8", reason).in_column(column)
        })?;
        assembler.put_text(&mut cells, index, text)?;
    }
    Ok(cells)
}

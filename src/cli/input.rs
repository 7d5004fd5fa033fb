//! Files and standard input, read whole within a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use arrakis::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;

/// The most bytes of a file that is read whole.
pub(crate) const INPUT_LEN_MAX: u64 = 67_108_864;

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// `input.unreadable`, `input.too_large` and `input.utf8`, each with the file's name.
pub(crate) fn text(file: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(INPUT_LEN_MAX + 1).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|opened| opened.take(INPUT_LEN_MAX + 1).read_to_end(&mut bytes))
    };
    let length = read.map_err(|e| unreadable(file, e))?;
    if length as u64 > INPUT_LEN_MAX {
        return Err(
            named(Error::invalid("input.too_large", "the file is too large"), file).with("length_max", INPUT_LEN_MAX)
        );
    }
    String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes().iter().take(e.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        named(Error::invalid("input.utf8", "the file is not UTF-8"), file).with("line", line).caused_by(e.utf8_error())
    })
}

/// What a JSON file, or standard input for `-`, holds.
///
/// # Errors
/// As [`text`], and `input.malformed` with the line and column.
pub(crate) fn json_file<T: DeserializeOwned>(file: &Path) -> Result<T> {
    parse(&text(file)?).map_err(|e| named(e, file))
}

/// What an argument holds: JSON, or the name of a file with JSON after `@`.
///
/// # Errors
/// As [`json_file`]; `argument` is the path of a fault in the argument itself.
pub(crate) fn json<T: DeserializeOwned>(text: &str, argument: &str) -> Result<T> {
    match text.strip_prefix('@') {
        Some(file) => json_file(Path::new(file)),
        None => parse(text).map_err(|e| e.at(argument)),
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| {
        let (line, column) = (e.line(), e.column());
        let reason = e.to_string();
        let reason = reason.split(" at line ").next().unwrap_or(&reason).to_owned();
        Error::invalid("input.malformed", reason).with("line", line).with("column", column)
    })
}

/// The refusal of a file that cannot be read.
pub(crate) fn unreadable(file: &Path, error: io::Error) -> Error {
    let (kind, message) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "there is no such file"),
        _ => (ErrorKind::Unavailable, "the file cannot be read"),
    };
    named(Error::new(kind, "input.unreadable", message), file).caused_by(error)
}

fn named(error: Error, file: &Path) -> Error {
    error.with("file", file.display())
}

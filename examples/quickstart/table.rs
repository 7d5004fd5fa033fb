//! Answers as tables, each with the time it took.

use std::time::Duration;

use arrakis::{Properties, Value};
use comfy_table::{Table, presets};

/// Prints a title, a table and a time.
pub(crate) fn print<R>(title: &str, header: &[&str], rows: impl IntoIterator<Item = R>, took: Duration)
where
    R: IntoIterator<Item = String>,
{
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header.iter());
    table.add_rows(rows);
    println!("\n{title} ({:.1} ms)\n{table}", took.as_secs_f64() * 1e3);
}

/// Values by name, as texts.
pub(crate) fn texts(properties: &Properties, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| properties.get(name).map(text).unwrap_or_default()).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.to_string(),
        other => other.to_json().to_string(),
    }
}

//! The table of ratios: what Arrakis takes beside hand-written code on the same data, in one run.

use comfy_table::{CellAlignment, Table, presets};

/// A pair that was measured, nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) what: String,
    pub(crate) raw_ns: f64,
    pub(crate) ours_ns: f64,
    /// How many things it is the time of, when the table shows a rate in place of a time.
    pub(crate) per_iteration: Option<f64>,
    pub(crate) ratio_max: f64,
}

/// Prints the table of pairs.
pub(crate) fn print(measured: &[Measured]) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["what", "raw", "Arrakis", "ratio", "bound", "met"]);
    for column in 1..=4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for Measured { what, raw_ns, ours_ns, per_iteration, ratio_max } in measured {
        let ratio = ours_ns / raw_ns;
        if ratio.is_nan() {
            table.add_row([what, "not measured", "", "", "", ""]);
            continue;
        }
        table.add_row([
            what.clone(),
            show(*raw_ns, *per_iteration),
            show(*ours_ns, *per_iteration),
            format!("{ratio:.2}"),
            format!("{ratio_max:.2}"),
            if ratio <= *ratio_max { "yes".to_owned() } else { "no".to_owned() },
        ]);
    }
    println!("\n{table}");
}

fn show(ns: f64, per_iteration: Option<f64>) -> String {
    match per_iteration {
        Some(count) => format!("{:.0}/s", count * 1e9 / ns),
        None if ns < 1e4 => format!("{:.2} µs", ns / 1e3),
        None if ns < 1e6 => format!("{:.0} µs", ns / 1e3),
        None => format!("{:.2} ms", ns / 1e6),
    }
}

//! The table of ratios: what Arrakis takes beside hand-written SQL on the same tables, in one run.

use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};

/// A measured pair and the bound it is held against.
#[derive(Debug)]
pub(crate) struct Case {
    /// The criterion group, with the benchmarks `raw` and `arrakis` in it.
    pub(crate) group: &'static str,
    /// What is measured.
    pub(crate) what: &'static str,
    /// How many things one iteration does, when the table shows a rate in place of a time.
    pub(crate) per_iteration: Option<f64>,
    /// The most times the raw time that is allowed.
    pub(crate) ratio_max: f64,
}

/// Prints the table of every case that was measured in this run or an earlier one; says which were not.
pub(crate) fn print(cases: &[Case], criterion_dir: &Path) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["what", "raw", "Arrakis", "ratio", "bound", "met"]);
    for column in 1..=4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for case in cases {
        let (raw, ours) =
            (median_ns(criterion_dir, case.group, "raw"), median_ns(criterion_dir, case.group, "arrakis"));
        let (Some(raw), Some(ours)) = (raw, ours) else {
            table.add_row([case.what, "not measured", "", "", "", ""]);
            continue;
        };
        let ratio = ours / raw;
        table.add_row([
            case.what.to_owned(),
            show(raw, case.per_iteration),
            show(ours, case.per_iteration),
            format!("{ratio:.2}"),
            format!("{:.2}", case.ratio_max),
            if ratio <= case.ratio_max { "yes".to_owned() } else { "no".to_owned() },
        ]);
    }
    println!("\n{table}");
}

/// The median time of one benchmark, when it was measured.
pub(crate) fn median_ns(criterion_dir: &Path, group: &str, function: &str) -> Option<f64> {
    let file = criterion_dir.join(group.replace('/', "_")).join(function).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    estimates.get("median")?.get("point_estimate")?.as_f64()
}

fn show(ns: f64, per_iteration: Option<f64>) -> String {
    match per_iteration {
        Some(count) => format!("{:.0}/s", count * 1e9 / ns),
        None if ns < 1e4 => format!("{:.2} µs", ns / 1e3),
        None if ns < 1e6 => format!("{:.0} µs", ns / 1e3),
        None => format!("{:.2} ms", ns / 1e6),
    }
}

//! What criterion measured, as a table of ratios.

use std::path::Path;

use crate::table::{self, Measured};

/// A pair that criterion measures, and the bound it is held against.
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
    let measured = cases.iter().map(|case| {
        let side = |function| median_ns(criterion_dir, case.group, function);
        let (raw_ns, ours_ns) = side("raw").zip(side("arrakis")).unwrap_or((f64::NAN, f64::NAN));
        let Case { what, per_iteration, ratio_max, .. } = *case;
        Measured { what: what.to_owned(), raw_ns, ours_ns, per_iteration, ratio_max }
    });
    table::print(&measured.collect::<Vec<_>>());
}

/// The median time of one benchmark, when it was measured.
pub(crate) fn median_ns(criterion_dir: &Path, group: &str, function: &str) -> Option<f64> {
    let file = criterion_dir.join(group.replace('/', "_")).join(function).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    estimates.get("median")?.get("point_estimate")?.as_f64()
}

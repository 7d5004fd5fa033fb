//! The links the bench stores, the same for both sides.

use arrakis::{Cell, Load, LoadMode, LoadRow, LoadTarget, Value};

/// The items the n-th is linked to, of `count` in all.
pub(crate) fn parts(id: i64, count: i64) -> [i64; 5] {
    [1, 7, 31, 127, 511].map(|step| (id * 3 + step) % count)
}

/// A load of the links of items.
pub(crate) fn load_parts(count: i64) -> Load {
    let row = |(line, (source, target)): (usize, (i64, i64))| LoadRow {
        line: line as u64 + 1,
        cells: [source, target, target % 10].map(|number| Cell::Value(Value::Integer(number))).to_vec(),
    };
    let pairs = (0..count).flat_map(|id| parts(id, count).map(|part| (id, part)));
    let columns = ["source", "target", "quantity"].map(str::to_owned).to_vec();
    let rows = pairs.enumerate().map(row).collect();
    Load {
        into: LoadTarget::Links("Part".into()),
        mode: LoadMode::Create,
        columns,
        rows,
        errors_max: 0,
        id: None,
        reason: None,
    }
}

//! The rows the bench stores, the same for both sides.

use arrakis::{Cell, Load, LoadMode, LoadRow, LoadTarget, Value};

/// Categories, so that an equality on one selects a thousandth of the items.
pub(crate) const CATEGORIES: i64 = 1_000;

/// The values of one item.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) category: String,
    pub(crate) score: i64,
    pub(crate) name: String,
    pub(crate) weight: f64,
    pub(crate) made_micros: i64,
}

/// The n-th item. Scores are spread by a multiplicative hash, so that no index is filled in order.
pub(crate) fn item(id: i64) -> Item {
    let spread = (id.wrapping_mul(2_654_435_761)) & 0xFFFF_FFFF;
    Item {
        id,
        category: format!("category-{:03}", spread % CATEGORIES),
        score: spread % 100_000,
        name: format!("item number {id}"),
        weight: (id % 977) as f64 / 8.0,
        made_micros: 1_700_000_000_000_000 + id * 1_000_000,
    }
}

/// A load of items.
pub(crate) fn load_items(ids: std::ops::Range<i64>) -> Load {
    let row = |id: i64| {
        let item = item(id);
        let made = arrakis::Timestamp::from_micros_saturating(item.made_micros);
        let values = [
            Value::Integer(item.id),
            Value::string(item.category),
            Value::Integer(item.score),
            Value::string(item.name),
            Value::Double(item.weight),
            Value::Timestamp(made),
        ];
        LoadRow { line: id as u64 + 1, cells: values.into_iter().map(Cell::Value).collect() }
    };
    let columns = ["id", "category", "score", "name", "weight", "made"].map(str::to_owned).to_vec();
    Load {
        into: LoadTarget::Objects("Item".into()),
        mode: LoadMode::Create,
        columns,
        rows: ids.map(row).collect(),
        errors_max: 0,
        id: None,
        reason: None,
    }
}

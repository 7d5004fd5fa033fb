//! Bulk loads as callers state them: many rows of one type, in one transaction.

mod decide;
mod distinct;
mod fit;
mod order;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub(super) use self::decide::{Judged, LoadPlan, Target, row_of};
pub(super) use self::distinct::Distinct;

use crate::{CommitId, Error, Result, Seq, Value};

/// The most rows of one load.
pub const LOAD_ROWS_MAX: usize = 10_000_000;
/// The most rejected rows a report lists; all of them are counted.
pub const REJECTIONS_MAX: usize = 1_000;
/// The most columns of a load.
pub const LOAD_COLUMNS_MAX: usize = 2_000;

/// The column of a link's source key.
pub(super) const SOURCE: &str = "source";
/// The column of a link's target key.
pub(super) const TARGET: &str = "target";

/// A bulk load: every row is judged first, then all of them are written in one transaction, or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// What the rows are.
    pub into: LoadTarget,
    /// What happens to rows that exist.
    #[serde(default)]
    pub mode: LoadMode,
    /// The name of each column: properties, and for links `source` and `target`, the keys at their ends.
    pub columns: Vec<String>,
    /// The rows, up to [`LOAD_ROWS_MAX`].
    pub rows: Vec<LoadRow>,
    /// The most rejected rows at which the others are loaded; 0 loads all or nothing.
    #[serde(default)]
    pub errors_max: u64,
    /// The idempotency key: a load whose id was loaded before changes nothing, and its report knows only of the rejections its rows
    /// themselves deserve. Fresh when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CommitId>,
    /// Why, for the history, in up to [`super::REASON_LEN_MAX`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the rows of a load are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoadTarget {
    /// Objects of this type.
    Objects(String),
    /// Links of this type. Of those held in a property the holders are modified.
    Links(String),
}

/// What happens to rows that exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoadMode {
    /// They are rejected. A link held in a property replaces the one held before still.
    Create,
    /// They take the values given; a row left as it was is not written.
    #[default]
    Upsert,
}

/// A row of a load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LoadRow {
    /// Where it stands in its source, for the report.
    pub line: u64,
    /// One cell per column.
    pub cells: Vec<Cell>,
}

/// A value of a load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Text, as in CSV, read by the type of its column; empty text is the absent value.
    Text(Box<str>),
    /// The JSON form.
    Json(Json),
    /// A value of the property's base type; its constraints are still checked. Not on the wire.
    #[serde(skip)]
    Value(Value),
    /// Not given: the default, or what the object has.
    Missing,
}

/// What a load did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct LoadReport {
    /// Rows given.
    pub rows: u64,
    /// Rows in the store now because of this load or, where they were the same already, before it; none when it was refused.
    pub loaded: u64,
    /// Rows rejected, exactly.
    pub rejected: u64,
    /// The first [`REJECTIONS_MAX`] of them, by their place in the load.
    pub rejections: Vec<Rejection>,
    /// The newest commit of the load; `None` when nothing was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
}

/// Why a row was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Rejection {
    /// Its line.
    pub line: u64,
    /// The column, where one is to blame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The stable code of the refusal.
    pub code: String,
    /// The reason, for a person.
    pub reason: String,
}

impl Load {
    /// Objects of a type, those that exist included; all or nothing.
    pub fn objects(object_type: impl Into<String>, columns: Vec<String>, rows: Vec<LoadRow>) -> Self {
        Self::new(LoadTarget::Objects(object_type.into()), columns, rows)
    }

    /// Links of a type, those that exist included; all or nothing.
    pub fn links(link_type: impl Into<String>, columns: Vec<String>, rows: Vec<LoadRow>) -> Self {
        Self::new(LoadTarget::Links(link_type.into()), columns, rows)
    }

    fn new(into: LoadTarget, columns: Vec<String>, rows: Vec<LoadRow>) -> Self {
        Self { into, columns, rows, mode: LoadMode::default(), errors_max: 0, id: None, reason: None }
    }
}

impl LoadReport {
    /// This, unless rows were rejected and nothing was loaded.
    ///
    /// # Errors
    /// `kernel.load.refused`, with the first rejection.
    pub fn accepted(self) -> Result<Self> {
        if self.seq.is_some() || self.rejected == 0 {
            return Ok(self);
        }
        let error = Error::invalid("kernel.load.refused", "rows were rejected, so nothing was loaded")
            .with("rejected", self.rejected);
        Err(match self.rejections.into_iter().next() {
            None => error,
            Some(first) => {
                error.with("first_line", first.line).with("first_code", first.code).with("first_reason", first.reason)
            }
        })
    }
}

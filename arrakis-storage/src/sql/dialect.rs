//! What one database says differently from another.

use std::fmt;

use sea_query::{
    DeleteStatement, DynIden, Expr, IndexDropStatement, InsertStatement, NullOrdering, SelectStatement,
    TableAlterStatement, TableCreateStatement, UpdateStatement,
};

use super::ColumnKind;

/// A statement's text and the values it binds, in order.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) values: Vec<sea_query::Value>,
}

/// A secondary index to be made where there is none of its name.
pub(crate) struct IndexShape {
    pub(crate) name: String,
    pub(crate) table: DynIden,
    /// What it is over, between the tenant and the keys.
    pub(crate) columns: Vec<DynIden>,
    /// The keys of the table but the tenant, and what ends a superseded version.
    pub(crate) keys: Vec<&'static str>,
}

/// What one database says differently from another.
pub(crate) trait Dialect: fmt::Debug + Send + Sync {
    fn select(&self, statement: &SelectStatement) -> Statement;
    fn insert(&self, statement: &InsertStatement) -> Statement;
    fn update(&self, statement: &UpdateStatement) -> Statement;
    fn delete(&self, statement: &DeleteStatement) -> Statement;
    fn create_table(&self, statement: &TableCreateStatement) -> String;
    fn alter_table(&self, statement: &TableAlterStatement) -> String;
    fn create_index(&self, index: &IndexShape) -> String;
    fn drop_index(&self, statement: &IndexDropStatement) -> String;

    fn column_type(&self, kind: ColumnKind) -> &'static str;

    /// What follows the columns of a table, such as how it is stored.
    fn table_suffix(&self) -> Option<&'static str>;

    /// What puts absent values lowest, where the database does not do so by itself.
    fn nulls_lowest(&self, ascending: bool) -> Option<NullOrdering>;

    /// Whether `left` is among values of one kind; they may be many.
    fn is_among(&self, left: Expr, values: Vec<sea_query::Value>, kind: ColumnKind) -> Expr;

    /// Whether `text` contains `part`.
    fn contains(&self, text: Expr, part: &str) -> Expr;

    /// The last characters of `text`, as many as given.
    fn last_characters(&self, text: Expr, count: usize) -> Expr;

    /// Whether the step of a recursive statement must select from what it walks in one place, which it then joins from aside.
    fn recurses_aside(&self) -> bool;

    /// A function of Arrakis by its [`Function`].
    fn call(&self, function: Function, arguments: Vec<Expr>) -> Expr;
}

/// Functions the databases do not have, with the meaning the core gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// `(lat, lon, center lat, center lon, radius m)`: whether the point lies in the circle.
    WithinCircle,
    /// `(canonical JSON of a list, canonical JSON of a value)`: whether the list has such an element.
    ArrayContains,
    /// `(unit, days)`: the first day of the calendar unit a date lies in.
    StartOfDate,
    /// `(unit, microseconds)`: the first instant of the calendar unit an instant lies in.
    StartOfTimestamp,
    /// `(doubles)`, an aggregate: their exact sum rounded once.
    SumDouble,
    /// `(lat, lon)`: one value for both, absent when they are.
    Point,
}

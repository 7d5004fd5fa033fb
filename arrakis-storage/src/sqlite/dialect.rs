//! What SQLite says differently from other databases.

use sea_query::{
    BinOper, DeleteStatement, Expr, ExprTrait, Func, Index, IndexDropStatement, InsertStatement, NullOrdering, Query,
    SelectStatement, SqliteQueryBuilder, SubQueryStatement, TableAlterStatement, TableCreateStatement, UpdateStatement,
    Values,
};

use super::function;
use crate::sql::{ColumnKind, Dialect, Function, IndexShape, Statement};

#[derive(Debug)]
pub(super) struct SqliteDialect;

fn statement((text, Values(values)): (String, Values)) -> Statement {
    Statement { text, values }
}

impl Dialect for SqliteDialect {
    fn select(&self, select: &SelectStatement) -> Statement {
        statement(select.build(SqliteQueryBuilder))
    }

    fn insert(&self, insert: &InsertStatement) -> Statement {
        statement(insert.build(SqliteQueryBuilder))
    }

    fn update(&self, update: &UpdateStatement) -> Statement {
        statement(update.build(SqliteQueryBuilder))
    }

    fn delete(&self, delete: &DeleteStatement) -> Statement {
        statement(delete.build(SqliteQueryBuilder))
    }

    fn create_table(&self, create: &TableCreateStatement) -> String {
        create.build(SqliteQueryBuilder)
    }

    fn alter_table(&self, alter: &TableAlterStatement) -> String {
        alter.build(SqliteQueryBuilder)
    }

    /// Every secondary index of a table without rowids ends with the primary key by itself.
    fn create_index(&self, index: &IndexShape) -> String {
        let mut create = Index::create();
        create.name(index.name.clone()).table(index.table.clone()).if_not_exists().col("t");
        for column in &index.columns {
            create.col(column.clone());
        }
        create.build(SqliteQueryBuilder)
    }

    fn drop_index(&self, drop: &IndexDropStatement) -> String {
        drop.build(SqliteQueryBuilder)
    }

    fn column_type(&self, kind: ColumnKind) -> &'static str {
        match kind {
            ColumnKind::Integer => "INTEGER",
            ColumnKind::Real => "REAL",
            ColumnKind::Text => "TEXT",
            ColumnKind::Blob => "BLOB",
        }
    }

    /// Rows live in the primary key's tree, and every secondary index ends with the key. `STRICT` would make each added column read
    /// the whole table to check it.
    fn table_suffix(&self) -> Option<&'static str> {
        Some("WITHOUT ROWID")
    }

    fn nulls_lowest(&self, _ascending: bool) -> Option<NullOrdering> {
        None
    }

    fn is_among(&self, left: Expr, values: Vec<sea_query::Value>, _kind: ColumnKind) -> Expr {
        let elements = values.into_iter().map(|value| match value {
            sea_query::Value::String(Some(text)) => serde_json::Value::String(text),
            sea_query::Value::BigInt(Some(number)) => number.into(),
            sea_query::Value::Double(Some(number)) => number.into(),
            _ => serde_json::Value::Null,
        });
        let list = elements.collect::<serde_json::Value>().to_string();
        let mut select = Query::select();
        select.column("value").from_function(Func::cust("json_each").arg(list), "j");
        let listed = Expr::SubQuery(None, Box::new(SubQueryStatement::SelectStatement(select)));
        left.binary(BinOper::In, listed)
    }

    fn contains(&self, text: Expr, part: &str) -> Expr {
        Expr::from(Func::cust("instr").arg(text).arg(part)).gt(0_i64)
    }

    fn last_characters(&self, text: Expr, count: usize) -> Expr {
        Func::cust("substr").arg(text).arg(i64::try_from(count).map_or(i64::MIN, |count| -count)).into()
    }

    fn recurses_aside(&self) -> bool {
        false
    }

    fn call(&self, function: Function, arguments: Vec<Expr>) -> Expr {
        Func::cust(function::name(function)).args(arguments).into()
    }
}

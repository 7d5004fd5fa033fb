//! What PostgreSQL says differently from other databases.

use std::fmt;

use sea_query::extension::postgres::PgFunc;
use sea_query::{
    ArrayType, DeleteStatement, DynIden, Expr, ExprTrait, Func, IndexDropStatement, InsertStatement, NullOrdering,
    PostgresQueryBuilder, QueryBuilder, SelectStatement, SqlWriter, TableAlterStatement, TableCreateStatement,
    UpdateStatement, Value, Values,
};

use crate::sql::{ColumnKind, Dialect, Function, IndexShape, Statement};

#[derive(Debug)]
pub(super) struct PgDialect;

/// Collects a statement. Limits are written out rather than bound: a plan for any limit is a plan for a large one.
#[derive(Default)]
struct Collector {
    text: String,
    values: Vec<Value>,
}

impl fmt::Write for Collector {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        Ok(())
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl SqlWriter for Collector {
    fn push_param<T: QueryBuilder>(&mut self, value: Value, _: &T) {
        if let Value::BigUnsigned(Some(limit)) = value {
            self.text.push_str(&limit.to_string());
            return;
        }
        self.values.push(value);
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
    }

    fn as_writer(&mut self) -> &mut dyn fmt::Write {
        self
    }
}

fn statement((text, Values(values)): (String, Values)) -> Statement {
    Statement { text, values }
}

/// A name that is made of numbers, as it stands in a statement.
pub(super) fn quoted(name: &DynIden) -> String {
    format!("\"{name}\"")
}

impl Dialect for PgDialect {
    fn select(&self, select: &SelectStatement) -> Statement {
        let mut collector = Collector::default();
        select.build_collect_any_into(&PostgresQueryBuilder, &mut collector);
        Statement { text: collector.text, values: collector.values }
    }

    fn insert(&self, insert: &InsertStatement) -> Statement {
        statement(insert.build(PostgresQueryBuilder))
    }

    fn update(&self, update: &UpdateStatement) -> Statement {
        statement(update.build(PostgresQueryBuilder))
    }

    fn delete(&self, delete: &DeleteStatement) -> Statement {
        statement(delete.build(PostgresQueryBuilder))
    }

    fn create_table(&self, create: &TableCreateStatement) -> String {
        create.build(PostgresQueryBuilder)
    }

    fn alter_table(&self, alter: &TableAlterStatement) -> String {
        alter.build(PostgresQueryBuilder)
    }

    /// Ends with the keys, so that equal values come in the order of the keys, and puts absent values first, as orders do.
    fn create_index(&self, index: &IndexShape) -> String {
        let over = index.columns.iter().map(|column| format!("{} NULLS FIRST", quoted(column)));
        let over: Vec<_> = over.chain(index.keys.iter().map(|key| format!("\"{key}\""))).collect();
        let (name, table) = (&index.name, quoted(&index.table));
        format!("CREATE INDEX IF NOT EXISTS \"{name}\" ON {table} (\"t\", {})", over.join(", "))
    }

    fn drop_index(&self, drop: &IndexDropStatement) -> String {
        drop.clone().if_exists().build(PostgresQueryBuilder)
    }

    fn column_type(&self, kind: ColumnKind) -> &'static str {
        match kind {
            ColumnKind::Integer => "bigint",
            ColumnKind::Real => "double precision",
            ColumnKind::Text => "text COLLATE \"C\"",
            ColumnKind::Blob => "bytea",
        }
    }

    /// Room for new versions on the pages of the old ones, so that they need no new index entries; cleaned up and counted early, since the
    /// newest rows are written again and again.
    fn table_suffix(&self) -> Option<&'static str> {
        Some(
            "WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, \
             autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000, autovacuum_vacuum_cost_delay = 0)",
        )
    }

    fn nulls_lowest(&self, ascending: bool) -> Option<NullOrdering> {
        Some(if ascending { NullOrdering::First } else { NullOrdering::Last })
    }

    fn is_among(&self, left: Expr, values: Vec<Value>, kind: ColumnKind) -> Expr {
        let elements = if kind == ColumnKind::Integer { ArrayType::BigInt } else { ArrayType::String };
        left.eq(PgFunc::any(Expr::val(Value::Array(elements, Some(Box::new(values))))))
    }

    fn contains(&self, text: Expr, part: &str) -> Expr {
        Expr::from(Func::cust("strpos").arg(text).arg(part)).gt(0_i32)
    }

    fn last_characters(&self, text: Expr, count: usize) -> Expr {
        Func::cust("right").arg(text).arg(i32::try_from(count).unwrap_or(i32::MAX)).into()
    }

    fn recurses_aside(&self) -> bool {
        true
    }

    fn call(&self, function: Function, arguments: Vec<Expr>) -> Expr {
        let name = match function {
            Function::WithinCircle => "arrakis_within_circle",
            Function::ArrayContains => "arrakis_array_contains",
            Function::StartOfDate => "arrakis_start_of_date",
            Function::StartOfTimestamp => "arrakis_start_of_timestamp",
            Function::Point => "arrakis_point",
            // The doubles themselves, which are added up where they are read.
            Function::SumDouble => {
                let of = |()| Expr::cust_with_exprs("array_agg($1) FILTER (WHERE $1 IS NOT NULL)", arguments.clone());
                return of(());
            }
        };
        Func::cust(name).args(arguments).into()
    }
}

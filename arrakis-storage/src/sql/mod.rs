//! Statements made at run time, shared by the SQL adapters: what the databases say differently is a [`Dialect`].
//!
//! Names are made of numbers and values are bound, so nothing a user wrote is ever part of a statement's text.

mod aggregate;
mod column;
mod condition;
mod dialect;
mod history;
mod link;
mod page;
mod predicate;
mod row;
mod set;
mod source;
mod table;

pub(crate) use self::aggregate::{SumForm, operand_base, unit_of_number};
pub(crate) use self::column::{ColumnKind, Columns, stored};
pub(crate) use self::dialect::{Dialect, Function, Statement};
pub(crate) use self::history::versions;
pub(crate) use self::page::{Slice, is_indexed, segments};
pub(crate) use self::row::{RowText, any_row, delete_all, keys_with, links_of, supersede_all};
pub(crate) use self::source::{Builder, Table, Tables, end_name, seq_of, seq_value};
pub(crate) use self::table::{
    IndexDefinition, Layout, TableKind, add_column, link_index, missing_table, object_indexes, object_indexes_where,
};

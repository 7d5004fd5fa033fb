//! Statements made at run time, shared by the SQL adapters: what the databases say differently is a [`Dialect`].
//!
//! Names are made of numbers and values are bound, so nothing a user wrote is ever part of a statement's text.

mod aggregate;
pub(crate) mod archive;
mod column;
mod condition;
mod dialect;
mod fact;
mod group;
mod history;
mod link;
mod log;
mod object;
mod page;
mod place;
mod predicate;
mod row;
mod set;
mod source;
mod table;
mod value;

#[cfg(feature = "sqlite")]
pub(crate) use self::aggregate::unit_of_number;
pub(crate) use self::aggregate::{SumForm, operand_base};
pub(crate) use self::column::{ColumnKind, Columns, stored};
pub(crate) use self::dialect::{Dialect, Function, IndexShape, Statement};
pub(crate) use self::fact::{Facts, Schemas};
pub(crate) use self::group::{group_of_nothing, read_group};
pub(crate) use self::history::{RowVersion, Subject, changes};
pub(crate) use self::log::{Author, Written, body_of, closed, lost, published};
pub(crate) use self::object::{fits, whole};
pub(crate) use self::page::{Slice, is_indexed, segments};
pub(crate) use self::place::{Page, read_place, selected};
pub(crate) use self::row::{RowText, any_row, delete_all, get_with_head, keys_with, links_of, supersede_all};
pub(crate) use self::source::{Builder, Table, Tables, end_name, seq_of, seq_value};
pub(crate) use self::table::{
    IndexDefinition, Layout, TableId, TableKind, add_column, ends, link_index, loses_columns, missing_table,
    object_indexes, object_indexes_where, same_columns,
};
pub(crate) use self::value::{Column, ReadRow, mistyped, read_link, read_row, unreadable, vector_bytes};

//! The conformance suites of the ports a store is moved through ([`ArchiveReader`](crate::archive::ArchiveReader),
//! [`ArchiveWriter`]): one function per sentence of behaviour, each on a store of its own.

pub mod reader;
pub mod writer;

use std::sync::Arc;

use async_trait::async_trait;

use crate::archive::{ArchiveWriter, Manifest, Part, Row, RowsOf, TableOutline, manifest};
use crate::{Result, SpaceId, Store};

/// A place a store may be moved to, which no other test uses.
#[async_trait]
pub trait Place: std::fmt::Debug + Send + Sync + 'static {
    /// What fills it.
    fn writer(&self) -> Box<dyn ArchiveWriter>;

    /// Opens the store that is there, or makes one.
    async fn open(&self) -> Result<Arc<dyn Store>>;
}

/// What a store holds.
pub async fn manifest_of(store: &dyn Store) -> Manifest {
    manifest(&mut *store.archive().await.unwrap(), &|_| {}).await.unwrap()
}

/// Every row of a type of a space, by tenant and keys.
pub async fn rows_of(store: &dyn Store, space: SpaceId, of: RowsOf, part: Part) -> (TableOutline, Vec<Row>) {
    let mut reader = store.archive().await.unwrap();
    let outline = reader.outline().await.unwrap();
    let table = outline.tables.into_iter().find(|table| (table.space, table.of) == (space, of)).expect("a table");
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let page = reader.rows(&table, part, rows.last()).await.unwrap();
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    rows.sort_by_key(|row| (row.tenant, row.key.clone(), row.target.clone(), row.from));
    (table, rows)
}

/// Makes a test of every function on readers. The argument is an asynchronous function from an [`crate::Env`] to an empty store, as of
/// [`store_suite!`](crate::store_suite).
#[macro_export]
macro_rules! archive_suite {
    ($open:path) => {
        $crate::archive_suite! { @tests $open =>
            what_was_acknowledged_is_seen
            what_is_written_afterwards_is_not_seen
            an_outline_lists_what_there_is
            a_version_is_read_as_stored
            the_log_is_read_without_a_gap
            every_version_of_every_tenant_is_there_once
            links_are_there_with_both_ends
        }
    };
    (@tests $open:path => $($function:ident)*) => {
        $($crate::archive_suite! { @test $open, $function })*
    };
    (@test $open:path, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            let test = $crate::testing::TestEnv::default();
            let opened: Option<std::sync::Arc<dyn $crate::Store>> = $open(test.env()).await.into();
            let Some(store) = opened else { return };
            $crate::testing::archive::reader::$function($crate::testing::Fixture::new(store, test).await).await;
        }
    };
}

/// Makes a test of every function on writers. The arguments are the function that opens an empty store, and one from an [`crate::Env`] to
/// an `Arc<dyn Place>`; where the first answers `None` the second is not asked.
#[macro_export]
macro_rules! archive_writer_suite {
    ($open:path, $place:path) => {
        $crate::archive_writer_suite! { @tests $open, $place =>
            a_moved_store_is_the_same
            a_moved_store_goes_on
            long_rows_come_in_short_pages
            nothing_is_moved_to_where_something_is
            a_move_that_ends_early_leaves_no_store
            two_moves_do_not_fill_one_place
            a_copy_that_differs_becomes_no_store
        }
    };
    (@tests $open:path, $place:path => $($function:ident)*) => {
        $($crate::archive_writer_suite! { @test $open, $place, $function })*
    };
    (@test $open:path, $place:path, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            let test = $crate::testing::TestEnv::default();
            let opened: Option<std::sync::Arc<dyn $crate::Store>> = $open(test.env()).await.into();
            let Some(store) = opened else { return };
            let place = $place($crate::testing::TestEnv::default().env());
            $crate::testing::archive::writer::$function($crate::testing::Fixture::new(store, test).await, place).await;
        }
    };
}

#[cfg(test)]
mod tests {
    /// A function of the suite that nothing runs would look as if everything passed it.
    #[test]
    fn every_function_of_the_suites_is_run() {
        let listed = include_str!("mod.rs");
        for text in [include_str!("reader.rs"), include_str!("writer.rs")] {
            let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let mut count = 0;
            for function in functions.map(|line| line.split('(').next().unwrap()) {
                assert!(listed.lines().any(|line| line.trim() == function), "{function} is not listed");
                count += 1;
            }
            assert!(count > 5, "{count}");
        }
    }
}

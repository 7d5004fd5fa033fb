//! The conformance suite of the storage ports ([`crate::CommitLog`], [`crate::ontology::OntologyStore`],
//! [`crate::kernel::ObjectStore`]): one function per sentence of behaviour, each on a store of its own.

pub mod commit_log;

/// Makes a test of every function of the suite. The argument is an asynchronous function from an [`crate::Env`] to an empty store, an
/// `Arc<dyn Store>`; the test package needs `tokio` with its features `macros` and `rt-multi-thread`.
///
/// ```ignore
/// mod my_store {
///     async fn open(env: arrakis_core::Env) -> std::sync::Arc<dyn arrakis_core::Store> { /* … */ }
///
///     arrakis_core::store_suite!(open);
/// }
/// ```
#[macro_export]
macro_rules! store_suite {
    ($open:path) => {
        $crate::store_suite! { @modules $open =>
            commit_log {
                an_empty_store_has_no_commit
            }
        }
    };
    (@modules $open:path => $($module:ident { $($function:ident)* })*) => {
        $($crate::store_suite! { @module $open, $module => $($function)* })*
    };
    (@module $open:path, $module:ident => $($function:ident)*) => {
        $($crate::store_suite! { @test $open, $module, $function })*
    };
    (@test $open:path, $module:ident, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            let test = $crate::testing::TestEnv::default();
            let store = $open(test.env()).await;
            $crate::testing::store::$module::$function($crate::testing::Fixture::new(store, test).await).await;
        }
    };
}

//! The conformance suite of [`RelayStore`]: one function per sentence of behaviour, each on a store of its own.
//!
//! The clock that judges leases is the store's and cannot be moved from here: who needs a lease to be over asks for it until it is given.

pub mod lease;
pub mod log;

use std::sync::Arc;
use std::time::Duration;

use super::Fixture;
use crate::Seq;
use crate::relay::{Lease, RelayStore};

/// A lease that does not end within a test.
pub const LONG: Duration = Duration::from_secs(60);
/// A lease that ends within a test.
pub const SHORT: Duration = Duration::from_millis(60);
/// How often a lease is asked for before a test gives up, each time after [`STEP`].
const ASKS_MAX: u32 = 3_000;
/// The time between two looks at a lease that is to be over.
const STEP: Duration = Duration::from_millis(10);

/// The port under test.
pub fn relay(fixture: &Fixture) -> Arc<dyn RelayStore> {
    Arc::clone(&fixture.store) as Arc<dyn RelayStore>
}

/// A lease nobody else holds.
pub async fn acquired(store: &dyn RelayStore, name: &str, holder: &str, ttl: Duration) -> Lease {
    store.acquire(name, holder, ttl).await.unwrap().expect("nobody holds it")
}

/// Asks until the lease before is over.
pub async fn acquired_when_over(fixture: &Fixture, name: &str, holder: &str) -> Lease {
    for _ in 0..ASKS_MAX {
        if let Some(lease) = fixture.store.acquire(name, holder, LONG).await.unwrap() {
            return lease;
        }
        // Whichever clock the store judges by moves on.
        fixture.clock().advance(STEP);
        fixture.store.wait(Seq(u64::MAX >> 1), STEP).await.unwrap();
    }
    panic!("the lease on {name} is not over");
}

/// The code of the refusal.
pub fn code<T: std::fmt::Debug>(result: crate::Result<T>) -> String {
    result.unwrap_err().code().to_owned()
}

/// Makes a test of every function of the suite. The argument is an asynchronous function from an [`crate::Env`] to an empty store, an
/// `Arc<dyn Store>`; the test package needs `tokio` with its features `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! relay_suite {
    ($open:path) => {
        $crate::relay_suite! { @modules $open =>
            log {
                the_log_is_of_all_tenants
                the_log_is_read_in_pages
                the_log_has_what_was_acknowledged
                a_wait_for_what_is_there_is_none
                a_commit_ends_the_wait
                a_wait_ends_in_time
                every_waiter_is_told
            }
            lease {
                a_new_cursor_is_at_the_beginning
                one_of_many_gets_the_lease
                a_lease_that_lasts_is_not_given_again
                a_released_lease_is_given_to_the_next
                a_lease_that_is_over_is_given_to_the_next
                a_renewed_lease_lasts
                a_lost_lease_moves_nothing
                a_released_lease_moves_nothing
                a_cursor_moves_and_stays
                a_cursor_moves_back
                a_lost_lease_is_given_back_for_nothing
                cursors_are_apart
                cursors_are_listed
                bad_names_and_times_are_refused
                two_holders_never_interleave
            }
        }
    };
    (@modules $open:path => $($module:ident { $($function:ident)* })*) => {
        $($crate::relay_suite! { @module $open, $module => $($function)* })*
    };
    (@module $open:path, $module:ident => $($function:ident)*) => {
        $($crate::relay_suite! { @test $open, $module, $function })*
    };
    (@test $open:path, $module:ident, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            let test = $crate::testing::TestEnv::default();
            let opened: Option<std::sync::Arc<dyn $crate::Store>> = $open(test.env()).await.into();
            let Some(store) = opened else { return };
            $crate::testing::relay::$module::$function($crate::testing::Fixture::new(store, test).await).await;
        }
    };
}

#[cfg(test)]
mod tests {
    /// A function of the suite that nothing runs would look as if everything passed it.
    #[test]
    fn every_function_of_the_suite_is_run() {
        let listed = include_str!("mod.rs");
        for (module, text) in [("log", include_str!("log.rs")), ("lease", include_str!("lease.rs"))] {
            let list = listed.split(&format!("            {module} {{\n")).nth(1).unwrap_or_default();
            let list = list.split('}').next().unwrap_or_default();
            let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let mut count = 0;
            for function in functions.map(|line| line.split('(').next().unwrap()) {
                assert!(list.lines().any(|line| line.trim() == function), "{module}::{function} is not listed");
                count += 1;
            }
            assert!(count > 5, "{module}: {count}");
        }
    }
}

//! The conformance suite of [`Cache`]: one function per sentence of behaviour, each for owners of its own, so that a cache others use too
//! can be tested. It needs room for what a test puts: a cache may forget, and then a test of what it keeps fails.

pub mod get;
pub mod law;
pub mod put;
pub mod remove;
mod shaky;

use std::sync::Arc;

pub use self::shaky::{ShakyCache, SlowStore};
use crate::cache::{Cache, CacheEntry, CacheKey, CacheKind, CacheOwner};
use crate::{Env, ObjectTypeId, Seq, TenantId};

/// A cache, and an owner nobody else has.
#[derive(Debug)]
pub struct Kept {
    /// The cache under test.
    pub cache: Arc<dyn Cache>,
    /// Whose entries a test puts.
    pub owner: CacheOwner,
}

impl Kept {
    /// For a test.
    pub fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache, owner: owner() }
    }

    /// Puts one entry the cache must take.
    pub async fn put(&self, text: &str, seq: u64, bytes: &[u8]) {
        self.cache.put(self.owner, &[(key(text), entry(seq, bytes))]).await.unwrap();
    }

    /// What is kept under a key, as its commit and its bytes.
    pub async fn get(&self, text: &str) -> Option<(u64, Vec<u8>)> {
        let mut found = self.cache.get(self.owner, &[key(text)]).await.unwrap();
        assert_eq!(found.len(), 1, "one answer per key");
        found.remove(0).map(|entry| (entry.seq.0, entry.bytes.to_vec()))
    }
}

/// An owner nobody else has.
pub fn owner() -> CacheOwner {
    CacheOwner::Tenant(TenantId::from_uuid(Env::system().uuid()))
}

/// A key of the kind most tests use.
pub fn key(text: &str) -> CacheKey {
    CacheKey::new(CacheKind::Object(ObjectTypeId(1)), text)
}

/// An entry.
pub fn entry(seq: u64, bytes: &[u8]) -> CacheEntry {
    CacheEntry { seq: Seq(seq), bytes: bytes.into() }
}

/// Makes a test of every function of the suite. The argument is an asynchronous function from the name of a test to a cache, an
/// `Option<Arc<dyn Cache>>`: `None` where it cannot be had and has said so. The test package needs `tokio` with its features `macros`
/// and `rt-multi-thread`.
#[macro_export]
macro_rules! cache_suite {
    ($open:path) => {
        $crate::cache_suite! { @modules $open =>
            get {
                nothing_is_kept_under_a_new_key
                entries_come_in_the_order_asked
                owners_are_apart
                kinds_are_apart
                too_many_keys_are_refused
                no_key_has_no_answer
            }
            put {
                any_bytes_are_answered_as_they_were_put
                any_key_keeps_its_own
                a_later_commit_takes_the_place
                an_earlier_commit_does_not
                commits_are_compared_as_numbers
                of_one_commit_the_last_is_kept
                the_same_key_twice_is_two_calls
                a_value_too_long_is_refused_with_its_call
                too_many_entries_are_refused
                the_newest_of_many_writers_stays
            }
            remove {
                what_is_removed_is_gone
                what_is_removed_may_come_back_older
                what_is_not_there_is_removed
                too_many_removals_are_refused
            }
        }
    };
    (@modules $open:path => $($module:ident { $($function:ident)* })*) => {
        $($crate::cache_suite! { @module $open, $module => $($function)* })*
    };
    (@module $open:path, $module:ident => $($function:ident)*) => {
        $($crate::cache_suite! { @test $open, $module, $function })*
    };
    (@test $open:path, $module:ident, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            let Some(cache) = $open(concat!(module_path!(), "::", stringify!($function))).await else { return };
            $crate::testing::cache::$module::$function($crate::testing::cache::Kept::new(cache)).await;
        }
    };
}

#[cfg(test)]
mod tests {
    /// A function of the suite that no adapter runs would look as if every adapter passed it.
    #[test]
    fn every_function_of_the_suite_is_run() {
        let listed = include_str!("mod.rs");
        let modules =
            [("get", include_str!("get.rs")), ("put", include_str!("put.rs")), ("remove", include_str!("remove.rs"))];
        for (module, text) in modules {
            let list = listed.split(&format!("            {module} {{\n")).nth(1).unwrap();
            let list: Vec<_> = list.split('}').next().unwrap().split_whitespace().collect();
            let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let functions: Vec<_> = functions.map(|line| line.split('(').next().unwrap()).collect();
            assert_eq!(functions, list, "{module}");
        }
    }
}

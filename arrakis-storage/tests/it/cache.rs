//! The caches.

mod local {
    use std::future::{Ready, ready};
    use std::sync::Arc;

    use arrakis_core::cache::Cache;
    use arrakis_storage::LocalCache;

    fn open(_test: &str) -> Ready<Option<Arc<dyn Cache>>> {
        ready(Some(Arc::new(LocalCache::new(64 * 1_048_576))))
    }

    arrakis_core::cache_suite!(open);
}

#[cfg(feature = "redis")]
mod redis;

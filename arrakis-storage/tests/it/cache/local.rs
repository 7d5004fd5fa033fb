//! The cache in memory.

use std::future::{Ready, ready};
use std::sync::Arc;

use arrakis_core::cache::Cache;
use arrakis_storage::LocalCache;

fn open(_test: &str) -> Ready<Option<Arc<dyn Cache>>> {
    ready(Some(Arc::new(LocalCache::new(64 * 1_048_576))))
}

arrakis_core::cache_suite!(open);

/// What acts as shared may be as shaky as it likes, but the suite is what it keeps to while nothing is wrong.
mod shaky {
    use super::{Arc, Cache, Ready, ready};

    fn open(_test: &str) -> Ready<Option<Arc<dyn Cache>>> {
        ready(Some(Arc::new(arrakis_core::testing::cache::ShakyCache::new(1))))
    }

    arrakis_core::cache_suite!(open);
}

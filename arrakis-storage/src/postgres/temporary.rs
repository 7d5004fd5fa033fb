//! Stores that live as long as a test.

use std::sync::atomic::{AtomicU64, Ordering};

use arrakis_core::{Env, Result};

use super::{PgOptions, PgStore};

static COUNT: AtomicU64 = AtomicU64::new(0);

impl PgStore {
    /// Opens an empty store in a namespace of its own in the database a URL leads to, which is dropped with it.
    ///
    /// # Errors
    /// As [`PgStore::open`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn open_temporary(url: &str, env: Env, options: &PgOptions) -> Result<Self> {
        // No other process uses the name at the same time.
        let namespace = format!("arrakis_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self::open(url, env, &PgOptions { temporary: true, namespace, ..options.clone() }).await
    }
}

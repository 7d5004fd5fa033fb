//! A cache in the memory of this process.

use arrakis_core::Result;
use arrakis_core::cache::{
    Cache, CacheCapability, CacheEntry, CacheKey, CacheOwner, Shelf, check_batch, check_entries,
};
use async_trait::async_trait;

/// A cache in the memory of this process, of a size that is never exceeded.
#[derive(Debug)]
pub struct LocalCache {
    entries: Shelf<(CacheOwner, CacheKey), CacheEntry>,
}

impl LocalCache {
    /// An empty cache of about `bytes_max` bytes. Values longer than a sixteenth of that are not kept.
    pub fn new(bytes_max: usize) -> Self {
        Self { entries: Shelf::new(bytes_max) }
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.entries.bytes()
    }
}

#[async_trait]
impl Cache for LocalCache {
    async fn get(&self, owner: CacheOwner, keys: &[CacheKey]) -> Result<Vec<Option<CacheEntry>>> {
        check_batch(keys.len())?;
        Ok(keys.iter().map(|key| self.entries.get(&(owner, key.clone()))).collect())
    }

    async fn put(&self, owner: CacheOwner, entries: &[(CacheKey, CacheEntry)]) -> Result<()> {
        check_entries(entries)?;
        for (key, entry) in entries {
            let bytes = entry.bytes.len() + 2 * key.text().len() + size_of::<(CacheOwner, CacheKey, CacheEntry)>();
            self.entries.put((owner, key.clone()), entry.clone(), bytes, |kept| kept.seq > entry.seq);
        }
        Ok(())
    }

    async fn remove(&self, owner: CacheOwner, keys: &[CacheKey]) -> Result<()> {
        check_batch(keys.len())?;
        for key in keys {
            self.entries.remove(&(owner, key.clone()));
        }
        Ok(())
    }

    fn capability(&self) -> CacheCapability {
        CacheCapability { shared: false }
    }
}

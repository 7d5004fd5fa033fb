//! The port of a cache.

use std::sync::Arc;

use async_trait::async_trait;

use super::{CacheKey, CacheOwner};
use crate::{Error, Result, Seq};

/// The longest value, in bytes; what is longer is refused, and read from the store each time.
pub const CACHE_VALUE_LEN_MAX: usize = 1_048_576;
/// The most keys or entries in one call.
pub const CACHE_BATCH_MAX: usize = 1_024;

/// What is kept under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// Which of two entries is the newer: the commit the value was read at.
    pub seq: Seq,
    /// The value, up to [`CACHE_VALUE_LEN_MAX`] bytes.
    pub bytes: Arc<[u8]>,
}

/// What a cache offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheCapability {
    /// Other processes see what this one puts.
    pub shared: bool,
}

/// Keeps bytes under keys for as long as it likes. It may forget anything at any time, and answer what was put long ago: whoever asks
/// judges what it is answered.
#[async_trait]
pub trait Cache: std::fmt::Debug + Send + Sync + 'static {
    /// What is kept under each key, in the order asked.
    ///
    /// # Behavior
    /// - `None` for a key nothing is kept under, or was forgotten
    /// - the same key twice is answered twice
    /// - what is kept for another owner, or under another kind, is not answered
    /// - more than [`CACHE_BATCH_MAX`] keys are refused with `cache.batch.length`
    async fn get(&self, owner: CacheOwner, keys: &[CacheKey]) -> Result<Vec<Option<CacheEntry>>>;

    /// Keeps entries.
    ///
    /// # Behavior
    /// - an entry takes the place of the one before it, unless that one is of a later commit: then it stays
    /// - of entries of one commit the last one put is kept
    /// - the same key twice is as two calls in that order
    /// - a value longer than [`CACHE_VALUE_LEN_MAX`] is refused with `cache.value.length` before anything is kept
    /// - more than [`CACHE_BATCH_MAX`] entries are refused with `cache.batch.length`
    async fn put(&self, owner: CacheOwner, entries: &[(CacheKey, CacheEntry)]) -> Result<()>;

    /// Forgets what is kept under the keys.
    ///
    /// # Behavior
    /// - an entry put afterwards is kept, whatever its commit
    /// - a key nothing is kept under is no error
    /// - more than [`CACHE_BATCH_MAX`] keys are refused with `cache.batch.length`
    async fn remove(&self, owner: CacheOwner, keys: &[CacheKey]) -> Result<()>;

    /// What the adapter offers.
    fn capability(&self) -> CacheCapability;
}

/// Passes for as many keys or entries as a call may have.
///
/// # Errors
/// `cache.batch.length`.
pub fn check_batch(length: usize) -> Result<()> {
    if length <= CACHE_BATCH_MAX {
        return Ok(());
    }
    Err(Error::invalid("cache.batch.length", "a call of a cache has at most 1024 keys")
        .with("length", length)
        .with("length_max", CACHE_BATCH_MAX))
}

/// Passes for entries a call may have.
///
/// # Errors
/// `cache.batch.length`; `cache.value.length`.
pub fn check_entries(entries: &[(CacheKey, CacheEntry)]) -> Result<()> {
    check_batch(entries.len())?;
    match entries.iter().map(|(_, entry)| entry.bytes.len()).find(|length| *length > CACHE_VALUE_LEN_MAX) {
        None => Ok(()),
        Some(length) => Err(Error::invalid("cache.value.length", "the value is too long to be cached")
            .with("length", length)
            .with("length_max", CACHE_VALUE_LEN_MAX)),
    }
}

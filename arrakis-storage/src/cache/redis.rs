//! A cache in Redis, shared by every process that is given its address.
//!
//! Entries are strings under `ark:{<owner>}:<kind>:<key>`: the owner's id is the hash tag, so a cluster keeps one owner's entries on one
//! node. A value is 20 decimal digits of the commit, then the bytes.

mod connection;

use std::time::Duration;

use arrakis_core::cache::{Cache, CacheCapability, CacheEntry, CacheKey, CacheOwner, check_batch, check_entries};
use arrakis_core::{Result, Seq};
use async_trait::async_trait;

use self::connection::Connection;

/// How many digits the commit of an entry has.
const SEQ_DIGITS: usize = 20;
/// How long Redis keeps what is not put again, unless told otherwise.
const TTL_DEFAULT: Duration = Duration::from_secs(3_600);
/// Puts `ARGV[1]`, unless what is there is of a later commit. What does not begin with a commit is no entry.
const PUT: &str = "local kept = redis.pcall('GETRANGE', KEYS[1], 0, 19) \
    if type(kept) == 'string' and #kept == 20 and not kept:find('%D') and kept > ARGV[1]:sub(1, 20) then return 0 end \
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";

/// How Redis is used.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// How long Redis keeps what is not put again; at least a millisecond.
    pub ttl: Duration,
}

impl Default for RedisOptions {
    /// An hour.
    fn default() -> Self {
        Self { ttl: TTL_DEFAULT }
    }
}

/// A cache in Redis.
///
/// A call that fails, or takes too long, is an error at once and never tried again: whoever asks has the store to ask. The connection is
/// made anew beside the calls.
#[derive(Debug)]
pub struct RedisCache {
    connection: Connection,
    ttl_ms: u64,
}

impl RedisCache {
    /// Connects to a server, of a URL such as `redis://user:password@host:6379/0`, and sees that it is one that can be used.
    ///
    /// # Errors
    /// `redis.url.malformed`; `redis.unreachable`; `redis.refused`, when it does not take the user or the password; `redis.version` for a
    /// server older than 7.0. None of them shows the password.
    pub async fn connect(url: &str, options: RedisOptions) -> Result<Self> {
        let ttl_ms = u64::try_from(options.ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, u64::from(u32::MAX));
        Ok(Self { connection: Connection::open(url).await?, ttl_ms })
    }
}

fn name(owner: CacheOwner, key: &CacheKey) -> String {
    format!("ark:{{{owner}}}:{}:{}", key.kind(), key.text())
}

fn read(value: &[u8]) -> Option<CacheEntry> {
    let (seq, bytes) = value.split_at_checked(SEQ_DIGITS)?;
    let seq = std::str::from_utf8(seq).ok()?.parse().ok()?;
    Some(CacheEntry { seq: Seq(seq), bytes: bytes.into() })
}

fn write(entry: &CacheEntry) -> Vec<u8> {
    let mut value = format!("{:0SEQ_DIGITS$}", entry.seq.0).into_bytes();
    value.extend_from_slice(&entry.bytes);
    value
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, owner: CacheOwner, keys: &[CacheKey]) -> Result<Vec<Option<CacheEntry>>> {
        check_batch(keys.len())?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut command = redis::cmd("MGET");
        for key in keys {
            command.arg(name(owner, key));
        }
        let values: Vec<Option<Vec<u8>>> = self.connection.command(&command).await?;
        if values.len() != keys.len() {
            return Err(connection::unexpected());
        }
        Ok(values.into_iter().map(|value| value.as_deref().and_then(read)).collect())
    }

    async fn put(&self, owner: CacheOwner, entries: &[(CacheKey, CacheEntry)]) -> Result<()> {
        check_entries(entries)?;
        if entries.is_empty() {
            return Ok(());
        }
        let mut pipeline = redis::pipe();
        for (key, entry) in entries {
            let put = pipeline.cmd("EVAL").arg(PUT).arg(1).arg(name(owner, key));
            put.arg(write(entry)).arg(self.ttl_ms).ignore();
        }
        self.connection.pipeline(&pipeline).await
    }

    async fn remove(&self, owner: CacheOwner, keys: &[CacheKey]) -> Result<()> {
        check_batch(keys.len())?;
        if keys.is_empty() {
            return Ok(());
        }
        let mut command = redis::cmd("UNLINK");
        for key in keys {
            command.arg(name(owner, key));
        }
        self.connection.command(&command).await
    }

    fn capability(&self) -> CacheCapability {
        CacheCapability { shared: true }
    }
}

#[cfg(test)]
mod tests {
    use arrakis_core::cache::CacheKind;
    use arrakis_core::{ObjectTypeId, TenantId};

    use super::*;

    #[test]
    fn the_owner_is_the_hash_tag() {
        let key = CacheKey::new(CacheKind::Object(ObjectTypeId(7)), "s/{x}");
        let name = name(CacheOwner::Tenant(TenantId::DEFAULT), &key);
        assert_eq!(name, "ark:{00000000-0000-8000-8000-000000000001}:object:7:s/%7bx%7d");
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        for (seq, bytes) in [(0, &b""[..]), (u64::MAX, b"12345"), (7, &[0, 255])] {
            let entry = CacheEntry { seq: Seq(seq), bytes: bytes.into() };
            assert_eq!(read(&write(&entry)), Some(entry));
        }
        for other in
            [&b""[..], b"1", b"0000000000000000000", b"0000000000000000000x", b"99999999999999999999", &[255; 40]]
        {
            assert_eq!(read(other), None, "{other:?}");
        }
    }
}

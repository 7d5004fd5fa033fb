//! The port a relay stands on: the whole log, cursors into it, and leases on them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Error, LogPage, Result, Seq};

/// The most entries in one page of the whole log.
pub const RELAY_PAGE_LEN_MAX: u32 = 10_000;
/// The longest name of a cursor and of a holder, in bytes.
pub const RELAY_NAME_LEN_MAX: usize = 200;
/// The shortest lease.
pub const LEASE_TTL_MIN: Duration = Duration::from_millis(10);
/// The longest lease. One that ends later than this from now was written before the clock went back, and is over.
pub const LEASE_TTL_MAX: Duration = Duration::from_secs(300);
/// How often a store looks at its head for the commits of other processes while someone waits, milliseconds.
pub const LOG_POLL_MS: u64 = 25;

/// The right to move a cursor, for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The cursor's name.
    pub name: Arc<str>,
    /// Who holds it.
    pub holder: Arc<str>,
    /// How often the cursor was leased, this time included: the fencing token. What is done under an older one is refused.
    pub epoch: u64,
    /// Where the cursor was when the lease was given: the newest entry that needs no telling any more.
    pub cursor: Seq,
}

/// A cursor as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayCursor {
    /// Its name.
    pub name: Arc<str>,
    /// The newest entry that needs no telling any more.
    pub cursor: Seq,
    /// How often it was leased.
    pub epoch: u64,
    /// Who holds it now, if anyone does.
    pub holder: Option<Arc<str>>,
}

/// The log of all tenants with named cursors into it.
///
/// Only a relay reads it, which hands each entry on under its own tenant; no service reaches it.
///
/// # Time
/// Whether a lease is over is judged by one clock, the store's, in the transaction that gives or uses it: the database's clock where
/// there is a database server, the machine's where the store is a file, so that clocks of replicas that differ never give two holders.
/// A clock that jumps ahead ends a lease early: the next holder has a higher epoch, and what the earlier one still does is refused.
/// One that goes back makes a lease last longer, never longer than [`LEASE_TTL_MAX`].
#[async_trait]
pub trait RelayStore: std::fmt::Debug + Send + Sync + 'static {
    /// Up to `limit` entries of all tenants after `after`, oldest first; no more than [`RELAY_PAGE_LEN_MAX`] whatever `limit` is.
    ///
    /// # Behavior
    /// - every commit of every tenant is there, in the order of `seq`, without gaps
    /// - a commit acknowledged before the call is there, up to the limit
    /// - `head` is the newest commit of the store when the page was read
    async fn log(&self, after: Seq, limit: u32) -> Result<LogPage>;

    /// Waits until the store's newest commit is after `after`, but no longer than `timeout`; answers the newest commit.
    ///
    /// # Behavior
    /// - answers at once when there is a commit after `after`
    /// - a commit of this process ends the wait at once; one of another process within [`LOG_POLL_MS`] where nothing tells of it sooner
    /// - after `timeout` it answers what is newest then, and is no error
    /// - a hint: whoever missed it finds the commit by reading on
    async fn wait(&self, after: Seq, timeout: Duration) -> Result<Seq>;

    /// Takes the lease on a cursor, which is made at 0 when it is new; `None` while another lease on it lasts.
    ///
    /// # Behavior
    /// - of any number that ask at the same time one gets it
    /// - each lease has a higher epoch than every one before it, and the cursor as it was left
    /// - a lease that lasts is not given again, to the same holder neither
    /// - a lease that was released or is over is given to the next who asks
    /// - names of cursors are apart: a lease on one says nothing of another
    /// - a name or holder that is empty or too long, and a time out of bounds, are refused as [`check_lease`] does
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>>;

    /// Makes a lease last for `ttl` from now on.
    ///
    /// # Behavior
    /// - a lease renewed lasts for `ttl` from then on
    /// - a lease that is over, was released or was followed by another is refused with [`lease_lost`], and stays lost
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<()>;

    /// Moves the cursor to an entry of the log, backwards too: a sink that lost what it was told is told again.
    ///
    /// # Behavior
    /// - the next lease begins where the cursor was moved to
    /// - under a lease that is over, was released or was followed by another it is refused with [`lease_lost`], and the cursor stays
    /// - it does not make the lease last longer
    async fn advance(&self, lease: &Lease, to: Seq) -> Result<()>;

    /// Gives a lease back, so that the next who asks need not wait.
    ///
    /// # Behavior
    /// - the cursor stays where it is
    /// - giving back what is lost already is no error, and changes nothing for who holds it now
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Every cursor, by name, with who holds it now.
    async fn cursors(&self) -> Result<Vec<RelayCursor>>;
}

/// The answer to who acts under a lease that is lost.
pub fn lease_lost(lease: &Lease) -> Error {
    Error::conflict("relay.lease.lost", "the lease is over, or another was given since")
        .with("name", &lease.name)
        .with("epoch", lease.epoch)
}

/// What every store refuses before it looks at a lease.
///
/// # Errors
/// `relay.name.malformed` for a name or holder that is empty or longer than [`RELAY_NAME_LEN_MAX`]; `relay.lease.ttl` for a time that is
/// not within [`LEASE_TTL_MIN`] and [`LEASE_TTL_MAX`].
pub fn check_lease(name: &str, holder: &str, ttl: Duration) -> Result<()> {
    for (of, text) in [("name", name), ("holder", holder)] {
        if text.is_empty() || text.len() > RELAY_NAME_LEN_MAX || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                "relay.name.malformed",
                format!(
                    "a cursor and its holder are named in 1 to {RELAY_NAME_LEN_MAX} bytes without control characters"
                ),
            )
            .with("of", of)
            .with("length_max", RELAY_NAME_LEN_MAX));
        }
    }
    if ttl < LEASE_TTL_MIN || ttl > LEASE_TTL_MAX {
        return Err(Error::invalid("relay.lease.ttl", "a lease lasts between 10 ms and 300 s")
            .with("ttl_ms", ttl.as_millis())
            .with("ttl_min_ms", LEASE_TTL_MIN.as_millis())
            .with("ttl_max_ms", LEASE_TTL_MAX.as_millis()));
    }
    Ok(())
}

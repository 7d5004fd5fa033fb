//! Reads that are made again when the way to the server broke.

use arrakis_core::Error;

use super::error::is_unreachable;
use super::pool::Pool;

/// The most tries at a read. A connection of the pool may have died while nobody used it; a fresh one tells whether the server is there.
const TRIES_MAX: u32 = 2;

/// The tries at one read.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Whether a read that failed is to be made once more: over a fresh connection, when the one it was on is dead. Reads change nothing, so
    /// twice is as good as once.
    pub(super) fn again(&mut self, pool: &Pool, error: &Error) -> bool {
        self.0 += 1;
        let again = is_unreachable(error) && self.0 < TRIES_MAX;
        if again {
            pool.forget();
        }
        again
    }
}

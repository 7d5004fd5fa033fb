//! The commit log.

use crate::Seq;
use crate::testing::Fixture;

/// The newest commit of an empty store is 0.
pub async fn an_empty_store_has_no_commit(fixture: Fixture) {
    assert_eq!(fixture.head_at_first, Seq(0));
}

//! The log of all tenants, and waiting for it to grow.

use std::time::Duration;

use serde_json::json;

use super::{LONG, relay};
use crate::testing::Fixture;
use crate::{LogEntry, Seq};

/// How long a wait lasts that is to come to its end.
const BRIEF: Duration = Duration::from_millis(40);

async fn write(fixture: &Fixture, id: i64) -> Seq {
    let scope = if id % 2 == 0 { fixture.own } else { fixture.stranger };
    fixture.wrote(fixture.draft(scope).create("Person", json!({ "id": id, "name": "p" }))).await
}

async fn all(fixture: &Fixture) -> Vec<LogEntry> {
    fixture.store.log(Seq(0), 1_000).await.unwrap().entries
}

/// The log holds every commit of every tenant, in order, without gaps, as each tenant reads its own.
pub async fn the_log_is_of_all_tenants(fixture: Fixture) {
    for id in 0..6 {
        write(&fixture, id).await;
    }
    let log = all(&fixture).await;
    let head = fixture.store.head().await.unwrap();
    let places: Vec<Seq> = log.iter().map(|entry| entry.seq).collect();
    assert_eq!(places, (1..=head.0).map(Seq).collect::<Vec<_>>());
    for scope in [fixture.own, fixture.stranger] {
        let own = fixture.store.entries(scope, Seq(0), 1_000).await.unwrap().entries;
        assert!(own.len() > 3, "{own:?}");
        assert_eq!(log.iter().filter(|entry| entry.tenant == scope.tenant).cloned().collect::<Vec<_>>(), own);
    }
}

/// Pages hold at most as many entries as asked for, and are strung together by their last `seq`.
pub async fn the_log_is_read_in_pages(fixture: Fixture) {
    for id in 0..5 {
        write(&fixture, id).await;
    }
    let head = fixture.store.head().await.unwrap();
    let (mut read, mut after) = (Vec::new(), Seq(0));
    loop {
        let page = fixture.store.log(after, 2).await.unwrap();
        assert_eq!(page.head, head);
        assert!(page.entries.len() <= 2);
        let Some(last) = page.entries.last() else { break };
        after = last.seq;
        read.extend(page.entries);
    }
    assert_eq!(after, head);
    assert_eq!(read, all(&fixture).await);
    assert_eq!(fixture.store.log(head, 10).await.unwrap().entries, []);
    assert_eq!(fixture.store.log(Seq(0), 0).await.unwrap().entries, []);
}

/// What was acknowledged is read.
pub async fn the_log_has_what_was_acknowledged(fixture: Fixture) {
    for id in 0..20 {
        let seq = write(&fixture, id).await;
        let page = fixture.store.log(Seq(seq.0 - 1), 1).await.unwrap();
        assert_eq!((page.entries[0].seq, page.head), (seq, seq));
    }
}

/// There is no waiting for what is there.
pub async fn a_wait_for_what_is_there_is_none(fixture: Fixture) {
    let head = write(&fixture, 0).await;
    assert_eq!(fixture.store.wait(Seq(0), LONG).await.unwrap(), head);
    assert_eq!(fixture.store.wait(Seq(head.0 - 1), LONG).await.unwrap(), head);
}

/// A commit ends the wait for it.
pub async fn a_commit_ends_the_wait(fixture: Fixture) {
    for id in 0..20 {
        let before = fixture.store.head().await.unwrap();
        let store = relay(&fixture);
        let waits = tokio::runtime::Handle::current().spawn(async move { store.wait(before, LONG).await });
        let written = write(&fixture, id).await;
        assert_eq!(waits.await.unwrap().unwrap(), written);
    }
}

/// A wait for nothing ends in time, and tells what is newest.
pub async fn a_wait_ends_in_time(fixture: Fixture) {
    let head = fixture.store.head().await.unwrap();
    assert_eq!(fixture.store.wait(head, BRIEF).await.unwrap(), head);
    assert_eq!(fixture.store.wait(Seq(head.0 + 10), BRIEF).await.unwrap(), head);
    assert_eq!(fixture.store.wait(head, Duration::ZERO).await.unwrap(), head);
}

/// All who wait are told.
pub async fn every_waiter_is_told(fixture: Fixture) {
    let before = fixture.store.head().await.unwrap();
    let waits: Vec<_> = (0..10)
        .map(|_| {
            let store = relay(&fixture);
            tokio::runtime::Handle::current().spawn(async move { store.wait(before, LONG).await })
        })
        .collect();
    let written = write(&fixture, 0).await;
    for wait in waits {
        assert_eq!(wait.await.unwrap().unwrap(), written);
    }
}

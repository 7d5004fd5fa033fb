//! Cursors and leases on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{LONG, SHORT, acquired, acquired_when_over, code, relay};
use crate::relay::{LEASE_TTL_MAX, RELAY_NAME_LEN_MAX};
use crate::testing::Fixture;
use crate::{Outcome, Seq};

const LOST: &str = "relay.lease.lost";

/// A cursor nobody ever had is at 0, under the first epoch.
pub async fn a_new_cursor_is_at_the_beginning(fixture: Fixture) {
    let lease = acquired(&*fixture.store, "bus", "a", LONG).await;
    assert_eq!((&*lease.name, &*lease.holder, lease.epoch, lease.cursor), ("bus", "a", 1, Seq(0)));
}

/// Of many who ask at the same time one gets the lease.
pub async fn one_of_many_gets_the_lease(fixture: Fixture) {
    for round in 0..10 {
        let asks: Vec<_> = (0..8)
            .map(|holder| {
                let store = relay(&fixture);
                let ask = async move { store.acquire(&format!("bus-{round}"), &format!("h{holder}"), LONG).await };
                tokio::runtime::Handle::current().spawn(ask)
            })
            .collect();
        let mut given = 0;
        for ask in asks {
            given += u32::from(ask.await.unwrap().unwrap().is_some());
        }
        assert_eq!(given, 1, "round {round}");
    }
}

/// While a lease lasts nobody gets another, its holder neither.
pub async fn a_lease_that_lasts_is_not_given_again(fixture: Fixture) {
    acquired(&*fixture.store, "bus", "a", LONG).await;
    assert_eq!(fixture.store.acquire("bus", "b", LONG).await.unwrap(), None);
    assert_eq!(fixture.store.acquire("bus", "a", LONG).await.unwrap(), None);
}

/// What was given back is given at once, under the next epoch.
pub async fn a_released_lease_is_given_to_the_next(fixture: Fixture) {
    for epoch in 1..5 {
        let lease = acquired(&*fixture.store, "bus", "a", LONG).await;
        assert_eq!(lease.epoch, epoch);
        fixture.store.release(&lease).await.unwrap();
    }
}

/// What is over is given, under a higher epoch.
pub async fn a_lease_that_is_over_is_given_to_the_next(fixture: Fixture) {
    let first = acquired(&*fixture.store, "bus", "a", SHORT).await;
    let second = acquired_when_over(&fixture, "bus", "b").await;
    assert!(second.epoch > first.epoch, "{second:?}");
    assert_eq!(&*second.holder, "b");
}

/// A lease that is renewed lasts as long as it was renewed for.
pub async fn a_renewed_lease_lasts(fixture: Fixture) {
    let lease = acquired(&*fixture.store, "bus", "a", SHORT * 10).await;
    fixture.store.renew(&lease, LONG).await.unwrap();
    fixture.clock().advance(SHORT * 11);
    fixture.store.wait(Seq(u64::MAX >> 1), SHORT * 11).await.unwrap();
    assert_eq!(fixture.store.acquire("bus", "b", LONG).await.unwrap(), None);
    fixture.store.advance(&lease, Seq(1)).await.unwrap();
}

/// Under a lease that is over nothing is moved or renewed, whether or not another followed.
pub async fn a_lost_lease_moves_nothing(fixture: Fixture) {
    let lost = acquired(&*fixture.store, "bus", "a", SHORT).await;
    fixture.store.advance(&lost, Seq(1)).await.unwrap();
    fixture.clock().advance(SHORT * 2);
    fixture.store.wait(Seq(u64::MAX >> 1), SHORT * 2).await.unwrap();
    let refused = fixture.store.advance(&lost, Seq(2)).await.unwrap_err();
    assert_eq!((refused.code(), refused.outcome()), (LOST, Outcome::NotApplied));
    assert_eq!(code(fixture.store.renew(&lost, LONG).await), LOST);
    let next = acquired_when_over(&fixture, "bus", "b").await;
    assert_eq!(next.cursor, Seq(1));
    assert_eq!(code(fixture.store.advance(&lost, Seq(2)).await), LOST);
    assert_eq!(code(fixture.store.renew(&lost, LONG).await), LOST);
    fixture.store.advance(&next, Seq(3)).await.unwrap();
    assert_eq!(fixture.store.cursors().await.unwrap()[0].cursor, Seq(3));
}

/// Under a lease that was given back nothing is moved or renewed.
pub async fn a_released_lease_moves_nothing(fixture: Fixture) {
    let lease = acquired(&*fixture.store, "bus", "a", LONG).await;
    fixture.store.release(&lease).await.unwrap();
    assert_eq!(code(fixture.store.advance(&lease, Seq(2)).await), LOST);
    assert_eq!(code(fixture.store.renew(&lease, LONG).await), LOST);
    assert_eq!(acquired(&*fixture.store, "bus", "a", LONG).await.cursor, Seq(0));
}

/// Who comes next begins where the one before stopped.
pub async fn a_cursor_moves_and_stays(fixture: Fixture) {
    let lease = acquired(&*fixture.store, "bus", "a", LONG).await;
    for to in [1, 2, 4] {
        fixture.store.advance(&lease, Seq(to)).await.unwrap();
    }
    fixture.store.release(&lease).await.unwrap();
    assert_eq!(acquired(&*fixture.store, "bus", "b", LONG).await.cursor, Seq(4));
}

/// A cursor is moved back for a sink that lost what it was told.
pub async fn a_cursor_moves_back(fixture: Fixture) {
    let lease = acquired(&*fixture.store, "bus", "a", LONG).await;
    fixture.store.advance(&lease, Seq(4)).await.unwrap();
    fixture.store.advance(&lease, Seq(0)).await.unwrap();
    fixture.store.release(&lease).await.unwrap();
    assert_eq!(acquired(&*fixture.store, "bus", "b", LONG).await.cursor, Seq(0));
}

/// Giving back what one does not hold any more takes nothing from who holds it.
pub async fn a_lost_lease_is_given_back_for_nothing(fixture: Fixture) {
    let lost = acquired(&*fixture.store, "bus", "a", LONG).await;
    fixture.store.release(&lost).await.unwrap();
    fixture.store.release(&lost).await.unwrap();
    let next = acquired(&*fixture.store, "bus", "b", LONG).await;
    fixture.store.release(&lost).await.unwrap();
    fixture.store.advance(&next, Seq(1)).await.unwrap();
    assert_eq!(fixture.store.acquire("bus", "c", LONG).await.unwrap(), None);
}

/// Each cursor has its own place, epoch and holder.
pub async fn cursors_are_apart(fixture: Fixture) {
    let bus = acquired(&*fixture.store, "bus", "a", LONG).await;
    let audit = acquired(&*fixture.store, "audit", "b", LONG).await;
    fixture.store.advance(&bus, Seq(3)).await.unwrap();
    fixture.store.advance(&audit, Seq(1)).await.unwrap();
    fixture.store.release(&bus).await.unwrap();
    fixture.store.advance(&audit, Seq(2)).await.unwrap();
    assert_eq!(acquired(&*fixture.store, "bus", "a", LONG).await.cursor, Seq(3));
}

/// Cursors are listed by name; one whose lease was given back or is over has no holder.
pub async fn cursors_are_listed(fixture: Fixture) {
    assert_eq!(fixture.store.cursors().await.unwrap(), []);
    let held = acquired(&*fixture.store, "b", "holder", LONG).await;
    let given_back = acquired(&*fixture.store, "c", "holder", LONG).await;
    acquired(&*fixture.store, "a", "holder", SHORT).await;
    fixture.store.advance(&held, Seq(2)).await.unwrap();
    fixture.store.release(&given_back).await.unwrap();
    fixture.clock().advance(SHORT * 2);
    fixture.store.wait(Seq(u64::MAX >> 1), SHORT * 2).await.unwrap();
    let listed = fixture.store.cursors().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|it| (&*it.name, it.cursor, it.epoch, it.holder.as_deref())).collect();
    assert_eq!(listed, [("a", Seq(0), 1, None), ("b", Seq(2), 1, Some("holder")), ("c", Seq(0), 1, None)]);
}

/// Names, holders and times out of bounds are refused; those at the bounds are not.
pub async fn bad_names_and_times_are_refused(fixture: Fixture) {
    let long = "x".repeat(RELAY_NAME_LEN_MAX);
    let longer = "x".repeat(RELAY_NAME_LEN_MAX + 1);
    for (name, holder) in [("", "a"), ("a", ""), (&*longer, "a"), ("a", &*longer), ("a\0", "a"), ("a", "a\n")] {
        assert_eq!(code(fixture.store.acquire(name, holder, LONG).await), "relay.name.malformed");
    }
    for ttl in [Duration::ZERO, Duration::from_millis(9), LEASE_TTL_MAX + Duration::from_millis(1), Duration::MAX] {
        assert_eq!(code(fixture.store.acquire("a", "a", ttl).await), "relay.lease.ttl");
    }
    let lease = acquired(&*fixture.store, &long, &long, LEASE_TTL_MAX).await;
    assert_eq!(code(fixture.store.renew(&lease, Duration::MAX).await), "relay.lease.ttl");
    assert_eq!(fixture.store.cursors().await.unwrap().len(), 1);
}

/// Many who take turns by leases that end under them move a cursor without one undoing what another did.
pub async fn two_holders_never_interleave(fixture: Fixture) {
    const HOLDERS: u64 = 4;
    const MOVES: u64 = 60;
    // What the holder of the newest epoch moved the cursor to, kept outside: epochs and places only ever grow.
    let newest = Arc::new(AtomicU64::new(0));
    let clock_moves = |fixture: &Fixture| fixture.clock().advance(Duration::from_millis(2));
    let tasks: Vec<_> = (0..HOLDERS)
        .map(|holder| {
            let (store, newest) = (relay(&fixture), Arc::clone(&newest));
            tokio::runtime::Handle::current().spawn(async move {
                while newest.load(Ordering::SeqCst) < MOVES {
                    let ttl = Duration::from_millis(10 + 5 * holder);
                    let Some(lease) = store.acquire("bus", &format!("h{holder}"), ttl).await.unwrap() else {
                        store.wait(Seq(u64::MAX >> 1), Duration::from_millis(1)).await.unwrap();
                        continue;
                    };
                    assert!(lease.cursor.0 >= newest.load(Ordering::SeqCst), "a move that was acknowledged is lost");
                    let mut at = lease.cursor;
                    // Until it is lost, as it is for a holder that is too slow; half of them stop before.
                    while at.0 < MOVES + HOLDERS {
                        match store.advance(&lease, at.next()).await {
                            Ok(()) => at = at.next(),
                            Err(error) => {
                                assert_eq!(error.code(), LOST);
                                break;
                            }
                        }
                        newest.fetch_max(at.0, Ordering::SeqCst);
                        if holder % 2 == 0 && at.0 % 5 == 0 {
                            store.release(&lease).await.unwrap();
                            break;
                        }
                        store.wait(Seq(u64::MAX >> 1), Duration::from_millis(3)).await.unwrap();
                    }
                }
            })
        })
        .collect();
    while newest.load(Ordering::SeqCst) < MOVES {
        clock_moves(&fixture);
        fixture.store.wait(Seq(u64::MAX >> 1), Duration::from_millis(2)).await.unwrap();
    }
    for task in tasks {
        task.await.unwrap();
    }
    let cursor = fixture.store.cursors().await.unwrap().remove(0);
    assert!(cursor.epoch > 1, "the lease never moved on: {cursor:?}");
    assert!(cursor.cursor.0 >= MOVES, "{cursor:?}");
}

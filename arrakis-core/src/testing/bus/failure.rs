//! What becomes of an event that is not done at once.

use std::sync::Arc;
use std::time::Duration;

use super::{ACK_WAIT_SHORT, event, events, heard, joined, next, nothing_comes, options, published};
use crate::event::{BACKOFF_MAX, EventBus, IN_FLIGHT_MAX, SubscribeOptions};

/// What failed comes again, and tells how often it was tried.
pub async fn what_failed_comes_again(bus: Arc<dyn EventBus>) {
    published(&*bus, &[event(1, "a")]).await;
    let mut one = joined(&*bus, options("one", 1)).await;
    for attempt in 1..=5 {
        let delivery = next(&mut *one).await;
        assert_eq!((delivery.event.place.seq.0, delivery.attempt), (1, attempt));
        delivery.nak(None).unwrap();
    }
    next(&mut *one).await.ack().unwrap();
    nothing_comes(&mut *one).await;
}

/// What failed does not come again before its delay, that of the verdict or that of the options.
pub async fn what_failed_waits_for_its_delay(bus: Arc<dyn EventBus>) {
    const DELAY: Duration = Duration::from_millis(500);
    published(&*bus, &[event(1, "a")]).await;
    let backoff = vec![DELAY, Duration::ZERO];
    let mut one = joined(&*bus, SubscribeOptions { backoff, ..options("one", 1) }).await;
    next(&mut *one).await.nak(None).unwrap();
    nothing_comes(&mut *one).await;
    next(&mut *one).await.nak(Some(DELAY)).unwrap();
    nothing_comes(&mut *one).await;
    next(&mut *one).await.nak(None).unwrap();
    let delivery = tokio::time::timeout(DELAY, one.next()).await.expect("its second backoff is none").unwrap();
    assert_eq!(delivery.attempt, 4);
}

/// What is not settled in time has failed, and comes again.
pub async fn what_is_not_settled_comes_again(bus: Arc<dyn EventBus>) {
    published(&*bus, &[event(1, "a"), event(2, "a"), event(3, "b")]).await;
    let mut one = joined(&*bus, SubscribeOptions { ack_wait: ACK_WAIT_SHORT, ..options("one", 2) }).await;
    let dropped = next(&mut *one).await;
    assert_eq!(dropped.event.place.seq.0, 1);
    drop(dropped);
    assert_eq!(heard(&mut *one, 1).await, [3]);
    let again = next(&mut *one).await;
    assert_eq!((again.event.place.seq.0, again.attempt), (1, 2));
    again.ack().unwrap();
    assert_eq!(heard(&mut *one, 1).await, [2]);
}

/// Who says that it is working on an event keeps it.
pub async fn what_is_worked_on_does_not_come_again(bus: Arc<dyn EventBus>) {
    published(&*bus, &[event(1, "a")]).await;
    let mut one = joined(&*bus, SubscribeOptions { ack_wait: ACK_WAIT_SHORT, ..options("one", 2) }).await;
    let delivery = next(&mut *one).await;
    for _ in 0..6 {
        nothing_comes(&mut *one).await;
        delivery.in_progress().unwrap();
    }
    delivery.ack().unwrap();
    nothing_comes(&mut *one).await;
}

/// Who comes too late with a verdict is told so, and changes nothing.
pub async fn a_late_verdict_is_refused(bus: Arc<dyn EventBus>) {
    published(&*bus, &[event(1, "a")]).await;
    let mut one = joined(&*bus, SubscribeOptions { ack_wait: ACK_WAIT_SHORT, ..options("one", 1) }).await;
    let (mut late, mut attempts) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let delivery = next(&mut *one).await;
        attempts.push(delivery.attempt);
        late.push(delivery);
    }
    assert_eq!(attempts, [1, 2, 3, 4]);
    let current = late.pop().unwrap();
    for verdict in [late.remove(0).ack(), late.remove(0).nak(None), late.remove(0).term("no")] {
        assert_eq!(verdict.unwrap_err().code(), "bus.delivery.stale");
    }
    current.ack().unwrap();
    nothing_comes(&mut *one).await;
    assert_eq!(bus.dead_letters("one", 0, 10).await.unwrap(), []);
}

/// No more events are in a group's hands than were asked for.
pub async fn no_more_than_asked_are_in_flight(bus: Arc<dyn EventBus>) {
    published(&*bus, &events(10, 10)).await;
    let mut one = joined(&*bus, options("one", 3)).await;
    let mut hands = vec![next(&mut *one).await, next(&mut *one).await, next(&mut *one).await];
    nothing_comes(&mut *one).await;
    hands.remove(0).ack().unwrap();
    hands.push(next(&mut *one).await);
    nothing_comes(&mut *one).await;
}

/// Subscriptions out of bounds are refused.
pub async fn bad_options_are_refused(bus: Arc<dyn EventBus>) {
    let long = "x".repeat(101);
    for group in ["", "a\n", &long] {
        assert_eq!(bus.subscribe(options(group, 1)).await.unwrap_err().code(), "bus.group.malformed");
    }
    let good = options("one", 1);
    for bad in [
        SubscribeOptions { max_in_flight: 0, ..good.clone() },
        SubscribeOptions { max_in_flight: IN_FLIGHT_MAX + 1, ..good.clone() },
        SubscribeOptions { ack_wait: Duration::ZERO, ..good.clone() },
        SubscribeOptions { backoff: vec![BACKOFF_MAX + Duration::from_secs(1)], ..good.clone() },
        SubscribeOptions { max_attempts: 0, ..good.clone() },
    ] {
        assert_eq!(bus.subscribe(bad).await.unwrap_err().code(), "bus.subscribe.limit");
    }
}

//! Groups and their members.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{event, events, heard, joined, next, nothing_comes, options, published};
use crate::event::subject::SubjectFilter;
use crate::event::{EventBus, SubscribeOptions};

/// Every group is told every event, at its own pace.
pub async fn every_group_is_told_everything(bus: Arc<dyn EventBus>) {
    let mut quick = joined(&*bus, options("quick", 4)).await;
    let mut slow = joined(&*bus, options("slow", 1)).await;
    published(&*bus, &events(10, 1)).await;
    assert_eq!(heard(&mut *slow, 1).await, [1]);
    assert_eq!(heard(&mut *quick, 10).await, (1..=10).collect::<Vec<_>>());
    assert_eq!(heard(&mut *slow, 9).await, (2..=10).collect::<Vec<_>>());
}

/// Each event is worked through by one member.
pub async fn members_share_the_work(bus: Arc<dyn EventBus>) {
    const EVENTS: usize = 60;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut members = Vec::new();
    for _ in 0..3 {
        let (mut member, seen) = (joined(&*bus, options("one", 4)).await, Arc::clone(&seen));
        members.push(tokio::runtime::Handle::current().spawn(async move {
            while seen.lock().unwrap().len() < EVENTS {
                let Ok(delivery) = tokio::time::timeout(Duration::from_millis(50), member.next()).await else {
                    continue;
                };
                let delivery = delivery.unwrap();
                seen.lock().unwrap().push(delivery.event.place.seq.0);
                delivery.ack().unwrap();
            }
            nothing_comes(&mut *member).await;
        }));
    }
    published(&*bus, &events(60, 20)).await;
    for member in members {
        member.await.unwrap();
    }
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable();
    assert_eq!(seen, (1..=60).collect::<Vec<_>>());
}

/// What a member that leaves did not settle comes to another at once, and is no failure.
pub async fn what_a_member_leaves_comes_again(bus: Arc<dyn EventBus>) {
    published(&*bus, &[event(1, "a"), event(2, "a"), event(3, "b")]).await;
    let mut first = joined(&*bus, options("one", 4)).await;
    let hands = [next(&mut *first).await, next(&mut *first).await];
    first.close().await.unwrap();
    let mut second = joined(&*bus, options("one", 4)).await;
    let again = [next(&mut *second).await, next(&mut *second).await];
    assert_eq!(again.each_ref().map(|it| (it.event.place.seq.0, it.attempt)), [(1, 1), (3, 1)]);
    for delivery in again {
        delivery.ack().unwrap();
    }
    assert_eq!(heard(&mut *second, 1).await, [2]);
    for late in hands {
        assert_eq!(late.ack().unwrap_err().code(), "bus.delivery.stale");
    }
}

/// The same, of a member that is dropped.
pub async fn what_a_dropped_member_had_comes_again(bus: Arc<dyn EventBus>) {
    published(&*bus, &events(3, 1)).await;
    let mut first = joined(&*bus, options("one", 4)).await;
    let hands = next(&mut *first).await;
    drop(first);
    let mut second = joined(&*bus, options("one", 4)).await;
    assert_eq!(heard(&mut *second, 3).await, [1, 2, 3]);
    assert!(hands.ack().is_err());
}

/// A group lasts while it has no members: it goes on with what it has not settled.
pub async fn a_group_goes_on_where_it_stopped(bus: Arc<dyn EventBus>) {
    published(&*bus, &events(6, 1)).await;
    let mut first = joined(&*bus, options("one", 1)).await;
    assert_eq!(heard(&mut *first, 4).await, [1, 2, 3, 4]);
    first.close().await.unwrap();
    published(&*bus, &[event(7, "a")]).await;
    let mut second = joined(&*bus, options("one", 1)).await;
    assert_eq!(heard(&mut *second, 3).await, [5, 6, 7]);
    nothing_comes(&mut *second).await;
}

/// A group hears what it was made to hear.
pub async fn other_filters_are_refused(bus: Arc<dyn EventBus>) {
    let filtered =
        |filter: &str| SubscribeOptions { filters: vec![SubjectFilter::parse(filter).unwrap()], ..options("one", 1) };
    let member = joined(&*bus, filtered("ark.*.kernel.>")).await;
    assert_eq!(bus.subscribe(filtered("ark.*.ontology.>")).await.unwrap_err().code(), "bus.group.differs");
    assert_eq!(bus.subscribe(options("one", 1)).await.unwrap_err().code(), "bus.group.differs");
    member.close().await.unwrap();
    joined(&*bus, filtered("ark.*.kernel.>")).await;
}

/// A group that was removed is new when it is joined again, without its dead letters.
pub async fn a_removed_group_begins_anew(bus: Arc<dyn EventBus>) {
    bus.remove_group("one").await.unwrap();
    published(&*bus, &events(3, 1)).await;
    let mut first = joined(&*bus, options("one", 1)).await;
    next(&mut *first).await.term("no").unwrap();
    assert_eq!(heard(&mut *first, 1).await, [2]);
    first.close().await.unwrap();
    assert_eq!(bus.dead_letters("one", 0, 10).await.unwrap().len(), 1);
    bus.remove_group("one").await.unwrap();
    assert_eq!(bus.dead_letters("one", 0, 10).await.unwrap(), []);
    let mut second = joined(&*bus, options("one", 1)).await;
    assert_eq!(heard(&mut *second, 3).await, [1, 2, 3]);
}

/// While members come and go, in the middle of waiting too, nothing is lost.
pub async fn members_come_and_go(bus: Arc<dyn EventBus>) {
    const EVENTS: usize = 80;
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let mut tasks = Vec::new();
    for seed in 0..3 {
        let (bus, seen) = (Arc::clone(&bus), Arc::clone(&seen));
        tasks.push(tokio::runtime::Handle::current().spawn(async move {
            let mut chance = fastrand::Rng::with_seed(seed);
            while seen.lock().unwrap().len() < EVENTS {
                let mut member = joined(&*bus, options("one", 4)).await;
                for _ in 0..chance.u32(1..30) {
                    let Ok(delivery) = tokio::time::timeout(Duration::from_millis(300), member.next()).await else {
                        break;
                    };
                    let delivery = delivery.unwrap();
                    let seq = delivery.event.place.seq.0;
                    if delivery.ack().is_ok() {
                        seen.lock().unwrap().insert(seq);
                    }
                }
                if chance.bool() {
                    member.close().await.unwrap();
                } else {
                    drop(member);
                }
            }
        }));
    }
    for batch in events(80, 10).chunks(8) {
        published(&*bus, batch).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(seen.lock().unwrap().len(), EVENTS);
}

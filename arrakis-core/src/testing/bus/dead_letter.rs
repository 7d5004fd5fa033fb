//! What a group could not work through.

use std::sync::Arc;

use super::{NEXT_MAX, event, events, heard, joined, next, options, published};
use crate::event::{DeadLetter, EventBus, SubscribeOptions};

/// The dead letters of a group, once there are as many.
async fn letters(bus: &dyn EventBus, group: &str, count: usize) -> Vec<DeadLetter> {
    let ask = async {
        loop {
            let letters = bus.dead_letters(group, 0, 100).await.unwrap();
            if letters.len() >= count {
                return letters;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(NEXT_MAX, ask).await.expect("dead letters in time")
}

/// What failed as often as it may is a dead letter, which tells how often and why, and comes no more.
pub async fn what_fails_too_often_is_a_dead_letter(bus: Arc<dyn EventBus>) {
    let event = event(1, "a");
    published(&*bus, &[Arc::clone(&event)]).await;
    let mut one = joined(&*bus, SubscribeOptions { max_attempts: 3, ..options("one", 1) }).await;
    for attempt in 1..=3 {
        let delivery = next(&mut *one).await;
        assert_eq!(delivery.attempt, attempt);
        delivery.nak(None).unwrap();
    }
    let letters = letters(&*bus, "one", 1).await;
    assert_eq!((letters.len(), &letters[0].event, letters[0].failures), (1, &event, 3));
    assert!(!letters[0].reason.is_empty());
    super::nothing_comes(&mut *one).await;
    assert_eq!(bus.dead_letters("another", 0, 10).await.unwrap(), []);
}

/// What is said to never succeed is a dead letter at once.
pub async fn what_will_never_succeed_is_a_dead_letter(bus: Arc<dyn EventBus>) {
    published(&*bus, &events(2, 1)).await;
    let mut one = joined(&*bus, options("one", 1)).await;
    next(&mut *one).await.term("no such airport: Zürich\n").unwrap();
    assert_eq!(heard(&mut *one, 1).await, [2]);
    let letters = letters(&*bus, "one", 1).await;
    assert_eq!((letters[0].event.place.seq.0, letters[0].failures), (1, 0));
    assert_eq!(&*letters[0].reason, "no such airport: Zürich\n");
}

/// Dead letters are read in pages, oldest first.
pub async fn dead_letters_are_read_in_pages(bus: Arc<dyn EventBus>) {
    published(&*bus, &events(5, 1)).await;
    let mut one = joined(&*bus, options("one", 1)).await;
    for _ in 0..5 {
        next(&mut *one).await.term("no").unwrap();
    }
    letters(&*bus, "one", 5).await;
    let (mut after, mut places) = (0, Vec::new());
    loop {
        let page = bus.dead_letters("one", after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        assert!(last.position > after);
        after = last.position;
        places.extend(page.iter().map(|letter| letter.event.place.seq.0));
    }
    assert_eq!(places, [1, 2, 3, 4, 5]);
    assert_eq!(bus.dead_letters("one", 0, 0).await.unwrap(), []);
}

/// Behind a dead letter its key goes on.
pub async fn a_dead_letter_holds_back_no_one(bus: Arc<dyn EventBus>) {
    published(&*bus, &[event(1, "a"), event(2, "a"), event(3, "a")]).await;
    let mut one = joined(&*bus, SubscribeOptions { max_attempts: 1, ..options("one", 4) }).await;
    next(&mut *one).await.nak(None).unwrap();
    assert_eq!(heard(&mut *one, 2).await, [2, 3]);
}

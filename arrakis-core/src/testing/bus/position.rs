//! How far a bus holds a log.

use std::sync::Arc;

use super::{events, heard, joined, nothing_comes, options, published};
use crate::Seq;
use crate::event::EventBus;

/// Of a log a bus knows nothing of, it holds nothing.
pub async fn a_new_log_is_at_the_beginning(bus: Arc<dyn EventBus>) {
    assert_eq!(bus.position("kernel").await.unwrap(), Seq(0));
}

/// What was marked is answered, also when a mark goes back.
pub async fn a_mark_is_kept(bus: Arc<dyn EventBus>) {
    published(&*bus, &events(10, 2)).await;
    for to in [3, 7, 10, 2, 10] {
        bus.mark("kernel", Seq(to)).await.unwrap();
        assert_eq!(bus.position("kernel").await.unwrap(), Seq(to));
    }
}

/// Marks are told to no one.
pub async fn marks_are_no_events(bus: Arc<dyn EventBus>) {
    bus.mark("kernel", Seq(0)).await.unwrap();
    published(&*bus, &events(3, 1)).await;
    bus.mark("kernel", Seq(3)).await.unwrap();
    let mut one = joined(&*bus, options("one", 1)).await;
    assert_eq!(heard(&mut *one, 3).await, [1, 2, 3]);
    nothing_comes(&mut *one).await;
}

/// Each log has its own mark.
pub async fn logs_are_apart(bus: Arc<dyn EventBus>) {
    bus.mark("kernel", Seq(7)).await.unwrap();
    bus.mark("ontology", Seq(5)).await.unwrap();
    assert_eq!(bus.position("kernel").await.unwrap(), Seq(7));
    assert_eq!(bus.position("ontology").await.unwrap(), Seq(5));
    assert_eq!(bus.position("a.b *").await.unwrap(), Seq(0));
}

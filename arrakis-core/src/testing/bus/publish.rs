//! What is published, and what is told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::{event, events, heard, joined, next, nothing_comes, options, published};
use crate::TenantId;
use crate::event::subject::SubjectFilter;
use crate::event::{CloudEvent, EventBus, EventData, Start, SubscribeOptions};

/// Every event is told in every attribute as it was published, and each key in order.
pub async fn what_is_published_is_told_as_it_is(bus: Arc<dyn EventBus>) {
    let strange = |seq, subject: &str| CloudEvent {
        r#type: "a.*.> é".into(),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        data: EventData::Json(Arc::new(json!([1, null, { "é\n": 0.1 }]))),
        ..CloudEvent::clone(&event(seq, subject))
    };
    let mut events = events(20, 3);
    events.extend([Arc::new(strange(21, "é \"%\n")), Arc::new(strange(22, ""))]);
    published(&*bus, &events).await;
    let mut one = joined(&*bus, options("one", 1)).await;
    let mut told: BTreeMap<String, Vec<Arc<CloudEvent>>> = BTreeMap::new();
    for _ in &events {
        let delivery = next(&mut *one).await;
        assert_eq!(delivery.attempt, 1);
        told.entry(delivery.event.key()).or_default().push(Arc::clone(&delivery.event));
        delivery.ack().unwrap();
    }
    for (key, told) in told {
        let published: Vec<_> = events.iter().filter(|event| event.key() == key).cloned().collect();
        assert_eq!(told, published);
    }
    nothing_comes(&mut *one).await;
}

/// What is published again is told once.
pub async fn an_event_published_twice_is_told_once(bus: Arc<dyn EventBus>) {
    let events = events(10, 1);
    published(&*bus, &events).await;
    published(&*bus, &events[4..]).await;
    published(&*bus, &[Arc::clone(&events[0]), event(11, "last"), event(11, "last")]).await;
    let mut one = joined(&*bus, options("one", 1)).await;
    assert_eq!(heard(&mut *one, 11).await, (1..=11).collect::<Vec<_>>());
    nothing_comes(&mut *one).await;
}

/// A group is told what its filters hear, and nothing else.
pub async fn only_what_is_heard_is_told(bus: Arc<dyn EventBus>) {
    let of = |seq, source: &str, r#type: &str| {
        Arc::new(CloudEvent { source: source.into(), r#type: r#type.into(), ..CloudEvent::clone(&event(seq, "a")) })
    };
    let all = [
        of(1, "/suite/kernel", "airport.renamed"),
        of(2, "/suite/ontology", "ontology.published"),
        of(3, "/suite/kernel", "airport.closed"),
        of(4, "/suite/kernel", "route.closed"),
    ];
    published(&*bus, &all).await;
    let tenant = TenantId::DEFAULT;
    for (group, filters, expected) in [
        ("all", vec![], vec![1, 2, 3, 4]),
        ("one", vec![format!("ark.{tenant}.kernel.airport.>")], vec![1, 3]),
        ("closed", vec!["ark.*.*.*.closed".to_owned()], vec![3, 4]),
        ("two", vec!["ark.*.ontology.>".to_owned(), "ark.*.*.route.*".to_owned()], vec![2, 4]),
        ("none", vec![format!("ark.{}.>", uuid::Uuid::nil())], vec![]),
    ] {
        let filters = filters.iter().map(|filter| SubjectFilter::parse(filter).unwrap()).collect();
        let mut member = joined(&*bus, SubscribeOptions { filters, ..options(group, 1) }).await;
        assert_eq!(heard(&mut *member, expected.len()).await, expected, "{group}");
        nothing_comes(&mut *member).await;
    }
}

/// Nothing published is nothing answered.
pub async fn an_empty_batch_has_no_results(bus: Arc<dyn EventBus>) {
    assert!(bus.publish(&[]).await.is_empty());
}

/// Data that is too large is refused, those with its key behind it with it; others are taken.
pub async fn data_that_is_too_large_is_refused(bus: Arc<dyn EventBus>) {
    let length_max = bus.capability().data_len_max;
    let large = |seq, length: usize| {
        // Two quotes are part of a text.
        let data = EventData::Json(Arc::new(json!("x".repeat(length - 2))));
        Arc::new(CloudEvent { data, ..CloudEvent::clone(&event(seq, "large")) })
    };
    let batch = [large(1, length_max), large(2, length_max + 1), event(3, "large"), event(4, "else")];
    let results = bus.publish(&batch).await;
    assert!(results[0].is_ok() && results[3].is_ok(), "{results:?}");
    let refused = results[1].as_ref().unwrap_err();
    assert_eq!((refused.code(), refused.is_retryable()), ("bus.event.too_large", false));
    assert_eq!(results[2].as_ref().unwrap_err().code(), "bus.event.held_back");
    let mut one = joined(&*bus, options("one", 1)).await;
    assert_eq!(heard(&mut *one, 2).await, [1, 4]);
    nothing_comes(&mut *one).await;
}

/// An event that refers to its data is told as it is.
pub async fn an_event_may_refer_to_its_data(bus: Arc<dyn EventBus>) {
    let event = Arc::new(event(1, "a").by_reference());
    published(&*bus, &[Arc::clone(&event)]).await;
    let mut one = joined(&*bus, options("one", 1)).await;
    assert_eq!(next(&mut *one).await.event, event);
}

/// A new group begins with the oldest event, or with the next one, as it says.
pub async fn a_new_group_begins_where_it_says(bus: Arc<dyn EventBus>) {
    published(&*bus, &events(5, 1)).await;
    let mut later = joined(&*bus, SubscribeOptions { start: Start::Next, ..options("later", 1) }).await;
    let mut early = joined(&*bus, options("early", 1)).await;
    nothing_comes(&mut *later).await;
    published(&*bus, &[event(6, "a")]).await;
    assert_eq!(heard(&mut *later, 1).await, [6]);
    assert_eq!(heard(&mut *early, 6).await, [1, 2, 3, 4, 5, 6]);
}

/// Who waits is told of what comes.
pub async fn what_is_published_while_one_waits_is_told(bus: Arc<dyn EventBus>) {
    let mut one = joined(&*bus, options("one", 1)).await;
    let waits = tokio::runtime::Handle::current().spawn(async move { heard(&mut *one, 20).await });
    for event in events(20, 4) {
        published(&*bus, &[event]).await;
    }
    assert_eq!(waits.await.unwrap(), (1..=20).collect::<Vec<_>>());
}

//! The conformance suite of [`EventBus`]: one function per sentence of behaviour, each on a bus of its own.

pub mod dead_letter;
pub mod failure;
pub mod group;
pub mod order;
pub mod position;
pub mod publish;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::event::{CloudEvent, Delivery, EventBus, EventData, Place, SubscribeOptions, Subscription};
use crate::{Seq, TenantId, Timestamp};

/// How long an event is waited for before a test gives up.
pub const NEXT_MAX: Duration = Duration::from_secs(30);
/// How long it is waited for what must not come.
pub const NOTHING_FOR: Duration = Duration::from_millis(150);
/// The time to settle an event in tests of what is not settled.
pub const ACK_WAIT_SHORT: Duration = Duration::from_millis(400);

/// The event at a place, about a subject.
pub fn event(seq: u64, subject: &str) -> Arc<CloudEvent> {
    Arc::new(CloudEvent {
        id: format!("event-{seq}").into(),
        source: "/suite/kernel".into(),
        r#type: "airport.renamed".into(),
        subject: subject.into(),
        time: Timestamp::from_micros_saturating(1_767_225_600_000_000),
        tenant: TenantId::DEFAULT,
        place: Place { seq: Seq(seq), index: 0 },
        traceparent: None,
        data: EventData::Json(Arc::new(json!({ "seq": seq, "name": "Zürich" }))),
    })
}

/// Events 1 up to `count`, about `subjects` subjects in turn.
pub fn events(count: u64, subjects: u64) -> Vec<Arc<CloudEvent>> {
    (1..=count).map(|seq| event(seq, &format!("Airport/{}", seq % subjects))).collect()
}

/// Publishes what the bus must take.
pub async fn published(bus: &dyn EventBus, events: &[Arc<CloudEvent>]) {
    let results = bus.publish(events).await;
    assert_eq!(results.len(), events.len(), "one result per event");
    for result in results {
        result.unwrap();
    }
}

/// A subscription that hands out `max_in_flight` at a time and tries again at once.
pub fn options(group: &str, max_in_flight: u32) -> SubscribeOptions {
    SubscribeOptions { max_in_flight, backoff: Vec::new(), ..SubscribeOptions::new(group) }
}

/// A member of a group.
pub async fn joined(bus: &dyn EventBus, options: SubscribeOptions) -> Box<dyn Subscription> {
    bus.subscribe(options).await.unwrap()
}

/// The next event.
pub async fn next(subscription: &mut dyn Subscription) -> Delivery {
    tokio::time::timeout(NEXT_MAX, subscription.next()).await.expect("an event in time").unwrap()
}

/// Takes and settles the next `count` events, and answers their places.
pub async fn heard(subscription: &mut dyn Subscription, count: usize) -> Vec<u64> {
    let mut places = Vec::new();
    for _ in 0..count {
        let delivery = next(subscription).await;
        places.push(delivery.event.place.seq.0);
        delivery.ack().unwrap();
    }
    places
}

/// Waits a little for what must not come.
pub async fn nothing_comes(subscription: &mut dyn Subscription) {
    if let Ok(delivery) = tokio::time::timeout(NOTHING_FOR, subscription.next()).await {
        panic!("nothing was to come, and there is {delivery:?}");
    }
}

/// Makes a test of every function of the suite. The argument is an asynchronous function from an [`crate::Env`] to an empty bus, an
/// `Option<Arc<dyn EventBus>>`: `None` where what it needs is lacking, which it has told then. The test package needs `tokio` with its
/// features `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! bus_suite {
    ($open:path) => {
        $crate::bus_suite! { @modules $open =>
            publish {
                what_is_published_is_told_as_it_is
                an_event_published_twice_is_told_once
                only_what_is_heard_is_told
                an_empty_batch_has_no_results
                data_that_is_too_large_is_refused
                an_event_may_refer_to_its_data
                a_new_group_begins_where_it_says
                what_is_published_while_one_waits_is_told
            }
            order {
                a_later_event_waits_for_an_earlier_one
                a_key_that_fails_does_not_stop_others
                keys_are_in_order_whatever_fails
                keys_are_in_order_across_members
            }
            failure {
                what_failed_comes_again
                what_failed_waits_for_its_delay
                what_is_not_settled_comes_again
                what_is_worked_on_does_not_come_again
                a_late_verdict_is_refused
                no_more_than_asked_are_in_flight
                bad_options_are_refused
            }
            group {
                every_group_is_told_everything
                members_share_the_work
                what_a_member_leaves_comes_again
                what_a_dropped_member_had_comes_again
                a_group_goes_on_where_it_stopped
                other_filters_are_refused
                a_removed_group_begins_anew
                members_come_and_go
            }
            dead_letter {
                what_fails_too_often_is_a_dead_letter
                what_will_never_succeed_is_a_dead_letter
                dead_letters_are_read_in_pages
                a_dead_letter_holds_back_no_one
            }
            position {
                a_new_log_is_at_the_beginning
                a_mark_is_kept
                marks_are_no_events
                logs_are_apart
            }
        }
    };
    (@modules $open:path => $($module:ident { $($function:ident)* })*) => {
        $($crate::bus_suite! { @module $open, $module => $($function)* })*
    };
    (@module $open:path, $module:ident => $($function:ident)*) => {
        $($crate::bus_suite! { @test $open, $module, $function })*
    };
    (@test $open:path, $module:ident, $function:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $function() {
            if let Some(bus) = $open($crate::Env::system()).await {
                $crate::testing::bus::$module::$function(bus).await;
            }
        }
    };
}

#[cfg(test)]
mod tests {
    /// A function of the suite that nothing runs would look as if everything passed it.
    #[test]
    fn every_function_of_the_suite_is_run() {
        let listed = include_str!("mod.rs");
        for (module, text) in [
            ("publish", include_str!("publish.rs")),
            ("order", include_str!("order.rs")),
            ("failure", include_str!("failure.rs")),
            ("group", include_str!("group.rs")),
            ("dead_letter", include_str!("dead_letter.rs")),
            ("position", include_str!("position.rs")),
        ] {
            let list = listed.split(&format!("            {module} {{\n")).nth(1).unwrap_or_default();
            let list = list.split('}').next().unwrap_or_default();
            let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let mut count = 0;
            for function in functions.map(|line| line.split('(').next().unwrap()) {
                assert!(list.lines().any(|line| line.trim() == function), "{module}::{function} is not listed");
                count += 1;
            }
            assert!(count > 3, "{module}: {count}");
        }
    }
}

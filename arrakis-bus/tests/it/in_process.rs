//! The bus of one process.

use std::future::{Ready, ready};
use std::sync::Arc;

use arrakis_bus::{InProcessBus, InProcessOptions, Overflow};
use arrakis_core::Env;
use arrakis_core::event::EventBus;
use arrakis_core::testing::bus::{event, events, heard, joined, options, published};

fn open(env: Env) -> Ready<Option<Arc<dyn EventBus>>> {
    ready(Some(Arc::new(InProcessBus::new(env, InProcessOptions::default()))))
}

arrakis_core::bus_suite!(open);

fn small(overflow: Overflow) -> InProcessBus {
    InProcessBus::new(Env::system(), InProcessOptions { ring_len_max: 20, overflow })
}

#[tokio::test]
async fn who_publishes_waits_for_who_hears() {
    let bus = small(Overflow::Refuse);
    published(&bus, &events(30, 1)).await;
    let mut one = joined(&bus, options("one", 1)).await;
    assert_eq!(heard(&mut *one, 1).await, [11], "without a group the oldest go");
    let results = bus.publish(&events(100, 1)[30..]).await;
    let taken = results.iter().take_while(|result| result.is_ok()).count();
    assert!(taken > 0 && taken < 40, "{taken}");
    let codes: Vec<_> = results[taken..].iter().map(|result| result.as_ref().unwrap_err().code().to_owned()).collect();
    assert_eq!(codes[0], "bus.full");
    assert!(codes[1..].iter().all(|code| code == "bus.event.held_back"), "{codes:?}");
    let mut next = 30 + taken;
    let mut places = heard(&mut *one, 10).await;
    while next < 100 {
        let results = bus.publish(&events(100, 1)[next..]).await;
        next += results.iter().take_while(|result| result.is_ok()).count();
        places.extend(heard(&mut *one, 1).await);
    }
    let rest = heard(&mut *one, 89 - places.len()).await;
    assert_eq!([places, rest].concat(), (12..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_lags_is_told_so() {
    let bus = small(Overflow::Lag);
    let mut one = joined(&bus, options("one", 1)).await;
    published(&bus, &events(50, 1)).await;
    let lagged = one.next().await.unwrap_err();
    assert_eq!((lagged.code(), lagged.param("from"), lagged.param("to")), ("bus.lagged", Some("0"), Some("29")));
    assert_eq!(heard(&mut *one, 20).await, (31..=50).collect::<Vec<_>>());
    published(&bus, &[event(51, "a")]).await;
    assert_eq!(heard(&mut *one, 1).await, [51]);
}

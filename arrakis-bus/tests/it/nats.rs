//! The bus on NATS `JetStream`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrakis_bus::{NatsBus, NatsOptions};
use arrakis_core::Env;
use arrakis_core::event::EventBus;
use xtask::services::{Kind, url_or_skip};

/// Options for streams no other test uses, under the prefix the suite's filters have; `None` where there is no server.
pub(crate) fn options(url: &str) -> NatsOptions {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let stream = format!("IT-{}-{number}", std::process::id());
    NatsOptions { prefix: stream.clone(), stream, ..NatsOptions::new(url) }
}

async fn open(env: Env) -> Option<Arc<dyn EventBus>> {
    let url = url_or_skip(Kind::Nats, "the bus suite on NATS")?;
    let bus = NatsBus::connect(env, options(&url)).await;
    Some(Arc::new(bus.unwrap_or_else(|error| panic!("{}", error.chain()))))
}

arrakis_core::bus_suite!(open);

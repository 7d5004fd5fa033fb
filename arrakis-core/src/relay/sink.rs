//! Whoever is told of the log.

use std::sync::Arc;

use async_trait::async_trait;

use crate::event::{CloudEvent, EventBus, EventData};
use crate::{Error, LogEntry, Result, Seq};

/// Whoever is told of the log: at least once, in order.
#[async_trait]
pub trait Sink: std::fmt::Debug + Send + Sync + 'static {
    /// How far it holds the log for certain; `None` for one that keeps what it was told by other means, or need not. The relay goes on
    /// behind it when the cursor is further: so a sink that was wiped is filled again.
    async fn position(&self) -> Result<Option<Seq>>;

    /// Tells entries, oldest first, which follow those told before. Answers when it holds every one of them.
    ///
    /// # Errors
    /// Whatever keeps it from holding all of them. They are told again, from the cursor on.
    async fn deliver(&self, entries: &[LogEntry]) -> Result<()>;

    /// Notes that everything up to an entry was delivered.
    async fn mark(&self, to: Seq) -> Result<()>;
}

/// The sink that publishes each event of each entry on a bus.
#[derive(Debug)]
pub struct BusSink {
    bus: Arc<dyn EventBus>,
    deployment: Arc<str>,
    log: Arc<str>,
}

impl BusSink {
    /// A sink onto a bus. `deployment` is what sources of events begin with; `log` names the store's log among those on the bus.
    pub fn new(bus: Arc<dyn EventBus>, deployment: impl Into<Arc<str>>, log: impl Into<Arc<str>>) -> Self {
        Self { bus, deployment: deployment.into(), log: log.into() }
    }

    /// The events of entries, those by reference whose data the bus does not carry.
    fn events(&self, entries: &[LogEntry]) -> Vec<Arc<CloudEvent>> {
        let length_max = self.bus.capability().data_len_max;
        let carried = |event: CloudEvent| {
            let is_large = match &event.data {
                EventData::Json(data) => exceeds(data, length_max),
                EventData::Reference(_) => false,
            };
            Arc::new(if is_large { event.by_reference() } else { event })
        };
        entries.iter().flat_map(|entry| CloudEvent::of_entry(&self.deployment, entry)).map(carried).collect()
    }
}

/// Whether a document is longer than this as JSON; a short one is not written out to know.
fn exceeds(data: &serde_json::Value, length_max: usize) -> bool {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::FileTooLarge)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    serde_json::to_writer(Count(length_max), data).is_err()
}

#[async_trait]
impl Sink for BusSink {
    async fn position(&self) -> Result<Option<Seq>> {
        let position = self.bus.position(&self.log).await?;
        // What a bus does not keep for longer than the process it cannot have lost.
        Ok(self.bus.capability().durable.then_some(position))
    }

    async fn deliver(&self, entries: &[LogEntry]) -> Result<()> {
        let events = self.events(entries);
        let results = self.bus.publish(&events).await;
        if results.len() != events.len() {
            return Err(Error::internal("relay.sink.results", "the bus answered for fewer events than it was given"));
        }
        results.into_iter().collect()
    }

    async fn mark(&self, to: Seq) -> Result<()> {
        self.bus.mark(&self.log, to).await
    }
}

//! Publishing: many messages on their way, at most one of each key.
//!
//! A message whose acknowledgement did not come is sent again. Were one with its key behind it in the stream by then, the key would be
//! out of order for ever.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrakis_core::event::{CloudEvent, subject};
use arrakis_core::{Error, Result};
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::publish::PublishAck;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::{Inner, error, message};
use crate::refusal::{held_back, too_large};

/// What waits behind the event of a key that is on its way.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<usize>,
    has_failed: bool,
}

impl Inner {
    pub(super) async fn publish(&self, events: &[Arc<CloudEvent>]) -> Vec<Result<()>> {
        if let Err(refused) = self.check_connection() {
            return events.iter().map(|_| Err(refused.duplicate())).collect();
        }
        let keys: Vec<String> = events.iter().map(|event| event.key()).collect();
        let mut lanes: HashMap<&str, Lane> = HashMap::with_capacity(self.options.window);
        let mut results: Vec<Option<Result<()>>> = events.iter().map(|_| None).collect();
        let mut flight = FuturesUnordered::new();
        let mut next = 0;
        loop {
            while flight.len() < self.options.window.max(1) && next < events.len() {
                let index = next;
                next += 1;
                let Some(key) = keys.get(index) else { break };
                match lanes.get_mut(key.as_str()) {
                    Some(lane) if lane.has_failed => set(&mut results, index, Err(held_back())),
                    Some(lane) => lane.waiting.push_back(index),
                    None => {
                        lanes.insert(key, Lane::default());
                        flight.push(self.send(index, events));
                    }
                }
            }
            let Some((index, result)) = flight.next().await else { break };
            let (has_failed, key) = (result.is_err(), keys.get(index).map_or("", String::as_str));
            set(&mut results, index, result);
            let Some(lane) = lanes.get_mut(key) else { continue };
            lane.has_failed |= has_failed;
            if lane.has_failed {
                lane.waiting.drain(..).for_each(|index| set(&mut results, index, Err(held_back())));
            } else if let Some(index) = lane.waiting.pop_front() {
                flight.push(self.send(index, events));
            } else {
                lanes.remove(key);
            }
        }
        // One server answered for the first and perhaps another, without the first's messages, for the last.
        let same = self.check_connection();
        let result = |result: Option<Result<()>>| result.unwrap_or_else(|| Err(error::unreachable()));
        let result = |of| result(of).and_then(|()| same.as_ref().map_err(Error::duplicate).copied());
        results.into_iter().map(result).collect()
    }

    /// Refuses what would be in vain, or behind what was lost: no connection, or another than that the position was asked by.
    pub(super) fn check_connection(&self) -> Result<()> {
        if !self.is_connected() {
            return Err(error::unreachable());
        }
        let asked = self.connects.load(Ordering::SeqCst);
        if asked != 0 && asked != self.connected() {
            return Err(error::reconnected());
        }
        Ok(())
    }

    async fn send(&self, index: usize, events: &[Arc<CloudEvent>]) -> (usize, Result<()>) {
        let Some(event) = events.get(index) else { return (index, Ok(())) };
        (index, self.send_event(event).await)
    }

    async fn send_event(&self, event: &CloudEvent) -> Result<()> {
        let body = event.body();
        let (length, length_max) = (body.len(), self.data_len_max());
        if length > length_max {
            return Err(too_large(length, length_max));
        }
        let message = message::of_event(event, body);
        let floor = self.floor.load(Ordering::SeqCst);
        let subject = subject::of_event(&self.options.prefix, event);
        let sent = self.jetstream.send_publish(subject, message).await.map_err(error::publish)?;
        self.acknowledged(floor, sent.await)
    }

    /// A message that is not behind every one acknowledged before it was sent tells that the stream lost some.
    fn acknowledged(&self, floor: u64, ack: Result<PublishAck, PublishError>) -> Result<()> {
        let ack = ack.map_err(error::publish)?;
        if ack.duplicate {
            return Ok(());
        }
        self.floor.fetch_max(ack.sequence, Ordering::SeqCst);
        if ack.sequence <= floor { Err(error::rolled_back()) } else { Ok(()) }
    }
}

fn set(results: &mut [Option<Result<()>>], index: usize, result: Result<()>) {
    if let Some(slot) = results.get_mut(index) {
        *slot = Some(result);
    }
}

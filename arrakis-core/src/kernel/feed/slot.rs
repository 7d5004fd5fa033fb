//! What waits for one subscriber, within its maximum.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::subscribe::SetDelta;
use crate::{Error, Seq};

/// What a subscriber is to be told, or has to find out.
#[derive(Debug)]
pub(super) enum Item {
    /// What a commit did to the set.
    Delta(SetDelta),
    /// A commit may have changed a set that depends on links.
    Touched(Seq),
    /// A version was published by this commit.
    Published(Seq),
    /// There was no room for what came after this commit.
    Lagging(Seq),
    /// Nothing more can be told.
    Failed(Error),
}

impl Item {
    fn load(&self) -> usize {
        match self {
            Self::Delta(delta) => delta.len(),
            Self::Touched(_) => 1,
            Self::Published(_) | Self::Lagging(_) | Self::Failed(_) => 0,
        }
    }

    /// Whether nothing is put into a slot after it.
    fn is_last(&self) -> bool {
        matches!(self, Self::Published(_) | Self::Lagging(_) | Self::Failed(_))
    }
}

/// The queue of one subscriber. Whoever fills it never waits.
#[derive(Debug)]
pub(super) struct Slot {
    load_max: usize,
    waiting: Mutex<Waiting>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    /// How many changes the items have.
    load: usize,
    is_ended: bool,
}

impl Slot {
    pub(super) fn new(load_max: usize) -> Self {
        Self { load_max, waiting: Mutex::default(), ready: Notify::new() }
    }

    /// Puts what the commit at `seq` is told by, and answers whether there was room. One commit larger than the maximum has room when
    /// nothing waits. Without room the slot ends.
    pub(super) fn put(&self, seq: Seq, item: Item) -> bool {
        let mut waiting = self.waiting();
        if waiting.is_ended {
            return false;
        }
        let load = item.load();
        let has_room = waiting.load == 0 || waiting.load + load <= self.load_max;
        let item = if has_room { item } else { Item::Lagging(Seq(seq.0.saturating_sub(1))) };
        waiting.load += item.load();
        waiting.is_ended = item.is_last();
        waiting.items.push_back(item);
        drop(waiting);
        self.ready.notify_one();
        has_room
    }

    /// Takes the next item, once there is one. When the future is dropped, nothing is taken.
    pub(super) async fn take(&self) -> Item {
        loop {
            let taken = {
                let mut waiting = self.waiting();
                let taken = waiting.items.pop_front();
                waiting.load -= taken.as_ref().map_or(0, Item::load);
                taken
            };
            match taken {
                Some(item) => return item,
                None => self.ready.notified().await,
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_without_room_ends_and_says_where() {
        let slot = Slot::new(2);
        assert!(slot.put(Seq(5), Item::Touched(Seq(5))) && slot.put(Seq(6), Item::Touched(Seq(6))));
        assert!(!slot.put(Seq(8), Item::Touched(Seq(8))));
        assert!(!slot.put(Seq(9), Item::Touched(Seq(9))));
        assert!(matches!(slot.take().await, Item::Touched(Seq(5))));
        assert!(matches!(slot.take().await, Item::Touched(Seq(6))));
        assert!(matches!(slot.take().await, Item::Lagging(Seq(7))));
    }

    #[tokio::test]
    async fn one_commit_beyond_the_maximum_has_room_where_nothing_waits() {
        let left =
            |key: i64| super::super::LeftObject { object_type: crate::ApiName::parse("A").unwrap(), key: key.into() };
        let large = || Item::Delta(SetDelta { seq: Seq(1), left: (0..9).map(left).collect(), ..SetDelta::default() });
        let slot = Slot::new(2);
        assert!(slot.put(Seq(1), large()));
        assert!(matches!(slot.take().await, Item::Delta(_)));
        assert!(slot.put(Seq(2), Item::Touched(Seq(2))) && !slot.put(Seq(3), large()));
    }
}

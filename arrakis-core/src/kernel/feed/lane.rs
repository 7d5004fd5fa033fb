//! The subscribers of one tenant under one version of the ontology, as far in the log as they all were told.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::index::{Index, SubscriberId};
use super::membership::LiveSet;
use super::rows::{Recent, RowChange};
use super::slot::{Item, Slot};
use super::subscribe::SetDelta;
use super::window::{ENTRIES_FIRST, Net};
use crate::ontology::Schema;
use crate::{ObjectTypeId, Seq};

/// The subscribers of one tenant under one version of the ontology.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) schema: Arc<Schema>,
    /// Everything up to this commit was told.
    pub(super) position: Seq,
    /// The subscriber that came last, so that a read made for fewer of them is noticed.
    pub(super) generation: SubscriberId,
    /// How many entries to read at first.
    pub(super) chunk: u32,
    /// The last states told of objects, as of the position; taken while they are brought up to date.
    pub(super) recent: Recent,
    /// The types they are of.
    pub(super) recent_types: BTreeSet<ObjectTypeId>,
    subscribers: HashMap<SubscriberId, Subscriber>,
    index: Index,
    /// Those whose sets depend on links.
    linked: BTreeSet<SubscriberId>,
}

#[derive(Debug)]
struct Subscriber {
    set: Arc<LiveSet>,
    slot: Arc<Slot>,
    /// It knows everything up to this commit.
    after: Seq,
}

impl Lane {
    pub(super) fn new(schema: Arc<Schema>, position: Seq) -> Self {
        Self {
            schema,
            position,
            generation: 0,
            chunk: ENTRIES_FIRST,
            recent: Recent::default(),
            recent_types: BTreeSet::new(),
            subscribers: HashMap::new(),
            index: Index::default(),
            linked: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, id: SubscriberId, set: Arc<LiveSet>, slot: Arc<Slot>, after: Seq) {
        if set.is_linked() {
            self.linked.insert(id);
        } else {
            for (of, pin) in set.pins() {
                self.index.insert(of, pin.as_ref(), id);
            }
        }
        self.subscribers.insert(id, Subscriber { set, slot, after });
        self.generation = id;
    }

    pub(super) fn remove(&mut self, id: SubscriberId) {
        let Some(Subscriber { set, .. }) = self.subscribers.remove(&id) else { return };
        if !self.linked.remove(&id) {
            for (of, pin) in set.pins() {
                self.index.remove(of, pin.as_ref(), id);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    /// The types whose rows have to be read.
    pub(super) fn types(&self) -> BTreeSet<ObjectTypeId> {
        self.index.types().collect()
    }

    /// Tells a commit. A set that cannot be judged ends its subscription.
    pub(super) fn tell(&mut self, seq: Seq, net: &Net, rows: &[RowChange]) {
        let mut deltas: HashMap<SubscriberId, SetDelta> = HashMap::new();
        let mut ended = Vec::new();
        for change in rows.iter().filter(|change| self.index.has(change.object_type.id)) {
            for id in self.index.concerned(change) {
                let Some(Subscriber { set, slot, after }) = self.subscribers.get(&id) else { continue };
                if seq <= *after {
                    continue;
                }
                let delta = deltas.entry(id).or_insert_with(|| SetDelta { seq, ..SetDelta::default() });
                if let Err(error) = set.judge(change, delta) {
                    slot.put(seq, Item::Failed(error));
                    ended.push(id);
                }
            }
        }
        for (id, delta) in deltas.into_iter().filter(|(_, delta)| !delta.is_empty()) {
            self.put(id, seq, Item::Delta(delta), &mut ended);
        }
        for id in &self.linked {
            if self.subscribers.get(id).is_some_and(|of| seq > of.after && of.set.is_touched(net)) {
                self.put(*id, seq, Item::Touched(seq), &mut ended);
            }
        }
        for id in ended {
            self.remove(id);
        }
    }

    fn put(&self, id: SubscriberId, seq: Seq, item: Item, ended: &mut Vec<SubscriberId>) {
        if self.subscribers.get(&id).is_some_and(|subscriber| !subscriber.slot.put(seq, item)) {
            ended.push(id);
        }
    }

    /// Tells every subscriber the last it hears from here.
    pub(super) fn end(self, seq: Seq, last: impl Fn() -> Item) {
        for Subscriber { slot, .. } in self.subscribers.into_values() {
            slot.put(seq, last());
        }
    }
}

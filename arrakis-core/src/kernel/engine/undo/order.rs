//! The order in which objects that all go are deleted: what another deletion would reach goes before it.

use std::collections::{HashMap, HashSet};

use crate::kernel::{Edit, Properties};
use crate::ontology::{Backing, OnDelete, Schema};
use crate::{Key, ObjectTypeId};

/// An object that goes.
#[derive(Debug)]
pub(super) struct Deletion {
    pub(super) object_type: ObjectTypeId,
    pub(super) key: Key,
    /// What it holds now.
    pub(super) current: Properties,
    pub(super) edit: Edit,
}

/// Orders deletions so that none finds its object gone: holders of a cascading link before what they refer to. Of objects that refer to each
/// other in a circle the first takes the others with it: those come second, and are not to be made.
pub(super) fn ordered(deletions: Vec<Deletion>, schema: &Schema) -> (Vec<Edit>, Vec<Edit>) {
    let place: HashMap<(ObjectTypeId, &Key), usize> =
        deletions.iter().enumerate().map(|(index, one)| ((one.object_type, &one.key), index)).collect();
    // For each object, those that go with it when it goes first.
    let mut holders: Vec<Vec<usize>> = vec![Vec::new(); deletions.len()];
    for link_type in schema.link_types.iter().filter(|link_type| link_type.on_delete == OnDelete::Cascade) {
        let Backing::ForeignKey { holder, property } = link_type.backing else { continue };
        let (holder_type, far_type) = (link_type.side(holder).object_type, link_type.side(holder.far()).object_type);
        for (index, one) in deletions.iter().enumerate().filter(|(_, one)| one.object_type == holder_type) {
            let far = one.current.values().get(property).and_then(Key::from_value);
            let far = far.and_then(|far| place.get(&(far_type, &far)).copied());
            if let Some(slot) = far.filter(|far| *far != index).and_then(|far| holders.get_mut(far)) {
                slot.push(index);
            }
        }
    }
    let mut order = Vec::with_capacity(deletions.len());
    let mut seen = HashSet::new();
    for start in 0..deletions.len() {
        visit(start, &holders, &mut seen, &mut order);
    }
    let mut edits: Vec<Option<Edit>> = deletions.into_iter().map(|one| Some(one.edit)).collect();
    let ordered = order.into_iter().filter_map(|index| edits.get_mut(index)?.take()).collect();
    (ordered, edits.into_iter().flatten().collect())
}

/// Holders first, in a walk of its own stack: chains may be long.
fn visit(start: usize, holders: &[Vec<usize>], seen: &mut HashSet<usize>, order: &mut Vec<usize>) {
    let mut stack = vec![(start, false)];
    let mut path = Vec::new();
    let mut taken = HashSet::new();
    while let Some((index, is_left)) = stack.pop() {
        if is_left {
            path.pop();
            if !taken.contains(&index) {
                order.push(index);
            }
            continue;
        }
        if !seen.insert(index) {
            continue;
        }
        path.push(index);
        stack.push((index, true));
        for holder in holders.get(index).into_iter().flatten() {
            match path.iter().position(|open| open == holder) {
                // A circle: this one goes first, and takes the whole of it along.
                Some(from) => taken.extend(path.iter().skip(from).copied().filter(|open| *open != index)),
                None => stack.push((*holder, false)),
            }
        }
    }
}

//! A map in memory that holds so many bytes and no more.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many parts a shelf has, each with a lock of its own.
const PARTS: usize = 16;
/// What an entry takes beside its key and value: its place in the map and in the round, in bytes.
const ENTRY_OVERHEAD: usize = 96;

/// A map in memory that holds so many bytes and no more. When it is full it forgets what was not asked for since it was last looked at
/// (the clock algorithm). Cheap to look up from many threads.
pub struct Shelf<K, V> {
    parts: Box<[Mutex<Part<K, V>>]>,
    part_bytes_max: usize,
    hasher: RandomState,
}

struct Part<K, V> {
    index: HashMap<K, usize>,
    places: Vec<Option<Place<K, V>>>,
    free: Vec<usize>,
    hand: usize,
    bytes: usize,
}

struct Place<K, V> {
    key: K,
    value: V,
    bytes: usize,
    was_asked_for: bool,
}

impl<K: Clone + Eq + Hash, V: Clone> Shelf<K, V> {
    /// An empty shelf for `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        let parts = (0..PARTS).map(|_| Mutex::new(Part::new())).collect();
        Self { parts, part_bytes_max: bytes_max / PARTS, hasher: RandomState::new() }
    }

    fn part(&self, key: &K) -> Option<MutexGuard<'_, Part<K, V>>> {
        let hash = self.hasher.hash_one(key);
        let part = usize::try_from(hash % PARTS as u64).ok().and_then(|index| self.parts.get(index))?;
        Some(part.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is kept under a key.
    pub fn get(&self, key: &K) -> Option<V> {
        let mut part = self.part(key)?;
        let index = *part.index.get(key)?;
        let place = part.places.get_mut(index)?.as_mut()?;
        place.was_asked_for = true;
        Some(place.value.clone())
    }

    /// Keeps a value of so many bytes in place of the one before it, unless `stays` says of that one that it stays. What is larger than
    /// a sixteenth of the shelf is not kept. Answers how many others were forgotten for it.
    pub fn put(&self, key: K, value: V, bytes: usize, stays: impl FnOnce(&V) -> bool) -> usize {
        let bytes = bytes.saturating_add(ENTRY_OVERHEAD);
        let Some(mut part) = self.part(&key) else { return 0 };
        let kept = part.index.get(&key).and_then(|index| part.places.get(*index)?.as_ref());
        if kept.is_some_and(|place| stays(&place.value)) {
            return 0;
        }
        part.remove(&key);
        if bytes > self.part_bytes_max {
            return 0;
        }
        let mut forgotten = 0;
        while part.bytes + bytes > self.part_bytes_max && part.forget_one() {
            forgotten += 1;
        }
        part.insert(Place { key, value, bytes, was_asked_for: false });
        forgotten
    }

    /// Forgets what is kept under a key.
    pub fn remove(&self, key: &K) {
        if let Some(mut part) = self.part(key) {
            part.remove(key);
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for part in &self.parts {
            *part.lock().unwrap_or_else(PoisonError::into_inner) = Part::new();
        }
    }

    /// How many bytes are held.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.lock().unwrap_or_else(PoisonError::into_inner).bytes).sum()
    }
}

impl<K: Clone + Eq + Hash, V> Part<K, V> {
    fn new() -> Self {
        Self { index: HashMap::new(), places: Vec::new(), free: Vec::new(), hand: 0, bytes: 0 }
    }

    fn insert(&mut self, place: Place<K, V>) {
        self.bytes += place.bytes;
        let key = place.key.clone();
        let index = self.free.pop().unwrap_or(self.places.len());
        match self.places.get_mut(index) {
            Some(free) => *free = Some(place),
            None => self.places.push(Some(place)),
        }
        self.index.insert(key, index);
    }

    fn remove(&mut self, key: &K) {
        if let Some(index) = self.index.remove(key)
            && let Some(place) = self.places.get_mut(index).and_then(Option::take)
        {
            self.bytes -= place.bytes;
            self.free.push(index);
        }
    }

    /// Moves the hand on to a place that was not asked for since it was last there, and empties it. Answers whether there was one: twice
    /// around, and every place has been.
    fn forget_one(&mut self) -> bool {
        for _ in 0..self.places.len().saturating_mul(2) {
            self.hand = if self.hand + 1 < self.places.len() { self.hand + 1 } else { 0 };
            match self.places.get_mut(self.hand).and_then(Option::as_mut) {
                None => {}
                Some(place) if place.was_asked_for => place.was_asked_for = false,
                Some(place) => {
                    let key = place.key.clone();
                    self.remove(&key);
                    return true;
                }
            }
        }
        false
    }
}

impl<K, V> fmt::Debug for Shelf<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("part_bytes_max", &self.part_bytes_max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as the shelf asks it")]
    fn replace(_: &u64) -> bool {
        false
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let shelf = Shelf::new(64 * 1_024);
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let key = random.u64(..400);
            match random.u8(..8) {
                0 => shelf.remove(&key),
                1 => assert!(shelf.get(&key).is_none_or(|kept| kept == key)),
                _ => {
                    shelf.put(key, key, random.usize(..6_000), replace);
                }
            }
            assert!(shelf.bytes() <= 64 * 1_024);
        }
        shelf.clear();
        assert_eq!(shelf.bytes(), 0);
        assert!((0..400).all(|key| shelf.get(&key).is_none()));
    }

    #[test]
    fn what_is_asked_for_outlives_what_is_not() {
        let shelf = Shelf::new(PARTS * 100 * (8 + ENTRY_OVERHEAD));
        for key in 0..200_u64 {
            shelf.put(key, key, 8, replace);
        }
        for key in 200..20_000 {
            for popular in 0..200_u64 {
                shelf.get(&popular);
            }
            shelf.put(key, key, 8, replace);
        }
        let kept = (0..200_u64).filter(|key| shelf.get(key).is_some()).count();
        assert!(kept > 190, "{kept}");
    }

    #[test]
    fn what_stays_is_not_replaced() {
        let shelf = Shelf::new(1 << 16);
        shelf.put(1, 5, 8, replace);
        shelf.put(1, 4, 8, |kept| *kept > 4);
        assert_eq!(shelf.get(&1), Some(5));
        shelf.put(1, 6, 8, |kept| *kept > 6);
        assert_eq!(shelf.get(&1), Some(6));
        assert_eq!(shelf.put(1, 7, 1 << 16, replace), 0);
        assert_eq!(shelf.get(&1), None, "what does not fit leaves nothing older behind");
    }
}

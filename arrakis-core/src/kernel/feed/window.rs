//! A stretch of one tenant's log, parted where a version was published in its space.

use std::collections::HashMap;
use std::sync::Arc;

use super::Feed;
use crate::commit::{Effect, EffectKind, LogEntry};
use crate::ontology::{Schema, SchemaVersion};
use crate::{Key, LinkTypeId, ObjectTypeId, Result, Scope, Seq};

/// How many entries are read of the log at first, and how many at most: an entry may be long, and what is not needed is read anew.
pub(super) const ENTRIES_FIRST: u32 = 4;
const ENTRIES_MAX: u32 = 256;
/// The most effects an entry of a window has on average for the next window to be read with one look.
const SHORT_ENTRY_EFFECTS_MAX: usize = 16;

/// A stretch of one tenant's log.
#[derive(Debug)]
pub(super) struct Window {
    /// The tenant's commits, oldest first.
    pub(super) entries: Vec<LogEntry>,
    /// Every commit of the tenant up to here is among them.
    pub(super) until: Seq,
    /// The newest commit of the store when the end was read.
    pub(super) head: Seq,
}

/// The part of a window in which one version of the ontology is in force.
#[derive(Debug)]
pub(super) struct Stretch {
    /// The version; `None` before the first.
    pub(super) schema: Option<Arc<Schema>>,
    /// Its publication, where the stretch begins with it, and the version before.
    pub(super) published: Option<(SchemaVersion, Option<Arc<Schema>>)>,
    /// The tenant's commits.
    pub(super) entries: Vec<LogEntry>,
}

/// What an entry did to its rows, each row once.
#[derive(Debug, Default)]
pub(super) struct Net {
    pub(super) objects: Vec<(ObjectTypeId, Key, EffectKind)>,
    pub(super) links: Vec<(LinkTypeId, (Key, Key), EffectKind)>,
}

impl Window {
    /// How many entries to read at first of the window that follows.
    pub(super) fn next_chunk(&self) -> u32 {
        let effects: usize = self.entries.iter().map(|entry| entry.effects.len()).sum();
        let is_short = effects <= self.entries.len().saturating_mul(SHORT_ENTRY_EFFECTS_MAX);
        if is_short { ENTRIES_MAX } else { ENTRIES_FIRST }
    }

    /// Whether the log went on after it.
    pub(super) fn has_more(&self) -> bool {
        self.until < self.head
    }
}

impl Feed {
    /// Reads the log after a commit: entries of so many effects together, and at least one. `chunk` is how many to read at first.
    pub(super) async fn window(&self, scope: Scope, after: Seq, effects_max: usize, chunk: u32) -> Result<Window> {
        let (mut entries, mut until, mut room) = (Vec::new(), after, effects_max);
        let mut chunk = chunk;
        loop {
            let page = self.log.entries(scope, until, chunk).await?;
            // A read may be of an older state than the one before it.
            let head = page.head.max(until);
            let is_last = page.entries.len() < chunk as usize;
            for entry in page.entries {
                let effects = entry.effects.len().max(1);
                if effects > room && !entries.is_empty() {
                    return Ok(Window { entries, until, head });
                }
                room = room.saturating_sub(effects);
                until = entry.seq;
                entries.push(entry);
            }
            if is_last || room == 0 {
                return Ok(Window { entries, until: if is_last { head } else { until }, head });
            }
            chunk = (chunk * 4).min(ENTRIES_MAX);
        }
    }

    /// Parts a window where versions were published, by whichever tenant of the space. `after` is where the window begins.
    pub(super) async fn stretches(&self, scope: Scope, after: Seq, window: Window) -> Result<Vec<Stretch>> {
        let mut published = self.schemas.published(scope.space, 0, window.until).await?;
        let later = published.split_off(published.partition_point(|version| version.seq <= after));
        let mut schema = match published.last() {
            Some(version) => Some(self.schemas.version(scope.space, version.version).await?),
            None => None,
        };
        let mut entries = window.entries;
        let mut stretches = Vec::with_capacity(later.len() + 1);
        let mut begun = None;
        for version in later {
            let rest = entries.split_off(entries.partition_point(|entry| entry.seq < version.seq));
            let entries = std::mem::replace(&mut entries, rest);
            stretches.push(Stretch { schema: schema.clone(), published: begun, entries });
            let next = self.schemas.version(scope.space, version.version).await?;
            begun = Some((version, schema.replace(next)));
        }
        stretches.push(Stretch { schema, published: begun, entries });
        Ok(stretches)
    }
}

impl Stretch {
    /// The state its commits start from.
    pub(super) fn base(&self) -> Seq {
        let first = self.entries.first().map_or(Seq(0), |entry| Seq(entry.seq.0.saturating_sub(1)));
        self.published.as_ref().map_or(first, |(version, _)| first.max(version.seq))
    }
}

impl Net {
    /// What an entry did, all in all: what came to be and went again within it did not happen.
    pub(super) fn of(entry: &LogEntry) -> Self {
        let mut objects = Gathered::default();
        let mut links = Gathered::default();
        for effect in &entry.effects {
            match effect {
                Effect::Object(object_type, key, kind) => objects.add((*object_type, key.clone()), *kind),
                Effect::Link(link_type, source, target, kind) => {
                    links.add((*link_type, (source.clone(), target.clone())), *kind);
                }
                Effect::Published(_) | Effect::Space(_) | Effect::Tenant(_) => {}
            }
        }
        Self {
            objects: objects.net().map(|((of, key), kind)| (of, key, kind)).collect(),
            links: links.net().map(|((of, ends), kind)| (of, ends, kind)).collect(),
        }
    }
}

/// The first and the last effect on each row, in the order of the first.
struct Gathered<K> {
    places: HashMap<K, usize>,
    rows: Vec<(K, EffectKind, EffectKind)>,
}

impl<K> Default for Gathered<K> {
    fn default() -> Self {
        Self { places: HashMap::new(), rows: Vec::new() }
    }
}

impl<K: Clone + Eq + std::hash::Hash> Gathered<K> {
    fn add(&mut self, row: K, kind: EffectKind) {
        let place = *self.places.entry(row.clone()).or_insert(self.rows.len());
        match self.rows.get_mut(place) {
            Some((_, _, last)) => *last = kind,
            None => self.rows.push((row, kind, kind)),
        }
    }

    fn net(self) -> impl Iterator<Item = (K, EffectKind)> {
        self.rows.into_iter().filter_map(|(row, first, last)| {
            let kind = match (first, last) {
                (EffectKind::Created, EffectKind::Deleted) => return None,
                (EffectKind::Created, _) => EffectKind::Created,
                (_, EffectKind::Deleted) => EffectKind::Deleted,
                _ => EffectKind::Modified,
            };
            Some((row, kind))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_on_one_row_come_to_one() {
        use EffectKind::{Created, Deleted, Modified};
        for (effects, net) in [
            (&[Created][..], Some(Created)),
            (&[Created, Modified], Some(Created)),
            (&[Created, Deleted], None),
            (&[Created, Deleted, Created], Some(Created)),
            (&[Modified, Modified], Some(Modified)),
            (&[Modified, Deleted], Some(Deleted)),
            (&[Deleted, Created], Some(Modified)),
            (&[Deleted, Created, Deleted], Some(Deleted)),
        ] {
            let mut gathered = Gathered::default();
            for kind in effects {
                gathered.add("row", *kind);
            }
            assert_eq!(gathered.net().map(|(_, kind)| kind).next(), net, "{effects:?}");
        }
    }
}

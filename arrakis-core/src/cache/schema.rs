//! Versions of an ontology in the shared cache.
//!
//! A version never changes, so what is found is right when it is the version that is meant: its place names the number, the hash, the commit
//! and the instant of its publication, as the store lists them. Which version is current is asked of the store.

use super::seal::{Place, Stamp};
use super::{CACHE_VALUE_LEN_MAX, CacheKind, CacheOwner, ReadCache};
use crate::SpaceId;
use crate::ontology::SchemaVersion;

fn text(version: &SchemaVersion) -> String {
    format!("{}/{}/{}/{}", version.version, version.hash, version.seq, version.at.micros())
}

fn place(space: SpaceId, text: &str) -> Place<'_> {
    Place { owner: CacheOwner::Space(space), space, kind: CacheKind::Schema, text }
}

impl ReadCache {
    /// The stored form of a published version, if a process of this store has put it.
    pub(crate) async fn schema(&self, space: SpaceId, version: &SchemaVersion) -> Option<String> {
        let (shared, text) = (self.shared.as_ref()?, text(version));
        let place = place(space, &text);
        let (stamp, payload) = shared.get(place.owner, &[place]).await.pop().flatten()?;
        if stamp.version != version.version {
            return None;
        }
        let stored = String::from_utf8(payload).ok()?;
        self.counters.shared_hits.add(1);
        Some(stored)
    }

    /// Puts the stored form of a published version, where there is a shared cache and it is short enough.
    pub(crate) async fn put_schema(&self, space: SpaceId, version: &SchemaVersion, stored: &str) {
        let Some(shared) = &self.shared else { return };
        let text = text(version);
        let place = place(space, &text);
        let stamp = Stamp { seq: version.seq, mark: 0, version: version.version };
        let entry = shared.seal.seal(place, stamp, stored.as_bytes());
        if entry.bytes.len() > CACHE_VALUE_LEN_MAX || !shared.put(place.owner, &[(shared.seal.key(place), entry)]).await
        {
            self.counters.dropped.add(1);
        } else {
            self.counters.shared_fills.add(1);
        }
    }

    /// Whether there is a shared cache to ask.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }
}

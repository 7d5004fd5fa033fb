//! Entries of a shared cache are sealed: whatever this store's processes did not put there, under this very key, is no entry.

use std::fmt;
use std::sync::Arc;

use super::{CacheEntry, CacheKey, CacheKind, CacheOwner};
use crate::{Seq, SpaceId};

const TAG_LEN: usize = 32;
/// How much of the tag is kept.
const TAG_KEPT: usize = 16;

/// Seals and opens with a key that is derived from the secret of the store.
pub(super) struct Seal {
    key: [u8; 32],
    /// Tells the stores that share a cache apart.
    store: String,
}

/// What a value is kept under, unshortened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) owner: CacheOwner,
    /// The space whose ontology the value is read under.
    pub(super) space: SpaceId,
    pub(super) kind: CacheKind,
    pub(super) text: &'a str,
}

/// What goes with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// The commit it was read at.
    pub(super) seq: Seq,
    /// The mark of that commit.
    pub(super) mark: u64,
    /// The version of the ontology it was read under.
    pub(super) version: u32,
}

impl Seal {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        let name = blake3::derive_key("arrakis cache store name v1", &secret);
        let store = blake3::Hash::from_bytes(name).to_hex().chars().take(8).collect();
        Self { key: blake3::derive_key("arrakis cache entry v1", &secret), store }
    }

    /// The key in the cache.
    pub(super) fn key(&self, place: Place<'_>) -> CacheKey {
        CacheKey::new(place.kind, &format!("{}/{}", self.store, place.text))
    }

    fn tag(&self, place: Place<'_>, stamp: Stamp, payload: &[u8]) -> [u8; TAG_LEN] {
        let (kind, length) = (place.kind.to_string(), place.text.len() as u64);
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(place.owner.uuid().as_bytes()).update(place.space.uuid().as_bytes());
        hasher.update(kind.as_bytes()).update(&[0]).update(&length.to_be_bytes()).update(place.text.as_bytes());
        hasher.update(&stamp.seq.0.to_be_bytes()).update(&head(stamp)).update(payload);
        *hasher.finalize().as_bytes()
    }

    pub(super) fn seal(&self, place: Place<'_>, stamp: Stamp, payload: &[u8]) -> CacheEntry {
        let tag = self.tag(place, stamp, payload);
        let bytes: Arc<[u8]> = tag.iter().take(TAG_KEPT).chain(&head(stamp)).chain(payload).copied().collect();
        CacheEntry { seq: stamp.seq, bytes }
    }

    /// What was sealed for this place; `None` for anything else.
    pub(super) fn open<'a>(&self, place: Place<'_>, entry: &'a CacheEntry) -> Option<(Stamp, &'a [u8])> {
        let (kept, rest) = entry.bytes.split_first_chunk::<TAG_KEPT>()?;
        let (mark, rest) = rest.split_first_chunk()?;
        let (version, payload) = rest.split_first_chunk()?;
        let (mark, version) = (u64::from_be_bytes(*mark), u32::from_be_bytes(*version));
        let stamp = Stamp { seq: entry.seq, mark, version };
        let tag = self.tag(place, stamp, payload);
        let differs = tag.iter().zip(kept).fold(0, |differs, (own, kept)| differs | (own ^ kept));
        (differs == 0).then_some((stamp, payload))
    }
}

fn head(stamp: Stamp) -> [u8; 12] {
    let mut head = [0; 12];
    let (mark, version) = head.split_at_mut(8);
    mark.copy_from_slice(&stamp.mark.to_be_bytes());
    version.copy_from_slice(&stamp.version.to_be_bytes());
    head
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ObjectTypeId, TenantId};

    const PLACE: Place<'_> = Place {
        owner: CacheOwner::Tenant(TenantId::DEFAULT),
        space: SpaceId::DEFAULT,
        kind: CacheKind::Object(ObjectTypeId(3)),
        text: "s/SFO",
    };
    const STAMP: Stamp = Stamp { seq: Seq(7), mark: 9, version: 2 };

    #[test]
    fn only_what_was_sealed_for_a_place_opens_there() {
        let seal = Seal::new([1; 32]);
        let entry = seal.seal(PLACE, STAMP, b"value");
        assert_eq!(seal.open(PLACE, &entry), Some((STAMP, &b"value"[..])));
        let other = TenantId::from_uuid(uuid::Uuid::from_u128(5));
        for place in [
            Place { owner: CacheOwner::Tenant(other), ..PLACE },
            Place { space: SpaceId::from_uuid(uuid::Uuid::from_u128(5)), ..PLACE },
            Place { kind: CacheKind::Object(ObjectTypeId(4)), ..PLACE },
            Place { kind: CacheKind::Schema, ..PLACE },
            Place { text: "s/SFP", ..PLACE },
        ] {
            assert_eq!(seal.open(place, &entry), None, "{place:?}");
        }
        assert_eq!(Seal::new([2; 32]).open(PLACE, &entry), None);
        assert_ne!(Seal::new([2; 32]).key(PLACE), seal.key(PLACE));
        assert_eq!(seal.open(PLACE, &CacheEntry { seq: Seq(8), ..entry.clone() }), None);
    }

    #[test]
    fn a_byte_less_or_other_opens_nothing() {
        let seal = Seal::new([1; 32]);
        let entry = seal.seal(PLACE, STAMP, b"value");
        for index in 0..entry.bytes.len() {
            let shorter = entry.bytes[..index].into();
            assert_eq!(seal.open(PLACE, &CacheEntry { bytes: shorter, ..entry.clone() }), None);
            for bit in 0..8 {
                let mut bytes = entry.bytes.to_vec();
                bytes[index] ^= 1 << bit;
                assert_eq!(seal.open(PLACE, &CacheEntry { bytes: bytes.into(), ..entry.clone() }), None);
            }
        }
    }
}

//! What is kept is answered, to whom it belongs.

use super::{Kept, entry, key, owner};
use crate::ObjectTypeId;
use crate::cache::{CACHE_BATCH_MAX, CacheKey, CacheKind};

/// `None` for a key nothing is kept under.
pub async fn nothing_is_kept_under_a_new_key(kept: Kept) {
    assert_eq!(kept.get("a").await, None);
    kept.put("a", 1, b"one").await;
    assert_eq!(kept.get("b").await, None);
}

/// In the order asked; the same key twice is answered twice.
pub async fn entries_come_in_the_order_asked(kept: Kept) {
    for (text, bytes) in [("a", b"1"), ("b", b"2"), ("c", b"3")] {
        kept.put(text, 1, bytes).await;
    }
    let keys = ["c", "x", "a", "c", "b"].map(key);
    let found = kept.cache.get(kept.owner, &keys).await.unwrap();
    let expected = [Some(b"3"), None, Some(b"1"), Some(b"3"), Some(b"2")];
    assert_eq!(found, expected.map(|bytes| bytes.map(|bytes| entry(1, bytes))));
}

/// What is kept for another owner is not answered.
pub async fn owners_are_apart(kept: Kept) {
    kept.put("a", 1, b"own").await;
    let other = Kept { cache: kept.cache.clone(), owner: owner() };
    assert_eq!(other.get("a").await, None);
    other.put("a", 2, b"other").await;
    assert_eq!(kept.get("a").await, Some((1, b"own".to_vec())));
    other.cache.remove(other.owner, &[key("a")]).await.unwrap();
    assert_eq!(kept.get("a").await, Some((1, b"own".to_vec())));
}

/// What is kept under another kind is not answered.
pub async fn kinds_are_apart(kept: Kept) {
    let kinds = [CacheKind::Object(ObjectTypeId(1)), CacheKind::Object(ObjectTypeId(11)), CacheKind::Schema];
    for (index, kind) in kinds.into_iter().enumerate() {
        let bytes = [u8::try_from(index).unwrap()];
        kept.cache.put(kept.owner, &[(CacheKey::new(kind, "a"), entry(1, &bytes))]).await.unwrap();
    }
    let found = kept.cache.get(kept.owner, &kinds.map(|kind| CacheKey::new(kind, "a"))).await.unwrap();
    assert_eq!(found, [[0], [1], [2]].map(|bytes| Some(entry(1, &bytes))));
}

/// As many keys as a call may have are answered; one more is refused.
pub async fn too_many_keys_are_refused(kept: Kept) {
    let mut keys: Vec<_> = (0..CACHE_BATCH_MAX).map(|index| key(&index.to_string())).collect();
    assert_eq!(kept.cache.get(kept.owner, &keys).await.unwrap().len(), CACHE_BATCH_MAX);
    keys.push(key("x"));
    assert_eq!(kept.cache.get(kept.owner, &keys).await.unwrap_err().code(), "cache.batch.length");
}

/// A call without keys is answered with nothing, and puts and removes nothing.
pub async fn no_key_has_no_answer(kept: Kept) {
    assert_eq!(kept.cache.get(kept.owner, &[]).await.unwrap(), []);
    kept.cache.put(kept.owner, &[]).await.unwrap();
    kept.cache.remove(kept.owner, &[]).await.unwrap();
}

//! What is removed is gone.

use super::{Kept, key};
use crate::cache::CACHE_BATCH_MAX;

/// What is kept under the keys is forgotten, and nothing else.
pub async fn what_is_removed_is_gone(kept: Kept) {
    for text in ["a", "b", "c"] {
        kept.put(text, 1, text.as_bytes()).await;
    }
    kept.cache.remove(kept.owner, &["a", "b"].map(key)).await.unwrap();
    assert_eq!((kept.get("a").await, kept.get("b").await), (None, None));
    assert_eq!(kept.get("c").await, Some((1, b"c".to_vec())));
}

/// An entry put afterwards is kept, whatever its commit.
pub async fn what_is_removed_may_come_back_older(kept: Kept) {
    kept.put("a", 9, b"nine").await;
    kept.cache.remove(kept.owner, &[key("a")]).await.unwrap();
    kept.put("a", 1, b"one").await;
    assert_eq!(kept.get("a").await, Some((1, b"one".to_vec())));
}

/// A key nothing is kept under is no error.
pub async fn what_is_not_there_is_removed(kept: Kept) {
    kept.cache.remove(kept.owner, &[key("a"), key("a")]).await.unwrap();
    assert_eq!(kept.get("a").await, None);
}

/// One key more than a call may have is refused.
pub async fn too_many_removals_are_refused(kept: Kept) {
    let mut keys: Vec<_> = (0..CACHE_BATCH_MAX).map(|index| key(&index.to_string())).collect();
    kept.cache.remove(kept.owner, &keys).await.unwrap();
    keys.push(key("x"));
    assert_eq!(kept.cache.remove(kept.owner, &keys).await.unwrap_err().code(), "cache.batch.length");
}

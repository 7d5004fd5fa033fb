//! What is put is kept, and the newer stays.

use super::{Kept, entry, key};
use crate::cache::{CACHE_BATCH_MAX, CACHE_VALUE_LEN_MAX};

/// No byte is lost or changed, whatever it is.
pub async fn any_bytes_are_answered_as_they_were_put(kept: Kept) {
    let every: Vec<u8> = (0..=255).collect();
    let longest = vec![0xa5; CACHE_VALUE_LEN_MAX];
    for (text, bytes) in
        [("empty", &[][..]), ("zero", &[0]), ("line", b"\r\n$-1\r\n"), ("all", &every), ("long", &longest)]
    {
        kept.put(text, u64::MAX, bytes).await;
        assert!(kept.get(text).await == Some((u64::MAX, bytes.to_vec())), "{text}");
    }
}

/// Texts that look alike are different keys.
pub async fn any_key_keeps_its_own(kept: Kept) {
    let long = "x".repeat(600);
    let texts = ["", "a", "A", "a b", "a%20b", "a:b", "{a}", "é", "e\u{301}", "\0", "\r\n", "*", "?", &long];
    for (index, text) in texts.iter().enumerate() {
        kept.put(text, 1, &[u8::try_from(index).unwrap()]).await;
    }
    for (index, text) in texts.iter().enumerate() {
        assert_eq!(kept.get(text).await, Some((1, vec![u8::try_from(index).unwrap()])), "{text:.20}");
    }
}

/// An entry takes the place of the one before it.
pub async fn a_later_commit_takes_the_place(kept: Kept) {
    kept.put("a", 1, b"longer than the second").await;
    kept.put("a", 2, b"second").await;
    assert_eq!(kept.get("a").await, Some((2, b"second".to_vec())));
}

/// Unless that one is of a later commit.
pub async fn an_earlier_commit_does_not(kept: Kept) {
    kept.put("a", 2, b"second").await;
    kept.put("a", 1, b"first").await;
    assert_eq!(kept.get("a").await, Some((2, b"second".to_vec())));
}

/// A commit of more digits is later.
pub async fn commits_are_compared_as_numbers(kept: Kept) {
    for (earlier, later) in [(9, 10), (99, 1_000), (u64::from(u32::MAX), u64::from(u32::MAX) + 1), (0, u64::MAX)] {
        let text = format!("{earlier}");
        kept.put(&text, later, b"later").await;
        kept.put(&text, earlier, b"earlier").await;
        assert_eq!(kept.get(&text).await, Some((later, b"later".to_vec())));
    }
}

/// Of entries of one commit the last one put is kept.
pub async fn of_one_commit_the_last_is_kept(kept: Kept) {
    kept.put("a", 5, b"first").await;
    kept.put("a", 5, b"last").await;
    assert_eq!(kept.get("a").await, Some((5, b"last".to_vec())));
}

/// The same key twice is as two calls in that order.
pub async fn the_same_key_twice_is_two_calls(kept: Kept) {
    let entries = [(key("a"), entry(5, b"newer")), (key("a"), entry(4, b"older")), (key("b"), entry(1, b"b"))];
    kept.cache.put(kept.owner, &entries).await.unwrap();
    assert_eq!(kept.get("a").await, Some((5, b"newer".to_vec())));
    assert_eq!(kept.get("b").await, Some((1, b"b".to_vec())));
}

/// A value longer than it may be is refused before anything is kept.
pub async fn a_value_too_long_is_refused_with_its_call(kept: Kept) {
    let long = vec![0; CACHE_VALUE_LEN_MAX + 1];
    let entries = [(key("a"), entry(1, b"short")), (key("b"), entry(1, &long))];
    assert_eq!(kept.cache.put(kept.owner, &entries).await.unwrap_err().code(), "cache.value.length");
    assert_eq!(kept.get("a").await, None);
}

/// As many entries as a call may have are kept; one more is refused.
pub async fn too_many_entries_are_refused(kept: Kept) {
    let entry_of = |index: usize| (key(&index.to_string()), entry(1, &index.to_be_bytes()));
    let mut entries: Vec<_> = (0..CACHE_BATCH_MAX).map(entry_of).collect();
    kept.cache.put(kept.owner, &entries).await.unwrap();
    for index in [0, 1, CACHE_BATCH_MAX - 1] {
        assert_eq!(kept.get(&index.to_string()).await, Some((1, index.to_be_bytes().to_vec())));
    }
    entries.push(entry_of(CACHE_BATCH_MAX));
    assert_eq!(kept.cache.put(kept.owner, &entries).await.unwrap_err().code(), "cache.batch.length");
}

/// Whatever the order many writers come in, the newest entry is there in the end.
pub async fn the_newest_of_many_writers_stays(kept: Kept) {
    const WRITERS: u64 = 8;
    const PUTS: u64 = 50;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (cache, owner) = (kept.cache.clone(), kept.owner);
            tokio::runtime::Handle::current().spawn(async move {
                for put in 0..PUTS {
                    let seq = 1 + writer + WRITERS * (put * 17 % PUTS);
                    cache.put(owner, &[(key("a"), entry(seq, &seq.to_be_bytes()))]).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let newest = WRITERS * PUTS;
    assert_eq!(kept.get("a").await, Some((newest, newest.to_be_bytes().to_vec())));
}

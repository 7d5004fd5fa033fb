//! Redis.

use std::path::Path;
use std::sync::Arc;

use arrakis_core::ErrorKind;
use arrakis_core::cache::Cache;
use arrakis_core::testing::cache::{Kept, key};
use arrakis_storage::{RedisCache, RedisOptions};
use xtask::services::{Kind, Redis, url_or_skip};

async fn open(test: &str) -> Option<Arc<dyn Cache>> {
    let url = url_or_skip(Kind::Redis, test)?;
    Some(Arc::new(RedisCache::connect(&url, RedisOptions::default()).await.unwrap()))
}

arrakis_core::cache_suite!(open);

fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

async fn refusal(url: &str) -> arrakis_core::Error {
    RedisCache::connect(url, RedisOptions::default()).await.unwrap_err()
}

/// Sends one command over a connection of its own.
async fn ask(url: &str, command: &[&str]) {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut asked = redis::cmd(command[0]);
    asked.arg(&command[1..]).query_async::<()>(&mut connection).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_by_its_setting_and_no_secret() {
    let Some(mut server) = Redis::start_or_skip(folder(), "redis::refused") else { return };
    let url = server.url();
    let at = |user: &str| url.replace("redis://", &format!("redis://{user}@"));
    ask(&url, &["ACL", "SETUSER", "guest", "on", ">sesame", "allkeys", "-@all", "+ping"]).await;
    ask(&url, &["CONFIG", "SET", "requirepass", "sesame"]).await;
    let cases = [
        (at("guest:opensesame"), "redis.refused", ErrorKind::Unauthenticated),
        (at(":opensesame"), "redis.refused", ErrorKind::Unauthenticated),
        (at("guest:sesame"), "redis.refused", ErrorKind::Unauthenticated),
        (url.clone(), "redis.refused", ErrorKind::Unauthenticated),
        ("redis://:sesame@127.0.0.1:1".into(), "redis.unreachable", ErrorKind::Unavailable),
        ("redis://:sesame@no-such-host.invalid".into(), "redis.unreachable", ErrorKind::Unavailable),
        ("http://:sesame@127.0.0.1".into(), "redis.url.malformed", ErrorKind::Invalid),
        ("redis://:sesame@127.0.0.1/notanumber".into(), "redis.url.malformed", ErrorKind::Invalid),
        (":sesame".into(), "redis.url.malformed", ErrorKind::Invalid),
    ];
    for (url, code, kind) in cases {
        let error = refusal(&url).await;
        assert_eq!((error.code(), error.kind()), (code, kind), "{}", error.chain());
        assert_eq!(error.param("setting"), Some("redis"), "{code}");
        let shown = format!("{error} {error:?} {}", error.chain());
        assert!(!shown.contains("sesame"), "{shown}");
    }
    let cache = RedisCache::connect(&at(":sesame"), RedisOptions::default()).await.unwrap();
    assert!(!format!("{cache:?}").contains("sesame"));
    server.kill();
    assert_eq!(refusal(&at(":sesame")).await.code(), "redis.unreachable");
}

#[tokio::test]
async fn what_others_left_under_a_key_is_no_entry_and_is_replaced() {
    let Some(url) = url_or_skip(Kind::Redis, "redis::strange") else { return };
    let cache = Arc::new(RedisCache::connect(&url, RedisOptions::default()).await.unwrap());
    let kept = Kept::new(cache);
    let name = |text: &str| format!("ark:{{{}}}:object:1:{}", kept.owner, key(text).text());
    ask(&url, &["SET", &name("text"), "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"]).await;
    ask(&url, &["SET", &name("short"), "9"]).await;
    ask(&url, &["LPUSH", &name("list"), "x"]).await;
    for text in ["text", "short", "list"] {
        assert_eq!(kept.get(text).await, None, "{text}");
        kept.put(text, 1, b"one").await;
        assert_eq!(kept.get(text).await, Some((1, b"one".to_vec())), "{text}");
    }
}

#[tokio::test]
async fn entries_end_with_their_time() {
    let Some(url) = url_or_skip(Kind::Redis, "redis::ttl") else { return };
    let options = RedisOptions { ttl: std::time::Duration::from_millis(30) };
    let kept = Kept::new(Arc::new(RedisCache::connect(&url, options).await.unwrap()));
    kept.put("a", 1, b"one").await;
    // As long as it takes: only the server knows the time.
    while kept.get("a").await.is_some() {}
}

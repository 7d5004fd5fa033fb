//! Private servers are killed, restarted, wiped and paused, and leave nothing behind.

mod client;

use std::path::Path;

use client::Client;
use xtask::services::{Nats, Postgres, Redis};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn postgres_keeps_what_it_committed_through_kills_and_nothing_through_a_wipe() {
    let Some(mut postgres) = Postgres::start_or_skip(folder(), "postgres_keeps_what_it_committed") else { return };
    let port = postgres.port();
    Client::postgres(port).unwrap().sql("CREATE TABLE kept (i int)").unwrap();
    for round in 1..=3 {
        let mut session = Client::postgres(port).unwrap();
        session.sql(&format!("INSERT INTO kept VALUES ({round})")).unwrap();
        // Killed in the middle of a statement, with a process that does not look for its parent.
        session.send(b"Q\0\0\0\x19SELECT pg_sleep(600)\0").unwrap();
        postgres.kill();
        assert!(session.line().is_err(), "the connection is gone");
        assert!(Client::postgres(port).is_err(), "nobody listens");
        postgres.restart().unwrap();
        assert_eq!(postgres.port(), port);
        assert_eq!(Client::postgres(port).unwrap().sql("SELECT count(*) FROM kept").unwrap(), round.to_string());
    }
    postgres.wipe().unwrap();
    assert!(Client::postgres(port).unwrap().sql("SELECT count(*) FROM kept").is_err());
}

#[test]
fn a_private_postgres_is_durable_and_checks_its_pages() {
    let Some(postgres) = Postgres::start_or_skip(folder(), "a_private_postgres_is_durable") else { return };
    let mut session = Client::postgres(postgres.port()).unwrap();
    for setting in ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"] {
        assert_eq!(session.sql(&format!("SHOW {setting}")).unwrap(), "on", "{setting}");
    }
    assert_eq!(session.sql("SHOW server_encoding").unwrap(), "UTF8");
    assert_eq!(session.sql("SHOW lc_collate").unwrap(), "C");
}

#[test]
fn redis_keeps_what_it_saved_through_a_kill_and_nothing_through_a_wipe() {
    let Some(mut redis) = Redis::start_or_skip(folder(), "redis_keeps_what_it_saved") else { return };
    let port = redis.port();
    let ask = |command| Client::connect(port).and_then(|mut client| client.redis(command));
    assert_eq!(ask("SET a saved").unwrap(), "+OK");
    assert_eq!(ask("SAVE").unwrap(), "+OK");
    assert_eq!(ask("SET a later").unwrap(), "+OK");
    redis.kill();
    assert!(ask("PING").is_err());
    redis.restart().unwrap();
    assert_eq!(ask("GET a").unwrap(), "saved");
    redis.wipe().unwrap();
    assert_eq!(ask("GET a").unwrap(), "$-1");
}

#[test]
fn nats_keeps_its_streams_through_a_kill_and_none_through_a_wipe() {
    let Some(mut nats) = Nats::start_or_skip(folder(), "nats_keeps_its_streams") else { return };
    let port = nats.port();
    let ask = |request, body| Client::nats(port).and_then(|mut client| client.jetstream(request, body));
    let made = ask("STREAM.CREATE.kept", r#"{"name":"kept","subjects":["kept"],"storage":"file"}"#).unwrap();
    assert!(made.contains("\"did_create\":true"), "{made}");
    nats.kill();
    assert!(ask("INFO", "").is_err());
    nats.restart().unwrap();
    assert!(ask("STREAM.INFO.kept", "").unwrap().contains("\"name\":\"kept\""));
    nats.wipe().unwrap();
    assert!(ask("STREAM.INFO.kept", "").unwrap().contains("stream not found"));
}

#[test]
fn a_paused_server_answers_when_it_is_resumed() {
    if let Some(redis) = Redis::start_or_skip(folder(), "a_paused_server_answers: redis") {
        let mut client = Client::connect(redis.port()).unwrap();
        assert_eq!(client.redis("PING").unwrap(), "+PONG");
        redis.pause();
        assert!(client.redis("PING").is_err(), "a paused redis answered");
        redis.resume();
        assert_eq!(client.line().unwrap(), "+PONG");
    }
    if let Some(postgres) = Postgres::start_or_skip(folder(), "a_paused_server_answers: postgres") {
        let mut session = Client::postgres(postgres.port()).unwrap();
        postgres.pause();
        assert!(session.sql("SELECT 1").is_err(), "a paused session answered");
        assert!(Client::postgres(postgres.port()).is_err(), "a paused postgres took a session");
        postgres.resume();
        assert_eq!(Client::postgres(postgres.port()).unwrap().sql("SELECT 2").unwrap(), "2");
    }
}

#[test]
fn a_dropped_server_leaves_neither_process_nor_folder() {
    let Some(postgres) = Postgres::start_or_skip(folder(), "a_dropped_server_leaves_nothing") else { return };
    let (port, data) = (postgres.port(), postgres.data());
    let mut session = Client::postgres(port).unwrap();
    assert!(data.is_dir());
    // Even when it is paused.
    postgres.pause();
    drop(postgres);
    assert!(session.sql("SELECT 1").is_err());
    assert!(Client::postgres(port).is_err());
    assert!(!data.exists());
}

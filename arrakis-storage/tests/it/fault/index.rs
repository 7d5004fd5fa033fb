//! An index of a large table is built beside writers, and built anew when the server dies half-way.

use std::time::Duration;

use arrakis_core::Env;
use arrakis_core::ontology::Schema;
use arrakis_core::testing::{Ask, Conditions, Fixture, filter, keys_of};
use serde_json::json;

use super::ledger::TYPE;
use super::publication::TABLE;
use super::{becomes, blocking, filled, number, options, own_connection, run, server};

/// Rows that make the table a large one.
const ROWS: usize = 60_000;
/// How many commits are written beside the building.
const COMMITS: i64 = 20;
/// How long a publication or a commit may take beside the building.
const BESIDE: Duration = Duration::from_secs(5);
/// Indexes that are there and not whole.
const INVALID: &str = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
/// Indexes that are not built yet.
const PENDING: &str = "SELECT count(*) FROM arrakis.pending_index";

/// The version after another, with or without an index of the score.
fn version_after(fixture: &Fixture, base: &Schema, indexed: bool) -> std::sync::Arc<Schema> {
    let mut ontology = Fixture::ontology();
    let of = ontology.object_types.iter_mut().find(|of| of.name == *TYPE).unwrap();
    of.properties.iter_mut().find(|property| property.name == *"score").unwrap().indexed = indexed;
    fixture.next_schema(base, ontology)
}

/// The publication does not wait for the index; writers and readers go on beside its building; killed half-way, it is built anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_large_table_is_indexed_beside_writers() {
    let Some(mut server) = server("a_large_table_is_indexed_beside_writers") else { return };
    let (store, fixture) = filled(&server.url(), &options()).await;
    let env = Env::system();
    fixture.wrote(fixture.draft(fixture.own).create(TYPE, json!({ "code": "a", "title": "a" }))).await;
    let (mut holder, mut watcher) = (own_connection(&server.url()).await, own_connection(&server.url()).await);
    let table = format!("obj_{}", number(&mut watcher, TABLE).await);
    let fill = format!(
        "INSERT INTO arrakis.{table} SELECT (jsonb_populate_record(o, jsonb_build_object('k', lpad(i::text, 250, 'x')))).*
         FROM arrakis.{table} AS o, generate_series(1, {ROWS}) AS i WHERE o.k = 'a'"
    );
    run(&mut watcher, fill).await;

    // A writer of the table that does not end holds the building up half-way.
    run(&mut holder, format!("BEGIN; LOCK TABLE arrakis.{table} IN ROW EXCLUSIVE MODE")).await;
    let schema = version_after(&fixture, &fixture.schema, true);
    let start = env.monotonic();
    let seq = fixture.publish(fixture.own, &fixture.publication(&schema, Vec::new())).await.unwrap().seq;
    let published = env.monotonic().saturating_sub(start);
    assert!(published < BESIDE, "{published:?}");
    let pending = store.pending_indexes().await.unwrap();
    assert_eq!(pending.iter().map(|index| (index.since, index.failure.as_deref())).collect::<Vec<_>>(), [(seq, None)]);
    assert!(pending[0].name.starts_with(&table), "{pending:?}");
    becomes(&mut watcher, INVALID, 1).await;

    let of = schema.object_type(TYPE).unwrap();
    let found = |score: i64| Ask::of(of, filter(Conditions::on(&of.properties).eq("score", score)));
    let mut slowest = Duration::ZERO;
    for score in 1..=COMMITS {
        let start = env.monotonic();
        fixture.wrote(fixture.draft_under(fixture.own, &schema).modify(TYPE, "a", json!({ "score": score }))).await;
        slowest = slowest.max(env.monotonic().saturating_sub(start));
        let rows = fixture.query(fixture.own, &found(score)).await.unwrap();
        assert_eq!(keys_of(&rows.objects), ["a"], "found without the index");
    }
    assert!(slowest < BESIDE, "{slowest:?}");
    assert_eq!(number(&mut watcher, INVALID).await, 1, "it is still half-built");

    drop((holder, watcher));
    blocking(|| {
        server.kill();
        server.restart().unwrap();
    });
    let start = env.monotonic();
    let mut watcher = own_connection(&server.url()).await;
    becomes(&mut watcher, PENDING, 0).await;
    println!(
        "published in {published:?}, slowest commit beside {slowest:?}, resumed in {:?}",
        env.monotonic().saturating_sub(start)
    );
    assert_eq!(number(&mut watcher, INVALID).await, 0, "what was half-built is gone");
    let is_there = format!("SELECT count(*) FROM pg_indexes WHERE indexname = '{}'", pending[0].name);
    assert_eq!(number(&mut watcher, is_there.clone()).await, 1);
    assert_eq!(store.pending_indexes().await.unwrap(), []);
    let rows = fixture.query(fixture.own, &found(COMMITS)).await.unwrap();
    assert_eq!(keys_of(&rows.objects), ["a"], "found with the index");

    let without = version_after(&fixture, &schema, false);
    fixture.publish(fixture.own, &fixture.publication(&without, Vec::new())).await.unwrap();
    assert_eq!(number(&mut watcher, is_there).await, 0, "an index that is no longer wanted is gone");
}

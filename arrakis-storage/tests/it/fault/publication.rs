//! Tables are changed while others read them.

use std::sync::Arc;
use std::time::Duration;

use arrakis_core::kernel::plan::Rel;
use arrakis_core::ontology::{NewOntology, Schema};
use arrakis_core::testing::Fixture;
use arrakis_core::{Env, Error, Outcome};
use arrakis_storage::PgOptions;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::ledger::TYPE;
use super::{becomes, filled, number, options, own_connection, run, server};

/// How long a publication may try before it is refused: nine tries that wait for a lock, and the pauses between them.
const REFUSED_WITHIN: Duration = Duration::from_secs(15);

/// The ontology with one more property of the written type, indexed.
pub(crate) fn with_motto(ontology: &mut NewOntology) {
    let of = ontology.object_types.iter_mut().find(|of| of.name == *TYPE).unwrap();
    of.properties.push(serde_json::from_value(json!({ "name": "motto", "type": "string", "indexed": true })).unwrap());
}

/// The version after the first.
pub(crate) fn second(fixture: &Fixture) -> Arc<Schema> {
    let mut ontology = Fixture::ontology();
    with_motto(&mut ontology);
    fixture.next_schema(&fixture.schema, ontology)
}

/// The table of the written type in the space of most tests.
pub(crate) const TABLE: &str = "SELECT n FROM arrakis.object_table
    WHERE space = (SELECT space FROM arrakis.tenant WHERE name = 'own') ORDER BY n LIMIT 1";
/// Whether a change of a table waits for its readers.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'arrakis' AND wait_event_type = 'Lock' AND query ~* '^alter table'";

/// Reads go on beside a change of tables; gives how many there were, and the first that failed.
async fn read_on(fixture: Arc<Fixture>, mut goes_on: watch::Receiver<bool>) -> (usize, Option<Error>) {
    let mut count = 0;
    while *goes_on.borrow_and_update() {
        let found = fixture.store.query(fixture.own, &fixture.ask(TYPE, Rel::All).plan).await;
        match found {
            Ok(found) => assert_eq!(found.value.objects.len(), 1),
            Err(error) => return (count, Some(error)),
        }
        count += 1;
    }
    (count, None)
}

/// While a snapshot that is held keeps the table, the publication waits in short turns: readers go on between them, and it lands when the
/// snapshot ends; where it does not end, it is refused in time as not applied.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_publication_waits_for_readers_in_turns() {
    let Some(server) = server("a_publication_waits_for_readers_in_turns") else { return };
    let options = PgOptions { lock_timeout_ms: 150, ..options() };
    let (_store, fixture) = filled(&server.url(), &options).await;
    fixture.wrote(fixture.draft(fixture.own).create(TYPE, json!({ "code": "a", "title": "a" }))).await;
    let (mut holder, mut watcher) = (own_connection(&server.url()).await, own_connection(&server.url()).await);
    let table = format!("obj_{}", number(&mut watcher, TABLE).await);
    let env = Env::system();

    let hold = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM arrakis.{table}");
    run(&mut holder, hold.clone()).await;
    let (goes_on, told) = watch::channel(true);
    let readers: Vec<_> =
        (0..3).map(|_| Handle::current().spawn(read_on(Arc::clone(&fixture), told.clone()))).collect();
    let schema = second(&fixture);
    let publication = fixture.publication(&schema, Vec::new());

    let start = env.monotonic();
    let error = fixture.publish(fixture.own, &publication).await.unwrap_err();
    let refused = env.monotonic().saturating_sub(start);
    assert_eq!((error.code(), error.outcome()), ("store.busy", Outcome::NotApplied), "{error:?}");
    assert!(error.is_retryable() && refused < REFUSED_WITHIN, "{refused:?}");
    let columns = format!("SELECT count(*) FROM information_schema.columns WHERE table_name = '{table}'");
    let before = number(&mut watcher, columns.clone()).await;
    assert_eq!(fixture.store.schema(fixture.own.space).await.unwrap().unwrap().version, 1);

    let publishing = {
        let (fixture, publication) = (Arc::clone(&fixture), publication.clone());
        Handle::current().spawn(async move { fixture.publish(fixture.own, &publication).await })
    };
    becomes(&mut watcher, WAITING, 1).await;
    run(&mut holder, "COMMIT").await;
    publishing.await.unwrap().unwrap();
    assert_eq!(number(&mut watcher, columns).await, before + 1);
    let indexed = format!(
        "SELECT count(*) FROM pg_indexes WHERE tablename = '{table}' AND indexdef ~ 'i_?' AND indexname ~ '_i_'"
    );
    assert!(number(&mut watcher, indexed).await >= 1);

    goes_on.send_replace(false);
    let mut reads = 0;
    for reader in readers {
        let (count, failed) = reader.await.unwrap();
        assert!(failed.is_none(), "no reader fails: {failed:?}");
        reads += count;
    }
    println!("refused after {refused:?} beside a held snapshot; {reads} reads beside it, none failed");
    assert!(reads > 0);
    let wrote = fixture.draft_under(fixture.own, &schema).modify(TYPE, "a", json!({ "motto": "go" }));
    fixture.wrote(wrote).await;
}

//! Stores that have only some of the parts, as the databases of services do.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrakis_core::kernel::ObjectStore;
use arrakis_core::ontology::OntologyStore;
use arrakis_core::relay::RelayStore;
use arrakis_core::testing::{Fixture, TestEnv};
use arrakis_core::{Atomicity, Commit, CommitLog, Error, ErrorKind, Key, Receipt, Result, Seq, Store};
use arrakis_storage::{Module, PgOptions, PgStore};
use serde_json::json;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::{opened, options, own_connection, server};

fn with(modules: &[Module]) -> PgOptions {
    PgOptions { modules: modules.to_vec(), ..options() }
}

/// The tables of the namespace.
async fn tables(admin: &mut PgConnection) -> BTreeSet<String> {
    let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'arrakis'";
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(admin).await.unwrap().into_iter().collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn commit(store: &PgStore, commits: Vec<Commit>, atomicity: Atomicity) -> Vec<Result<Receipt>> {
    store.commit_batch(commits, atomicity).await
}

fn lacks(error: &Error, module: Module) {
    let told = (error.kind(), error.code(), error.param("module"));
    assert_eq!(told, (ErrorKind::Unsupported, "store.module", Some(module.name())));
}

const LOG: [&str; 7] = ["commit_log", "head", "meta", "migration", "relay", "space", "tenant"];
const ONTOLOGY: [&str; 4] = ["link_table", "object_table", "pending_index", "schema_version"];

/// A store runs the migrations of the modules it is given, refuses what belongs to others, and gets them when it is opened with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_has_the_modules_it_is_given() {
    let Some(server) = server("a_store_has_the_modules_it_is_given") else { return };
    let (mut admin, test) = (own_connection(&server.url()).await, TestEnv::default());
    let store = opened(&server.url(), &test, &with(&[])).await;
    let fixture = Fixture::unpublished(Arc::clone(&store) as Arc<dyn Store>, test.clone()).await;
    assert_eq!(tables(&mut admin).await, set(&LOG));
    let publication = || {
        let publication = fixture.publication(&fixture.schema, Vec::new());
        let mut commit = fixture.commit(fixture.own);
        commit.changes.push(arrakis_core::Change::Publish(Arc::new(publication)));
        commit
    };
    let object = |id: i64| Commit::from(fixture.draft(fixture.own).create("Badge", json!({ "id": id })));
    let badge = fixture.object_type("Badge");
    let read = async |store: &PgStore| store.objects(fixture.own, badge, &[Key::Integer(1)], None).await;
    lacks(
        &commit(&store, vec![publication()], Atomicity::Each).await[0].as_ref().unwrap_err().duplicate(),
        Module::Ontology,
    );
    lacks(&store.schema(fixture.own.space).await.unwrap_err(), Module::Ontology);
    lacks(&read(&store).await.unwrap_err(), Module::Kernel);
    lacks(&store.pending_indexes().await.unwrap_err(), Module::Ontology);
    let head = store.head().await.unwrap();
    assert_eq!(store.log(Seq(0), 100).await.unwrap().head, head, "its log is told like any other");

    let store = opened(&server.url(), &test, &with(&[Module::Ontology])).await;
    assert_eq!(tables(&mut admin).await, set(&[&LOG[..], &ONTOLOGY[..]].concat()));
    commit(&store, vec![publication()], Atomicity::Each).await.remove(0).unwrap();
    assert!(store.schema(fixture.own.space).await.unwrap().is_some());
    let beside =
        commit(&store, vec![fixture.commit(fixture.own), object(1), fixture.commit(fixture.own)], Atomicity::Each)
            .await;
    let taken: Vec<bool> = beside.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, false, true], "the neighbours of what is refused stand");
    lacks(&beside[1].as_ref().unwrap_err().duplicate(), Module::Kernel);
    assert_eq!(beside[1].as_ref().unwrap_err().path(), Some("changes[0]"));
    let head = store.head().await.unwrap();
    let none = commit(&store, vec![fixture.commit(fixture.own), object(1)], Atomicity::All).await;
    assert!(none.iter().all(Result::is_err) && store.head().await.unwrap() == head, "all or nothing");
    lacks(&store.rehearse(object(1)).await.unwrap_err(), Module::Kernel);

    let store = opened(&server.url(), &test, &options()).await;
    commit(&store, vec![object(1)], Atomicity::Each).await.remove(0).unwrap();
    assert!(read(&store).await.unwrap().value[0].is_some());
    let alone = PgStore::open(&server.url(), test.env(), &with(&[Module::Kernel])).await.unwrap_err();
    assert_eq!((alone.code(), alone.param("setting")), ("store.option.malformed", Some("modules")));
}

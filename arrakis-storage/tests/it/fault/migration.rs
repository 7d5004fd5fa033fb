//! Databases that are made and brought to this format, once, twice, and by many at once.

use arrakis_core::testing::TestEnv;
use arrakis_core::{CommitLog, Seq};
use arrakis_storage::{PgOptions, PgStore};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::{blocking, number, own_connection, run, server, told};

/// How many open an empty database at the same time.
const OPENERS: usize = 8;
/// How often they do, each time another database.
const ROUNDS: usize = 3;

/// All the definitions and rights of the namespace, a line each.
async fn definitions(admin: &mut PgConnection) -> Vec<String> {
    let mut lines = Vec::new();
    for sql in [
        "SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, collation_name, column_default,
                is_nullable, is_identity)
         FROM information_schema.columns WHERE table_schema = 'arrakis' ORDER BY 1",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'arrakis' ORDER BY 1",
        "SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p WHERE pronamespace = 'arrakis'::regnamespace ORDER BY 1",
        "SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
         WHERE connamespace = 'arrakis'::regnamespace ORDER BY 1",
        "SELECT concat_ws(' ', relname, reloptions::text, relacl::text, relrowsecurity) FROM pg_class
         WHERE relnamespace = 'arrakis'::regnamespace ORDER BY 1",
        "SELECT concat_ws(' ', tablename, policyname, roles::text, qual) FROM pg_policies WHERE schemaname = 'arrakis'
         ORDER BY 1",
        "SELECT nspacl::text FROM pg_namespace WHERE nspname = 'arrakis'",
        "SELECT concat_ws(' ', module, version) FROM arrakis.migration ORDER BY 1",
    ] {
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *admin).await.unwrap();
        lines.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    assert!(lines.len() > 40, "{lines:?}");
    lines
}

async fn open(url: &str) -> PgStore {
    let store = PgStore::open(url, TestEnv::default().env(), &PgOptions::default()).await;
    store.unwrap_or_else(|error| panic!("{}", told(&error)))
}

/// A database that was migrated twice is as one that was migrated once, to the last right.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn migrating_twice_changes_nothing() {
    let Some(server) = server("migrating_twice_changes_nothing") else { return };
    let mut admin = own_connection(&server.url()).await;
    let store = open(&server.url()).await;
    let (key, fresh) = (store.cursor_key(), definitions(&mut admin).await);
    blocking(|| drop(store));
    for _ in 0..2 {
        let store = open(&server.url()).await;
        assert_eq!(store.cursor_key(), key, "the store is the same");
        blocking(|| drop(store));
        assert_eq!(definitions(&mut admin).await, fresh);
    }
    // One of the first format is brought to what a fresh one is.
    run(
        &mut admin,
        "DELETE FROM arrakis.migration WHERE module <> 'store'; DROP TABLE arrakis.pending_index; DROP POLICY tenant ON arrakis.commit_log;
         ALTER TABLE arrakis.commit_log DISABLE ROW LEVEL SECURITY; UPDATE arrakis.migration SET version = 1",
    )
    .await;
    blocking(|| drop(Handle::current().block_on(open(&server.url()))));
    assert_eq!(definitions(&mut admin).await, fresh, "upgraded is as fresh");
    run(&mut admin, "CREATE DATABASE other").await;
    let other = format!("postgres://postgres@127.0.0.1:{}/other", server.port());
    blocking(|| drop(Handle::current().block_on(open(&other))));
    assert_eq!(definitions(&mut own_connection(&other).await).await, fresh, "every fresh database is the same");
}

/// Eight that open an empty database at the same time: one makes the store, all have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_open_an_empty_database_at_once() {
    let Some(server) = server("many_open_an_empty_database_at_once") else { return };
    let mut admin = own_connection(&server.url()).await;
    run(&mut admin, "CREATE ROLE app LOGIN CREATEROLE").await;
    for round in 0..ROUNDS {
        // As a superuser, and as one who takes part in the role that reads only when it is granted.
        let user = if round % 2 == 0 { "app" } else { "postgres" };
        run(&mut admin, format!("CREATE DATABASE d{round} OWNER {user}")).await;
        let url = format!("postgres://{user}@127.0.0.1:{}/d{round}", server.port());
        let mut openers = JoinSet::new();
        for _ in 0..OPENERS {
            let url = url.clone();
            openers.spawn_on(async move { open(&url).await }, &Handle::current());
        }
        let mut stores = Vec::new();
        while let Some(store) = openers.join_next().await {
            stores.push(store.unwrap());
        }
        for store in &stores {
            assert_eq!(store.cursor_key(), stores[0].cursor_key(), "all have the same store");
            assert_eq!(store.head().await.unwrap(), Seq(0));
        }
        blocking(|| drop(stores));
        let mut own = own_connection(&format!("postgres://postgres@127.0.0.1:{}/d{round}", server.port())).await;
        assert_eq!(number(&mut own, "SELECT count(*) FROM arrakis.head").await, 1);
        definitions(&mut own).await;
        if round + 1 < ROUNDS {
            // The role is made anew in each round, whose first users are many too.
            drop(own);
            run(&mut admin, format!("DROP DATABASE d{round} WITH (FORCE)")).await;
            run(&mut admin, "DROP ROLE arrakis_reader").await;
        }
    }
}

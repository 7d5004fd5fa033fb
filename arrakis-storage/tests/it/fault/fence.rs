//! Row-level security, the second fence: what a statement sees that forgot its tenant.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};

use super::ledger::TYPE;
use super::{filled, number, options, own_connection, run, server};

/// Keys in a table, whoever owns them.
async fn keys(reader: &mut PgConnection, table: &str) -> BTreeSet<String> {
    let sql = format!("SELECT k FROM arrakis.{table}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(reader).await.unwrap().into_iter().collect()
}

/// Whose entries of the log a connection sees, by the number of the tenant.
async fn owners_of_log(reader: &mut PgConnection) -> BTreeSet<i64> {
    let sql = "SELECT DISTINCT o.t FROM arrakis.commit_log AS l JOIN arrakis.tenant AS o ON o.id = l.tenant";
    sqlx::query_scalar(sql).fetch_all(reader).await.unwrap().into_iter().collect()
}

async fn state_of(reader: &mut PgConnection, sql: String) -> String {
    let error = reader.execute(sqlx::raw_sql(AssertSqlSafe(sql.clone()))).await.expect_err(&sql);
    error.as_database_error().unwrap().code().unwrap().into_owned()
}

fn set(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// A reader's connection sees the rows of the tenant it is kept to, and none without one; it changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_without_a_tenant_sees_one_tenant_only() {
    let Some(server) = server("a_statement_without_a_tenant_sees_one_tenant_only") else { return };
    let (_store, fixture) = filled(&server.url(), &options()).await;
    for (scope, code) in [(fixture.own, "mine"), (fixture.neighbour, "theirs")] {
        let values = |title: &str| json!({ "code": code, "title": title });
        fixture.wrote(fixture.draft(scope).create(TYPE, values("first"))).await;
        fixture.wrote(fixture.draft(scope).modify(TYPE, code, json!({ "title": "second" }))).await;
    }
    let mut admin = own_connection(&server.url()).await;
    let of = "SELECT n FROM arrakis.object_table WHERE space = (SELECT space FROM arrakis.tenant WHERE name = 'own')";
    let n = number(&mut admin, of).await;
    let (current, superseded) = (format!("obj_{n}"), format!("obj_{n}_v"));
    assert_eq!(keys(&mut admin, &current).await, set(&["mine", "theirs"]), "both are there");

    let mut reader = own_connection(&server.url()).await;
    run(&mut reader, "SET ROLE arrakis_reader").await;
    for table in [&current, &superseded] {
        assert_eq!(keys(&mut reader, table).await, set(&[]), "nothing without a tenant");
    }
    assert_eq!(number(&mut reader, "SELECT count(*) FROM arrakis.commit_log").await, 0);
    assert!(owners_of_log(&mut admin).await.len() >= 2, "each tenant has entries");
    for (name, expected) in [("own", "mine"), ("neighbour", "theirs")] {
        let tenant = number(&mut admin, format!("SELECT t FROM arrakis.tenant WHERE name = '{name}'")).await;
        run(&mut reader, format!("SET arrakis.tenant = '{tenant}'")).await;
        for table in [&current, &superseded] {
            assert_eq!(keys(&mut reader, table).await, set(&[expected]), "{table} as {name}");
        }
        assert_eq!(owners_of_log(&mut reader).await, BTreeSet::from([tenant]), "the log as {name}");
        // A condition that names another tenant finds nothing.
        let other = format!("SELECT count(*) FROM arrakis.{current} WHERE t <> {tenant}");
        assert_eq!(number(&mut reader, other).await, 0);
        for sql in [
            format!("INSERT INTO arrakis.{current} SELECT * FROM arrakis.{current}"),
            format!("UPDATE arrakis.{current} SET rev = rev"),
            format!("DELETE FROM arrakis.{current}"),
            format!("TRUNCATE arrakis.{superseded}"),
            "UPDATE arrakis.head SET seq = 0".to_owned(),
            "DELETE FROM arrakis.commit_log".to_owned(),
            "INSERT INTO arrakis.relay VALUES ('a', 0, 1, NULL, now())".to_owned(),
            "SELECT cursor_key FROM arrakis.meta".to_owned(),
        ] {
            assert_eq!(state_of(&mut reader, sql.clone()).await, "42501", "{sql}");
        }
    }
    for emptied in ["''", "'-1'"] {
        run(&mut reader, format!("SET arrakis.tenant = {emptied}")).await;
        assert_eq!(keys(&mut reader, &current).await, set(&[]));
    }
    // Tables of a type that is written first later are fenced too.
    fixture.wrote(fixture.draft(fixture.own).create("Badge", json!({ "id": 1 }))).await;
    fixture.wrote(fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "p" }))).await;
    let unfenced = "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'arrakis' AND c.relkind = 'r' AND c.relname ~ '^(obj|lnk)_' AND NOT c.relrowsecurity";
    assert_eq!(number(&mut admin, unfenced).await, 0);
}

//! What keeps a store from being opened: one clear error each, which names the setting and never shows the password.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use arrakis_core::testing::TestEnv;
use arrakis_core::{Env, Error, ErrorKind};
use arrakis_storage::{Fence, PgOptions, PgStore};
use sqlx::postgres::PgConnection;
use xtask::services::Postgres;

use super::{RECOVERY_MAX, blocking, number, own_connection, run, server, told};

/// The password that must not be shown, and the one that is right.
const SECRET: &str = "s3cr3t-Wr0ng";
const RIGHT: &str = "s3cr3t-R1ght";

/// What opening a store answers that must not be opened, held against what every such error must be.
async fn refused(url: &str, options: &PgOptions) -> Error {
    let error = PgStore::open(url, TestEnv::default().env(), options).await.expect_err("it must not be opened");
    let told = told(&error);
    for secret in [SECRET, RIGHT, "s3cr3t"] {
        assert!(!told.contains(secret), "a password is shown: {told}");
    }
    assert!(error.code().starts_with("store."), "{told}");
    assert!(!error.message().is_empty() && error.param("setting").is_some(), "no setting is named: {told}");
    println!("{}: {}; setting {:?}", error.code(), error.chain(), error.param("setting"));
    error
}

fn url(server: &Postgres, user: &str, database: &str) -> String {
    format!("postgres://{user}@127.0.0.1:{}/{database}", server.port())
}

/// Requires the password of users that have one, and lets `postgres` in without.
async fn require_passwords(server: &Postgres, admin: &mut PgConnection) {
    let rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
    run(admin, "SELECT pg_reload_conf()").await;
    let loaded = "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'scram-sha-256'";
    super::becomes(admin, loaded, 1).await;
}

/// URLs that cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_cannot_be_read_is_refused() {
    for url in [
        "",
        "nonsense",
        &format!("mysql://root:{SECRET}@localhost/db"),
        &format!("postgres://user:{SECRET}@localhost:not-a-port/db"),
        &format!("postgres://user:{SECRET}@:5432:5432/db"),
        &format!("host=localhost password={SECRET}"),
    ] {
        let error = refused(url, &PgOptions::default()).await;
        assert_eq!((error.code(), error.kind()), ("store.url.malformed", ErrorKind::Invalid), "{url}");
        assert_eq!(error.param("setting"), Some("url"));
    }
    for (options, setting) in [
        (PgOptions { namespace: "a\"; DROP".to_owned(), ..PgOptions::default() }, "namespace"),
        (PgOptions { fence: Fence::Role("UPPER".to_owned()), ..PgOptions::default() }, "fence"),
    ] {
        let error = refused("postgres://localhost/db", &options).await;
        assert_eq!((error.code(), error.param("setting")), ("store.option.malformed", Some(setting)));
    }
}

/// A port nobody listens on, and one where nobody answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_refused_in_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = listener.local_addr().unwrap().port();
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let env = Env::system();
    for port in [closed, silent] {
        let options = PgOptions { connect_timeout_ms: 300, ..PgOptions::default() };
        let start = env.monotonic();
        let error = refused(&format!("postgres://user:{SECRET}@127.0.0.1:{port}/db"), &options).await;
        assert_eq!((error.code(), error.param("setting")), ("store.unreachable", Some("url")));
        assert_eq!((error.param("host"), error.param("port")), (Some("127.0.0.1"), Some(&*port.to_string())));
        assert!(env.monotonic().saturating_sub(start) < RECOVERY_MAX);
    }
}

/// A wrong password, a user and a database that do not exist.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_and_a_missing_database_are_refused() {
    let Some(server) = server("wrong_credentials_and_a_missing_database_are_refused") else { return };
    let mut admin = own_connection(&server.url()).await;
    run(&mut admin, format!("CREATE ROLE app LOGIN CREATEROLE PASSWORD '{RIGHT}'")).await;
    run(&mut admin, "CREATE DATABASE app OWNER app").await;
    require_passwords(&server, &mut admin).await;
    for user in [format!("app:{SECRET}"), format!("nobody:{SECRET}"), "app".to_owned()] {
        let error = refused(&url(&server, &user, "app"), &PgOptions::default()).await;
        assert_eq!((error.code(), error.is_retryable()), ("store.credentials", false), "{user}: {}", told(&error));
        assert_eq!(error.param("setting"), Some("url"));
    }
    let error = refused(&url(&server, &format!("app:{RIGHT}"), "absent"), &PgOptions::default()).await;
    assert_eq!((error.code(), error.is_retryable()), ("store.no_database", false));
    assert_eq!((error.param("setting"), error.param("database")), (Some("url"), Some("absent")));
    let store =
        PgStore::open(&url(&server, &format!("app:{RIGHT}"), "app"), Env::system(), &PgOptions::default()).await;
    let store = store.unwrap_or_else(|error| panic!("the right password opens it: {}", told(&error)));
    assert!(!format!("{store:?}").contains(RIGHT), "{store:?}");
}

/// Databases in another encoding.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_another_encoding_is_refused() {
    let Some(server) = server("a_database_in_another_encoding_is_refused") else { return };
    let mut admin = own_connection(&server.url()).await;
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let name = encoding.to_ascii_lowercase();
        run(
            &mut admin,
            format!("CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"),
        )
        .await;
        let error = refused(&url(&server, &format!("postgres:{SECRET}"), &name), &PgOptions::default()).await;
        assert_eq!((error.code(), error.is_retryable()), ("store.encoding", false), "{}", told(&error));
        assert_eq!((error.param("setting"), error.param("encoding")), (Some("url"), Some(encoding)));
        let mut own = own_connection(&url(&server, "postgres", &name)).await;
        let made = number(&mut own, "SELECT count(*) FROM pg_namespace WHERE nspname = 'arrakis'").await;
        assert_eq!(made, 0, "nothing is made where it is refused");
    }
}

/// Users who may not make what a store needs.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_privilege_is_told_what_to_ask_for() {
    let Some(server) = server("a_user_without_a_privilege_is_told_what_to_ask_for") else { return };
    let mut admin = own_connection(&server.url()).await;
    run(&mut admin, "CREATE DATABASE app; ").await;
    run(&mut admin, "CREATE ROLE no_create LOGIN CREATEROLE").await;
    run(&mut admin, "CREATE ROLE no_role LOGIN; GRANT CREATE ON DATABASE app TO no_role").await;
    let no_create = url(&server, &format!("no_create:{SECRET}"), "app");
    let no_role = url(&server, &format!("no_role:{SECRET}"), "app");

    let error = refused(&no_role, &PgOptions::default()).await;
    assert_eq!(
        (error.code(), error.param("setting"), error.is_retryable()),
        ("store.permission", Some("fence"), false)
    );
    let needed = error.param("needed").unwrap().to_owned();
    for statement in ["CREATE ROLE \"arrakis_reader\" NOLOGIN", "GRANT \"arrakis_reader\" TO \"no_role\""] {
        assert!(needed.contains(statement), "{needed}");
    }

    let error = refused(&no_create, &PgOptions::default()).await;
    assert_eq!((error.code(), error.is_retryable()), ("store.permission", false), "{}", told(&error));
    assert_eq!(error.param("setting"), Some("namespace"));
    let create = error.param("needed").unwrap().to_owned();
    assert!(create.contains("GRANT CREATE ON DATABASE \"app\" TO \"no_create\""), "{create}");

    // What the errors ask for is what is missing.
    for sql in needed.split("; ").filter(|sql| !sql.starts_with("CREATE ROLE")).chain([&*create]) {
        run(&mut admin, sql).await;
    }
    for (url, namespace) in [(&no_role, "by_no_role"), (&no_create, "by_no_create")] {
        let options = PgOptions { namespace: namespace.to_owned(), ..PgOptions::default() };
        let opened = PgStore::open(url, Env::system(), &options).await;
        let store = opened.unwrap_or_else(|error| panic!("{}", told(&error)));
        blocking(|| drop(store));
    }
    // One who may neither make roles nor is in the one there is may do without.
    run(&mut admin, "CREATE ROLE bare LOGIN; GRANT CREATE ON DATABASE app TO bare").await;
    let bare = url(&server, "bare", "app");
    let options = PgOptions { namespace: "by_bare".to_owned(), ..PgOptions::default() };
    assert_eq!(refused(&bare, &options).await.param("setting"), Some("fence"));
    PgStore::open(&bare, Env::system(), &PgOptions { fence: Fence::Off, ..options }).await.unwrap();
}

/// Stores that are not there, or were written by newer code.
#[tokio::test(flavor = "multi_thread")]
async fn an_absent_or_newer_store_is_refused() {
    let Some(server) = server("an_absent_or_newer_store_is_refused") else { return };
    let mut admin = own_connection(&server.url()).await;
    let options = PgOptions { create: false, ..PgOptions::default() };
    let error = refused(&server.url(), &options).await;
    assert_eq!((error.code(), error.param("setting")), ("store.absent", Some("create")));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'arrakis'";
    assert_eq!(number(&mut admin, made).await, 0, "nothing is made where it is not to be");
    assert_eq!(number(&mut admin, "SELECT count(*) FROM pg_roles WHERE rolname = 'arrakis_reader'").await, 0);

    drop(PgStore::open(&server.url(), Env::system(), &PgOptions::default()).await.unwrap());
    drop(PgStore::open(&server.url(), Env::system(), &options).await.unwrap());
    run(&mut admin, "UPDATE arrakis.migration SET version = version + 1").await;
    let error = refused(&server.url(), &PgOptions::default()).await;
    assert_eq!((error.code(), error.is_retryable()), ("store.newer", false));
    assert!(Path::new(&server.data()).exists());
}

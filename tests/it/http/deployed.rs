//! A deployment as it is meant to be: ontology, kernel, users and gateway, each a process, each service with a PostgreSQL database of its own, with Redis and NATS.

use std::net::TcpListener;

use arrakis::event::{EventBus, Start, SubscribeOptions};
use arrakis::{Env, NatsBus, NatsOptions};
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};
use sqlx::{Connection as _, Executor as _, PgConnection};
use xtask::services::{Nats, Postgres, Redis};

use super::oslo;
use super::process::{Asker, Process, folder};
use super::telemetry::{Collector, TRACE, is_one_tree};

/// The servers, and what of them each process is told.
struct Servers {
    postgres: Postgres,
    redis: Redis,
    nats: Nats,
}

impl Servers {
    async fn start_or_skip(test: &str) -> Option<Self> {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let postgres = Postgres::start_or_skip(folder, test)?;
        let (redis, nats) = (Redis::start_or_skip(folder, test)?, Nats::start_or_skip(folder, test)?);
        let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
        for database in ["users", "ontology", "kernel", "another"] {
            connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {database}"))).await.unwrap();
        }
        Some(Self { postgres, redis, nats })
    }

    fn database(&self, name: &str) -> String {
        let url = self.postgres.url();
        format!("{}/{name}", url.rsplit_once('/').unwrap().0)
    }
}

/// The processes of a deployment.
struct Deployed {
    servers: Servers,
    folder: std::path::PathBuf,
    collector: Collector,
    users: Process,
    kernel: Process,
    ontology: Process,
    gateway: Process,
}

impl Deployed {
    async fn start_or_skip(test: &str) -> Option<Self> {
        let servers = Servers::start_or_skip(test).await?;
        let (folder, collector) = (folder("deployed"), Collector::start().await);
        // Ontology and kernel know each other: one of the addresses is chosen before.
        let chosen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let start = |services: &str, listen: &str, more: &[&str]| {
            let (database, redis, nats) = (servers.database(services), servers.redis.url(), servers.nats.url());
            let database = database.replace("/user", "/users");
            let serve = ["serve", "--listen", listen, "--secret", "root.secret", "--behind-gateway", "--log", "info"];
            let to = ["--db", &database, "--redis", &redis, "--nats", &nats, "--collector", &collector.address()];
            Process::start(&folder, &[&serve[..], &to, &["--services", services], more].concat())
        };
        let users = start("user", "127.0.0.1:0", &[]);
        let of = ["--users", &users.address];
        let there = format!("http://{chosen}");
        let kernel = start("kernel", "127.0.0.1:0", &[&of[..], &["--ontology", &there]].concat());
        let more = ["--kernel", &kernel.address];
        let ontology = start("ontology", &chosen.to_string(), &[&of[..], &more].concat());
        let told = ["--collector", &collector.address(), "--log", "warn"];
        let upstreams = [("users", &users), ("data", &kernel), ("ontology", &ontology)];
        let gateway = Process::gateway(&folder, &upstreams, &told);
        Some(Self { servers, folder, collector, users, kernel, ontology, gateway })
    }
}

fn cities(population: &str, more: &Json) -> Json {
    let mut ontology = json!({ "object_types": [{
        "name": "City", "primary_key": "name",
        "properties": [{ "name": "name", "type": "string" }, { "name": population, "type": "integer" }],
    }] });
    ontology.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ontology
}

async fn publishes(admin: &Asker, ontology: Json) -> Json {
    let plan = admin.answer(Method::POST, "/v1/ontology/plan", ontology).await;
    admin.answer(Method::POST, "/v1/ontology/apply", json!({ "plan": plan })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_through_every_process_and_is_one_trace() {
    let Some(deployed) = Deployed::start_or_skip("a deployment of four processes").await else { return };
    let bus = NatsBus::connect(Env::system(), NatsOptions::new(deployed.servers.nats.url())).await.unwrap();
    let options = SubscribeOptions { start: Start::Oldest, ..SubscribeOptions::new("test") };
    let mut heard = bus.subscribe(options).await.unwrap();
    let mut admin = Asker::of(&deployed.gateway);
    let (parent, password) = ("00f067aa0ba902b7", deployed.users.password());
    admin.traceparent = Some(format!("00-{TRACE}-{parent}-01"));
    admin.logs_in(&password).await;

    let published = publishes(&admin, cities("people", &json!({}))).await;
    assert_eq!(published["version"], 1);
    admin.answer(Method::POST, "/v1/objects/write", oslo()).await;
    let event = loop {
        let delivery = heard.next().await.unwrap();
        let event = std::sync::Arc::clone(&delivery.event);
        delivery.ack().unwrap();
        if &*event.r#type == "ontology.published" && event.traceparent.is_some() {
            break event;
        }
    };
    assert!(event.traceparent.as_deref().unwrap().contains(TRACE), "{event:?}");

    // The objects are where the versions are judged and brought along, and the ontology follows.
    let moved = json!({ "changes": { "moved": [{
        "from": "object_types.City.properties.people", "to": "object_types.City.properties.inhabitants" }] } });
    assert_eq!(publishes(&admin, cities("inhabitants", &moved)).await["version"], 2);
    let read = admin.answer(Method::GET, "/v1/objects/City/Oslo", Json::Null).await;
    assert_eq!(read["properties"]["inhabitants"], 717_710);
    let required = json!({ "object_types": [{ "name": "City", "primary_key": "name", "properties": [
        { "name": "name", "type": "string" }, { "name": "inhabitants", "type": "integer" },
        { "name": "mayor", "type": "string", "required": true } ] }] });
    let plan = admin.answer(Method::POST, "/v1/ontology/plan", required).await;
    let refused = plan["findings"].as_array().unwrap().iter().find(|of| !of["refused"].is_null());
    assert!(refused.is_some(), "a city has no mayor, as only the kernel knows: {plan}");
    let (status, told) = admin.asks(Method::POST, "/v1/ontology/apply", json!({ "plan": plan })).await;
    assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("ontology.plan.refused")));

    // One that begins with nothing follows the ontology from its first version.
    let database = deployed.servers.database("another");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--secret", "root.secret", "--services", "kernel"];
    let of = ["--users", &deployed.users.address, "--ontology", &deployed.ontology.address, "--db", &database];
    let another = Process::start(&deployed.folder, &[&serve[..], &of].concat());
    let mut there = Asker::of(&another);
    there.token.clone_from(&admin.token);
    let versions = there.answer(Method::GET, "/v1/ontology/versions", Json::Null).await;
    let expected = admin.answer(Method::GET, "/v1/ontology/versions", Json::Null).await;
    let hashes = |of: &Json| of["versions"].as_array().unwrap().iter().map(|of| of["hash"].clone()).collect::<Vec<_>>();
    assert_eq!((hashes(&versions).len(), hashes(&versions)), (2, hashes(&expected)));

    let Deployed { servers: _servers, folder: _, collector, users, kernel, ontology, gateway } = deployed;
    assert!(gateway.end() && another.end() && kernel.end() && ontology.end() && users.end());
    let spans = collector.trace(&EVERY_EDGE).await;
    assert!(is_one_tree(&spans, parent), "{spans:#?}");
}

/// What the trace tells of, by the process.
const EVERY_EDGE: [(&str, &str); 14] = [
    ("arrakis-gateway", "gateway"),
    ("arrakis-gateway", "identify"),
    ("arrakis-user", "login"),
    ("arrakis-user", "identify"),
    ("arrakis-ontology", "planOntology"),
    ("arrakis-ontology", "applyPlan"),
    ("arrakis-ontology", "identify"),
    ("arrakis-kernel", "applyPlan"),
    ("arrakis-kernel", "publishedAfter"),
    ("arrakis-kernel", "ontology.publish"),
    ("arrakis-kernel", "write"),
    ("arrakis-kernel", "commit"),
    ("arrakis-kernel", "relay.deliver"),
    ("arrakis-ontology", "relay.deliver"),
];

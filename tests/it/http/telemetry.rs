//! What processes tell of themselves: one trace through all of them, metrics, and a log that can be changed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrakis::Env;
use arrakis::server::{ListenOptions, Listener};
use axum::Router;
use axum::body::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::process::{Asker, Process, folder};
use super::{local, oslo};

/// How long what is told in its own time may take.
const EVENTUALLY: Duration = Duration::from_secs(20);
pub(super) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A span as a collector is told of it.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) service: String,
    pub(super) name: String,
    trace: String,
    id: String,
    parent: String,
}

/// An OpenTelemetry collector: takes what is sent by OTLP over HTTP.
pub(super) struct Collector {
    listener: Listener,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Collector {
    pub(super) async fn start() -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&told);
        let take = move |body: Bytes| {
            taken.lock().unwrap().extend(read(&body));
            async {}
        };
        let router = Router::new().route("/v1/traces", axum::routing::post(take)).fallback(|| async {});
        Self { listener: Listener::start(local(), router, ListenOptions::default()).await.unwrap(), told }
    }

    pub(super) fn address(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// The spans of the trace, once they tell of all of these, each by its service and name.
    pub(super) async fn trace(&self, expected: &[(&str, &str)]) -> Vec<Told> {
        let env = Env::system();
        let since = env.monotonic();
        loop {
            let told = self.told.lock().unwrap().clone();
            let of_it: Vec<_> = told.iter().filter(|told| told.trace == TRACE).cloned().collect();
            let is_told = |&&(service, name): &&(&str, &str)| {
                !of_it.iter().any(|told| (told.service.as_str(), told.name.as_str()) == (service, name))
            };
            let missing: Vec<_> = expected.iter().filter(is_told).collect();
            if missing.is_empty() {
                return of_it;
            }
            assert!(env.monotonic().saturating_sub(since) < EVENTUALLY, "{missing:?} of {told:#?}");
            tokio::task::yield_now().await;
        }
    }
}

fn read(body: &[u8]) -> Vec<Told> {
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |all, byte| all + &format!("{byte:02x}"));
    let mut told = Vec::new();
    for of in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
        let attributes = of.resource.unwrap().attributes;
        let service = attributes.into_iter().find(|of| of.key == "service.name").unwrap().value.unwrap().value;
        let Some(Value::StringValue(service)) = service else { panic!("a service has a name") };
        for span in of.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let (trace, id, parent) = (hex(&span.trace_id), hex(&span.span_id), hex(&span.parent_span_id));
            told.push(Told { service: service.clone(), name: span.name, trace, id, parent });
        }
    }
    told
}

/// Whether each span but the first comes of another of the trace, and what the services are.
pub(super) fn is_one_tree(spans: &[Told], root: &str) -> bool {
    spans.iter().all(|span| span.parent == root || spans.iter().any(|other| other.id == span.parent))
}

async fn text(http: &reqwest::Client, method: Method, address: &str, body: &'static str) -> (StatusCode, String) {
    let response = http.request(method, address).body(body).timeout(EVENTUALLY).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// What a metric comes to, over all its labels that have these.
fn counted(metrics: &str, name: &str, labels: &str) -> f64 {
    let of = |line: &&str| line.split(['{', ' ']).next() == Some(name) && line.contains(labels);
    metrics.lines().filter(of).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_shows_a_call_in_every_process() {
    let (folder, collector) = (folder("telemetry"), Collector::start().await);
    let told = ["--collector", &collector.address(), "--sampled", "1", "--log", "info"];
    let serve = ["serve", "--listen", "127.0.0.1:0", "--secret", "root.secret", "--behind-gateway"];
    let users = [&serve[..], &["--db", "users.db", "--services", "user"], &told].concat();
    let users = Process::start(&folder, &users);
    let data = ["--db", "data.db", "--services", "ontology,kernel", "--users", &users.address];
    let data = Process::start(&folder, &[&serve[..], &data, &told].concat());
    let gateway = Process::gateway(&folder, &[("users", &users), ("data", &data)], &told);
    let mut admin = Asker::of(&gateway);
    admin.logs_in(&users.password()).await;
    admin.publishes_cities().await;

    let parent = "00f067aa0ba902b7";
    admin.traceparent = Some(format!("00-{TRACE}-{parent}-01"));
    admin.answer(Method::POST, "/v1/objects/write", oslo()).await;
    // What was not sent yet is sent when they end.
    assert!(gateway.end() && data.end() && users.end());
    let spans = collector
        .trace(&[
            ("arrakis-gateway", "gateway"),
            ("arrakis-ontology-kernel", "write"),
            ("arrakis-ontology-kernel", "commit"),
        ])
        .await;
    assert!(is_one_tree(&spans, parent), "{spans:#?}");
    let of = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    assert_eq!(of("gateway").parent, parent);
    assert_ne!(of("write").parent, parent);
    assert_eq!(of("commit").parent, of("write").id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_tells_those_who_run_it_and_does_as_they_say() {
    let folder = folder("admin");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--secret", "root.secret", "--log", "info"];
    let all = ["--db", "all.db", "--admin", "127.0.0.1:0", "--emf", "--metrics-every", "1"];
    let served = Process::start(&folder, &[&serve[..], &all].concat());
    let (mut asker, password) = (Asker::of(&served), served.password());
    let line = served.hears("those who run this are answered");
    let admin = format!("http://{}", line["address"].as_str().unwrap());
    asker.logs_in(&password).await;
    asker.publishes_cities().await;
    asker.answer(Method::POST, "/v1/objects/write", oslo()).await;
    assert_eq!(asker.asks(Method::GET, "/v1/objects/City/None", Json::Null).await.0, StatusCode::NOT_FOUND);

    let http = reqwest::Client::new();
    let (status, metrics) = text(&http, Method::GET, &format!("{admin}/metrics"), "").await;
    assert_eq!(status, StatusCode::OK);
    let requests = "ark_http_request_duration_seconds_count";
    assert!((counted(&metrics, requests, "endpoint=\"write\"") - 1.0).abs() < 0.1, "{metrics}");
    assert!((counted(&metrics, requests, "status=\"404\"") - 1.0).abs() < 0.1, "{metrics}");
    assert!(counted(&metrics, "ark_commits_total", "result=\"applied\"") >= 3.0, "{metrics}");
    assert!(counted(&metrics, "ark_commit_batch_size_bucket", "le=\"1\"") >= 3.0, "{metrics}");
    #[cfg(target_os = "linux")]
    assert!(metrics.contains("process_resident_memory_bytes "), "{metrics}");
    let told = served.hears("ark_commits");
    assert_eq!(told["_aws"]["CloudWatchMetrics"][0]["Namespace"], "arrakis", "{told}");
    assert!(told["ark_commits"].as_u64().is_some_and(|count| count > 0), "{told}");

    // What is logged is changed while it runs, and what is no filter changes nothing.
    let log = format!("{admin}/log");
    assert_eq!(text(&http, Method::GET, &log, "").await, (StatusCode::OK, "info".into()));
    assert_eq!(text(&http, Method::PUT, &log, "warn,arrakis_core=debug").await.0, StatusCode::NO_CONTENT);
    let (status, told) = text(&http, Method::PUT, &log, "arrakis=loud").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(serde_json::from_str::<Json>(&told).unwrap()["code"], "telemetry.log");
    assert!(text(&http, Method::GET, &log, "").await.1.contains("arrakis_core=debug"));
    assert_eq!(text(&http, Method::GET, &format!("{admin}/v1/objects"), "").await.0, StatusCode::NOT_FOUND);
    assert!(served.end());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_reads_its_configuration_again_when_it_is_told_to() {
    let folder = folder("reload");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--secret", "root.secret", "--db", "all.db", "--log", "warn"];
    let served = Process::start(&folder, &serve);
    let told = ["--admin", "127.0.0.1:0", "--log", "info"];
    let gateway = Process::gateway(&folder, &[("users", &served), ("data", &served)], &told);
    let line = gateway.hears("those who run this are answered");
    let config = format!("http://{}/config", line["address"].as_str().unwrap());
    let (asker, http) = (Asker::of(&gateway), reqwest::Client::new());
    let status = async || asker.asks(Method::POST, "/v1/auth/login", json!({})).await.0;
    assert_eq!(status().await, StatusCode::BAD_REQUEST);

    let file = folder.join("gateway.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let closed = before.replace("\"/v1/auth\"", "\"/v1/other\"");
    std::fs::write(&file, &closed).unwrap();
    gateway.hangs_up();
    gateway.hears("the configuration was read again");
    assert_eq!(status().await, StatusCode::UNAUTHORIZED, "it is open no more");
    std::fs::write(&file, before.replace("upstream = \"data\"", "upstream = \"none\"")).unwrap();
    gateway.hangs_up();
    assert_eq!(gateway.hears("the configuration stays")["code"], "gateway.config.upstream");
    let (refused, told) = text(&http, Method::PUT, &config, "").await;
    assert_eq!((refused, told.contains("gateway.config.upstream")), (StatusCode::BAD_REQUEST, true), "{told}");
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
    assert_eq!(text(&http, Method::DELETE, &config, "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(status().await, StatusCode::BAD_REQUEST, "as it was before");
    let sent = http.put(&config).body(closed).send().await.unwrap().status();
    assert_eq!((sent, status().await), (StatusCode::NO_CONTENT, StatusCode::UNAUTHORIZED));
    assert!(gateway.end() && served.end());
}

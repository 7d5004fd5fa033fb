//! Processes as they are deployed: one with the users, one with the ontology and the objects, and the gateway in front of both.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::{oslo, problem};

/// A process that is ended when it is dropped.
struct Process {
    child: Child,
    address: String,
    /// What it told of the first administrator.
    told: Option<String>,
}

impl Process {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arrakis"));
        let mut child = command
            .current_dir(folder)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let mut told = None;
        let errors = BufReader::new(child.stderr.take().unwrap());
        if address.is_empty() || arguments.contains(&"user") {
            for line in errors.lines() {
                let line = line.unwrap();
                assert!(!address.is_empty(), "{arguments:?}: {line}");
                if line.contains("administrator") {
                    told = line.rsplit(' ').next().map(str::to_owned);
                    break;
                }
            }
        }
        Self { child, address: address.trim().to_owned(), told }
    }

    /// Tells it to end, and waits for that.
    fn end(mut self) -> bool {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        told.success() && self.child.wait().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("http-processes");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_through_the_gateway_to_a_service_that_asks_who_it_is() {
    let folder = folder();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--secret", "root.secret", "--behind-gateway", "--log", "warn"];
    let users = Process::start(&folder, &[&serve[..], &["--db", "users.db", "--services", "user"]].concat());
    let more = ["--db", "data.db", "--services", "ontology,kernel", "--users", &users.address];
    let data = Process::start(&folder, &[&serve[..], &more].concat());
    let config = format!(
        "listen = \"127.0.0.1:0\"\n[upstreams.users]\nendpoints = [\"{}\"]\n[upstreams.data]\nendpoints = [\"{}\"]\n\
         [[routes]]\nprefix = \"/v1\"\nupstream = \"data\"\n\
         [[routes]]\nprefix = \"/v1/auth\"\nupstream = \"users\"\nopen = true\n\
         [[routes]]\nprefix = \"/v1/users\"\nupstream = \"users\"\n\
         [[routes]]\nprefix = \"/v1/account\"\nupstream = \"users\"\n",
        users.address, data.address
    );
    std::fs::write(folder.join("gateway.toml"), config).unwrap();
    let gateway =
        ["gateway", "--config", "gateway.toml", "--secret", "root.secret", "--users", &users.address, "--log", "warn"];
    let gateway = Process::start(&folder, &gateway);

    let http = reqwest::Client::new();
    let asks = |method: Method, path: &str, token: &str| {
        let request = http.request(method, format!("{}{path}", gateway.address)).timeout(Duration::from_secs(20));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    };
    let password = users.told.clone().unwrap();
    let login = json!({ "name": "admin", "password": password, "client": "test" });
    let response = asks(Method::POST, "/v1/auth/login", "").json(&login).send().await.unwrap();
    let (status, tokens) = (response.status(), response.json::<Json>().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let token = tokens["access"].as_str().unwrap().to_owned();

    let ontology = json!({ "object_types": [{
        "name": "City", "primary_key": "name",
        "properties": [{ "name": "name", "type": "string" }, { "name": "people", "type": "integer" }],
    }] });
    let plan: Json =
        asks(Method::POST, "/v1/ontology/plan", &token).json(&ontology).send().await.unwrap().json().await.unwrap();
    let applied = asks(Method::POST, "/v1/ontology/apply", &token).json(&json!({ "plan": plan })).send().await.unwrap();
    assert_eq!(applied.status(), StatusCode::OK, "{plan}");
    let written = asks(Method::POST, "/v1/objects/write", &token).json(&oslo()).send().await.unwrap();
    assert_eq!(written.status(), StatusCode::OK);
    let read: Json = asks(Method::GET, "/v1/objects/City/Oslo", &token).send().await.unwrap().json().await.unwrap();
    assert_eq!(read["properties"]["people"], 717_710);
    let history: Json = asks(Method::POST, "/v1/objects/history", &token)
        .json(&json!({ "of": { "object": { "type": "City", "key": "Oslo" } } }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(history["versions"][0]["actor"], "user:admin");

    // What ends where the users are ends where the objects are, within a second.
    let ended = asks(Method::POST, "/v1/account/sessions/end", &token).json(&json!({})).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::OK);
    let env = arrakis::Env::system();
    let since = env.monotonic();
    while asks(Method::GET, "/v1/objects/City/Oslo", &token).send().await.unwrap().status() != StatusCode::UNAUTHORIZED
    {
        assert!(env.monotonic().saturating_sub(since) < Duration::from_secs(1), "within a second");
    }
    // Without the users nobody is known, and what is asked is told so.
    assert!(users.end(), "it ends when it is told to");
    let (status, told) = problem(asks(Method::GET, "/v1/objects/City/Oslo", "ark_live_usr_0000000000_x_000000")).await;
    assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE), "{told}");
    assert!(data.end() && gateway.end());
}

//! Processes as they are deployed: one with the users, one with the ontology and the objects, and the gateway in front of both.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::oslo;

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

/// Whoever asks at a gateway.
struct Asker {
    http: reqwest::Client,
    gateway: String,
    token: String,
}

impl Asker {
    fn of(gateway: &Process) -> Self {
        Self { http: reqwest::Client::new(), gateway: gateway.address.clone(), token: String::new() }
    }

    async fn asks(&self, method: Method, path: &str, body: Json) -> (StatusCode, Json) {
        let mut request = self.http.request(method, format!("{}{path}", self.gateway)).timeout(Duration::from_secs(20));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn answer(&self, method: Method, path: &str, body: Json) -> Json {
        let (status, told) = self.asks(method, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {told}");
        told
    }

    async fn logs_in(&mut self, password: &str) {
        let login = json!({ "name": "admin", "password": password, "client": "test" });
        self.token.clear();
        let tokens = self.answer(Method::POST, "/v1/auth/login", login).await;
        tokens["access"].as_str().unwrap().clone_into(&mut self.token);
    }

    /// Asks for an object until it is told no longer, which is within a second.
    async fn is_refused(&self, path: &str) -> (StatusCode, Json) {
        let env = arrakis::Env::system();
        let since = env.monotonic();
        loop {
            let (status, told) = self.asks(Method::GET, path, Json::Null).await;
            if status != StatusCode::OK {
                return (status, told);
            }
            assert!(env.monotonic().saturating_sub(since) < Duration::from_secs(1), "within a second");
        }
    }
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
    let password = users.told.clone().unwrap();
    let mut admin = Asker::of(&gateway);
    admin.logs_in(&password).await;

    let ontology = json!({ "object_types": [{
        "name": "City", "primary_key": "name",
        "properties": [{ "name": "name", "type": "string" }, { "name": "people", "type": "integer" }],
    }] });
    let plan = admin.answer(Method::POST, "/v1/ontology/plan", ontology).await;
    admin.answer(Method::POST, "/v1/ontology/apply", json!({ "plan": plan })).await;
    admin.answer(Method::POST, "/v1/objects/write", oslo()).await;
    let path = "/v1/objects/City/Oslo";
    assert_eq!(admin.answer(Method::GET, path, Json::Null).await["properties"]["people"], 717_710);
    let of = json!({ "of": { "object": { "type": "City", "key": "Oslo" } } });
    let history = admin.answer(Method::POST, "/v1/objects/history", of).await;
    assert_eq!(history["versions"][0]["actor"], "user:admin");

    // What ends where the users are ends where the objects are.
    admin.answer(Method::POST, "/v1/account/sessions/end", json!({})).await;
    assert_eq!(admin.is_refused(path).await.0, StatusCode::UNAUTHORIZED);
    // Without the users nobody is known, however good a token was, and what is asked is told so.
    admin.logs_in(&password).await;
    admin.answer(Method::GET, path, Json::Null).await;
    assert!(users.end(), "it ends when it is told to");
    let (status, told) = admin.is_refused(path).await;
    assert_eq!((status, &told["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("client.unreachable")));
    assert!(data.end() && gateway.end());
}

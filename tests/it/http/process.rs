//! Processes as they are deployed: one with the users, one with the ontology and the objects, and the gateway in front of both.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::oslo;

/// How long a process may take to say what it is waited for to say.
const EVENTUALLY: Duration = Duration::from_secs(60);
/// The most lines that are kept until they are waited for.
const LINES_MAX: usize = 100_000;

/// A process that is ended when it is dropped.
pub(super) struct Process {
    child: Child,
    pub(super) address: String,
    /// What it said before it was asked for the password, and what it says since.
    lines: Mutex<(VecDeque<String>, Receiver<String>)>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    pub(super) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arrakis"));
        let mut child = command
            .current_dir(folder)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (errors, (tell, lines)) = (BufReader::new(child.stderr.take().unwrap()), sync_channel(LINES_MAX));
        let read = move || {
            for line in errors.lines().map_while(Result::ok) {
                // It is read even where nobody waits for more, so that the process is never held up.
                let _ = tell.try_send(line);
            }
        };
        let reader = std::thread::Builder::new().name("stderr".into()).spawn(read).unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(!address.is_empty(), "{arguments:?}: {:?}", lines.iter().collect::<Vec<_>>());
        let lines = Mutex::new((VecDeque::new(), lines));
        Self { child, address, lines, reader: Some(reader) }
    }

    /// The password of the first administrator, which it tells once: to be asked for before anything else is heard.
    pub(super) fn password(&self) -> String {
        let (begun, lines) = &mut *self.lines.lock().unwrap();
        loop {
            let line = lines.recv_timeout(EVENTUALLY).expect("it tells of the administrator");
            if line.contains("the first administrator") {
                return line.rsplit(' ').next().unwrap().to_owned();
            }
            begun.push_back(line);
        }
    }

    /// The gateway, in front of one process with the users and one with the data, which may be the same.
    pub(super) fn gateway(folder: &Path, upstreams: &[(&str, &Self)], more: &[&str]) -> Self {
        let of = |name: &str| &upstreams.iter().find(|(upstream, _)| *upstream == name).unwrap().1.address;
        let mut config = "listen = \"127.0.0.1:0\"\n".to_owned();
        for (name, process) in upstreams {
            writeln!(config, "[upstreams.{name}]\nendpoints = [\"{}\"]", process.address).unwrap();
        }
        config += "[[routes]]\nprefix = \"/v1\"\nupstream = \"data\"\n\
                   [[routes]]\nprefix = \"/v1/auth\"\nupstream = \"users\"\nopen = true\n\
                   [[routes]]\nprefix = \"/v1/users\"\nupstream = \"users\"\n\
                   [[routes]]\nprefix = \"/v1/account\"\nupstream = \"users\"\n";
        if upstreams.iter().any(|(name, _)| *name == "ontology") {
            config += "[[routes]]\nprefix = \"/v1/ontology\"\nupstream = \"ontology\"\n";
        }
        std::fs::write(folder.join("gateway.toml"), config).unwrap();
        let gateway = ["gateway", "--config", "gateway.toml", "--secret", "root.secret", "--users", of("users")];
        Self::start(folder, &[&gateway[..], more].concat())
    }

    /// The next line of its log that says something, as JSON.
    pub(super) fn hears(&self, said: &str) -> Json {
        let (begun, lines) = &mut *self.lines.lock().unwrap();
        loop {
            let next = begun.pop_front().or_else(|| lines.recv_timeout(EVENTUALLY).ok());
            let line = next.unwrap_or_else(|| panic!("it does not say {said:?}"));
            if line.contains(said) {
                return serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            }
        }
    }

    /// The number the system knows it by.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to end, and waits for that.
    pub(super) fn end(mut self) -> bool {
        self.signal("-TERM") && self.child.wait().unwrap().success()
    }

    /// Tells it to read its configuration again.
    pub(super) fn hangs_up(&self) {
        assert!(self.signal("-HUP"));
    }

    fn signal(&self, signal: &str) -> bool {
        Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.reader.take().map(JoinHandle::join);
    }
}

/// A folder of its own for the processes of a test.
pub(super) fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("http-{test}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Whoever asks at a gateway.
pub(super) struct Asker {
    http: reqwest::Client,
    gateway: String,
    pub(super) token: String,
    pub(super) traceparent: Option<String>,
}

impl Asker {
    pub(super) fn of(gateway: &Process) -> Self {
        let (http, gateway) = (reqwest::Client::new(), gateway.address.clone());
        Self { http, gateway, token: String::new(), traceparent: None }
    }

    pub(super) async fn asks(&self, method: Method, path: &str, body: Json) -> (StatusCode, Json) {
        let mut request = self.http.request(method, format!("{}{path}", self.gateway)).timeout(Duration::from_secs(20));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(traceparent) = &self.traceparent {
            request = request.header("traceparent", traceparent);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    pub(super) async fn answer(&self, method: Method, path: &str, body: Json) -> Json {
        let (status, told) = self.asks(method, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {told}");
        told
    }

    pub(super) async fn logs_in(&mut self, password: &str) {
        let login = json!({ "name": "admin", "password": password, "client": "test" });
        self.token.clear();
        let tokens = self.answer(Method::POST, "/v1/auth/login", login).await;
        tokens["access"].as_str().unwrap().clone_into(&mut self.token);
    }

    pub(super) async fn publishes_cities(&self) {
        let ontology = json!({ "object_types": [{
            "name": "City", "primary_key": "name",
            "properties": [{ "name": "name", "type": "string" }, { "name": "people", "type": "integer" }],
        }] });
        let plan = self.answer(Method::POST, "/v1/ontology/plan", ontology).await;
        self.answer(Method::POST, "/v1/ontology/apply", json!({ "plan": plan })).await;
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
    let folder = folder("processes");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--secret", "root.secret", "--behind-gateway", "--log", "warn"];
    let users = Process::start(&folder, &[&serve[..], &["--db", "users.db", "--services", "user"]].concat());
    let more = ["--db", "data.db", "--services", "ontology,kernel", "--users", &users.address];
    let data = Process::start(&folder, &[&serve[..], &more].concat());
    let gateway = Process::gateway(&folder, &[("users", &users), ("data", &data)], &["--log", "warn"]);
    let password = users.password();
    let mut admin = Asker::of(&gateway);
    admin.logs_in(&password).await;
    admin.publishes_cities().await;
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

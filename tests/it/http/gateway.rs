//! The gateway in front of the services: what it lets through, what it refuses, and what it does when a service does not answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrakis::gateway::{Gateway, GatewayConfig};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Served, oslo, problem};

/// A gateway in front of a deployment.
struct Fronted {
    served: Served,
    gateway: Gateway,
}

fn config(endpoints: &[SocketAddr], more: &str) -> GatewayConfig {
    let endpoints: Vec<_> = endpoints.iter().map(|address| format!("\"http://{address}\"")).collect();
    let text = format!(
        "listen = \"127.0.0.1:0\"\n{more}\n[upstreams.all]\nendpoints = [{}]\nhealth_ms = 100\n\
         [[routes]]\nprefix = \"/v1\"\nupstream = \"all\"\ntimeout_ms = 2000\n\
         [[routes]]\nprefix = \"/v1/auth\"\nupstream = \"all\"\nopen = true\ntimeout_ms = 2000\nclass = \"control\"\n",
        endpoints.join(", ")
    );
    GatewayConfig::from_toml(&text).unwrap()
}

impl Fronted {
    async fn start(more: &str) -> Self {
        let served = Served::start().await;
        let gateway = Self::gateway(&served, config(&[served.listener.address()], more)).await;
        Self { served, gateway }
    }

    async fn gateway(served: &Served, config: GatewayConfig) -> Gateway {
        served.arrakis.gateway(config).await.unwrap()
    }

    fn asks(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.gateway.address());
        let request = self.served.http.request(method, url).timeout(Duration::from_secs(20));
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    /// What a head as it stands is answered.
    async fn raw(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(self.gateway.address()).await.unwrap();
        // What is refused may be closed before all of it was sent.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ =
            tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.expect("it is closed");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_is_answered_by_the_service() {
    let fronted = Fronted::start("origins = [\"https://app.example\"]").await;
    let login = json!({ "name": "ada", "password": super::password("ada").expose(), "client": "test" });
    let tokens: Json =
        fronted.asks(Method::POST, "/v1/auth/login", "").json(&login).send().await.unwrap().json().await.unwrap();
    let token = tokens["access"].as_str().unwrap().to_owned();
    let written = fronted.asks(Method::POST, "/v1/objects/write", &token).json(&oslo()).send().await.unwrap();
    assert_eq!(written.status(), StatusCode::OK);
    for header in ["ark-seq", "x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
        assert!(written.headers().contains_key(header), "{header}");
    }
    let read = fronted
        .asks(Method::GET, "/v1/objects/City/Oslo", &token)
        .header("origin", "https://app.example")
        .send()
        .await
        .unwrap();
    assert_eq!(read.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(read.json::<Json>().await.unwrap()["properties"]["people"], 717_710);
    let stranger =
        fronted.asks(Method::GET, "/v1/auth/me", &token).header("origin", "https://evil.example").send().await.unwrap();
    assert!(!stranger.headers().contains_key("access-control-allow-origin"));

    // Events come through as they are told.
    let mut events = fronted
        .asks(Method::POST, "/v1/sets/events", &token)
        .json(&json!({ "set": { "type": "City" } }))
        .send()
        .await
        .unwrap();
    let mut heard = String::new();
    while !heard.contains("event: initial") {
        heard.push_str(std::str::from_utf8(&events.chunk().await.unwrap().expect("more is told")).unwrap());
    }
    for (request, status, code) in [
        (fronted.asks(Method::GET, "/v1/objects/City/Oslo", ""), 401, "auth.required"),
        (fronted.asks(Method::GET, "/v1/objects/City/Oslo", "x"), 401, ""),
        (fronted.asks(Method::GET, "/v2/objects", &token), 404, "gateway.route"),
        (fronted.asks(Method::GET, "/v1x", &token), 404, "gateway.route"),
        (fronted.asks(Method::GET, "/internal/v1/tenants/x", &token), 404, "gateway.route"),
        (fronted.asks(Method::GET, "/v1/auth/me", "").header("authorization", "Ark-Peer x.y"), 400, "gateway.peer"),
        (
            fronted.asks(Method::POST, "/v1/objects/query", &token).header("content-encoding", "gzip").body("x"),
            415,
            "request.media_type",
        ),
        (fronted.asks(Method::GET, "/v1/objects/City/a%2Fb", &token), 400, "gateway.path"),
        (
            fronted
                .asks(Method::GET, "/v1/auth/me", &token)
                .header("upgrade", "websocket")
                .header("connection", "upgrade"),
            400,
            "gateway.upgrade",
        ),
    ] {
        let (told_status, told) = problem(request).await;
        assert_eq!(told_status.as_u16(), status, "{told}");
        assert!(code.is_empty() || told["code"] == code, "{told}");
    }
    fronted.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_means_two_things_is_refused() {
    let fronted = Fronted::start("[limits]\nheader_timeout_ms = 500\n").await;
    let token = fronted.served.token("ada").await;
    let good =
        format!("GET /v1/auth/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
    assert!(fronted.raw(&good).await.starts_with("HTTP/1.1 200"));
    let many = format!("GET /v1/auth/me HTTP/1.1\r\nhost: x\r\n{}connection: close\r\n\r\n", "x-a: 1\r\n".repeat(200));
    let long =
        format!("GET /v1/auth/me HTTP/1.1\r\nhost: x\r\nx-a: {}\r\nconnection: close\r\n\r\n", "a".repeat(100_000));
    let smuggled = "0\r\n\r\nGET /v1/users HTTP/1.1\r\nhost: x\r\n\r\n";
    let heads = [
        format!("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n{smuggled}"),
        format!("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 6\r\nconnection: close\r\n\r\n{smuggled}"),
        format!("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\nconnection: close\r\n\r\n{smuggled}"),
        format!("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\nconnection: close\r\n\r\n{smuggled}"),
        format!("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\nconnection: close\r\n\r\n{smuggled}"),
        format!("POST /v1/auth/login HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{smuggled}"),
        "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 5\r\nconnection: close\r\n\r\n{}".into(),
        "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 2, 2\r\nconnection: close\r\n\r\n{}".into(),
        "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: +2\r\nconnection: close\r\n\r\n{}".into(),
        "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 0x2\r\nconnection: close\r\n\r\n{}".into(),
        "GET /v1/auth/me HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n".into(),
        "GET /v1/auth/me HTTP/1.1\r\nconnection: close\r\n\r\n".into(),
        "GET /v1/auth/me HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n folded\r\nconnection: close\r\n\r\n".into(),
        "GET /v1/auth/me HTTP/1.1\r\nhost: x\r\nx-a: \0\r\nconnection: close\r\n\r\n".into(),
        "CONNECT x:443 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".into(),
        "TRACE /v1/auth/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".into(),
        many,
        long,
        // It never ends.
        "GET /v1/auth/me HTTP/1.1\r\nhost: x\r\n".into(),
    ];
    for head in &heads {
        let heard = fronted.raw(head).await;
        let is_refused = heard.is_empty() || heard.starts_with("HTTP/1.1 4") || heard.starts_with("HTTP/1.0 4");
        assert!(is_refused, "{head:.120}: {heard:.200}");
        assert_eq!(heard.matches("HTTP/1.").count(), usize::from(!heard.is_empty()), "{head:.120}: {heard:.300}");
    }
    for path in
        ["//v1/users", "/v1/../v1/users", "/v1/%2e%2e/users", "/v1/users%00", "/v1;x/users", "/v1\\users", "/v1/%252e"]
    {
        let heard = fronted
            .raw(&format!(
                "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
            ))
            .await;
        assert!(heard.starts_with("HTTP/1.1 400"), "{path}: {heard:.200}");
    }
    assert!(fronted.raw(&good).await.starts_with("HTTP/1.1 200"), "others are answered all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_may_be_asked_is_refused_with_when_to_ask_again() {
    let fronted = Fronted::start("trusted_hops = 1\n[rates.actor]\nper_second = 0.01\nburst = 3\n[rates.network]\nper_second = 0.01\nburst = 10\n").await;
    let (ada, rob) = (fronted.served.token("ada").await, fronted.served.token("rob").await);
    let me = |token: &str, from: &'static str| {
        fronted.asks(Method::GET, "/v1/auth/me", token).header("x-forwarded-for", from)
    };
    for left in ["2", "1", "0"] {
        let response = me(&ada, "10.0.0.1").send().await.unwrap();
        assert_eq!(
            (response.status(), response.headers()["ratelimit-remaining"].to_str().unwrap()),
            (StatusCode::OK, left)
        );
    }
    let refused = me(&ada, "10.0.0.2").send().await.unwrap();
    assert_eq!(
        (refused.status(), refused.headers().contains_key("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, true)
    );
    assert_eq!(
        me(&rob, "10.0.0.1").send().await.unwrap().status(),
        StatusCode::OK,
        "another asker has a limit of its own"
    );
    // What stands before the last entry anyone may have written.
    let mut statuses = Vec::new();
    for forged in ["1.1.1.1, 10.0.0.3", "2.2.2.2, 10.0.0.3", "3.3.3.3,10.0.0.3"] {
        for _ in 0..4 {
            statuses.push(
                fronted
                    .asks(Method::GET, "/v1/auth/nothing", "")
                    .header("x-forwarded-for", forged)
                    .send()
                    .await
                    .unwrap()
                    .status(),
            );
        }
    }
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count(), 2, "{statuses:?}");
}

/// An endpoint that does something else than answer.
async fn misbehaving(with: &'static [u8], waits: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    tokio::runtime::Handle::current().spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked_for = [0; 4_096];
            let len = stream.read(&mut asked_for).await.unwrap_or(0);
            let is_health = asked_for[..len].starts_with(b"GET /readyz");
            let answer = if is_health {
                &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"[..]
            } else {
                with
            };
            counted.fetch_add(usize::from(!is_health), Ordering::SeqCst);
            let _ = stream.write_all(answer).await;
            if waits && !is_health {
                held.push(stream);
            }
        }
    });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_answer_is_told_of() {
    let served = Served::start().await;
    let token = served.token("ada").await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (silent, _) = misbehaving(b"", true).await;
    let (cut, _) = misbehaving(b"HTTP/1.1 200 OK\r\nconte", false).await;
    let (garbage, _) = misbehaving(b"what is this\r\n\r\n", false).await;
    let (short, _) = misbehaving(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", false).await;
    for (endpoint, statuses) in [(closed, [502, 503]), (silent, [504, 503]), (cut, [502, 503]), (garbage, [502, 503])] {
        let gateway = Fronted::gateway(&served, config(&[endpoint], "")).await;
        let url = format!("http://{}/v1/auth/me", gateway.address());
        let (status, told) = problem(served.http.get(url).bearer_auth(&token).timeout(Duration::from_secs(10))).await;
        assert!(statuses.contains(&status.as_u16()), "{endpoint}: {told}");
    }
    // A body that ends before its length is no answer: whoever asked sees that it broke off.
    let gateway = Fronted::gateway(&served, config(&[short], "")).await;
    let url = format!("http://{}/v1/auth/me", gateway.address());
    let response = served.http.get(url).bearer_auth(&token).send().await.unwrap();
    assert!(response.bytes().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_asked_again_is_asked_of_another() {
    let served = Served::start().await;
    let token = served.token("ada").await;
    let (cut, asked) = misbehaving(b"", false).await;
    let gateway = Fronted::gateway(&served, config(&[cut, served.listener.address()], "")).await;
    let url = |path: &str| format!("http://{}{path}", gateway.address());
    // Reads find the one that answers, and the other is left alone after a while.
    for _ in 0..40 {
        let read = served.http.get(url("/v1/auth/me")).bearer_auth(&token).send().await.unwrap();
        assert_eq!(read.status(), StatusCode::OK);
    }
    assert!((1..=8).contains(&asked.load(Ordering::SeqCst)), "{asked:?}");
    // A write under a key as well: it happens once.
    let write =
        served.http.post(url("/v1/objects/write")).bearer_auth(&token).header("idempotency-key", "k").json(&oslo());
    assert_eq!(write.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_sends_too_much_is_no_fault_of_the_service() {
    let fronted = Fronted::start("[limits]\nbody_len_max = 1000\n").await;
    let token = fronted.served.token("ada").await;
    let path = "/v1/objects/query";
    for _ in 0..8 {
        let (status, told) = problem(fronted.asks(Method::POST, path, &token).body(vec![b' '; 2_000])).await;
        assert_eq!((status, &told["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("request.body.too_large")));
    }
    // One whose length is not stated shows only as it comes; one that is cut off shows by its end.
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    );
    for _ in 0..8 {
        let told = fronted.raw(&format!("{head}7d0\r\n{}\r\n0\r\n\r\n", " ".repeat(2_000))).await;
        assert!(told.starts_with("HTTP/1.1 413"), "{told:.200}");
        let mut stream = TcpStream::connect(fronted.gateway.address()).await.unwrap();
        stream.write_all(format!("{head}64\r\n{{").as_bytes()).await.unwrap();
        drop(stream);
    }
    let asked = fronted.asks(Method::POST, path, &token).json(&json!({ "set": { "type": "City" } }));
    assert_eq!(asked.send().await.unwrap().status(), StatusCode::OK, "the service is asked all the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_configuration_takes_its_place_whole_or_not_at_all() {
    let fronted = Fronted::start("").await;
    let token = fronted.served.token("ada").await;
    let status = async || fronted.asks(Method::GET, "/v1/auth/me", &token).send().await.unwrap().status();
    assert_eq!(status().await, StatusCode::OK);
    let mut next = config(&[fronted.served.listener.address()], "");
    next.routes.retain(|route| route.prefix == "/v1");
    next.routes[0].prefix = "/v1/objects".into();
    fronted.gateway.control().apply(next.clone()).unwrap();
    assert_eq!(status().await, StatusCode::NOT_FOUND);
    next.routes[0].upstream = "none".into();
    assert_eq!(fronted.gateway.control().apply(next).unwrap_err().code(), "gateway.config.upstream");
    assert_eq!(status().await, StatusCode::NOT_FOUND);
    fronted.gateway.control().roll_back().unwrap();
    assert_eq!(status().await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_answers_are_in_gzip_for_who_takes_it() {
    let fronted = Fronted::start("").await;
    let token = fronted.served.token("ada").await;
    let plain = fronted.asks(Method::GET, "/v1/openapi.json", "").send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"), "this is answered by the gateway itself");
    let asks = |path: &str| fronted.asks(Method::GET, path, &token).header("accept-encoding", "br, gzip");
    let create =
        |at: i32| json!({ "create": { "type": "City", "properties": { "name": format!("City {at}"), "people": at } } });
    let cities = json!({ "edits": (0..60).map(create).collect::<Vec<_>>() });
    let written = fronted.asks(Method::POST, "/v1/objects/write", &token).json(&cities).send().await.unwrap();
    assert_eq!(written.status(), StatusCode::OK);
    let query = json!({ "set": { "type": "City" } });
    let asked = || fronted.asks(Method::POST, "/v1/objects/query", &token).json(&query);
    let whole = asked().send().await.unwrap();
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(
        (whole.headers().get("content-encoding"), &whole.headers()["vary"]),
        (None, &"accept-encoding".parse().unwrap())
    );
    let whole = whole.bytes().await.unwrap();
    let short = asked().header("accept-encoding", "br, gzip").send().await.unwrap();
    assert_eq!(short.headers()["content-encoding"], "gzip");
    assert!(short.headers().contains_key("ark-seq") && !short.headers().contains_key("content-length"));
    let short = short.bytes().await.unwrap();
    assert!(short.len() * 3 < whole.len(), "{} of {}", short.len(), whole.len());
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*short), &mut text).unwrap();
    assert_eq!(text, whole);
    let small = asks("/v1/objects/City/City%201").send().await.unwrap();
    assert!(!small.headers().contains_key("content-encoding"), "it would not become shorter");
    fronted.gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_outlasts_a_configuration() {
    let more = "[quotas]\nactor = { most = 3, per = \"day\" }";
    let fronted = Fronted::start(more).await;
    let (ada, rob) = (fronted.served.token("ada").await, fronted.served.token("rob").await);
    for left in ["2", "1"] {
        let answer = fronted.asks(Method::GET, "/v1/auth/me", &ada).send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers()["ratelimit-remaining"].to_str().unwrap()),
            (StatusCode::OK, left)
        );
    }
    fronted.gateway.control().apply(config(&[fronted.served.listener.address()], more)).unwrap();
    assert_eq!(fronted.asks(Method::GET, "/v1/auth/me", &ada).send().await.unwrap().status(), StatusCode::OK);
    let (status, told) = problem(fronted.asks(Method::GET, "/v1/auth/me", &ada)).await;
    assert_eq!(
        (status, &told["code"], &told["params"]["limit"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("gateway.rate"), &json!("actor quota"))
    );
    assert_eq!(fronted.asks(Method::GET, "/v1/auth/me", &rob).send().await.unwrap().status(), StatusCode::OK);
    fronted.gateway.close().await;
}

//! Web sockets through the gateway: who may open one, what passes, and when it ends.

use std::net::SocketAddr;
use std::time::Duration;

use arrakis::gateway::{Gateway, GatewayConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Served;

const HANDSHAKE: &str = "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Reads a head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// A service that agrees to every WebSocket, tells the head it was asked with, and then says everything again.
struct Echo {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut tasks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                tasks.spawn(echo(stream));
            }
        });
        Self { address, _task: task }
    }
}

async fn echo(mut stream: TcpStream) {
    loop {
        let asked = head(&mut stream).await;
        if asked.is_empty() {
            return;
        }
        if asked.contains("upgrade: websocket") {
            let agreed =
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nserver: echo\r\n\r\n";
            stream.write_all(format!("{agreed}{asked}").as_bytes()).await.unwrap();
            let (mut from, mut to) = stream.split();
            // Whoever asked has gone.
            let _ = tokio::io::copy(&mut from, &mut to).await;
            return;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    }
}

/// A gateway with a route that has web sockets, and one that has none.
async fn gateway(served: &Served, echo: &Echo) -> Gateway {
    let text = format!(
        "listen = \"127.0.0.1:0\"\norigins = [\"https://app.example\"]\n[limits]\nwebsockets_max = 2\n\
         [upstreams.echo]\nendpoints = [\"http://{}\"]\n[upstreams.services]\nendpoints = [\"http://{}\"]\n\
         [[routes]]\nprefix = \"/echo\"\nupstream = \"echo\"\nwebsocket = true\n\
         [[routes]]\nprefix = \"/v1\"\nupstream = \"services\"\n",
        echo.address,
        served.listener.address()
    );
    served.arrakis.gateway(GatewayConfig::from_toml(&text).unwrap()).await.unwrap()
}

/// What asking to go on as a WebSocket is answered, and the connection.
async fn open(gateway: &Gateway, path: &str, token: &str, more: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let authorization = if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let asked =
        format!("GET {path} HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 9.9.9.9\r\n{HANDSHAKE}{authorization}{more}\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    (head(&mut stream).await, stream)
}

/// Whether the other side has ended a connection, in a while.
async fn ends(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_pass_both_ways_for_as_long_as_one_may_ask() {
    let (served, echo) = (Served::start().await, Echo::start().await);
    let (gateway, token) = (gateway(&served, &echo).await, served.token("ada").await);
    for (path, token, more, status, code) in [
        ("/v1/auth/me", &*token, "", 400, "gateway.upgrade"),
        ("/echo", "", "", 401, "auth.required"),
        ("/echo", "x", "", 401, "token.malformed"),
        ("/echo", &token, "origin: https://evil.example\r\n", 403, "gateway.origin"),
    ] {
        let (told, mut stream) = open(&gateway, path, token, more).await;
        assert!(told.starts_with(&format!("http/1.1 {status}")), "{told}");
        let mut body = vec![0; 4_096];
        let count = stream.read(&mut body).await.unwrap();
        let body = String::from_utf8_lossy(&body[..count]);
        assert!(body.contains(code), "{body}");
    }
    let (told, mut stream) = open(&gateway, "/echo?x=1", &token, "origin: https://app.example\r\n").await;
    assert!(told.starts_with("http/1.1 101") && told.contains("upgrade: websocket"), "{told}");
    assert!(!told.contains("server:"), "{told}");
    let asked = head(&mut stream).await;
    for expected in ["get /echo?x=1 ", "sec-websocket-key: ", "ark-client-ip: 127.0.0.1", "x-request-id: "] {
        assert!(asked.contains(expected), "{expected} in {asked}");
    }
    assert!(!asked.contains("9.9.9.9"), "{asked}");
    let said: Vec<u8> = (0..1_000_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let mut heard = vec![0; said.len()];
    let (mut from, mut to) = stream.split();
    let (written, read) = tokio::join!(to.write_all(&said), from.read_exact(&mut heard));
    assert!(written.is_ok() && read.is_ok() && said == heard);

    let (told, second) = open(&gateway, "/echo", &token, "").await;
    assert!(told.starts_with("http/1.1 101"), "{told}");
    let (told, _) = open(&gateway, "/echo", &token, "").await;
    assert!(told.starts_with("http/1.1 503"), "two are the most: {told}");
    drop(second);

    // Who may ask no longer hears no longer.
    let users = served.arrakis.users().unwrap();
    users.end_sessions(&served.ctx, Some("ada"), None).await.unwrap();
    assert!(ends(&mut stream).await, "the session has ended");
    gateway.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_closes_ends_them() {
    let (served, echo) = (Served::start().await, Echo::start().await);
    let (gateway, token) = (gateway(&served, &echo).await, served.token("ada").await);
    let (told, mut stream) = open(&gateway, "/echo", &token, "").await;
    assert!(told.starts_with("http/1.1 101"), "{told}");
    let ((), over) = tokio::join!(gateway.close(), ends(&mut stream));
    assert!(over);
}

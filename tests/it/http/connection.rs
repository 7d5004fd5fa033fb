//! Connections: each within its limits, and none cut off in the middle of an answer.

use std::time::Duration;

use arrakis::server::ListenOptions;
use arrakis::{HandlerFn, KernelExt as _};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Served, oslo};

/// What is read until the connection is closed.
async fn answered(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    // A reset is the end too.
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut heard)).await.expect("it is closed");
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let listen = ListenOptions { header_timeout: Duration::from_millis(300), ..ListenOptions::default() };
    let served = Served::start_with(listen).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(served.listener.address()).await.unwrap();
        stream.write_all(b"GET /v1/auth/me HTTP/1.1\r\nhost: x\r\nx-a: ").await.unwrap();
        slow.push(stream);
    }
    served.answer(Method::POST, "/v1/objects/write", Some(oslo())).await;
    for mut stream in slow {
        let heard = answered(&mut stream).await;
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 408"), "{heard}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_means_two_things_is_refused() {
    let served = Served::start().await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n", "a".repeat(300_000));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-a: 1\r\n".repeat(10_000));
    for head in [
        "POST /v1/objects/query HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
        "POST /v1/objects/query HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\nconnection: close\r\n\r\n{}",
        "POST /v1/objects/query HTTP/1.1\r\nhost: x\r\ntransfer-encoding: x\r\nconnection: close\r\n\r\n{}",
        "GET /v1/auth/me HTTP/1.1\r\nhost: x\r\n folded\r\nconnection: close\r\n\r\n",
        "GET /v1/auth/me HTTP/1.1\r\nhost : x\r\nconnection: close\r\n\r\n",
        "GET /v1/auth/me HTTP/9.9\r\nhost: x\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        &long,
        &many,
    ] {
        let mut stream = TcpStream::connect(served.listener.address()).await.unwrap();
        // What is refused may be closed before all of it was sent.
        let _ = stream.write_all(head.as_bytes()).await;
        let heard = answered(&mut stream).await;
        let is_refused = heard.is_empty() || heard.starts_with("HTTP/1.1 4");
        assert!(is_refused, "{head:.100}: {heard:.200}");
    }
    served.answer(Method::POST, "/v1/objects/write", Some(oslo())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_is_answered_when_a_listener_closes() {
    let served = Served::start().await;
    served.answer(Method::POST, "/v1/objects/write", Some(oslo())).await;
    let (begun, mut begins) = tokio::sync::mpsc::channel(1);
    let (release, released) = tokio::sync::watch::channel(false);
    let handler = move |_, _| {
        let (begun, mut released) = (begun.clone(), released.clone());
        async move {
            begun.send(()).await.unwrap();
            released.wait_for(|released| *released).await.unwrap();
            Ok(Vec::new())
        }
    };
    served.arrakis.on_action("count", HandlerFn(handler)).unwrap();
    let token = served.token("ada").await;
    let act = json!({ "action": "count", "parameters": { "city": "Oslo" } });
    let request = served.asks(Method::POST, "/v1/actions/execute", &token).json(&act);
    let under_way = tokio::runtime::Handle::current().spawn(request.send());
    begins.recv().await.unwrap();
    let address = served.listener.address();
    let Served { listener, arrakis, ctx, .. } = served;
    let closing = tokio::runtime::Handle::current().spawn(listener.close());
    // Nobody is accepted from when it closes on.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!closing.is_finished(), "what is under way is waited for");
    release.send_replace(true);
    assert_eq!(under_way.await.unwrap().unwrap().status(), StatusCode::OK);
    closing.await.unwrap();
    let city = arrakis.kernel().object(&ctx, "City", "Oslo").await.unwrap();
    assert_eq!(city.properties.get("people").map(arrakis::Value::to_json), Some(json!(1)));
    arrakis.close().await;
}

//! Requests that are at fault: each is told what is wrong with it, and nothing is lost.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Served, oslo, problem};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_at_fault_is_told_what_is_wrong() {
    let served = Served::start().await;
    let token = served.token("ada").await;
    let post = |path: &str, body: &str| {
        served.asks(Method::POST, path, &token).header("content-type", "application/json").body(body.to_owned())
    };
    let query = "/v1/objects/query";
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (request, status, code, path) in [
        (post(query, "{"), 400, "request.body", None),
        (post(query, ""), 400, "request.body", None),
        (post(query, "[]"), 400, "request.body", None),
        (post(query, &deep), 400, "request.body", None),
        (post(query, r#"{"set":{"type":"City"}}{}"#), 400, "request.body", None),
        (post(query, r#"{"set":{"type":"City"},"sett":1}"#), 400, "request.body", Some("sett")),
        (post(query, r#"{"set":{"type":"City"},"set":{"type":"City"}}"#), 400, "request.body", None),
        (post(query, r#"{"set":{"type":"Town"}}"#), 400, "kernel.object_type.unknown", Some("set.type")),
        (post(query, r#"{"set":{"type":"City"},"page":{"size":"x"}}"#), 400, "request.body", Some("page.size")),
        (post(query, "{}").header("content-type", "text/plain"), 400, "request.body", None),
        (post(&format!("{query}?set=1"), r#"{"set":{"type":"City"}}"#), 400, "request.query", None),
        (served.asks(Method::GET, "/v1/users?after=a&after=b", &token), 400, "request.query", None),
        (served.asks(Method::GET, "/v1/users?limit=many", &token), 400, "request.query", None),
        (served.asks(Method::GET, "/v1/users?x=1", &token), 400, "request.query", None),
        (served.asks(Method::GET, "/v1/users/nobody", &token), 404, "user.absent", None),
        (served.asks(Method::GET, "/v1/users/ada?user=rob", &token), 400, "request.query", None),
        (served.asks(Method::GET, "/v1/ontology/versions/x", &token), 400, "request.query", None),
        (served.asks(Method::GET, "/v1/nothing", &token), 404, "request.path", None),
        (served.asks(Method::DELETE, query, &token), 405, "request.method", None),
        (served.asks(Method::GET, "/v1/objects/City/%FF", &token), 400, "request.path", None),
        (post(query, "{}").header("ark-at-least", "x"), 400, "request.header", None),
        (post(query, r#"{"set":{"type":"City"}}"#).header("ark-at-least", "9999"), 503, "", None),
        (post(query, r#"{"set":{"type":"City"}}"#).header("ark-timeout-ms", "0"), 503, "context.deadline", None),
    ] {
        let (told_status, told) = problem(request).await;
        assert_eq!(told_status.as_u16(), status, "{told}");
        assert!(code.is_empty() || told["code"] == code, "{told}");
        assert!(path.is_none() || told["path"] == json!(path), "{told}");
        assert!(told["detail"].as_str().is_some_and(|detail| detail.len() <= 1_024), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_another_form_or_length_is_refused() {
    let served = Served::start().await;
    let token = served.token("ada").await;
    let post = || served.asks(Method::POST, "/v1/objects/write", &token);
    let (status, _) = problem(post().header("content-type", "text/csv").body("a,b")).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let long = vec![b' '; arrakis::server::BODY_LEN_MAX_DEFAULT + 1];
    // Whoever sends too much may find the connection closed before the answer is read.
    if let Ok(response) = post().header("content-type", "application/json").body(long).send().await {
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert_eq!(post().json(&oslo()).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_is_told_by_nothing_but_the_request() {
    let served = Served::start().await;
    let response =
        served.asks(Method::GET, "/v1/auth/me", "").header("x-request-id", "7d444840-9dc0-11d1-b245-5ffdce74fad2");
    let (status, told) = problem(response).await;
    assert_eq!(
        (status, &told["instance"]),
        (StatusCode::UNAUTHORIZED, &json!("urn:uuid:7d444840-9dc0-11d1-b245-5ffdce74fad2"))
    );
    let keys: serde_json::Value =
        served.asks(Method::GET, "/.well-known/jwks.json", "").send().await.unwrap().json().await.unwrap();
    assert!(keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()));
    for place in ["openid-configuration", "oauth-authorization-server"] {
        let told = served.asks(Method::GET, &format!("/.well-known/{place}"), "").send().await.unwrap();
        let told: serde_json::Value = told.json().await.unwrap();
        assert_eq!(told["issuer"], "https://id.example");
        assert_eq!(told["jwks_uri"], "https://id.example/.well-known/jwks.json");
    }
}

//! Events as browsers read them.

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::{Served, oslo, problem};

/// Events of a stream, as they come.
struct Events {
    response: reqwest::Response,
    heard: String,
}

impl Events {
    async fn next(&mut self) -> (Option<String>, String, Json) {
        loop {
            if let Some((event, rest)) = self.heard.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.heard = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
                if let Some(data) = field("data: ") {
                    return (field("id: "), field("event: ").unwrap(), serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let chunk = self.response.chunk().await.unwrap().expect("more is told");
            self.heard.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

async fn listen(served: &Served, last: Option<&str>) -> Events {
    let token = served.token("ada").await;
    let request = served.asks(Method::POST, "/v1/sets/events", &token).json(&json!({ "set": { "type": "City" } }));
    let request = match last {
        Some(id) => request.header("last-event-id", id),
        None => request,
    };
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["content-type"]),
        (StatusCode::OK, &"text/event-stream".parse().unwrap())
    );
    Events { response, heard: String::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_is_told_and_gone_on_with() {
    let served = Served::start().await;
    let mut events = listen(&served, None).await;
    let (first, name, whole) = events.next().await;
    assert_eq!((&*name, &whole["initial"]["objects"]), ("initial", &json!([])));
    served.answer(Method::POST, "/v1/objects/write", Some(oslo())).await;
    let (id, name, delta) = events.next().await;
    assert_eq!((&*name, &delta["delta"]["entered"][0]["key"]), ("delta", &json!("Oslo")));
    // Who heard the first only is told the second again.
    let mut again = listen(&served, first.as_deref()).await;
    assert_eq!(again.next().await, (id, name, delta));
    let token = served.token("ada").await;
    let request = served.asks(Method::POST, "/v1/sets/events", &token).json(&json!({ "set": { "type": "Town" } }));
    let (status, told) = problem(request).await;
    assert_eq!((status, &told["code"]), (StatusCode::BAD_REQUEST, &json!("kernel.object_type.unknown")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_told_as_they_come() {
    let served = Served::start().await;
    served.answer(Method::POST, "/v1/objects/write", Some(oslo())).await;
    let token = served.token("ada").await;
    let follow = |path: &'static str| served.asks(Method::GET, path, &token).send();
    let mut events = Events { response: follow("/v1/changes/events?types=City").await.unwrap(), heard: String::new() };
    let of = |page: &Json| page["commits"].as_array().unwrap().iter().filter(|c| c.get("objects").is_some()).count();
    let (_, name, page) = events.next().await;
    assert_eq!((&*name, of(&page)), ("changes", 1));
    let delete = json!({ "edits": [{ "delete": { "type": "City", "key": "Oslo" } }] });
    served.answer(Method::POST, "/v1/objects/write", Some(delete)).await;
    let (_, _, page) = events.next().await;
    assert_eq!(page["commits"][0]["objects"][0]["kind"], "deleted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_end_with_the_rights_to_them() {
    let served = Served::start().await;
    served.person(&served.ctx, "tom", Some("administrator")).await;
    let token = served.token("tom").await;
    let request = served.asks(Method::POST, "/v1/sets/events", &token).json(&json!({ "set": { "type": "City" } }));
    let mut events = Events { response: request.send().await.unwrap(), heard: String::new() };
    events.next().await;
    served.answer(Method::POST, "/v1/account/sessions/end", Some(json!({ "user": "tom" }))).await;
    let (_, name, told) = events.next().await;
    assert_eq!((&*name, &told["code"]), ("problem", &json!("access.revoked")));
    let (status, _) = problem(served.asks(Method::GET, "/v1/auth/me", &token)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

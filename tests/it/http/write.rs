//! Writes: once each, and under conditions.

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::{Served, oslo, problem};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_under_a_key_happens_once() {
    let served = Served::start().await;
    let token = served.token("ada").await;
    let send = |key: &'static str, body: Json| {
        served.asks(Method::POST, "/v1/objects/write", &token).header("Idempotency-Key", key).json(&body)
    };
    let mut answers = Vec::new();
    for _ in 0..3 {
        let response = send("one", oslo()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let seq = response.headers()["ark-seq"].to_str().unwrap().to_owned();
        answers.push((seq, response.text().await.unwrap()));
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");

    let other = json!({ "edits": [{ "delete": { "type": "City", "key": "Oslo" } }] });
    let (status, told) = problem(send("one", other.clone())).await;
    assert_eq!(
        (status, &told["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("request.idempotency.other_request"))
    );
    for key in ["with space", "naïve"] {
        let request = served.asks(Method::POST, "/v1/objects/write", &token).json(&other);
        let key = reqwest::header::HeaderValue::from_bytes(key.as_bytes()).unwrap();
        let (status, _) = problem(request.header("Idempotency-Key", key)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
    // Another asker's key is another key.
    served.person(&served.ctx, "eve", Some("administrator")).await;
    let eve = served.token("eve").await;
    let request = served.asks(Method::POST, "/v1/objects/write", &eve).header("Idempotency-Key", "one").json(&other);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);

    // What was refused may be sent again, and is done then.
    let (status, _) = problem(send("two", other)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(send("two", oslo()).send().await.unwrap().status(), StatusCode::OK);

    // So with what makes no commit of the kernel's.
    let create = || {
        let request = served.asks(Method::POST, "/v1/users", &token).header("Idempotency-Key", "three");
        request.json(&json!({ "name": "liv" }))
    };
    let first: Json = create().send().await.unwrap().json().await.unwrap();
    let second: Json = create().send().await.unwrap().json().await.unwrap();
    assert_eq!((&first["name"], &first), (&json!("liv"), &second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_is_written_and_read_by_its_path() {
    let served = Served::start().await;
    let token = served.token("ada").await;
    let path = "/v1/objects/City/S%C3%A3o%20Paulo%2F1";
    let put = |people: i64| {
        let body = json!({ "properties": { "name": "São Paulo/1", "people": people } });
        served.asks(Method::PUT, path, &token).json(&body)
    };
    let (status, _) = problem(put(1).header("If-Match", "\"1\"")).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(put(1).header("If-None-Match", "*").send().await.unwrap().status(), StatusCode::OK);
    let (status, _) = problem(put(2).header("If-None-Match", "*")).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);

    let get = || served.asks(Method::GET, path, &token);
    let found = get().send().await.unwrap();
    let etag = found.headers()["etag"].to_str().unwrap().to_owned();
    let found: Json = found.json().await.unwrap();
    assert_eq!((&found["key"], &found["properties"]["people"]), (&json!("São Paulo/1"), &json!(1)));
    let same = get().header("If-None-Match", &etag).send().await.unwrap();
    assert_eq!((same.status(), same.headers()["etag"].to_str().unwrap()), (StatusCode::NOT_MODIFIED, &*etag));
    assert!(same.bytes().await.unwrap().is_empty());
    let narrow: Json =
        served.asks(Method::GET, &format!("{path}?select=name"), &token).send().await.unwrap().json().await.unwrap();
    assert_eq!(narrow["properties"], json!({ "name": "São Paulo/1" }));

    let two = json!({ "properties": { "people": 2 } });
    let modify = |tag: &str| served.asks(Method::PATCH, path, &token).header("If-Match", tag.to_owned()).json(&two);
    assert_eq!(modify(&etag).send().await.unwrap().status(), StatusCode::OK);
    let (status, told) = problem(modify(&etag)).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{told}");
    let (status, _) = problem(modify("17")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(get().header("If-None-Match", &etag).send().await.unwrap().status(), StatusCode::OK);

    let (status, told) =
        problem(served.asks(Method::PATCH, path, &token).json(&json!({ "properties": { "x": 1 } }))).await;
    assert_eq!((status, &told["path"]), (StatusCode::BAD_REQUEST, &json!("properties.x")));
    assert_eq!(served.asks(Method::DELETE, path, &token).send().await.unwrap().status(), StatusCode::OK);
    let (status, told) = problem(get()).await;
    assert_eq!((status, &told["code"]), (StatusCode::NOT_FOUND, &json!("kernel.object.absent")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_masked_is_not_there_over_http_either() {
    let served = Served::start().await;
    served.answer(Method::POST, "/v1/objects/write", Some(oslo())).await;
    let token = served.token("rob").await;
    let query = json!({ "set": { "type": "City" } });
    let page: Json =
        served.asks(Method::POST, "/v1/objects/query", &token).json(&query).send().await.unwrap().json().await.unwrap();
    assert_eq!(page["objects"][0]["properties"], json!({ "name": "Oslo" }));
    let (status, _) = problem(served.asks(Method::POST, "/v1/objects/write", &token).json(&oslo())).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let me: Json = served.asks(Method::GET, "/v1/auth/me", &token).send().await.unwrap().json().await.unwrap();
    assert_eq!((&me["actor"], &me["roles"]), (&json!("user:rob"), &json!(["reader"])));
}

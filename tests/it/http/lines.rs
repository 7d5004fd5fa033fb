//! Rows in bulk, as lines of JSON.

use std::fmt::Write as _;

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::{Served, oslo, problem};

const NDJSON: &str = "application/x-ndjson";
/// Rows that are loaded: more than a page.
const ROWS: usize = 2_500;

fn lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_loaded_and_told_by_lines() {
    let served = Served::start().await;
    let token = served.token("ada").await;
    let loads = async |body: String| {
        let request = served.asks(Method::POST, "/v1/objects/load", &token).header("content-type", NDJSON);
        let response = request.header("idempotency-key", "load-1").body(body).send().await.unwrap();
        (response.status(), response.json::<Json>().await.unwrap())
    };
    let mut body = json!({ "into": { "objects": "City" } }).to_string();
    for row in 0..ROWS {
        write!(body, "\n{}", json!({ "name": format!("city-{row:05}"), "people": row })).unwrap();
    }
    let (status, report) = loads(body.clone()).await;
    assert_eq!((status, &report["loaded"], &report["rejected"]), (StatusCode::OK, &json!(ROWS), &json!(0)), "{report}");
    assert_eq!(loads(body.clone()).await, (status, report), "the same again");
    let (status, told) = loads(body + "\n{}").await;
    assert_eq!(
        (status, &told["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("request.idempotency.other_request"))
    );

    let query = json!({ "set": { "type": "City" }, "order_by": [{ "property": "name" }], "page": { "size": 1_000 } });
    let asks = |query: &Json, token: &str| {
        served.asks(Method::POST, "/v1/objects/query", token).header("accept", NDJSON).json(query)
    };
    let mut response = asks(&query, &token).send().await.unwrap();
    assert_eq!((response.status(), &response.headers()["content-type"]), (StatusCode::OK, &NDJSON.parse().unwrap()));
    let seq: u64 = response.headers()["ark-seq"].to_str().unwrap().parse().unwrap();
    let mut text = response.chunk().await.unwrap().unwrap().to_vec();
    // What is written meanwhile is not among what is told.
    served.answer(Method::POST, "/v1/objects/write", Some(oslo())).await;
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let mut told = lines(&String::from_utf8(text).unwrap());
    assert_eq!(told.pop().unwrap(), json!({ "end": { "count": ROWS, "seq": seq } }));
    assert_eq!(told.len(), ROWS);
    for (row, object) in told.iter().enumerate() {
        assert_eq!(object["properties"], json!({ "name": format!("city-{row:05}"), "people": row }));
    }
    // Who sees less is told less, by lines as by pages.
    let rob = asks(&query, &served.token("rob").await).send().await.unwrap().text().await.unwrap();
    assert!(lines(&rob)[0]["properties"].get("people").is_none() && lines(&rob).len() == ROWS + 2, "{rob:.300}");
    // One that is refused is refused before a line is told.
    let (status, told) = problem(asks(&json!({ "set": { "type": "None" } }), &token)).await;
    assert_eq!((status, &told["code"]), (StatusCode::BAD_REQUEST, &json!("kernel.object_type.unknown")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_at_fault_load_nothing() {
    let served = Served::start().await;
    let token = served.token("ada").await;
    let into = json!({ "into": { "objects": "City" } });
    let loads = async |body: String| {
        let request = served.asks(Method::POST, "/v1/objects/load", &token).header("content-type", NDJSON).body(body);
        let response = request.send().await.unwrap();
        (response.status(), response.json::<Json>().await.unwrap())
    };
    for (body, path) in [(format!("{into}\n{{\"name\": \"Oslo\"}}\nx"), "line 3"), ("{}".to_owned(), "line 1")] {
        let (status, told) = loads(body).await;
        assert_eq!(
            (status, &told["code"], &told["path"]),
            (StatusCode::BAD_REQUEST, &json!("request.body"), &json!(path))
        );
    }
    // A row that is refused is told by its line, and the others are not loaded either.
    let (status, report) =
        loads(format!("{into}\n{{\"name\": \"Oslo\"}}\n\n{{\"name\": \"Rome\", \"people\": \"many\"}}")).await;
    assert_eq!(
        (status, &report["loaded"], &report["rejections"][0]["line"]),
        (StatusCode::OK, &json!(0), &json!(4)),
        "{report}"
    );
    let found = served.asks(Method::GET, "/v1/objects/City/Oslo", &token).send().await.unwrap().status();
    assert_eq!(found, StatusCode::NOT_FOUND);
}

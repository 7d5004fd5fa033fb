//! Bulk loads: every row judged, all of them loaded or none, what stands in the way told row by row.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, list};
use crate::commit::COMMIT_CHANGES_MAX;
use crate::kernel::REJECTIONS_MAX;

/// A load of rows of text, the first on line 2 as below the header of a file.
fn load(into: Json, columns: &[&str], rows: &[&[&str]]) -> Json {
    let row = |(index, cells): (usize, &&[&str])| {
        let cells: Vec<_> = cells.iter().map(|cell| json!({ "text": cell })).collect();
        json!({ "line": index + 2, "cells": cells })
    };
    json!({ "into": into, "columns": columns, "rows": rows.iter().enumerate().map(row).collect::<Vec<_>>() })
}

fn people(rows: &[&[&str]]) -> Json {
    load(json!({ "objects": "Person" }), &["id", "name", "boss"], rows)
}

fn with(mut request: Json, name: &str, value: impl Into<Json>) -> Json {
    request[name] = value.into();
    request
}

/// The line, column and code of each rejection.
fn rejections(report: &Json) -> Vec<(u64, &str, &str)> {
    let told = |rejection: &'_ Json| {
        assert!(!rejection["reason"].as_str().unwrap().is_empty(), "{rejection}");
        rejection["line"].as_u64().unwrap()
    };
    let text = |json: &Json, name: &str| json.get(name).map_or("", |text| text.as_str().unwrap().to_owned().leak());
    list(&report["rejections"])
        .iter()
        .map(|rejection| (told(rejection), text(rejection, "column"), text(rejection, "code")))
        .collect()
}

fn counts(report: &Json) -> [u64; 3] {
    ["rows", "loaded", "rejected"].map(|name| report[name].as_u64().unwrap())
}

/// Rows become objects: text by the type of its column, JSON as it is, empty text absent, what is not given its default.
pub async fn rows_become_objects(on: Deployment) {
    let columns = ["id", "owner", "limit", "status", "opened", "marks", "note"];
    let rows = json!([
        { "line": 1, "cells": [{ "text": "a" }, { "text": "Ann" }, { "text": "7" }, "missing", { "text": "2026-01-01" }, { "text": "[\"x\"]" }, { "text": "" }] },
        { "line": 2, "cells": [{ "json": "b" }, { "json": "Bob" }, "missing", { "json": null }, { "json": null }, { "json": ["y", "z"] }, { "text": " " }] }
    ]);
    let request = json!({ "into": { "objects": "Account" }, "columns": columns, "rows": rows });
    let report = on.answer(Method::Load, request).await;
    assert_eq!((counts(&report), rejections(&report)), ([2, 2, 0], vec![]));
    let a = json!({ "id": "a", "owner": "Ann", "limit": 7, "status": "open", "opened": "2026-01-01", "marks": ["x"], "title": "a/ANN" });
    let b = json!({ "id": "b", "owner": "Bob", "limit": 10, "marks": ["y", "z"], "note": " ", "title": "b/BOB" });
    for (key, properties) in [("a", a), ("b", b)] {
        let object = on.object("Account", key).await;
        assert_eq!((&object["properties"], &object["revision"]), (&properties, &report["seq"]));
    }
}

/// Every cell is read as its type reads text, and written as the one form of the value.
pub async fn text_is_read_by_the_type_of_its_column(on: Deployment) {
    let cells = [
        ("id", "a", json!("a")),
        ("flag", "true", json!(true)),
        ("count", "-9223372036854775808", json!("-9223372036854775808")),
        ("ratio", "1e-3", json!(0.001)),
        ("price", "12.5", json!("12.5000")),
        ("text", " \"quoted\" ", json!(" \"quoted\" ")),
        ("day", "2024-02-29", json!("2024-02-29")),
        ("at", "2026-01-01T00:00:00+01:00", json!("2025-12-31T23:00:00.000000Z")),
        ("length", "PT1H", json!("PT1H")),
        ("place", r#"{"lat":1,"lon":2}"#, json!({ "lat": 1.0, "lon": 2.0 })),
        ("doc", r#"{"a":[1]}"#, json!({ "a": [1] })),
        ("embedding", "[0,0.5,1]", json!([0.0, 0.5, 1.0])),
        ("tags", r#"["x"]"#, json!(["x"])),
        ("address", r#"{"street":"Main"}"#, json!({ "street": "Main" })),
    ];
    let columns: Vec<_> = cells.iter().map(|(column, ..)| *column).collect();
    let row: Vec<_> = cells.iter().map(|(_, text, _)| *text).collect();
    let report = on.answer(Method::Load, load(json!({ "objects": "Sample" }), &columns, &[&row])).await;
    assert_eq!(counts(&report), [1, 1, 0], "{report}");
    let expected: serde_json::Map<_, _> =
        cells.iter().map(|(name, _, value)| ((*name).to_owned(), value.clone())).collect();
    assert_eq!(on.properties("Sample", "a").await, Json::Object(expected));
}

/// Rows become links of either kind, by the keys at their ends.
pub async fn rows_become_links(on: Deployment) {
    on.people(3).await;
    let knows =
        load(json!({ "links": "knows" }), &["target", "weight", "source"], &[&["2", "5", "1"], &["3", "", "1"]]);
    assert_eq!(counts(&on.answer(Method::Load, knows).await), [2, 2, 0]);
    let links = on.answer(Method::Neighbours, json!({ "type": "Person", "key": 1, "link": "knows" })).await;
    let properties: Vec<_> =
        list(&links["neighbours"]).iter().map(|neighbour| neighbour["link"]["properties"].clone()).collect();
    assert_eq!(properties, [json!({ "weight": 5 }), json!({})]);
    let reports = load(json!({ "links": "reports" }), &["source", "target"], &[&["2", "1"], &["3", "1"]]);
    assert_eq!(counts(&on.answer(Method::Load, reports).await), [2, 2, 0]);
    assert_eq!(on.properties("Person", 3).await["boss"], json!(1));
}

/// A row at fault is told by line, column, code and reason; with none allowed, nothing is loaded.
pub async fn rows_at_fault_are_told_and_nothing_is_loaded(on: Deployment) {
    let head = on.head().await;
    let columns = ["id", "owner", "limit", "opened", "marks"];
    let rows: [&[&str]; 9] = [
        &["a", "Ann", "1", "", ""],
        &["B", "Ann", "1", "", ""],
        &["c", "", "1", "", ""],
        &["d", "Ann", "many", "", ""],
        &["e", "Ann", "1001", "", ""],
        &["f", "Ann", "1", "2023-02-29", ""],
        &["g", "Ann", "1", "", "[\"x\""],
        &["h", "Ann", "1", ""],
        &["", "Ann", "1", "", ""],
    ];
    let request = load(json!({ "objects": "Account" }), &columns, &rows);
    let report = on.answer(Method::Load, request.clone()).await;
    let expected = [
        (3, "id", "value.constraint.regex"),
        (4, "owner", "kernel.property.required"),
        (5, "limit", "value.type_mismatch"),
        (6, "limit", "value.constraint.range"),
        (7, "opened", "value.date.malformed"),
        (8, "marks", "value.type_mismatch"),
        (9, "", "kernel.load.cells"),
        (10, "id", "kernel.property.required"),
    ];
    assert_eq!(rejections(&report), expected);
    assert_eq!((counts(&report), report.get("seq")), ([9, 0, 8], None));
    assert_eq!((on.keys(json!({ "type": "Account" })).await, on.head().await), (vec![], head));
    let report = on.answer(Method::Load, with(request.clone(), "errors_max", 7)).await;
    assert_eq!((counts(&report), on.head().await), ([9, 0, 8], head));
    let report = on.answer(Method::Load, with(request, "errors_max", 8)).await;
    assert_eq!((rejections(&report), counts(&report)), (expected.to_vec(), [9, 1, 8]));
    assert_eq!(on.keys(json!({ "type": "Account" })).await, [json!("a")]);
}

/// A row that repeats one before it in the load is rejected: the same key, the same ends, the same unique value.
pub async fn a_row_that_repeats_another_is_rejected(on: Deployment) {
    let report = on.answer(Method::Load, people(&[&["1", "a", ""], &["2", "b", ""], &["1", "c", ""]])).await;
    assert_eq!(rejections(&report), [(4, "", "kernel.load.twice")]);
    let samples =
        load(json!({ "objects": "Sample" }), &["id", "code"], &[&["a", "x"], &["b", "x"], &["c", ""], &["d", ""]]);
    let report = on.answer(Method::Load, samples).await;
    assert_eq!(rejections(&report), [(3, "code", "kernel.object.not_unique")]);
    on.people(2).await;
    let knows = load(json!({ "links": "knows" }), &["source", "target"], &[&["1", "2"], &["2", "1"], &["1", "2"]]);
    let report = on.answer(Method::Load, with(knows, "errors_max", 1)).await;
    assert_eq!((rejections(&report), counts(&report)), (vec![(4, "", "kernel.load.twice")], [3, 2, 1]));
}

/// What stored data stands in the way of is told row by row too: keys and values taken, ends that do not exist.
pub async fn what_stored_data_refuses_is_told_row_by_row(on: Deployment) {
    on.people(2).await;
    on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "s", "code": "x" } } })).await;
    let head = on.head().await;
    let rows: [&[&str]; 5] = [&["3", "c", "1"], &["4", "d", "77"], &["2", "b", ""], &["5", "e", "78"], &["1", "a", ""]];
    let report = on.answer(Method::Load, with(people(&rows), "mode", "create")).await;
    let expected = [
        (3, "boss", "kernel.link.dangling"),
        (4, "", "kernel.object.exists"),
        (5, "boss", "kernel.link.dangling"),
        (6, "", "kernel.object.exists"),
    ];
    assert_eq!((rejections(&report), counts(&report)), (expected.to_vec(), [5, 0, 4]));
    let samples = load(json!({ "objects": "Sample" }), &["id", "code"], &[&["a", "x"], &["b", "y"]]);
    assert_eq!(rejections(&on.answer(Method::Load, samples).await), [(2, "code", "kernel.object.not_unique")]);
    let knows = load(json!({ "links": "knows" }), &["source", "target"], &[&["1", "9"], &["8", "2"], &["1", "2"]]);
    let report = on.answer(Method::Load, knows.clone()).await;
    assert_eq!(rejections(&report), [(2, "target", "kernel.link.dangling"), (3, "source", "kernel.link.dangling")]);
    assert_eq!(on.head().await, head);
    let reports = load(json!({ "links": "reports" }), &["source", "target"], &[&["1", "9"], &["8", "2"], &["1", "7"]]);
    let expected =
        [(2, "target", "kernel.link.dangling"), (3, "source", "kernel.link.dangling"), (4, "", "kernel.load.twice")];
    assert_eq!(rejections(&on.answer(Method::Load, reports).await), expected);
    let report = on.answer(Method::Load, with(knows, "errors_max", 2)).await;
    assert_eq!(counts(&report), [3, 1, 2]);
    let report = on.answer(Method::Load, with(people(&rows), "errors_max", 2)).await;
    assert_eq!(
        (rejections(&report), counts(&report)),
        (vec![(3, "boss", "kernel.link.dangling"), (5, "boss", "kernel.link.dangling")], [5, 3, 2])
    );
}

/// Rows may refer to rows after them, and to themselves; those that refer to a rejected one are rejected with it, however many.
pub async fn rows_refer_to_each_other(on: Deployment) {
    let report = on.answer(Method::Load, people(&[&["1", "a", "3"], &["2", "b", "2"], &["3", "c", "1"]])).await;
    assert_eq!(counts(&report), [3, 3, 0], "{report}");
    let mut rows = vec![vec!["100".to_owned(), String::new(), String::new()]];
    rows.extend((101..=200).map(|id| vec![id.to_string(), "x".to_owned(), (id - 1).to_string()]));
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    let report = on.answer(Method::Load, with(people(&rows), "errors_max", 1_000)).await;
    assert_eq!(counts(&report), [101, 0, 101], "{report}");
    let codes: Vec<_> = rejections(&report).into_iter().map(|(_, column, code)| (column, code)).collect();
    assert_eq!(
        (codes[0], codes[1], codes[100]),
        (("name", "kernel.property.required"), ("boss", "kernel.link.dangling"), ("boss", "kernel.link.dangling"))
    );
}

/// Create rejects what exists; upsert replaces the properties given, leaves the rest, and does not write what stays as it is.
pub async fn a_load_creates_or_upserts(on: Deployment) {
    on.wrote(json!({ "create": { "type": "Person", "properties": { "id": 1, "name": "a", "rank": 7 } } })).await;
    let rows = people(&[&["1", "b", ""], &["2", "c", "1"]]);
    let report = on.answer(Method::Load, with(rows.clone(), "mode", "create")).await;
    assert_eq!(rejections(&report), [(2, "", "kernel.object.exists")]);
    let report = on.answer(Method::Load, rows.clone()).await;
    assert_eq!(counts(&report), [2, 2, 0]);
    let person = on.object("Person", 1).await;
    let properties = json!({ "id": 1, "name": "b", "rank": 7, "initial": "b" });
    assert_eq!((&person["properties"], &person["revision"]), (&properties, &report["seq"]));
    assert_eq!(counts(&on.answer(Method::Load, rows).await), [2, 2, 0]);
    assert_eq!(on.object("Person", 1).await["revision"], report["seq"]);
}

/// A load sent again under its id changes nothing, though the data changed meanwhile.
pub async fn a_load_sent_again_has_one_effect(on: Deployment) {
    let id = json!(on.test.env().commit_id());
    let request = with(people(&[&["1", "a", ""], &["2", "b", "1"]]), "id", id);
    let first = on.answer(Method::Load, request.clone()).await;
    on.wrote(json!([
        { "modify": { "type": "Person", "key": 1, "properties": { "name": "changed" } } },
        { "delete": { "type": "Person", "key": 2 } }
    ]))
    .await;
    let head = on.head().await;
    for request in [request.clone(), with(request, "mode", "create")] {
        let again = on.answer(Method::Load, request).await;
        assert_eq!((counts(&again), &again["seq"]), ([2, 2, 0], &first["seq"]));
    }
    assert_eq!(
        (on.properties("Person", 1).await["name"].clone(), on.object("Person", 2).await),
        (json!("changed"), Json::Null)
    );
    assert_eq!(on.head().await, head);
}

/// A load of more rows than one commit holds is whole or not at all still; its repeat has no effect either.
pub async fn a_long_load_is_whole_or_not_at_all(on: Deployment) {
    let count = COMMIT_CHANGES_MAX + 5;
    let ids: Vec<String> = (1..=count).map(|id| id.to_string()).collect();
    let mut rows: Vec<[&str; 3]> = ids.iter().map(|id| [id.as_str(), "x", "1"]).collect();
    let as_rows = |rows: &[[&str; 3]]| -> Json { people(&rows.iter().map(<[&str; 3]>::as_slice).collect::<Vec<_>>()) };
    let head = on.head().await;
    rows[count - 1][2] = "0";
    let report = on.answer(Method::Load, as_rows(&rows)).await;
    let line = u64::try_from(count + 1).unwrap();
    assert_eq!(rejections(&report), [(line, "boss", "kernel.link.dangling")]);
    assert_eq!((on.object("Person", 1).await, on.head().await), (Json::Null, head));
    rows[count - 1][2] = "1";
    let request = with(as_rows(&rows), "id", json!(on.test.env().commit_id()));
    let first = on.answer(Method::Load, request.clone()).await;
    assert_eq!(counts(&first), [count as u64, count as u64, 0]);
    let head = on.head().await;
    let again = on.answer(Method::Load, request).await;
    assert_eq!((counts(&again), &again["seq"], on.head().await), (counts(&first), &first["seq"], head));
}

/// All rejections are counted, the first thousand listed.
pub async fn rejections_are_counted_beyond_those_listed(on: Deployment) {
    let count = REJECTIONS_MAX + 10;
    let ids: Vec<String> = (1..=count).map(|id| id.to_string()).collect();
    let rows: Vec<[&str; 3]> = ids.iter().map(|id| [id.as_str(), "", ""]).collect();
    let report = on.answer(Method::Load, people(&rows.iter().map(<[&str; 3]>::as_slice).collect::<Vec<_>>())).await;
    assert_eq!((counts(&report), list(&report["rejections"]).len()), ([count as u64, 0, count as u64], REJECTIONS_MAX));
    assert_eq!(report["rejections"][REJECTIONS_MAX - 1]["line"], json!(REJECTIONS_MAX + 1));
}

/// What is wrong with the load as a whole refuses it, with the place.
pub async fn a_load_at_fault_as_a_whole_is_refused(on: Deployment) {
    let objects = |columns: &[&str]| load(json!({ "objects": "Person" }), columns, &[]);
    let links = |columns: &[&str]| load(json!({ "links": "knows" }), columns, &[]);
    for (request, code, path) in [
        (load(json!({ "objects": "Persons" }), &["id"], &[]), "kernel.object_type.unknown", "into.objects"),
        (load(json!({ "links": "likes" }), &["source"], &[]), "kernel.link_type.unknown", "into.links"),
        (objects(&["id", "nmae"]), "kernel.property.unknown", "columns[1]"),
        (objects(&["id", "initial"]), "kernel.property.derived", "columns[1]"),
        (objects(&["id", "name", "name"]), "kernel.property.twice", "columns[2]"),
        (objects(&["name"]), "kernel.load.columns", "columns"),
        (links(&["source", "weight"]), "kernel.load.ends", "columns"),
        (with(objects(&["id"]), "reason", "x".repeat(5_000)), "kernel.reason.too_long", "reason"),
    ] {
        assert_eq!(super::told(&on.refusal(Method::Load, request).await), (code, path));
    }
    let nothing = on.answer(Method::Load, objects(&["id", "name"])).await;
    assert_eq!((counts(&nothing), nothing.get("seq")), ([0, 0, 0], None));
}

/// The reason and actor of a load are those of its versions.
pub async fn a_load_says_who_and_why(on: Deployment) {
    on.answer(Method::Load, with(people(&[&["1", "a", ""]]), "reason", "imported")).await;
    let history = on.answer(Method::History, json!({ "of": { "object": { "type": "Person", "key": 1 } } })).await;
    let version = &history["versions"][0];
    assert_eq!((&version["reason"], &version["actor"]), (&json!("imported"), &json!(on.own.actor())));
}

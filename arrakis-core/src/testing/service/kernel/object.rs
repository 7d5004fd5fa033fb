//! Objects come to be, change and go.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, member, told};
use crate::{ErrorKind, JSON_INTEGER_MAX, KEY_LEN_MAX};

fn account(properties: Json) -> Json {
    let mut whole = json!({ "id": "a", "owner": "Ann" });
    let members = whole.as_object_mut().unwrap();
    members.extend(properties.as_object().cloned().unwrap());
    json!({ "create": { "type": "Account", "properties": whole } })
}

fn modify(properties: Json) -> Json {
    json!({ "modify": { "type": "Account", "key": "a", "properties": properties } })
}

/// Every base type is read as it was written.
pub async fn every_base_type_is_read_as_written(on: Deployment) {
    let whole = json!({
        "id": "a", "flag": false, "count": -3, "ratio": 0.1, "price": "12.5000", "text": "Zoë \"q\" \\ \n", "day": "2024-02-29",
        "at": "2026-11-22T19:16:31.000001Z", "length": "PT1H30M0.5S", "place": { "lat": -33.9, "lon": 151.2 },
        "doc": { "b": [1, null, { "a": "x" }], "a": 1.5 }, "file": "files/1", "embedding": [0.5, -1.0, 0.25],
        "tags": ["x", "y", "x"], "numbers": [3, -1], "address": { "street": "Main", "number": 7 }, "code": "c", "number": 9
    });
    let written = on.wrote(json!({ "create": { "type": "Sample", "properties": whole } })).await;
    let read = on.object("Sample", "a").await;
    assert_eq!(read, json!({ "type": "Sample", "key": "a", "revision": written, "properties": whole }));
}

/// Every base type has one written form: what has several is read as it.
pub async fn other_forms_of_a_value_are_read_as_the_one(on: Deployment) {
    let given = json!({
        "id": "a", "count": "42", "ratio": 2, "price": 3, "at": "2026-11-22T21:16:31+02:00", "length": "PT90S",
        "address": { "street": "Main", "number": null }, "number": JSON_INTEGER_MAX
    });
    on.wrote(json!({ "create": { "type": "Sample", "properties": given } })).await;
    let read = on.properties("Sample", "a").await;
    let expected = json!({
        "id": "a", "count": 42, "ratio": 2.0, "price": "3.0000", "at": "2026-11-22T19:16:31.000000Z", "length": "PT1M30S",
        "address": { "street": "Main" }, "number": JSON_INTEGER_MAX
    });
    assert_eq!(read, expected);
}

/// A value of another type than its property's is refused, with the path to it.
pub async fn a_value_of_another_type_is_refused(on: Deployment) {
    for (name, value, code, inner) in [
        ("flag", json!("true"), "value.type_mismatch", ""),
        ("count", json!(1.5), "value.type_mismatch", ""),
        ("count", json!("9223372036854775808"), "value.type_mismatch", ""),
        ("ratio", json!("1"), "value.type_mismatch", ""),
        ("price", json!(1.5), "value.type_mismatch", ""),
        ("price", json!("1e3"), "value.decimal.malformed", ""),
        ("price", json!("0.00001"), "value.decimal.out_of_range", ""),
        ("text", json!(7), "value.type_mismatch", ""),
        ("text", json!("a\0b"), "value.string.nul", ""),
        ("day", json!("2023-02-29"), "value.date.malformed", ""),
        ("at", json!("2026-11-22T19:16:31"), "value.timestamp.malformed", ""),
        ("at", json!("2026-11-22T19:16:31.0000001Z"), "value.timestamp.precision", ""),
        ("length", json!(60), "value.type_mismatch", ""),
        ("length", json!("PT0.0000001S"), "value.duration.precision", ""),
        ("place", json!({ "lat": 90.1, "lon": 0 }), "value.geopoint.malformed", ""),
        ("place", json!([1, 2]), "value.type_mismatch", ""),
        ("embedding", json!([1, 2]), "value.vector.dimension", ""),
        ("embedding", json!([1, 2, "3"]), "value.type_mismatch", "[2]"),
        ("tags", json!(["a", 1]), "value.type_mismatch", "[1]"),
        ("tags", json!(["a", null]), "value.array.null", "[1]"),
        ("address", json!({ "number": 1 }), "value.struct.missing_field", ".street"),
        ("address", json!({ "street": "Main", "city": 1 }), "value.struct.unknown_field", ".city"),
    ] {
        let properties = json!({ "id": "a", name: value });
        for edit in ["create", "upsert"] {
            let error = on.refused(json!({ edit: { "type": "Sample", "properties": properties } })).await;
            let path = format!("edits[0].{edit}.properties.{name}{inner}");
            assert_eq!((error.kind(), told(&error)), (ErrorKind::Invalid, (code, &*path)), "{properties}");
        }
    }
    assert_eq!(on.object("Sample", "a").await, Json::Null);
}

/// A property not given takes its default; an explicit null leaves it absent.
pub async fn defaults_are_taken_unless_null_is_given(on: Deployment) {
    on.wrote(account(json!({}))).await;
    let properties = on.properties("Account", "a").await;
    assert_eq!(properties, json!({ "id": "a", "owner": "Ann", "status": "open", "limit": 10, "title": "a/ANN" }));
    on.wrote(account(json!({ "id": "b", "status": null }))).await;
    assert_eq!(on.properties("Account", "b").await.get("status"), None);
    on.wrote(account(json!({ "id": "c", "status": "frozen", "limit": 7 }))).await;
    let given = on.properties("Account", "c").await;
    assert_eq!((&given["status"], &given["limit"]), (&json!("frozen"), &json!(7)));
}

/// A required property is there: left out without a default, or null, it is refused.
pub async fn a_required_property_is_there(on: Deployment) {
    let refused = [
        (json!({ "create": { "type": "Account", "properties": { "id": "a" } } }), "create.properties.owner"),
        (account(json!({ "owner": null })), "create.properties.owner"),
        (account(json!({ "limit": null })), "create.properties.limit"),
        (json!({ "create": { "type": "Account", "properties": { "owner": "Ann" } } }), "create.properties.id"),
        (json!({ "upsert": { "type": "Account", "properties": { "id": "a" } } }), "upsert.properties.owner"),
    ];
    for (edit, path) in refused {
        let error = on.refused(edit).await;
        assert_eq!(told(&error), ("kernel.property.required", &*format!("edits[0].{path}")));
    }
    on.wrote(account(json!({}))).await;
    let error = on.refused(modify(json!({ "owner": null }))).await;
    assert_eq!(told(&error), ("kernel.property.required", "edits[0].modify.properties.owner"));
}

/// Values obey the constraints of their property, of every kind, and of its value type.
pub async fn values_obey_their_constraints(on: Deployment) {
    let table = [
        ("id", json!("A"), "regex", ("pattern", "[a-z0-9]+")),
        ("owner", json!("A"), "length", ("length_min", "2")),
        ("owner", json!("Ännäää"), "length", ("length_max", "5")),
        ("status", json!("shut"), "enum", ("allowed", "3")),
        ("limit", json!(-1), "range", ("min", "0")),
        ("limit", json!(1001), "range", ("max", "1000")),
        ("share", json!(101), "range", ("max", "100")),
        ("opened", json!("1999-12-31"), "range", ("min", "\"2000-01-01\"")),
        ("email", json!("ann"), "format", ("format", "email")),
        ("marks", json!(["a", "b", "c"]), "length", ("length_max", "2")),
    ];
    for (name, value, kind, (parameter, limit)) in table {
        let error = on.refused(account(json!({ name: value }))).await;
        let (code, path) = (format!("value.constraint.{kind}"), format!("edits[0].create.properties.{name}"));
        assert_eq!((told(&error), error.param(parameter)), ((&*code, &*path), Some(limit)));
    }
    let error = on.refused(account(json!({ "shares": [0, 100, 101] }))).await;
    assert_eq!(told(&error), ("value.constraint.range", "edits[0].create.properties.shares[2]"));
    let edges = json!({
        "owner": "Ännää", "status": "closed", "limit": 1000, "share": 0, "opened": "2000-01-01", "email": "a@b.co", "marks": [],
        "shares": [0, 100]
    });
    on.wrote(account(edges)).await;
    let error = on.refused(modify(json!({ "limit": 1001 }))).await;
    assert_eq!(told(&error), ("value.constraint.range", "edits[0].modify.properties.limit"));
}

/// An object is created once; the second time its key is told.
pub async fn an_object_is_created_once(on: Deployment) {
    let first = on.wrote(account(json!({}))).await;
    let error = on.refused(account(json!({ "owner": "Bob" }))).await;
    assert_eq!((error.kind(), told(&error)), (ErrorKind::AlreadyExists, ("kernel.object.exists", "edits[0].create")));
    assert_eq!((error.param("object_type"), error.param("key")), (Some("Account"), Some("a")));
    assert_eq!(on.object("Account", "a").await["revision"], json!(first));
}

/// A key is any integer, or a text of 1 to 512 bytes.
pub async fn keys_have_their_edges(on: Deployment) {
    for id in [json!(i64::MIN.to_string()), json!(i64::MAX.to_string()), json!(0)] {
        on.wrote(json!({ "create": { "type": "Person", "properties": { "id": id, "name": "x" } } })).await;
        assert_eq!(on.object("Person", id.clone()).await["key"], id);
    }
    let team = |code: &str| json!({ "create": { "type": "Team", "properties": { "code": code, "title": "x" } } });
    for code in ["é".repeat(KEY_LEN_MAX / 2), " ".to_owned(), "a/b?c#d%00'\"".to_owned()] {
        on.wrote(team(&code)).await;
        assert_eq!(on.object("Team", code.as_str()).await["key"], json!(code));
    }
    for code in [String::new(), "x".repeat(KEY_LEN_MAX + 1)] {
        let error = on.refused(team(&code)).await;
        assert_eq!(told(&error), ("kernel.key.length", "edits[0].create.properties.code"));
        assert_eq!(error.param("length_max"), Some("512"));
    }
}

/// Text and integers stand for each other as keys where they are the same digits.
pub async fn a_key_is_found_by_its_digits(on: Deployment) {
    on.people(1).await;
    on.wrote(json!({ "create": { "type": "Team", "properties": { "code": "7", "title": "x" } } })).await;
    assert_eq!(on.object("Person", "1").await["key"], json!(1));
    assert_eq!(on.object("Team", 7).await["key"], json!("7"));
    let error = on.refused(json!({ "delete": { "type": "Person", "key": "one" } })).await;
    assert_eq!(told(&error), ("value.type_mismatch", "edits[0].delete.key"));
}

/// A modification replaces what it names and leaves the rest; null takes a value away.
pub async fn a_modification_replaces_what_it_names(on: Deployment) {
    on.wrote(account(json!({ "note": "n", "share": 5 }))).await;
    let modified = on.wrote(modify(json!({ "share": 6, "status": null }))).await;
    let read = on.object("Account", "a").await;
    let properties = json!({ "id": "a", "owner": "Ann", "limit": 10, "share": 6, "note": "n", "title": "a/ANN" });
    assert_eq!((&read["revision"], &read["properties"]), (&json!(modified), &properties));
}

/// A modification that leaves everything as it was writes no version.
pub async fn a_modification_without_effect_writes_no_version(on: Deployment) {
    let created = on.wrote(account(json!({ "share": 5 }))).await;
    for edit in [modify(json!({})), modify(json!({ "share": 5, "note": null }))] {
        on.wrote(edit).await;
    }
    assert_eq!(on.object("Account", "a").await["revision"], json!(created));
}

/// Only an object that exists is modified or deleted.
pub async fn what_is_absent_is_not_changed(on: Deployment) {
    for (name, edit) in [
        ("modify", json!({ "modify": { "type": "Account", "key": "a", "properties": { "note": "n" } } })),
        ("delete", json!({ "delete": { "type": "Account", "key": "a" } })),
    ] {
        let error = on.refused(edit).await;
        let path = format!("edits[0].{name}");
        assert_eq!((error.kind(), told(&error)), (ErrorKind::NotFound, ("kernel.object.absent", &*path)));
        assert_eq!((error.param("object_type"), error.param("key")), (Some("Account"), Some("a")));
    }
}

/// The primary key of an object does not change; naming the same key again is no change.
pub async fn a_key_does_not_change(on: Deployment) {
    on.wrote(account(json!({}))).await;
    let error = on.refused(modify(json!({ "id": "b" }))).await;
    assert_eq!(told(&error), ("kernel.key.immutable", "edits[0].modify.properties.id"));
    on.wrote(modify(json!({ "id": "a", "note": "n" }))).await;
    assert_eq!(on.properties("Account", "a").await["note"], json!("n"));
}

/// An upsert creates what is absent, with defaults, and replaces the properties given of what is there.
pub async fn an_upsert_creates_or_replaces(on: Deployment) {
    let upsert = |properties: Json| json!({ "upsert": { "type": "Account", "properties": properties } });
    on.wrote(upsert(json!({ "id": "a", "owner": "Ann", "note": "n" }))).await;
    assert_eq!(on.properties("Account", "a").await["status"], json!("open"));
    on.wrote(modify(json!({ "status": "frozen", "limit": 3 }))).await;
    let replaced = on.wrote(upsert(json!({ "id": "a", "owner": "Bob", "note": null }))).await;
    let read = on.object("Account", "a").await;
    let properties = json!({ "id": "a", "owner": "Bob", "status": "frozen", "limit": 3, "title": "a/BOB" });
    assert_eq!((&read["revision"], &read["properties"]), (&json!(replaced), &properties));
    on.wrote(upsert(json!({ "id": "a", "owner": "Bob" }))).await;
    assert_eq!(on.object("Account", "a").await["revision"], json!(replaced));
}

/// A derived property follows the others and is never given.
pub async fn a_derived_property_follows(on: Deployment) {
    on.wrote(account(json!({}))).await;
    on.wrote(modify(json!({ "owner": "Straß" }))).await;
    assert_eq!(on.properties("Account", "a").await["title"], json!("a/STRASS"));
    for (name, edit) in
        [("modify", modify(json!({ "title": "x" }))), ("create", account(json!({ "id": "b", "title": null })))]
    {
        let error = on.refused(edit).await;
        let path = format!("edits[0].{name}.properties.title");
        assert_eq!(told(&error), ("kernel.property.derived", &*path));
    }
}

/// A deleted object is absent, and may be created again.
pub async fn a_deleted_object_is_absent_and_may_return(on: Deployment) {
    on.wrote(account(json!({ "note": "first" }))).await;
    on.wrote(json!({ "delete": { "type": "Account", "key": "a" } })).await;
    assert_eq!(on.object("Account", "a").await, Json::Null);
    assert!(on.keys(json!({ "type": "Account" })).await.is_empty());
    let again = on.wrote(account(json!({}))).await;
    let read = on.object("Account", "a").await;
    assert_eq!((&read["revision"], read["properties"].get("note")), (&json!(again), None));
}

/// A deletion follows the rule of each link: restrict, unlink, cascade.
pub async fn a_deletion_follows_the_rules_of_links(on: Deployment) {
    on.people(3).await;
    on.wrote(json!([
        { "create": { "type": "Team", "properties": { "code": "t", "title": "T" } } },
        { "modify": { "type": "Person", "key": 1, "properties": { "team": "t" } } },
        { "modify": { "type": "Person", "key": 2, "properties": { "boss": 1 } } },
        { "create": { "type": "Task", "properties": { "id": 1, "owner": 1 } } },
        { "create": { "type": "Task", "properties": { "id": 2, "parent": 1 } } },
        { "link": { "type": "knows", "source": 3, "target": 1 } }
    ]))
    .await;
    let error = on.refused(json!({ "delete": { "type": "Team", "key": "t" } })).await;
    assert_eq!((error.kind(), told(&error)), (ErrorKind::Conflict, ("kernel.object.referenced", "edits[0].delete")));
    on.wrote(json!({ "delete": { "type": "Person", "key": 1 } })).await;
    assert_eq!(on.properties("Person", 2).await.get("boss"), None);
    assert!(on.keys(json!({ "type": "Task" })).await.is_empty());
    let links = on.answer(Method::Links, json!({ "type": "knows", "ends": [{ "source": 3, "target": 1 }] })).await;
    assert_eq!(member(&links, "links"), json!([null]));
    on.wrote(json!({ "delete": { "type": "Team", "key": "t" } })).await;
}

/// No two objects of a tenant share a unique value, absent ones aside.
pub async fn unique_values_are_held_once(on: Deployment) {
    let sample =
        |id: &str, code: Json| json!({ "create": { "type": "Sample", "properties": { "id": id, "code": code } } });
    on.wrote(json!([sample("a", json!("x")), sample("b", Json::Null), sample("c", Json::Null)])).await;
    let error = on.refused(sample("d", json!("x"))).await;
    let path = "edits[0].create.properties.code";
    assert_eq!((error.kind(), told(&error)), (ErrorKind::Conflict, ("kernel.object.not_unique", path)));
    assert_eq!(error.param("key"), Some("a"));
    let error = on.refused(json!([
        { "modify": { "type": "Sample", "key": "c", "properties": { "code": "y" } } },
        { "modify": { "type": "Sample", "key": "b", "properties": { "code": "y" } } }
    ]));
    assert_eq!(told(&error.await), ("kernel.object.not_unique", "edits[1].modify.properties.code"));
    on.wrote(json!([
        { "modify": { "type": "Sample", "key": "a", "properties": { "code": null } } },
        sample("d", json!("x"))
    ]))
    .await;
}

/// An object names its properties in the order of the schema.
pub async fn properties_come_in_the_order_of_the_schema(on: Deployment) {
    let properties = json!({ "number": 1, "id": "a", "flag": true, "text": "t" });
    on.wrote(json!({ "create": { "type": "Sample", "properties": properties } })).await;
    let request = serde_json::from_value(json!({ "type": "Sample", "keys": ["a"] })).unwrap();
    let text = serde_json::to_string(&on.kernel.get(&on.own, request).await.unwrap()).unwrap();
    assert!(text.contains(r#""properties":{"id":"a","flag":true,"text":"t","number":1}"#), "{text}");
}

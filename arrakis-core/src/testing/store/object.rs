//! Objects: written, read back, one version a commit.

use serde_json::{Value as Json, json};

use crate::commit::INDEX_TEXT_LEN_MAX;
use crate::testing::Fixture;
use crate::{EffectKind, ErrorKind, Key, STRING_LEN_MAX, Seq, Value};

async fn write_and_read(fixture: &Fixture, values: Json) {
    let Json::Object(named) = &values else { panic!("values by name") };
    let key = named["id"].as_str().unwrap().to_owned();
    let seq = fixture.wrote(fixture.draft(fixture.own).create("Sample", values.clone())).await;
    let object = fixture.object(fixture.own, "Sample", key.as_str()).await.unwrap();
    assert_eq!((object.object_type.as_str(), &object.key, object.revision), ("Sample", &Key::string(key), seq));
    assert_eq!(object.properties.names(), &fixture.object_type("Sample").names);
    for (property, (name, value)) in fixture.object_type("Sample").properties.iter().zip(object.properties.iter()) {
        let expected = named.get(name.as_str()).map_or(Value::Null, |json| property.data_type.read(json).unwrap());
        assert_eq!(*value, expected, "{name}");
    }
}

/// A value of every base type is read as it was written.
pub async fn every_base_type_is_read_as_written(fixture: Fixture) {
    let values = json!({
        "id": "all", "flag": true, "count": 7, "ratio": 0.1, "price": "12.5000", "text": "Grüße, 世界 🚀",
        "day": "2024-02-29", "at": "2026-11-22T19:16:31.123456Z", "length": "PT1H30M0.000001S",
        "place": { "lat": 37.618_805_56, "lon": -122.375_416_67 },
        "doc": { "z": [1, 2.5, null, true, "x"], "a": { "é": {} } }, "file": "s3://bucket/ключ",
        "embedding": [0.1, -1.5, 3.0e-20], "tags": ["a", "", "b", "a"], "numbers": [3, -1, 3],
        "address": { "street": "Main", "number": 1 }, "code": "c", "number": -1
    });
    write_and_read(&fixture, values).await;
    write_and_read(&fixture, json!({ "id": "none" })).await;
}

/// The edges of every base type are read as they were written.
pub async fn edges_of_types_are_read_as_written(fixture: Fixture) {
    let low = json!({
        "id": "low", "flag": false, "count": i64::MIN.to_string(), "ratio": f64::MIN, "price": "-99999999999999.9999",
        "text": "", "day": "0001-01-01", "at": "0001-01-01T00:00:00Z", "length": "-PT2562047788H54.775808S",
        "place": { "lat": -90.0, "lon": -180.0 }, "doc": false, "file": "", "embedding": [f64::from(f32::MIN), 0.0, 1e-45],
        "tags": [], "numbers": [i64::MIN.to_string(), i64::MAX.to_string()], "address": { "street": "" },
        "code": "", "number": i64::MIN.to_string()
    });
    let high = json!({
        "id": "high", "count": i64::MAX.to_string(), "ratio": f64::MAX, "price": "99999999999999.9999",
        "text": "'\"`; DROP TABLE x; --\\%_\u{1}\n\r\t\u{feff}\u{10ffff}", "day": "9999-12-31",
        "at": "9999-12-31T23:59:59.999999Z", "length": "PT2562047788H54.775807S", "place": { "lat": 90.0, "lon": 180.0 },
        "doc": [], "embedding": [f64::from(f32::MAX), 1.0, -1.0], "number": i64::MAX.to_string()
    });
    let small = json!({
        "id": "small", "count": 0, "ratio": 5e-324, "price": "0", "day": "1969-12-31", "at": "1969-12-31T23:59:59.999999Z",
        "length": "PT0S", "place": { "lat": 0.0, "lon": 0.0 }, "doc": "text", "embedding": [0.0, 0.0, 0.0],
        "numbers": [0], "tags": ["'", "\"", "\u{0001}"], "number": 9_007_199_254_740_993_i64.to_string()
    });
    for values in [low, high, small] {
        write_and_read(&fixture, values).await;
    }
}

/// JSON is read as the same JSON: numbers as they were written, nested as deep.
pub async fn json_is_read_as_written(fixture: Fixture) {
    let deep = (0..crate::JSON_DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
    let documents = [
        json!({}),
        json!(1.0),
        json!(1),
        json!(u64::MAX),
        json!(-0.5),
        json!(1e300),
        json!("null"),
        json!([null]),
        deep,
    ];
    for (index, document) in documents.into_iter().enumerate() {
        write_and_read(&fixture, json!({ "id": index.to_string(), "doc": document })).await;
    }
}

/// The longest text is read as it was written.
pub async fn the_longest_text_is_read_as_written(fixture: Fixture) {
    let long = "é".repeat(STRING_LEN_MAX / 2);
    fixture.wrote(fixture.draft(fixture.own).create("Team", json!({ "code": "long", "title": long }))).await;
    assert_eq!(fixture.value("Team", "long", "title").await, Value::string(long));
}

/// What the texts of an object have in an index together has a length, to the byte; one more is refused and changes nothing.
pub async fn texts_in_an_index_have_their_length(fixture: Fixture) {
    // No two neighbours are alike, so that nothing is saved by compression.
    let mut rng = fastrand::Rng::with_seed(7);
    let mut text = |len| (0..len).map(|_| rng.alphanumeric()).collect::<String>();
    let longest = text(INDEX_TEXT_LEN_MAX);
    write_and_read(&fixture, json!({ "id": "long", "text": longest, "count": 1 })).await;
    let too_long = text(INDEX_TEXT_LEN_MAX + 1);
    for draft in [
        fixture.draft(fixture.own).create("Sample", json!({ "id": "longer", "text": too_long })),
        fixture.draft(fixture.own).create("Sample", json!({ "id": "longer", "code": too_long })),
        fixture.draft(fixture.own).modify("Sample", "long", json!({ "text": too_long })),
    ] {
        let refused = fixture.write(draft).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::Invalid, "kernel.object.index_too_long"));
    }
    assert_eq!(fixture.value("Sample", "long", "text").await, Value::string(longest));
    assert!(fixture.object(fixture.own, "Sample", "longer").await.is_none());
}

/// Keys differ by every byte; integers reach from end to end.
pub async fn keys_differ_by_every_byte(fixture: Fixture) {
    let long = "k".repeat(crate::KEY_LEN_MAX);
    let texts =
        ["a", "A", "a ", " a", "á", "a\u{301}", "'", "\"", "%", "_", "1", "01", "\u{10ffff}", "\n", long.as_str()];
    let numbers = [0, 1, -1, i64::MIN, i64::MAX, 9_007_199_254_740_993];
    let mut draft = fixture.draft(fixture.own);
    for text in texts {
        draft = draft.create("Team", json!({ "code": text, "title": text }));
    }
    for number in numbers {
        draft = draft.create("Person", json!({ "id": number.to_string(), "name": number.to_string() }));
    }
    fixture.wrote(draft).await;
    for text in texts {
        assert_eq!(fixture.value("Team", text, "title").await, Value::string(text));
    }
    for number in numbers {
        assert_eq!(fixture.value("Person", number, "name").await, Value::string(number.to_string()));
    }
    assert!(fixture.object(fixture.own, "Team", "b").await.is_none());
}

/// Objects are answered in the order of the keys asked for, absent ones as absent, repeated ones repeatedly.
pub async fn objects_come_in_the_order_asked(fixture: Fixture) {
    let people = (1..=3).fold(fixture.draft(fixture.own), |draft, id| {
        draft.create("Person", json!({ "id": id, "name": format!("p{id}") }))
    });
    let seq = fixture.wrote(people).await;
    let keys: Vec<Key> = [3, 9, 1, 3].into_iter().map(Key::Integer).collect();
    let read = fixture.store.objects(fixture.own, fixture.object_type("Person"), &keys, None).await.unwrap();
    let found: Vec<_> = read.value.iter().map(|object| object.as_ref().map(|object| object.key.clone())).collect();
    assert_eq!(found, [Some(Key::Integer(3)), None, Some(Key::Integer(1)), Some(Key::Integer(3))]);
    assert_eq!(read.seq, seq);
    let none = fixture.store.objects(fixture.own, fixture.object_type("Person"), &[], None).await.unwrap();
    assert_eq!(none.value, []);
}

/// Many keys are answered as few are.
pub async fn many_objects_are_read_at_once(fixture: Fixture) {
    const OBJECTS: i64 = 2_000;
    let people = (0..OBJECTS)
        .fold(fixture.draft(fixture.own), |draft, id| draft.create("Person", json!({ "id": id * 2, "name": "p" })));
    fixture.wrote(people).await;
    let keys: Vec<Key> = (0..40_000).map(Key::Integer).collect();
    let read = fixture.store.objects(fixture.own, fixture.object_type("Person"), &keys, None).await.unwrap();
    assert_eq!(read.value.len(), keys.len());
    for (key, object) in keys.iter().zip(read.value) {
        let Key::Integer(number) = *key else { panic!("an integer") };
        let expected = (number % 2 == 0 && number < OBJECTS * 2).then_some(key);
        assert_eq!(object.as_ref().map(|object| &object.key), expected);
    }
}

/// Creating an object that exists is refused.
pub async fn an_object_is_created_once(fixture: Fixture) {
    let person = json!({ "id": 1, "name": "Ann" });
    fixture.wrote(fixture.draft(fixture.own).create("Person", person.clone())).await;
    let error = fixture.write(fixture.draft(fixture.own).create("Person", person)).await.unwrap_err();
    assert_eq!((error.code(), error.path()), ("kernel.object.exists", Some("changes[0]")));
    assert_eq!((error.param("object_type"), error.param("key")), (Some("Person"), Some("1")));
}

/// Modifying and deleting an object that is not there is refused.
pub async fn an_absent_object_is_not_changed(fixture: Fixture) {
    let drafts = [
        fixture.draft(fixture.own).modify("Person", 1, json!({ "rank": 1 })),
        fixture.draft(fixture.own).delete("Person", 1),
    ];
    for draft in drafts {
        let error = fixture.write(draft).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("kernel.object.absent", crate::ErrorKind::NotFound));
    }
}

/// A modification changes what it names and leaves the rest; an absent value takes one away.
pub async fn a_modification_changes_what_it_names(fixture: Fixture) {
    fixture.wrote(fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "Ann", "rank": 3 }))).await;
    let seq = fixture.wrote(fixture.draft(fixture.own).modify("Person", 1, json!({ "name": "Bea" }))).await;
    let object = fixture.object(fixture.own, "Person", 1).await.unwrap();
    assert_eq!((object.revision, object.properties.get("rank")), (seq, Some(&Value::Integer(3))));
    assert_eq!(object.properties.get("name"), Some(&Value::string("Bea")));
    fixture.wrote(fixture.draft(fixture.own).modify("Person", 1, json!({ "rank": null }))).await;
    assert_eq!(fixture.value("Person", 1, "rank").await, Value::Null);
}

/// An upsert creates what is absent, whole, and changes what is there, in what it names.
pub async fn an_upsert_creates_or_modifies(fixture: Fixture) {
    let created =
        fixture.wrote(fixture.draft(fixture.own).upsert("Person", json!({ "id": 1, "name": "Ann", "rank": 3 }))).await;
    assert_eq!(fixture.object(fixture.own, "Person", 1).await.unwrap().revision, created);
    fixture.wrote(fixture.draft(fixture.own).upsert("Person", json!({ "id": 1, "name": "Bea" }))).await;
    assert_eq!(fixture.value("Person", 1, "name").await, Value::string("Bea"));
    assert_eq!(fixture.value("Person", 1, "rank").await, Value::Integer(3));
}

/// A row left as it was is not written: its revision stays, its history gains nothing.
pub async fn a_modification_without_effect_writes_nothing(fixture: Fixture) {
    let values = json!({ "id": "s", "ratio": 0.1, "doc": { "b": 1, "a": 2 }, "tags": ["x"], "text": "t" });
    let created = fixture.wrote(fixture.draft(fixture.own).create("Sample", values)).await;
    let same = json!({ "ratio": 0.1, "doc": { "a": 2, "b": 1 }, "tags": ["x"], "text": "t", "count": null });
    let seq = fixture.wrote(fixture.draft(fixture.own).modify("Sample", "s", same.clone())).await;
    assert_eq!(seq, created.next());
    let upsert = json!({ "id": "s", "text": "t" });
    fixture.wrote(fixture.draft(fixture.own).upsert("Sample", upsert)).await;
    assert_eq!(fixture.object(fixture.own, "Sample", "s").await.unwrap().revision, created);
    assert_eq!(fixture.history(fixture.own, "Sample", "s").await.len(), 1);
}

/// An object changed twice in one commit has one version more, the last.
pub async fn two_changes_in_a_commit_leave_one_version(fixture: Fixture) {
    let created = fixture.wrote(fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "Ann" }))).await;
    let draft = fixture
        .draft(fixture.own)
        .modify("Person", 1, json!({ "name": "Bea", "rank": 1 }))
        .modify("Person", 1, json!({ "name": "Cat" }))
        .create("Person", json!({ "id": 2, "name": "Dan" }))
        .modify("Person", 2, json!({ "name": "Eve" }));
    let changed = fixture.wrote(draft).await;
    let versions = fixture.history(fixture.own, "Person", 1).await;
    assert_eq!(versions.iter().map(|version| version.revision).collect::<Vec<_>>(), [created, changed]);
    let object = fixture.object(fixture.own, "Person", 1).await.unwrap();
    assert_eq!(object.properties.get("name"), Some(&Value::string("Cat")));
    assert_eq!(object.properties.get("rank"), Some(&Value::Integer(1)));
    let versions = fixture.history(fixture.own, "Person", 2).await;
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0].properties.as_ref().unwrap().get("name"), Some(&Value::string("Eve")));
}

/// An object created and deleted in one commit was never there.
pub async fn created_and_deleted_in_a_commit_leaves_no_version(fixture: Fixture) {
    let draft = fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "Ann" })).delete("Person", 1);
    let seq = fixture.wrote(draft).await;
    assert!(fixture.object(fixture.own, "Person", 1).await.is_none());
    assert!(fixture.object_at(fixture.own, "Person", 1, Some(seq)).await.is_none());
    assert_eq!(fixture.history(fixture.own, "Person", 1).await, []);
}

/// An object deleted and created again in one commit is modified.
pub async fn deleted_and_created_in_a_commit_is_modified(fixture: Fixture) {
    let created =
        fixture.wrote(fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "Ann", "rank": 1 }))).await;
    let draft = fixture.draft(fixture.own).delete("Person", 1).create("Person", json!({ "id": 1, "name": "Bea" }));
    let again = fixture.wrote(draft).await;
    assert_eq!(fixture.value("Person", 1, "rank").await, Value::Null);
    let versions = fixture.history(fixture.own, "Person", 1).await;
    let changes: Vec<_> = versions.iter().map(|version| (version.revision, version.change)).collect();
    assert_eq!(changes, [(created, EffectKind::Created), (again, EffectKind::Modified)]);
}

/// An object deleted may be created anew later; its past stays.
pub async fn a_deleted_object_may_come_back(fixture: Fixture) {
    let person = json!({ "id": 1, "name": "Ann" });
    let created = fixture.wrote(fixture.draft(fixture.own).create("Person", person.clone())).await;
    let deleted = fixture.wrote(fixture.draft(fixture.own).delete("Person", 1)).await;
    assert!(fixture.object(fixture.own, "Person", 1).await.is_none());
    let again = fixture.wrote(fixture.draft(fixture.own).create("Person", person)).await;
    let expected = [(Seq(created.0 - 1), None), (created, Some(created)), (deleted, None), (again, Some(again))];
    for (at, revision) in expected {
        let object = fixture.object_at(fixture.own, "Person", 1, Some(at)).await;
        assert_eq!(object.map(|object| object.revision), revision, "{at}");
    }
}

/// Derived values follow the values they are made of, in creations, modifications and upserts.
pub async fn derived_values_follow(fixture: Fixture) {
    fixture.wrote(fixture.draft(fixture.own).create("Person", json!({ "id": 1, "name": "ANN Ö" }))).await;
    assert_eq!(fixture.value("Person", 1, "initial").await, Value::string("ann ö"));
    fixture.wrote(fixture.draft(fixture.own).modify("Person", 1, json!({ "name": "Bea" }))).await;
    assert_eq!(fixture.value("Person", 1, "initial").await, Value::string("bea"));
    fixture.wrote(fixture.draft(fixture.own).upsert("Person", json!({ "id": 1, "name": "CAT" }))).await;
    assert_eq!(fixture.value("Person", 1, "initial").await, Value::string("cat"));
}

/// Types do not share keys.
pub async fn equal_keys_of_two_types_are_two_objects(fixture: Fixture) {
    let draft = fixture
        .draft(fixture.own)
        .create("Person", json!({ "id": 1, "name": "Ann" }))
        .create("Badge", json!({ "id": 1 }));
    fixture.wrote(draft).await;
    fixture.wrote(fixture.draft(fixture.own).delete("Badge", 1)).await;
    assert!(fixture.object(fixture.own, "Person", 1).await.is_some());
}

//! Objects by key.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, list, member, told};
use crate::kernel::KEYS_MAX;

/// Objects come in the order asked: absent ones in their place, the same key as often as asked.
pub async fn objects_come_in_the_order_asked(on: Deployment) {
    on.people(3).await;
    let keys = [json!(3), json!(9), json!(1), json!("3"), json!(3)];
    let answer = on.answer(Method::Get, json!({ "type": "Person", "keys": keys })).await;
    let found: Vec<_> = list(&member(&answer, "objects")).iter().map(|object| object["key"].clone()).collect();
    assert_eq!(found, [json!(3), Json::Null, json!(1), json!(3), json!(3)]);
    assert_eq!(member(&answer, "seq"), json!(on.head().await));
    let nothing = on.answer(Method::Get, json!({ "type": "Person", "keys": [] })).await;
    assert_eq!(member(&nothing, "objects"), json!([]));
}

/// The properties asked for come in the order asked, the key's own only when asked for.
pub async fn selected_properties_come_in_the_order_asked(on: Deployment) {
    on.wrote(json!({ "create": { "type": "Person", "properties": { "id": 1, "name": "Ann", "rank": 3 } } })).await;
    let get = json!({ "type": "Person", "keys": [1], "select": ["rank", "initial", "boss", "name"] });
    let objects = on.kernel.get(&on.own, serde_json::from_value(get).unwrap()).await.unwrap();
    let text = serde_json::to_string(&objects).unwrap();
    assert!(text.contains(r#""properties":{"rank":3,"initial":"ann","name":"Ann"}"#), "{text}");
    let query = json!({ "set": { "type": "Person" }, "select": ["rank", "id"] });
    let page = on.kernel.query(&on.own, serde_json::from_value(query).unwrap()).await.unwrap();
    let text = serde_json::to_string(&page).unwrap();
    assert!(text.contains(r#""properties":{"rank":3,"id":1}"#), "{text}");
    for method in [Method::Get, Method::Query] {
        let none = json!({ "type": "Person", "keys": [1], "select": [] });
        let request = if method == Method::Get { none } else { json!({ "set": { "type": "Person" }, "select": [] }) };
        assert_eq!(on.answer(method, request).await["objects"][0]["properties"], json!({}));
    }
}

/// A property that is unknown, or named twice, is refused with its place.
pub async fn a_selection_names_each_property_once(on: Deployment) {
    for (select, code, path) in [
        (json!(["name", "nmae"]), "kernel.property.unknown", "select[1]"),
        (json!(["name", "rank", "name"]), "kernel.select.duplicate", "select[2]"),
    ] {
        let get = json!({ "type": "Person", "keys": [1], "select": select });
        assert_eq!(told(&on.refusal(Method::Get, get).await), (code, path));
        let query = json!({ "set": { "type": "Person" }, "select": select });
        assert_eq!(told(&on.refusal(Method::Query, query).await), (code, path));
    }
}

/// Structs name their fields, alone and in lists, whether selected or not.
pub async fn structs_name_their_fields(on: Deployment) {
    let address = json!({ "street": "Main", "number": 1 });
    on.wrote(json!({ "create": { "type": "Sample", "properties": { "id": "a", "address": address } } })).await;
    for select in [Json::Null, json!(["address"]), json!(["id", "address", "text"])] {
        let get = on.answer(Method::Get, json!({ "type": "Sample", "keys": ["a"], "select": select })).await;
        let query = on.answer(Method::Query, json!({ "set": { "type": "Sample" }, "select": select })).await;
        for answer in [get, query] {
            assert_eq!(answer["objects"][0]["properties"]["address"], address);
        }
    }
    let history = on.answer(Method::History, json!({ "of": { "object": { "type": "Sample", "key": "a" } } })).await;
    assert_eq!(history["versions"][0]["properties"]["address"], address);
}

/// Up to 10,000 keys are asked for at once; unknown types and keys of another type are refused with their place.
pub async fn keys_asked_for_have_their_limits(on: Deployment) {
    on.people(1).await;
    let keys = |count: usize| json!({ "type": "Person", "keys": vec![1; count] });
    let answer = on.answer(Method::Get, keys(KEYS_MAX)).await;
    assert_eq!(list(&member(&answer, "objects")).len(), KEYS_MAX);
    let error = on.refusal(Method::Get, keys(KEYS_MAX + 1)).await;
    assert_eq!((told(&error), error.param("keys_max")), (("kernel.keys.too_many", "keys"), Some("10000")));
    let error = on.refusal(Method::Get, json!({ "type": "Persons", "keys": [1] })).await;
    assert_eq!(told(&error), ("kernel.object_type.unknown", "type"));
    let error = on.refusal(Method::Get, json!({ "type": "Person", "keys": [1, "x"] })).await;
    assert_eq!(told(&error), ("value.type_mismatch", "keys[1]"));
}

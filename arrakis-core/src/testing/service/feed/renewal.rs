//! Live sets across publications.

use serde_json::{Value as Json, json};

use super::{Deployment, brief, event, next, publish, subscribed, type_mut};

fn more(name: &'static str, property: Json) -> impl FnOnce(&mut Json) {
    move |definition| type_mut(definition, name)["properties"].as_array_mut().unwrap().push(property)
}

/// A version that leaves what a set is made of as it was changes nothing for its subscribers.
pub async fn a_publication_elsewhere_goes_unnoticed(on: Deployment) {
    on.people(1).await;
    let mut live = subscribed(&on, json!({ "set": { "type": "Person" } })).await;
    let mut linked =
        subscribed(&on, json!({ "set": { "traverse": { "from": { "type": "Person" }, "link": "knows" } } })).await;
    for subscription in [&mut live, &mut linked] {
        event(subscription).await;
    }
    let seq = on.wrote(json!({ "link": { "type": "knows", "source": 1, "target": 1 } })).await;
    assert_eq!(brief(&event(&mut linked).await), json!(["delta", seq, [1], [], []]));
    publish(&on, &on.own, more("Task", json!({ "name": "note", "type": "string" }))).await;
    let seq = on.wrote(json!({ "modify": { "type": "Person", "key": 1, "properties": { "rank": 3 } } })).await;
    for subscription in [&mut live, &mut linked] {
        assert_eq!(brief(&event(subscription).await), json!(["delta", seq, [], [1], []]));
    }
}

/// A version that stores or names the objects of a set otherwise has it told anew, as the publication left it, whichever tenant
/// published it and whether the subscriber was listening or away.
pub async fn a_publication_of_the_type_tells_the_set_anew(on: Deployment) {
    on.people(2).await;
    let start = on.head().await;
    let set = json!({ "filter": { "from": { "type": "Person" }, "where": "name = \"p2\"" } });
    let mut listening = subscribed(&on, json!({ "set": set })).await;
    event(&mut listening).await;
    let modify = |rank: i64| json!({ "modify": { "type": "Person", "key": 2, "properties": { "rank": rank } } });
    let before = on.wrote(modify(1)).await;
    assert_eq!(brief(&event(&mut listening).await), json!(["delta", before, [], [2], []]));
    let level = json!({ "name": "level", "type": "integer", "required": true, "default": 3 });
    let at = publish(&on, &on.neighbour, more("Person", level)).await;
    let after = on.wrote(modify(2)).await;
    let mut away = subscribed(&on, json!({ "set": set, "from": start })).await;
    assert_eq!(brief(&event(&mut away).await), json!(["delta", before, [], [2], []]));
    for subscription in [&mut listening, &mut away] {
        let anew = event(subscription).await;
        assert_eq!(brief(&anew), json!(["initial", at, [2]]));
        let told = &anew["initial"];
        assert_eq!((&told["first"], &told["version"]), (&json!(true), &json!(2)));
        assert_eq!(told["objects"][0]["properties"]["level"], json!(3));
        assert_eq!(brief(&event(subscription).await), json!(["delta", after, [], [2], []]));
    }
}

/// A set that makes no sense under the version published ends with what is wrong with it.
pub async fn a_set_that_no_longer_resolves_ends(on: Deployment) {
    let badges = json!({ "set": { "type": "Badge" } });
    let mut subscription = subscribed(&on, badges).await;
    event(&mut subscription).await;
    let seq = on.wrote(json!({ "create": { "type": "Badge", "properties": { "id": 1 } } })).await;
    assert_eq!(brief(&event(&mut subscription).await), json!(["delta", seq, [1], [], []]));
    on.wrote(json!({ "delete": { "type": "Badge", "key": 1 } })).await;
    publish(&on, &on.own, |definition| {
        definition["object_types"].as_array_mut().unwrap().retain(|new| new["name"] != "Badge");
        definition["link_types"].as_array_mut().unwrap().retain(|new| new["name"] != "badge_of");
    })
    .await;
    assert_eq!(brief(&event(&mut subscription).await)[4], json!([1]));
    let error = next(&mut subscription).await.unwrap().unwrap_err();
    assert_eq!(
        (error.code(), error.path(), error.param("version")),
        ("kernel.object_type.unknown", Some("set.type"), Some("2"))
    );
    assert!(next(&mut subscription).await.is_none());
}

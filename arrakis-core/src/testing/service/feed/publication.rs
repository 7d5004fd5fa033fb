//! Versions of the ontology in the feed.

use serde_json::{Value as Json, json};

use super::{Deployment, changes, list, outline, publish, seq, type_mut};

fn published(page: &Json) -> Vec<&Json> {
    list(&page["commits"]).iter().filter(|commit| commit.get("published").is_some()).collect()
}

/// A publication tells its version, the types to be read again because their rows were rewritten or look different, and those that are
/// gone. What it leaves alone is not named.
pub async fn a_publication_tells_what_to_read_again(on: Deployment) {
    on.people(2).await;
    let start = on.head().await;
    let at = publish(&on, &on.own, |definition| {
        let level = json!({ "name": "level", "type": "integer", "required": true, "default": 3 });
        type_mut(definition, "Person")["properties"].as_array_mut().unwrap().push(level);
        definition["object_types"].as_array_mut().unwrap().retain(|new| new["name"] != "Badge");
        definition["link_types"].as_array_mut().unwrap().retain(|new| new["name"] != "badge_of");
    })
    .await;
    let page = changes(&on, json!({ "after": start })).await;
    let [commit] = published(&page)[..] else { panic!("{page}") };
    assert_eq!(seq(commit, "seq"), at);
    let expected = json!({
        "version": 2,
        "read_again": { "object_types": ["Person"], "link_types": ["reports", "membership"] },
        "gone": { "object_types": ["Badge"], "link_types": ["badge_of"] }
    });
    assert_eq!(commit["published"], expected);
    assert!(commit.get("objects").is_none(), "rows rewritten by a publication are not among its changes");
    let person = on.object("Person", 1).await;
    assert_eq!((&person["revision"], &person["properties"]["level"]), (&json!(at), &json!(3)));
}

/// A publication by another tenant of the space is told without who wrote it; one in another space is not.
pub async fn a_publication_of_a_neighbour_is_told(on: Deployment) {
    on.people(1).await;
    let start = on.head().await;
    let more = |definition: &mut Json| {
        type_mut(definition, "Team")["properties"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "motto", "type": "string" }));
    };
    publish(&on, &on.stranger, more).await;
    let at = publish(&on, &on.neighbour, more).await;
    on.wrote(json!({ "create": { "type": "Team", "properties": { "code": "a", "title": "A", "motto": "b" } } })).await;
    for request in [json!({ "after": start }), json!({ "after": start, "limit": 1 })] {
        let page = changes(&on, request).await;
        let [commit, team] = list(&page["commits"]) else { panic!("{page}") };
        assert_eq!((seq(commit, "seq"), &commit["published"]["version"]), (at, &json!(2)));
        assert_eq!((commit.get("actor"), commit.get("commit")), (None, None));
        assert_eq!(outline(team, "motto"), [json!(["Team", "a", "created", null, "b"])]);
    }
}

/// Each commit is told under the version in force then: by the names, and with the values, of its time.
pub async fn values_are_those_of_the_version_in_force(on: Deployment) {
    let start = on.head().await;
    let team = |score: i64| json!({ "upsert": { "type": "Team", "properties": { "code": "a", "title": "A", "score": score } } });
    on.wrote(team(1)).await;
    on.wrote(team(2)).await;
    publish(&on, &on.own, |definition| {
        let team = type_mut(definition, "Team");
        team["name"] = json!("Crew");
        team["properties"].as_array_mut().unwrap().push(json!({ "name": "motto", "type": "string" }));
        for link_type in definition["link_types"].as_array_mut().unwrap() {
            for end in ["source", "target"] {
                if link_type[end]["object_type"] == "Team" {
                    link_type[end]["object_type"] = json!("Crew");
                }
            }
        }
        definition["changes"] = json!({ "moved": [{ "from": "object_types.Team", "to": "object_types.Crew" }] });
    })
    .await;
    on.wrote(json!({ "modify": { "type": "Crew", "key": "a", "properties": { "score": 3, "motto": "x" } } })).await;
    let page = changes(&on, json!({ "after": start })).await;
    let told: Vec<_> = list(&page["commits"]).iter().flat_map(|commit| outline(commit, "score")).collect();
    let expected = [
        json!(["Team", "a", "created", null, 1]),
        json!(["Team", "a", "modified", 1, 2]),
        json!(["Crew", "a", "modified", 2, 3]),
    ];
    assert_eq!(told, expected);
    let [commit] = published(&page)[..] else { panic!("{page}") };
    assert_eq!(commit["published"]["read_again"]["object_types"], json!(["Crew"]));
    assert_eq!(commit["published"]["gone"]["object_types"], json!(["Team"]));
}

//! Actions of actors who do not see everything.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, acting, alice, list, member, name, told};

const POLICY: &str = "
roles:
  - name: lead
    objects: [{ types: [Team], verbs: [read] }]
    actions: [raise_set, raise_list, promote]
rules:
  - { name: own_team, effect: permit, type: Person, verbs: [read], where: team = $actor.team, properties: { except: [rank] } }
";

fn call(action: &str, parameters: Json) -> Json {
    json!({ "action": action, "parameters": parameters })
}

/// An action is executed by whom a role lets, on objects that may be read: others are like those that are not there.
pub async fn an_action_takes_its_right_and_its_objects(on: Deployment) {
    let ctx = acting(&on, POLICY, alice().with_role(name("lead")));
    on.ask(&ctx, Method::Execute, call("promote", json!({ "person": 2 }))).await.unwrap();
    let error = on.ask(&ctx, Method::Execute, call("rename", json!({ "what": 2, "name": "x" }))).await.unwrap_err();
    assert_eq!(told(&error), ("permission.denied", "action"));
    let batch =
        json!({ "acts": [call("promote", json!({ "person": 1 })), call("hire", json!({ "id": 9, "name": "x" }))] });
    let error = on.ask(&ctx, Method::ExecuteBatch, batch).await.unwrap_err();
    assert_eq!(told(&error), ("permission.denied", "acts[1].action"));
    let refused = async |key: i64| {
        let error = on.ask(&ctx, Method::Execute, call("promote", json!({ "person": key }))).await.unwrap_err();
        (error.kind(), error.code().to_owned(), error.path().map(str::to_owned))
    };
    assert_eq!(refused(3).await, refused(99).await);
    let without = acting(&on, POLICY, alice());
    let error = on.ask(&without, Method::Execute, call("promote", json!({ "person": 2 }))).await.unwrap_err();
    assert_eq!(told(&error), ("permission.denied", ""));
}

/// What an action computes with is what is stored, also where its actor may not see it; of a set it takes the objects that may be read.
pub async fn an_action_works_on_what_is_stored(on: Deployment) {
    let ctx = acting(&on, POLICY, alice().with_role(name("lead")));
    on.ask(&ctx, Method::Execute, call("raise_set", json!({ "people": { "type": "Person" } }))).await.unwrap();
    on.ask(&ctx, Method::Execute, call("raise_list", json!({ "people": [1, 2] }))).await.unwrap();
    let mut ranks = Vec::new();
    for key in 1..=5 {
        ranks.push(on.properties("Person", key).await["rank"].clone());
    }
    assert_eq!(ranks, [3, 4, 3, 4, 5].map(Json::from), "one and two are of the team, and were raised twice");
    // A set is not chosen by what may not be seen.
    let by_rank =
        json!({ "filter": { "from": { "type": "Person" }, "where": { "gt": { "property": "rank", "value": 3 } } } });
    let error = on.ask(&ctx, Method::Execute, call("raise_set", json!({ "people": by_rank }))).await.unwrap_err();
    assert_eq!(error.code(), "permission.property");
}

/// A validation tells whether a call would be taken, and nothing of what it would write.
pub async fn a_validation_tells_its_verdicts_alone(on: Deployment) {
    let ctx = acting(&on, POLICY, alice().with_role(name("lead")));
    let verdict = on.ask(&ctx, Method::Validate, call("promote", json!({ "person": 2 }))).await.unwrap();
    assert_eq!((&verdict["valid"], list(&member(&verdict, "criteria")).len()), (&json!(true), 2));
    assert!(!verdict.to_string().contains("rank\":"), "{verdict}");
    for told in ["edits", "effects", "events"] {
        assert!(verdict.get(told).is_none_or(|told| list(told).is_empty()), "{told}: {verdict}");
    }
}

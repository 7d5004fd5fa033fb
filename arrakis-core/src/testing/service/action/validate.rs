//! An action validated: what would happen, and everything that stands in the way.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, act, acted, list, member};

async fn validated(on: &Deployment, action: &str, parameters: Json) -> Json {
    let before = on.head().await;
    let validation = on.answer(Method::Validate, act(action, parameters)).await;
    assert_eq!(on.head().await, before, "a validation changes nothing");
    validation
}

/// A call that would be executed is valid, and tells its edits, what they reach, and its events.
pub async fn a_valid_call_tells_what_would_happen(on: Deployment) {
    on.people(2).await;
    on.acquaint(&[(1, 2, 1)]).await;
    let validation = validated(&on, "promote", json!({ "person": 1, "by": 2 })).await;
    assert_eq!(validation["valid"], true);
    assert_eq!(validation["parameters"], json!([{ "name": "person" }, { "name": "by" }]));
    assert_eq!(validation["criteria"][0], json!({ "message": "A rank stays below 100.", "holds": true }));
    let edit = json!({ "modify": { "type": "Person", "key": 1, "properties": { "rank": 2 } } });
    assert_eq!(validation["edits"], json!([edit]));
    assert_eq!(validation["effects"], json!([{ "object": { "type": "Person", "key": 1, "change": "modified" } }]));
    assert_eq!(
        validation["events"],
        json!([{ "type": "person.promoted", "subject": "Person/1", "data": { "by": 2 } }])
    );
    let validation = validated(&on, "dismiss", json!({ "person": 1 })).await;
    let effects = list(&validation["effects"]);
    let link = json!({ "link": { "type": "knows", "source": 1, "target": 2, "change": "deleted" } });
    assert!(effects.contains(&link), "on-delete rules are seen: {effects:?}");
}

/// Every parameter at fault is told, not the first alone; criteria are then unknown.
pub async fn every_fault_of_a_parameter_is_told(on: Deployment) {
    let validation = validated(&on, "hire", json!({ "name": "", "team": "z", "nick": 1 })).await;
    assert_eq!(validation["valid"], false);
    let faults: Vec<_> = list(&validation["parameters"])
        .iter()
        .map(|verdict| (member(verdict, "name"), verdict.get("fault").map(|fault| member(fault, "code"))))
        .collect();
    let fault = |code: &str| Some(json!(code));
    assert_eq!(
        faults,
        [
            (json!("id"), fault("kernel.action.parameter.required")),
            (json!("name"), fault("value.constraint.length")),
            (json!("rank"), None),
            (json!("team"), fault("kernel.object.absent")),
            (json!("nick"), fault("kernel.action.parameter.unknown")),
        ]
    );
    let validation = validated(&on, "promote", json!({ "person": 9 })).await;
    assert_eq!(validation["criteria"][0].get("holds"), None);
}

/// Every criterion has its verdict.
pub async fn every_criterion_has_its_verdict(on: Deployment) {
    on.people(1).await;
    let intern = on.own.clone().acting_as(crate::Actor::parse("user:intern").unwrap());
    let call = act("promote", json!({ "person": 1, "by": 500 }));
    let validation = on.ask(&intern, Method::Validate, call).await.unwrap();
    let held: Vec<_> = list(&validation["criteria"]).iter().map(|verdict| member(verdict, "holds")).collect();
    assert_eq!((held, &validation["valid"]), (vec![json!(false), json!(false)], &json!(false)));
    let validation = validated(&on, "promote", json!({ "person": 1, "by": i64::MAX.to_string() })).await;
    assert_eq!(validation["criteria"][0]["holds"], false);
}

/// What the store would refuse is foreseen, with the very code and path.
pub async fn the_refusal_of_the_store_is_foreseen(on: Deployment) {
    on.people(1).await;
    for (action, parameters) in [("hire", json!({ "id": 1, "name": "x" })), ("part", json!({ "from": 1, "to": 1 }))] {
        let validation = validated(&on, action, parameters.clone()).await;
        let error = on.refusal(Method::Execute, act(action, parameters)).await;
        assert_eq!(validation["valid"], false);
        let fault = member(&validation, "fault");
        assert_eq!((fault["code"].as_str(), fault["path"].as_str()), (Some(error.code()), error.path()), "{action}");
    }
}

/// What is valid is executed, unless something changes before.
pub async fn what_is_valid_is_executed(on: Deployment) {
    on.people(3).await;
    for (action, parameters) in [
        ("hire", json!({ "id": 7, "name": "x" })),
        ("introduce", json!({ "from": 1, "to": 2 })),
        ("part", json!({ "from": 1, "to": 2 })),
        ("raise_list", json!({ "people": [1, 2, 3] })),
        ("dismiss", json!({ "person": 3 })),
        ("note", json!({ "text": "x" })),
    ] {
        assert_eq!(validated(&on, action, parameters.clone()).await["valid"], true, "{action}");
        acted(&on, action, parameters).await;
    }
}

//! Properties that may not be seen.

use serde_json::{Value as Json, json};

use super::{Deployment, Method, acting, alice, keys, list, member, name, told};
use crate::ErrorKind;
use crate::kernel::{ObjectSet, SetEvent, Subscribe};

const NO_RANK: &str = "
roles:
  - name: reader
    objects:
      - { types: [Person], verbs: [read], properties: { except: [rank, boss] } }
      - { types: [Team], verbs: [read] }
  - { name: ranks, objects: [{ types: [Person], verbs: [read], properties: { only: [rank] } }] }
";

/// What may not be seen of an object is absent from every answer.
pub async fn masked_properties_are_absent(on: Deployment) {
    let ctx = acting(&on, NO_RANK, alice().with_role(name("reader")));
    let bare = json!({ "id": 2, "name": "p2", "team": "red", "initial": "p2" });
    assert_eq!(on.object_of(&ctx, "Person", 2).await["properties"], bare);
    let selected = json!({ "type": "Person", "keys": [2], "select": ["rank", "name"] });
    let got = on.ask(&ctx, Method::Get, selected).await.unwrap();
    assert_eq!(got["objects"][0]["properties"], json!({ "name": "p2" }));
    let two = json!({ "ids": { "type": "Person", "keys": [2] } });
    let page = on.ask(&ctx, Method::Query, json!({ "set": two, "select": ["rank", "id"] })).await.unwrap();
    assert_eq!(page["objects"][0]["properties"], json!({ "id": 2 }));
    let named = json!({ "set": { "interface": "Named" }, "page": { "size": 10 } });
    let page = on.ask(&ctx, Method::Query, named).await.unwrap();
    for object in list(&member(&page, "objects")) {
        let is_person = object["type"] == json!("Person");
        assert_eq!(object["properties"].get("rank").is_none(), is_person, "{object}");
    }
    let near = on.ask(&ctx, Method::Neighbours, json!({ "type": "Person", "key": 1, "link": "knows" })).await.unwrap();
    assert_eq!(near["neighbours"][0]["object"]["properties"], bare);
    on.wrote(json!({ "modify": { "type": "Person", "key": 2, "properties": { "rank": 77, "name": "q2" } } })).await;
    let history = json!({ "of": { "object": { "type": "Person", "key": 2 } }, "diff": true });
    let versions = on.ask(&ctx, Method::History, history).await.unwrap();
    assert!(!versions.to_string().contains("77") && versions.to_string().contains("q2"), "{versions}");
    let mut live = on.feed.subscribe(&ctx, Subscribe::to(ObjectSet::of("Person"))).await.unwrap();
    let Some(Ok(SetEvent::Initial(initial))) = live.next().await else { panic!("the whole set") };
    assert!(!serde_json::to_string(&initial).unwrap().contains("rank"));
    on.wrote(json!({ "modify": { "type": "Person", "key": 2, "properties": { "rank": 78 } } })).await;
    let Some(Ok(SetEvent::Delta(delta))) = live.next().await else { panic!("a change") };
    assert!(!serde_json::to_string(&delta).unwrap().contains("rank"));
    // What two roles give is put together.
    let both = acting(&on, NO_RANK, alice().with_role(name("reader")).with_role(name("ranks")));
    let seen = on.object_of(&both, "Person", 3).await;
    assert_eq!((&seen["properties"]["rank"], seen["properties"].get("boss")), (&json!(3), None));
}

/// What may not be seen cannot be found out: not by filters, orders, groups, links or text.
pub async fn masked_properties_are_of_no_use(on: Deployment) {
    let ctx = acting(&on, NO_RANK, alice().with_role(name("reader")));
    let person = json!({ "type": "Person" });
    let filtered = |filter: Json| json!({ "set": { "filter": { "from": person, "where": filter } } });
    let gt = json!({ "gt": { "property": "rank", "value": 2 } });
    let has = json!({ "has": { "link": "members", "to": gt } });
    let teams = json!({ "set": { "filter": { "from": { "type": "Team" }, "where": has } } });
    let count = json!([{ "name": "n", "function": "count" }]);
    let max = json!([{ "name": "n", "function": "max", "of": "rank" }]);
    let walk = json!({ "traverse": { "from": person, "link": "staff" } });
    let named = json!({ "interface": "Named" });
    for (method, request, path) in [
        (Method::Query, filtered(gt.clone()), "set.filter.where.gt.property"),
        (
            Method::Query,
            filtered(json!({ "not": { "is_null": { "property": "rank" } } })),
            "set.filter.where.not.is_null.property",
        ),
        (Method::Query, filtered(json!("rank > 2")), "set.filter.where"),
        (Method::Query, filtered(json!({ "has": { "link": "manager" } })), "set.filter.where.has.link"),
        (Method::Query, teams, "set.filter.where.has.to.gt.property"),
        (Method::Query, json!({ "set": person, "order_by": [{ "property": "rank" }] }), "order_by[0].property"),
        (Method::Query, json!({ "set": named, "order_by": [{ "property": "rank" }] }), "order_by[0].property"),
        (Method::Query, json!({ "set": walk }), "set.traverse.link"),
        (
            Method::Aggregate,
            json!({ "set": person, "group_by": [{ "property": "rank" }], "metrics": count }),
            "group_by[0].property",
        ),
        (Method::Aggregate, json!({ "set": person, "metrics": max }), "metrics[0].of"),
        (Method::Neighbours, json!({ "type": "Person", "key": 1, "link": "staff" }), "link"),
        (Method::Links, json!({ "type": "reports", "ends": [{ "source": 2, "target": 1 }] }), "type"),
    ] {
        let shown = request.to_string();
        let error = on.ask(&ctx, method, request).await.expect_err(&shown);
        assert_eq!((error.kind(), told(&error)), (ErrorKind::Forbidden, ("permission.property", path)), "{shown}");
    }
    let seen = json!({ "gt": { "property": "name", "value": "p3" } });
    assert_eq!(keys(&on, &ctx, filtered(seen)["set"].clone()).await.len(), 2);
    let teams = json!({ "type": "Team", "key": "red", "link": "members" });
    assert_eq!(list(&member(&on.ask(&ctx, Method::Neighbours, teams).await.unwrap(), "neighbours")).len(), 2);
}

/// A way to an object that depends on the object adds no property that another way does not give.
pub async fn properties_are_those_of_every_way(on: Deployment) {
    let text = "
roles:
  - { name: names, objects: [{ types: [Person], verbs: [read], properties: { only: [name] } }] }
rules:
  - { name: own, effect: permit, type: Person, verbs: [read], where: id = $actor.person }
  - { name: team, effect: permit, type: Person, verbs: [read], where: team = $actor.team, properties: { only: [rank] } }
";
    let by_role = acting(&on, text, alice().with_role(name("names")));
    assert_eq!(on.object_of(&by_role, "Person", 1).await["properties"], json!({ "id": 1, "name": "p1" }));
    let by_rules = acting(&on, text, alice());
    assert_eq!(on.object_of(&by_rules, "Person", 1).await["properties"], json!({ "id": 1, "rank": 1 }));
    assert_eq!(keys(&on, &by_rules, json!({ "type": "Person" })).await, [json!(1), json!(2)]);
}

/// Masked properties are not written either.
pub async fn masked_properties_are_not_written(on: Deployment) {
    let text = "
roles:
  - name: writer
    objects:
      - { types: [Person], verbs: [read] }
      - { types: [Person], verbs: [create, modify], properties: { except: [rank, boss] } }
";
    let ctx = acting(&on, text, alice().with_role(name("writer")));
    let modify = |properties: Json| json!({ "modify": { "type": "Person", "key": 2, "properties": properties } });
    on.write(&ctx, modify(json!({ "name": "q" }))).await.unwrap();
    let create = |properties: Json| json!({ "create": { "type": "Person", "properties": properties } });
    on.write(&ctx, create(json!({ "id": 20, "name": "x" }))).await.unwrap();
    let boss = json!({ "link": { "type": "reports", "source": 2, "target": 3 } });
    for (edit, path) in [
        (modify(json!({ "name": "r", "rank": 5 })), "edits[0].modify.properties.rank"),
        (create(json!({ "id": 21, "name": "x", "rank": 1 })), "edits[0].create.properties.rank"),
        (boss, "edits[0].link"),
    ] {
        let error = on.write(&ctx, edit).await.unwrap_err();
        assert_eq!(told(&error), ("permission.property", path));
    }
    assert_eq!(on.properties("Person", 2).await["name"], json!("q"));
}

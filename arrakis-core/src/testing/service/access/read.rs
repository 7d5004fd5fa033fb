//! What is seen.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{Deployment, Method, acting, alice, keys, list, member, name, policy, told};
use crate::access::{Access, Check, Held, Origin, Scope, Verb};
use crate::kernel::{ObjectSet, SetEvent, Subscribe};
use crate::{ErrorKind, Key};

const OWN_TEAM: &str = "
rules:
  - { name: own_team, effect: permit, type: Person, verbs: [read], where: team = $actor.team }
";

/// A role gives verbs over types, to whom it is assigned, over what it is assigned.
pub async fn a_role_gives_verbs_over_types(on: Deployment) {
    let text = "
roles:
  - { name: reader, objects: [{ types: [Person], verbs: [read] }] }
  - { name: everything, objects: [{ types: ['*'], verbs: [read, create, modify, delete] }] }
";
    let person = json!({ "type": "Person" });
    let team = json!({ "type": "Team" });
    let reader = acting(&on, text, alice().with_role(name("reader")));
    assert_eq!(keys(&on, &reader, person.clone()).await.len(), 5);
    assert_eq!(keys(&on, &reader, team.clone()).await, Vec::<Json>::new());
    let everything = acting(&on, text, alice().with_role(name("everything")));
    assert_eq!(keys(&on, &everything, team.clone()).await.len(), 2);
    let over = |role: &str, scope| Held { role: name(role), scope, via: None };
    let of_type = acting(&on, text, alice().with(over("everything", Scope::ObjectType(name("Team")))));
    assert_eq!(keys(&on, &of_type, team.clone()).await.len(), 2);
    assert_eq!(keys(&on, &of_type, person.clone()).await.len(), 0);
    let two = alice()
        .with(over("reader", Scope::Object(name("Person"), Key::Integer(2))))
        .with(over("reader", Scope::Object(name("Person"), Key::Integer(4))));
    assert_eq!(keys(&on, &acting(&on, text, two), person.clone()).await, [json!(2), json!(4)]);
    // A role the policy does not have gives nothing, and so the context not even the permission to ask.
    let unknown = acting(&on, text, alice().with_role(name("gone")));
    let error = on.ask(&unknown, Method::Query, json!({ "set": person })).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, "permission.denied"));
}

/// What may not be read is answered by every method like what is not there.
pub async fn what_may_not_be_read_is_not_there(on: Deployment) {
    let ctx = acting(&on, OWN_TEAM, alice());
    let everyone = json!({ "type": "Person" });
    assert_eq!(keys(&on, &ctx, everyone.clone()).await, [json!(1), json!(2)]);
    assert_eq!(keys(&on, &ctx, json!({ "ids": { "type": "Person", "keys": [2, 3, 9] } })).await, [json!(2)]);
    let nobody = json!({ "subtract": [everyone, everyone] });
    assert_eq!(keys(&on, &ctx, nobody).await.len(), 0);
    let got = on.ask(&ctx, Method::Get, json!({ "type": "Person", "keys": [1, 3, 9] })).await.unwrap();
    let there: Vec<bool> = list(&member(&got, "objects")).iter().map(|object| !object.is_null()).collect();
    assert_eq!(there, [true, false, false]);
    let count = json!({ "set": everyone, "metrics": [{ "name": "n", "function": "count" }] });
    let counted = on.ask(&ctx, Method::Aggregate, count).await.unwrap();
    assert_eq!(counted["groups"][0]["metrics"]["n"], json!(2), "{counted}");
    // Of the links 1-2 and 2-3 the second leads to one who may not be read.
    let near = |key: i64| json!({ "type": "Person", "key": key, "link": "knows" });
    for (key, expected) in [(1, 1), (2, 0), (3, 0), (9, 0)] {
        let found = on.ask(&ctx, Method::Neighbours, near(key)).await.unwrap();
        assert_eq!(list(&member(&found, "neighbours")).len(), expected, "of {key}");
    }
    let ends = json!([{ "source": 1, "target": 2 }, { "source": 2, "target": 3 }]);
    let links = on.ask(&ctx, Method::Links, json!({ "type": "knows", "ends": ends })).await.unwrap();
    let there: Vec<bool> = list(&member(&links, "links")).iter().map(|link| !link.is_null()).collect();
    assert_eq!(there, [true, false]);
    let history = |key: i64| json!({ "of": { "object": { "type": "Person", "key": key } } });
    for (key, expected) in [(1, 1), (3, 0), (9, 0)] {
        let found = on.ask(&ctx, Method::History, history(key)).await.unwrap();
        assert_eq!(list(&member(&found, "versions")).len(), expected, "of {key}");
    }
    let link = json!({ "of": { "link": { "type": "knows", "source": 2, "target": 3 } } });
    let found = on.ask(&ctx, Method::History, link).await.unwrap();
    assert_eq!(list(&member(&found, "versions")).len(), 0);
}

/// Conditions on links find only links to what may be read, and walks stop at what may not.
pub async fn links_lead_to_what_may_be_read(on: Deployment) {
    let ctx = acting(&on, OWN_TEAM, alice());
    let has = |link: &str| json!({ "filter": { "from": { "type": "Person" }, "where": { "has": { "link": link } } } });
    assert_eq!(keys(&on, &ctx, has("knows")).await, [json!(1)]);
    assert_eq!(keys(&on, &ctx, has("staff")).await, [json!(1)]);
    assert_eq!(
        keys(&on, &ctx, json!({ "traverse": { "from": { "type": "Person" }, "link": "knows" } })).await,
        [json!(2)]
    );
    // 1-2-3-4-5 with 3 out of sight: no walk goes past 2, though 4 and 5 may be read.
    let but_three = "
rules:
  - { name: all, effect: permit, type: Person, verbs: [read], where: id > 0 }
  - { name: not_three, effect: forbid, type: Person, verbs: [read], where: id = 3 }
";
    let ctx = acting(&on, but_three, alice());
    let from_one = json!({ "ids": { "type": "Person", "keys": [1] } });
    let walk =
        |min: u32, max: u32| json!({ "traverse": { "from": from_one, "link": "knows", "min": min, "max": max } });
    assert_eq!(keys(&on, &ctx, walk(1, 4)).await, [json!(2)]);
    assert_eq!(keys(&on, &ctx, walk(2, 4)).await.len(), 0);
    let from_four = json!({ "ids": { "type": "Person", "keys": [4] } });
    let back = json!({ "traverse": { "from": from_four, "link": "knows", "min": 1, "max": 3, "direction": "either" } });
    assert_eq!(keys(&on, &ctx, back).await, [json!(4), json!(5)], "4-5-4 is a walk");
    // Links that cannot be measured without telling of objects that may not be read are not measured.
    let aggregate = json!({
        "set": { "type": "Person" }, "metrics": [{ "name": "n", "function": "count", "of": "knows.key" }]
    });
    let error = on.ask(&ctx, Method::Aggregate, aggregate).await.unwrap_err();
    assert_eq!(told(&error), ("permission.denied", "metrics[0].of"));
}

/// Forbidding rules and markings deny whatever else grants, and what does not resolve denies.
pub async fn denials_win(on: Deployment) {
    let text = |more: &str| {
        format!(
            "
roles:
  - {{ name: reader, objects: [{{ types: ['*'], verbs: [read] }}] }}
  - {{ name: cleared, markings: [secret] }}
{more}"
        )
    };
    let everyone = || json!({ "type": "Person" });
    let reader = || alice().with_role(name("reader"));
    let forbid = text("rules: [{ name: f, effect: forbid, type: Person, verbs: [read], where: rank >= 3 }]");
    assert_eq!(keys(&on, &acting(&on, &forbid, reader()), everyone()).await, [json!(1), json!(2)]);
    let marked = text("markings: [{ marking: secret, type: Person, where: rank >= 3 }]");
    assert_eq!(keys(&on, &acting(&on, &marked, reader()), everyone()).await, [json!(1), json!(2)]);
    let cleared = reader().with_role(name("cleared"));
    assert_eq!(keys(&on, &acting(&on, &marked, cleared), everyone()).await.len(), 5);
    // Alice has no clearance: a rule about it permits nothing, and forbids everything.
    let permit =
        "rules: [{ name: p, effect: permit, type: Person, verbs: [read], where: NOT rank > $actor.clearance }]";
    assert_eq!(keys(&on, &acting(&on, permit, alice()), everyone()).await.len(), 0);
    let bound = alice().with_attribute(name("clearance"), 2);
    assert_eq!(keys(&on, &acting(&on, permit, bound.clone()), everyone()).await, [json!(1), json!(2)]);
    let unbound =
        text("rules: [{ name: f, effect: forbid, type: Person, verbs: [read], where: rank > $actor.clearance }]");
    assert_eq!(keys(&on, &acting(&on, &unbound, reader()), everyone()).await.len(), 0);
    let bound = bound.with_role(name("reader"));
    assert_eq!(keys(&on, &acting(&on, &unbound, bound), everyone()).await, [json!(1), json!(2)]);
    // A value of another type than declared is none.
    let odd = alice().with_attribute(name("clearance"), "high");
    assert_eq!(keys(&on, &acting(&on, permit, odd), everyone()).await.len(), 0);
    // Lists, groups and roles are said in `in`.
    let teams = "rules: [{ name: p, effect: permit, type: Person, verbs: [read], where: 'in(team, $actor.teams)' }]";
    assert_eq!(keys(&on, &acting(&on, teams, alice()), everyone()).await.len(), 4);
    let groups = "rules: [{ name: p, effect: permit, type: Person, verbs: [read], where: 'in(team, $actor.groups)' }]";
    assert_eq!(keys(&on, &acting(&on, groups, alice().in_group("blue")), everyone()).await, [json!(3), json!(4)]);
    assert_eq!(keys(&on, &acting(&on, groups, alice()), everyone()).await.len(), 0);
}

/// A check answers what lists show, and an explanation names what has a say.
pub async fn a_check_is_explained(on: Deployment) {
    let text = "
roles:
  - { name: reader, objects: [{ types: [Person], verbs: [read] }] }
rules:
  - { name: staff, effect: permit, type: Person, verbs: [modify], where: 'has(manager, *, id = $actor.person)' }
  - { name: high, effect: forbid, type: Person, verbs: [modify], where: rank > 2 }
";
    let held = Held { role: name("reader"), scope: Scope::Tenant, via: Some("everyone".into()) };
    let access = Arc::new(Access::new(policy(text), alice().with(held)));
    let ctx = on.own.clone().with_access(access);
    let check = async |verb: Verb, key: i64| {
        let answer = on.access.check(&ctx, Check::of(verb, "Person", key)).await;
        answer.unwrap_or_else(|e| panic!("{e:?}"))
    };
    assert!(check(Verb::Read, 5).await && !check(Verb::Read, 9).await);
    assert!(check(Verb::Modify, 2).await && !check(Verb::Modify, 3).await && !check(Verb::Modify, 1).await);
    assert!(!check(Verb::Delete, 2).await);
    let why = on.access.explain(&ctx, Check::of(Verb::Modify, "Person", 3)).await.unwrap();
    let reasons: Vec<_> = why.reasons.iter().map(|reason| (reason.origin.clone(), reason.applies)).collect();
    let permit = Origin::Permit { rule: name("staff") };
    let forbid = Origin::Forbid { rule: name("high") };
    assert_eq!((why.allowed, reasons), (false, vec![(permit, Some(true)), (forbid, Some(true))]));
    let why = on.access.explain(&ctx, Check::of(Verb::Read, "Person", 3)).await.unwrap();
    assert_eq!(why.reasons[0].origin, Origin::Role { role: name("reader"), via: Some("everyone".into()) });
    assert_eq!((why.allowed, why.properties.len()), (true, 6));
    let error = on.access.explain(&acting(&on, OWN_TEAM, alice()), Check::of(Verb::Read, "Person", 3)).await;
    assert_eq!(error.unwrap_err().code(), "kernel.object.absent", "nothing is told of what may not be read");
}

/// A version is told to whom it could be read by when it was written.
pub async fn versions_are_told_to_whom_they_could_be_read_by(on: Deployment) {
    let move_to = |team: Json| json!({ "modify": { "type": "Person", "key": 3, "properties": { "team": team } } });
    on.wrote(move_to(json!("red"))).await;
    on.wrote(move_to(json!("blue"))).await;
    on.wrote(json!({ "delete": { "type": "Person", "key": 2 } })).await;
    let ctx = acting(&on, OWN_TEAM, alice());
    let history = async |key: i64, diff: bool| {
        let request = json!({ "of": { "object": { "type": "Person", "key": key } }, "diff": diff });
        let found = on.ask(&ctx, Method::History, request).await.unwrap();
        list(&member(&found, "versions")).to_vec()
    };
    let three = history(3, true).await;
    assert_eq!(three.len(), 1, "{three:?}");
    assert_eq!(three[0]["properties"]["team"], json!("red"));
    assert!(!three[0].to_string().contains("blue"), "what it was before is not told: {}", three[0]);
    let two = history(2, false).await;
    assert_eq!(two.iter().map(|version| version["change"].clone()).collect::<Vec<_>>(), ["created", "deleted"]);
}

/// The feed of changes tells of types that may be read whole; live sets tell of the objects that may.
pub async fn changes_are_told_of_what_may_be_read(on: Deployment) {
    let text = "
roles: [{ name: teams, objects: [{ types: [Team], verbs: [read] }] }]
rules: [{ name: own_team, effect: permit, type: Person, verbs: [read], where: team = $actor.team }]
";
    let ctx = acting(&on, text, alice().with_role(name("teams")));
    let changes = |types: Json| serde_json::from_value(json!({ "after": 0, "types": types })).unwrap();
    let told_of = on.feed.changes(&ctx, changes(json!(["Team"]))).await.unwrap();
    assert_eq!(told_of.commits.iter().map(|commit| commit.objects.len()).sum::<usize>(), 2);
    for types in [json!(["Person"]), json!(["Team", "knows"]), Json::Null] {
        let error = on.feed.changes(&ctx, changes(types)).await.unwrap_err();
        assert_eq!(error.code(), "permission.denied");
    }
    let mut live = on.feed.subscribe(&ctx, Subscribe::to(ObjectSet::of("Person"))).await.unwrap();
    let Some(Ok(SetEvent::Initial(initial))) = live.next().await else { panic!("the whole set") };
    assert_eq!(initial.objects.len(), 2);
    on.wrote(json!({ "modify": { "type": "Person", "key": 3, "properties": { "rank": 9 } } })).await;
    on.wrote(json!({ "modify": { "type": "Person", "key": 3, "properties": { "team": "red" } } })).await;
    let Some(Ok(SetEvent::Delta(delta))) = live.next().await else { panic!("a change") };
    assert_eq!((delta.entered.len(), delta.changed.len(), delta.left.len()), (1, 0, 0));
}

/// An access that is taken back or has expired is refused by every method, and ends the live sets it has.
pub async fn rights_taken_back_are_gone_at_once(on: Deployment) {
    let access = Arc::new(Access::new(policy(OWN_TEAM), alice()));
    let ctx = on.own.clone().with_access(Arc::clone(&access));
    let mut live = on.feed.subscribe(&ctx, Subscribe::to(ObjectSet::of("Person"))).await.unwrap();
    assert!(matches!(live.next().await, Some(Ok(SetEvent::Initial(_)))));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let told = live.next().await;
        (told, live.next().await.is_none())
    });
    access.revoke();
    let (told, has_ended) = tasks.join_next().await.unwrap().unwrap();
    assert_eq!((told.unwrap().unwrap_err().code(), has_ended), ("access.revoked", true));
    let error = on.ask(&ctx, Method::Query, json!({ "set": { "type": "Person" } })).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthenticated, "access.revoked"));
    let mut subject = alice();
    subject.until = Some(on.test.env().now());
    let ctx = acting(&on, OWN_TEAM, subject);
    let error = on.ask(&ctx, Method::Get, json!({ "type": "Person", "keys": [1] })).await.unwrap_err();
    assert_eq!(error.code(), "access.expired");
}

//! Roles, the policy, and questions about them.

use std::time::Duration;

use serde_json::json;

use super::{
    Deployment, GroupMember, NewAssignment, NewUser, RoleService, SetPassword, acting, assigned, code, group, holder,
    name, password_of, people, person, policy, told,
};
use crate::access::{Check, PropertyList, Role, Verb};
use crate::ontology::{Class, NewProperty, OntologyExt, Rule};
use crate::user::{Simulation, UserPatch, WhoCan};
use crate::{ErrorKind, Key, Seq, Timestamp};

fn over(holder: &str, role: &str, object_type: Option<&str>, key: Option<i64>) -> NewAssignment {
    let mut new = NewAssignment::of(GroupMember::User(holder.into()), name(role));
    (new.object_type, new.key) = (object_type.map(name), key.map(Key::from));
    new
}

/// A role is held over its scope, until it expires or is taken away.
pub async fn an_assignment_gives_a_role_over_its_scope_until_it_expires(on: Deployment) {
    for person_name in ["ann", "bob", "cid"] {
        person(&on, person_name).await;
    }
    on.users.assign(&on.own, over("ann", "writer", Some("Person"), Some(2))).await.unwrap();
    on.users.assign(&on.own, over("bob", "auditor", Some("Person"), None)).await.unwrap();
    let until = Timestamp::from_micros_saturating(on.test.env().now().micros() + 60_000_000);
    let cid = NewAssignment { expires_at: Some(until), ..over("cid", "reader", None, None) };
    on.users.assign(&on.own, cid.clone()).await.unwrap();
    assert_eq!(people(&on, &acting(&on, "ann").await).await, [2]);
    assert_eq!(people(&on, &acting(&on, "bob").await).await.len(), 5);
    let ctx = acting(&on, "cid").await;
    assert_eq!(people(&on, &ctx).await.len(), 5);
    on.clock().advance(Duration::from_secs(60));
    assert_eq!(
        code(on.ask(&ctx, super::super::Method::Query, json!({ "set": { "type": "Person" } })).await),
        "access.expired"
    );
    assert!(acting(&on, "cid").await.access().unwrap().subject().held.is_empty());
    let again = [
        on.users.assign(&on.own, cid).await.unwrap_err(),
        on.users.assign(&on.own, over("cid", "nothing", None, None)).await.unwrap_err(),
        on.users.assign(&on.own, over("nobody", "reader", None, None)).await.unwrap_err(),
        on.users.assign(&on.own, over("cid", "reader", None, Some(1))).await.unwrap_err(),
        on.users.assign(&on.own, over("cid", "reader", Some("Nothing"), None)).await.unwrap_err(),
        on.users.unassign(&on.own, "none").await.unwrap_err(),
    ];
    let told: Vec<_> = again.iter().map(told).collect();
    assert_eq!(
        told,
        [
            ("user.assignment.expired", "expires_at"),
            ("access.role.unknown", "role"),
            ("user.absent", "holder"),
            ("user.assignment.type", "type"),
            ("kernel.object_type.unknown", "type"),
            ("user.assignment.absent", ""),
        ]
    );
    // Taken away, it is gone at once.
    let held = on.users.assignments(&on.own, Some(GroupMember::User("ann".into()))).await.unwrap();
    let ctx = acting(&on, "ann").await;
    on.users.unassign(&on.own, &held[0].id).await.unwrap();
    assert_eq!(code(ctx.access().unwrap().check(on.test.env().now())), "access.revoked");
}

/// Nobody gives what they lack: by a role, through a group, or by what another proves with who they are.
pub async fn nobody_gives_what_they_lack(on: Deployment) {
    holder(&on, "helper", &["helper", "reader"]).await;
    holder(&on, "boss", &["administrator"]).await;
    person(&on, "ann").await;
    group(&on, "bosses").await;
    group(&on, "readers").await;
    assigned(&on, GroupMember::Group("bosses".into()), "administrator").await;
    assigned(&on, GroupMember::Group("readers".into()), "reader").await;
    let ctx = acting(&on, "helper").await;
    let users = &on.users;
    let member = || GroupMember::User("ann".into());
    // What is held may be given, over as much or less.
    users.assign(&ctx, over("ann", "reader", None, None)).await.unwrap();
    users.assign(&ctx, over("ann", "reader", Some("Person"), Some(1))).await.unwrap();
    users.add_member(&ctx, "readers", member()).await.unwrap();
    users
        .set_password(&ctx, SetPassword { user: Some("ann".into()), current: None, password: password_of("ann again") })
        .await
        .unwrap();
    let email = |user: &str| UserPatch { user: user.into(), email: Some("eve@x.org".into()), ..UserPatch::default() };
    let key = crate::user::NewApiKey { user: Some("boss".into()), name: "k".into(), roles: None, days: 1 };
    let refused = [
        // With a property more; a verb more; what rules give its holders; everything.
        code(users.assign(&ctx, over("ann", "writer", None, None)).await),
        code(users.assign(&ctx, over("helper", "writer", Some("Person"), Some(1))).await),
        code(users.assign(&ctx, over("ann", "auditor", None, None)).await),
        code(users.assign(&ctx, over("ann", "leader", None, None)).await),
        code(users.assign(&ctx, over("helper", "administrator", None, None)).await),
        // Through a group; by what another proves with who they are; by what identifies them elsewhere.
        code(users.add_member(&ctx, "bosses", member()).await),
        code(users.add_member(&ctx, "bosses", GroupMember::Group("readers".into())).await),
        code(
            users
                .set_password(
                    &ctx,
                    SetPassword { user: Some("boss".into()), current: None, password: password_of("eve") },
                )
                .await,
        ),
        code(users.disable_totp(&ctx, Some("boss"), None).await),
        code(users.update_user(&ctx, email("boss")).await),
        code(crate::user::ApiKeyService::create_api_key(&**users, &ctx, key).await),
    ];
    assert!(refused.iter().all(|code| code == "access.escalation"), "{refused:?}");
    // Whoever may change the policy and does not hold everything would give themselves everything.
    let mut sneaky = policy();
    let permissions = vec![crate::Permission::PolicyManage, crate::Permission::PolicyRead];
    sneaky.roles.push(Role { name: name("sneak"), permissions, ..sneaky.roles[4].clone() });
    users.apply_policy(&on.own, sneaky, None).await.unwrap();
    holder(&on, "sneak", &["sneak"]).await;
    let sneak = acting(&on, "sneak").await;
    assert_eq!(code(users.apply_policy(&sneak, policy(), None).await), "access.escalation");
    users.apply_policy(&acting(&on, "boss").await, policy(), None).await.unwrap();
}

/// A policy is put in force whole, in place of the one it was made from, or not at all.
pub async fn a_policy_is_applied_whole(on: Deployment) {
    let before = on.users.policy(&on.own).await.unwrap();
    assert_eq!(*before.policy, policy());
    let mut unsound = policy();
    unsound.rules[0].object_type = name("Nothing");
    let error = on.users.apply_policy(&on.own, unsound, None).await.unwrap_err();
    assert_eq!((error.code(), error.path()), ("access.policy.unsound", Some("rules[0].type")));
    assert_eq!(code(on.users.apply_policy(&on.own, policy(), Some(Seq(1))).await), "user.policy.moved");
    // A long one, in several parts; and a short one again.
    holder(&on, "ann", &["reader"]).await;
    let ctx = acting(&on, "ann").await;
    let mut long = policy();
    let description = Some("é".repeat(200));
    let more = (0..3_000).map(|index| Role {
        name: name(&format!("r{index}")),
        description: description.clone(),
        ..long.roles[1].clone()
    });
    let more: Vec<_> = more.collect();
    long.roles.extend(more);
    let applied = on.users.apply_policy(&on.own, long.clone(), Some(before.revision)).await.unwrap();
    let kept = on.users.policy(&on.own).await.unwrap();
    assert_eq!((&*kept.policy, kept.revision), (&long, applied.revision));
    assert_eq!(code(ctx.access().unwrap().check(on.test.env().now())), "access.revoked");
    let other = on.another_users().await;
    assert_eq!(*other.policy(&on.own).await.unwrap().policy, long);
    assigned(&on, GroupMember::User("ann".into()), "r2999").await;
    on.users.apply_policy(&on.own, policy(), None).await.unwrap();
    assert_eq!(*on.users.policy(&on.own).await.unwrap().policy, policy());
    // A role that is gone gives nothing; the others stay.
    assert_eq!(people(&on, &acting(&on, "ann").await).await.len(), 5);
}

/// Who may do something is answered by the predicate that lists are narrowed by.
pub async fn who_can_is_answered(on: Deployment) {
    holder(&on, "ann", &["reader"]).await;
    holder(&on, "bob", &["writer"]).await;
    holder(&on, "cid", &["auditor"]).await;
    let red = json!({ "team": "red" }).as_object().unwrap().clone();
    on.users.create_user(&on.own, NewUser { name: "dan".into(), attributes: red, ..NewUser::default() }).await.unwrap();
    holder(&on, "eve", &["administrator"]).await;
    let suspended =
        UserPatch { user: "eve".into(), status: Some(crate::user::UserStatus::Suspended), ..UserPatch::default() };
    on.users.update_user(&on.own, suspended).await.unwrap();
    let ask = |verb, key| WhoCan { check: Check::of(verb, "Person", key), after: String::new(), limit: None };
    for (verb, key, expected) in [
        (Verb::Read, 1, &["ann", "bob", "cid", "dan"][..]),
        (Verb::Read, 4, &["ann", "bob", "cid"]),
        (Verb::Modify, 1, &["bob"]),
        (Verb::Delete, 1, &[]),
    ] {
        assert_eq!(on.users.who_can(&on.own, ask(verb, key)).await.unwrap().users, expected, "{verb:?} {key}");
    }
    let page = on.users.who_can(&on.own, WhoCan { limit: Some(2), ..ask(Verb::Read, 1) }).await.unwrap();
    assert_eq!((page.users, page.next), (vec!["ann".into(), "bob".into()], Some("bob".to_owned())));
    // It is asked of what one may read oneself.
    let cid = acting(&on, "cid").await;
    assert_eq!(on.users.who_can(&cid, ask(Verb::Modify, 1)).await.unwrap().users, ["bob"]);
    assert_eq!(code(on.users.who_can(&on.own, ask(Verb::Read, 99)).await), "kernel.object.absent");
}

/// Why another may, or may not, is told to whom may know.
pub async fn an_explanation_is_told_of_another(on: Deployment) {
    holder(&on, "ann", &["reader"]).await;
    person(&on, "bob").await;
    let check = |verb| Check::of(verb, "Person", 1);
    let ann = on.users.explain_as(&on.own, "ann", check(Verb::Read)).await.unwrap();
    assert!(ann.allowed && ann.reasons.iter().any(|reason| reason.applies == Some(true)), "{ann:?}");
    assert!(!ann.properties.contains(&name("rank")) && ann.properties.contains(&name("name")), "{ann:?}");
    // Why one may not read what they know nothing of is told to whoever may know.
    let bob = on.users.explain_as(&on.own, "bob", check(Verb::Read)).await.unwrap();
    assert!(!bob.allowed && bob.properties.is_empty(), "{bob:?}");
    holder(&on, "cid", &["auditor"]).await;
    let cid = acting(&on, "cid").await;
    assert!(!on.users.explain_as(&cid, "bob", check(Verb::Read)).await.unwrap().allowed);
    assert_eq!(code(on.users.explain_as(&cid, "nobody", check(Verb::Read)).await), "user.absent");
}

/// What a change would come to is told, and nothing of it is made.
pub async fn a_change_is_simulated(on: Deployment) {
    holder(&on, "ann", &["reader"]).await;
    let held = on.users.assignments(&on.own, None).await.unwrap();
    person(&on, "bob").await;
    let nothing =
        on.users.simulate(&on.own, Simulation { policy: Some(policy()), ..Simulation::default() }).await.unwrap();
    assert_eq!(nothing.count, 0, "{nothing:?}");
    let change = Simulation {
        assign: vec![over("bob", "reader", None, None)],
        unassign: vec![held[0].id.clone()],
        policy: None,
    };
    let simulated = on.users.simulate(&on.own, change).await.unwrap();
    let told: Vec<_> = simulated.differences.iter().map(|of| (&*of.user, of.object_type.as_str(), of.verb)).collect();
    assert_eq!(told, [("ann", "Person", Verb::Read), ("bob", "Person", Verb::Read)], "{simulated:?}");
    let mut stricter = policy();
    stricter.roles[1].objects.clear();
    let simulated =
        on.users.simulate(&on.own, Simulation { policy: Some(stricter), ..Simulation::default() }).await.unwrap();
    assert_eq!((simulated.count, &*simulated.differences[0].user), (1, "ann"), "{simulated:?}");
    // Nothing of it is made.
    assert_eq!(on.users.assignments(&on.own, None).await.unwrap(), held);
    let mut unsound = policy();
    unsound.rules[0].object_type = name("Nothing");
    let error =
        on.users.simulate(&on.own, Simulation { policy: Some(unsound), ..Simulation::default() }).await.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Invalid, Some("policy.rules[0].type")));
}

/// A plan of the ontology tells what it would break in the policy in force, and does not publish it unseen.
pub async fn a_plan_tells_what_it_breaks_in_the_policy(on: Deployment) {
    let schema = on.ontology.schema(&on.own).await.unwrap();
    let before = schema.definition.clone();
    let mut definition = before.clone();
    let person = definition.object_types.iter_mut().find(|of| of.name == "Person").unwrap();
    let note =
        NewProperty { name: name("note"), ..person.properties.iter().find(|of| of.name == "name").unwrap().clone() };
    person.properties.push(NewProperty { required: false, ..note });
    on.ontology.publish(&on.own, definition).await.unwrap();
    let mut careful = policy();
    careful.roles[1].objects[0].properties = PropertyList::Except(vec![name("rank"), name("note")]);
    on.users.apply_policy(&on.own, careful, None).await.unwrap();
    let plan = on.ontology.plan(&on.own, before.clone()).await.unwrap();
    let broken: Vec<_> = plan.findings.iter().filter(|finding| finding.rule == Rule::PolicyBroken).collect();
    assert!(broken.len() == 1 && broken[0].path == "policy.roles[1].objects[0].properties[1]", "{:?}", plan.findings);
    assert!(broken[0].message.contains("kernel.property.unknown") && broken[0].class == Class::Breaking, "{broken:?}");
    // A tenant without a policy is told nothing of another's.
    let plan = on.ontology.plan(&on.stranger, before).await.unwrap();
    assert!(plan.findings.iter().all(|finding| finding.rule != Rule::PolicyBroken));
}

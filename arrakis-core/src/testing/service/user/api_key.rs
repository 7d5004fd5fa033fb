//! API keys.

use std::time::Duration;

use super::{
    Context, Deployment, GroupMember, NewAssignment, SetPassword, acting, assigned, code, context, holder, name,
    password_of, people, service, told,
};
use crate::user::{NewApiKey, UserPatch, UserStatus};

fn new_key(user: &str, roles: Option<&[&str]>) -> NewApiKey {
    let roles = roles.map(|roles| roles.iter().map(|role| name(role)).collect());
    NewApiKey { user: Some(user.into()), name: "nightly".into(), roles, days: 30 }
}

/// A key acts with the roles of its user, or those of them that it names.
pub async fn a_key_acts_with_its_roles(on: Deployment) {
    let robot = service(&on, "robot").await;
    for role in ["reader", "helper"] {
        assigned(&on, GroupMember::User(robot.id.clone()), role).await;
    }
    let whole = on.users.create_api_key(&on.own, new_key("robot", None)).await.unwrap();
    let narrow = on.users.create_api_key(&on.own, new_key("robot", Some(&["reader", "administrator"]))).await.unwrap();
    assert!(whole.key.expose().starts_with("ark_live_svc_"), "{:?}", whole.info);
    let roles = |ctx: &Context| {
        ctx.access().unwrap().subject().held.iter().map(|held| held.role.to_string()).collect::<Vec<_>>()
    };
    let ctx = context(&on, &whole.key).await.unwrap();
    assert_eq!(ctx.actor().as_str(), "service:robot");
    let mut held = roles(&ctx);
    held.sort();
    assert_eq!(held, ["helper", "reader"]);
    let ctx = context(&on, &narrow.key).await.unwrap();
    assert_eq!((roles(&ctx), people(&on, &ctx).await.len()), (vec!["reader".to_owned()], 5));
    let mut listed: Vec<_> =
        on.users.api_keys(&on.own, Some("robot")).await.unwrap().into_iter().map(|key| key.id).collect();
    listed.sort();
    let mut made = vec![whole.info.id, narrow.info.id];
    made.sort();
    assert_eq!(listed, made);
    for days in [0, 366] {
        let error = on.users.create_api_key(&on.own, NewApiKey { days, ..new_key("robot", None) }).await.unwrap_err();
        assert_eq!(told(&error), ("user.api_key.days", "days"));
    }
}

/// A key ends when it is revoked, when its time is over, and while its user is suspended.
pub async fn a_key_ends(on: Deployment) {
    let robot = service(&on, "robot").await;
    assigned(&on, GroupMember::User(robot.id.clone()), "reader").await;
    let [one, two] = [0, 1].map(|_| on.users.create_api_key(&on.own, new_key("robot", None)));
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    on.users.revoke_api_key(&on.own, Some("robot"), &one.info.id).await.unwrap();
    assert_eq!(code(on.users.authenticate(&on.own, &one.key).await), "auth.refused");
    assert_eq!(code(on.users.revoke_api_key(&on.own, Some("robot"), &one.info.id).await), "user.api_key.absent");
    let ctx = context(&on, &two.key).await.unwrap();
    let status = |status| UserPatch { user: "robot".into(), status: Some(status), ..UserPatch::default() };
    on.users.update_user(&on.own, status(UserStatus::Suspended)).await.unwrap();
    assert_eq!(code(on.users.authenticate(&on.own, &two.key).await), "auth.refused");
    assert_eq!(code(ctx.access().unwrap().check(on.test.env().now())), "access.revoked");
    on.users.update_user(&on.own, status(UserStatus::Active)).await.unwrap();
    assert!(on.users.authenticate(&on.own, &two.key).await.is_ok());
    on.clock().advance(Duration::from_secs(30 * 86_400));
    assert_eq!(code(on.users.authenticate(&on.own, &two.key).await), "auth.refused");
}

/// The hour a key was used in is written down.
pub async fn a_key_tells_when_it_was_used(on: Deployment) {
    service(&on, "robot").await;
    let made = on.users.create_api_key(&on.own, new_key("robot", None)).await.unwrap();
    assert_eq!(made.info.used_at, None);
    on.clock().advance(Duration::from_secs(5_400));
    on.users.authenticate(&on.own, &made.key).await.unwrap();
    let directory = on.engine.directory(&on.own).await.unwrap();
    let mut seen = directory.seq();
    let used = loop {
        let used = on.users.api_keys(&on.own, Some("robot")).await.unwrap()[0].used_at;
        if let Some(used) = used {
            break used;
        }
        // It is written with the next look for changes.
        if directory.caught_up(seen.next()).await.is_ok() {
            seen = directory.seq();
        }
    };
    assert_eq!(used.to_string(), "2026-01-01T01:00:00.000000Z");
}

/// Who acts by a key with some of a user's roles makes no key with more, and sets up nothing for the user.
pub async fn a_narrow_key_makes_no_wider_one(on: Deployment) {
    let ann = holder(&on, "ann", &["reader", "helper"]).await;
    let narrow = on.users.create_api_key(&on.own, new_key("ann", Some(&["reader"]))).await.unwrap();
    let ctx = context(&on, &narrow.key).await.unwrap();
    assert_eq!(code(on.users.create_api_key(&ctx, new_key("ann", None)).await), "access.escalation");
    assert_eq!(code(on.users.enrol_totp(&ctx).await), "access.escalation");
    let set = SetPassword { user: None, current: Some(password_of("ann")), password: password_of("eve") };
    assert_eq!(code(on.users.set_password(&ctx, set).await), "access.escalation");
    // Whoever has all of them does; what has expired is none.
    let until = crate::Timestamp::from_micros_saturating(on.test.env().now().micros() + 60_000_000);
    let writer = NewAssignment::of(GroupMember::User(ann.id), name("writer"));
    on.users.assign(&on.own, NewAssignment { expires_at: Some(until), ..writer }).await.unwrap();
    on.clock().advance(Duration::from_secs(60));
    let whole = acting(&on, "ann").await;
    on.users.create_api_key(&whole, new_key("ann", None)).await.unwrap();
}

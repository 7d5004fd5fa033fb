//! Users.

use std::collections::HashSet;

use serde_json::json;

use super::{
    Context, Deployment, GroupMember, NewAssignment, NewGroup, NewUser, Result, SetPassword, User, acting, code,
    context, group, holder, login, login_of, name, password_of, people, person, policy, told,
};
use crate::kernel::{ChangesSince, ObjectSet, Query};
use crate::user::{ListUsers, NewApiKey, UserPatch, UserStatus, directory_scope};
use crate::{ErrorKind, Grants, Permission};

/// A user is kept as stated, found by id, name and address, and listed; who did what is in the log.
pub async fn a_user_is_kept_as_stated(on: Deployment) {
    let attributes = json!({ "team": "red" }).as_object().unwrap().clone();
    let new = NewUser {
        name: "Ann.Ames".into(),
        display_name: Some("Ann Ames".into()),
        email: Some("Ann@Example.com".into()),
        attributes,
        ..NewUser::default()
    };
    let ann = on.users.create_user(&on.own, new).await.unwrap();
    assert_eq!((&*ann.name, ann.email.as_deref(), ann.email_verified), ("ann.ames", Some("ann@example.com"), false));
    for named in [&*ann.id, "ann.ames", "ANN.AMES", "ann@example.com"] {
        assert_eq!(on.users.user(&on.own, named).await.unwrap(), ann, "{named}");
    }
    let patch = UserPatch { user: "ann.ames".into(), display_name: Some(String::new()), ..UserPatch::default() };
    let renamed = on.users.update_user(&on.own, patch).await.unwrap();
    assert_eq!(renamed, User { display_name: None, ..ann.clone() });
    for index in 0..5 {
        person(&on, &format!("p{index}")).await;
    }
    let mut names = Vec::new();
    let mut request = ListUsers { limit: Some(2), ..ListUsers::default() };
    loop {
        let page = on.users.users(&on.own, request.clone()).await.unwrap();
        assert!(page.users.len() <= 2);
        names.extend(page.users.into_iter().map(|user| user.name));
        let Some(next) = page.next else { break };
        request.after = next;
    }
    assert_eq!(names, ["ann.ames", "p0", "p1", "p2", "p3", "p4"]);
    // Who did what is in the log.
    let directory = on.own.clone().acting_as(crate::Actor::system());
    let directory =
        Context::new(directory_scope(on.own.scope().tenant), directory.actor().clone(), directory.request_id());
    let changes = on.feed.changes(&directory.granted(Grants::all()), ChangesSince::default()).await.unwrap();
    let methods: HashSet<_> = changes
        .commits
        .iter()
        .filter_map(|commit| commit.origin.as_ref())
        .map(|of| of.audit.method.to_string())
        .collect();
    for method in ["policy.apply", "user.create", "user.update", "user.set_password"] {
        assert!(methods.contains(method), "{method} in {methods:?}");
    }
}

/// A name and an address are one user's, and what a body may say is said of each request.
pub async fn names_and_addresses_are_one_users(on: Deployment) {
    let new = |name: &str, email: &str| NewUser { name: name.into(), email: Some(email.into()), ..NewUser::default() };
    on.users.create_user(&on.own, new("ann", "ann@x.org")).await.unwrap();
    for (name, email, expected) in [
        ("ANN", "b@x.org", ("user.name.taken", "name")),
        ("bob", "ANN@x.org", ("user.email.taken", "email")),
        ("", "b@x.org", ("user.name.malformed", "name")),
        ("a b", "b@x.org", ("user.name.malformed", "name")),
        ("a\u{202e}b", "b@x.org", ("user.name.malformed", "name")),
        ("0190a5a0-0000-7000-8000-000000000000", "b@x.org", ("user.name.malformed", "name")),
        (&"x".repeat(201), "b@x.org", ("user.name.malformed", "name")),
        ("bob", "no address", ("user.email.malformed", "email")),
        ("bob", "a@b@c", ("user.email.malformed", "email")),
    ] {
        let error = on.users.create_user(&on.own, new(name, email)).await.unwrap_err();
        assert_eq!(told(&error), expected, "{name} {email}");
    }
    // Two at once are one.
    let both = [0, 1].map(|_| on.users.create_user(&on.own, new("twin", "twin@x.org")));
    let [one, other] = both;
    let (one, other) = join(one, other).await;
    let errors: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    assert!(errors.len() == 1 && errors[0].kind() == ErrorKind::AlreadyExists, "{errors:?}");
    // What a body may say is said of each request: what only the service sets is not among it.
    for forged in [
        json!({ "name": "eve", "id": "1" }),
        json!({ "name": "eve", "status": "active" }),
        json!({ "name": "eve", "email_verified": true }),
        json!({ "name": "eve", "roles": ["administrator"] }),
    ] {
        assert!(serde_json::from_value::<NewUser>(forged.clone()).is_err(), "{forged}");
    }
    for forged in [
        json!({ "user": "ann", "kind": "service" }),
        json!({ "user": "ann", "name": "eve" }),
        json!({ "user": "ann", "email_verified": true }),
    ] {
        assert!(serde_json::from_value::<UserPatch>(forged.clone()).is_err(), "{forged}");
    }
}

async fn join<A, B>(one: impl std::future::Future<Output = A>, other: impl std::future::Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(|cx| {
        if first.is_none()
            && let std::task::Poll::Ready(answer) = one.as_mut().poll(cx)
        {
            first = Some(answer);
        }
        if second.is_none()
            && let std::task::Poll::Ready(answer) = other.as_mut().poll(cx)
        {
            second = Some(answer);
        }
        if first.is_some() && second.is_some() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    (first.unwrap(), second.unwrap())
}

/// A user is exported whole, and deleted with everything that is kept of it.
pub async fn a_user_is_deleted_with_what_is_kept_of_it(on: Deployment) {
    let ann = holder(&on, "ann", &["reader", "helper"]).await;
    let staff = group(&on, "staff").await;
    on.users.add_member(&on.own, "staff", GroupMember::User("ann".into())).await.unwrap();
    let tokens = login(&on, "ann").await;
    let ctx = context(&on, &tokens.access).await.unwrap();
    let key = NewApiKey { user: None, name: "laptop".into(), roles: None, days: 1 };
    let key = on.users.create_api_key(&ctx, key).await.unwrap();
    let export = on.users.export_user(&ctx, "ann").await.unwrap();
    assert_eq!((&export.user, &*export.groups), (&ann, &["staff".to_owned()][..]));
    assert_eq!((export.assignments.len(), export.sessions.len(), export.api_keys.len()), (2, 1, 1));
    on.users.delete_user(&on.own, "ann").await.unwrap();
    assert_eq!(code(on.users.user(&on.own, "ann").await), "user.absent");
    for credential in [&tokens.access, &key.key] {
        assert_eq!(code(on.users.authenticate(&on.own, credential).await), "auth.refused");
    }
    assert_eq!(code(on.users.refresh(&on.own, &tokens.refresh).await), "auth.refused");
    assert!(on.users.members(&on.own, &staff.id).await.unwrap().is_empty());
    assert!(on.users.assignments(&on.own, None).await.unwrap().is_empty());
    assert_eq!(code(ctx.access().unwrap().check(on.test.env().now())), "access.revoked");
    // Another of the name is another.
    let other = person(&on, "ann").await;
    assert_ne!(other.id, ann.id);
    assert!(on.users.export_user(&on.own, "ann").await.unwrap().assignments.is_empty());
}

/// Each method needs the permission it names.
pub async fn methods_need_their_permissions(on: Deployment) {
    person(&on, "ann").await;
    group(&on, "staff").await;
    let all: Vec<Permission> = Permission::ALL.into();
    let lacking = |needed: Permission| {
        let others = all.iter().filter(move |other| **other != needed);
        on.own.clone().granted(others.fold(Grants::NONE, |grants, other| grants.with(*other)))
    };
    let check = crate::access::Check::of(crate::access::Verb::Read, "Person", 1);
    let (manage, read, assign) =
        (lacking(Permission::UserManage), lacking(Permission::UserRead), lacking(Permission::RoleAssign));
    let (asks, governs) = (lacking(Permission::PolicyRead), lacking(Permission::PolicyManage));
    let new = || NewUser { name: "eve".into(), ..NewUser::default() };
    let ann = || GroupMember::User("ann".into());
    let who = crate::user::WhoCan { check: check.clone(), after: String::new(), limit: None };
    let key = || NewApiKey { user: Some("ann".into()), name: "k".into(), roles: None, days: 1 };
    let set = SetPassword { user: Some("ann".into()), current: None, password: password_of("eve") };
    let users = &on.users;
    let refused = [
        code(users.create_user(&manage, new()).await),
        code(users.invite(&manage, new()).await),
        code(users.update_user(&manage, UserPatch { user: "ann".into(), ..UserPatch::default() }).await),
        code(users.delete_user(&manage, "ann").await),
        code(users.export_user(&manage, "ann").await),
        code(users.user(&read, "ann").await),
        code(users.users(&read, ListUsers::default()).await),
        code(users.create_group(&manage, NewGroup { name: "g".into(), description: None }).await),
        code(users.groups(&read).await),
        code(users.delete_group(&manage, "staff").await),
        code(users.members(&read, "staff").await),
        code(users.add_member(&manage, "staff", ann()).await),
        code(users.remove_member(&manage, "staff", ann()).await),
        code(users.assign(&assign, NewAssignment::of(ann(), name("reader"))).await),
        code(users.unassign(&assign, "none").await),
        code(users.assignments(&read, None).await),
        code(users.policy(&asks).await),
        code(users.apply_policy(&governs, policy(), None).await),
        code(users.explain_as(&asks, "ann", check).await),
        code(users.who_can(&asks, who).await),
        code(users.simulate(&asks, crate::user::Simulation::default()).await),
        code(users.set_password(&manage, set).await),
        code(users.disable_totp(&manage, Some("ann"), None).await),
        code(users.sessions(&manage, Some("ann")).await),
        code(users.end_sessions(&manage, Some("ann"), None).await),
        code(users.create_api_key(&manage, key()).await),
        code(users.api_keys(&manage, Some("ann")).await),
        code(users.revoke_api_key(&manage, Some("ann"), "none").await),
        code(users.revoke_issued(&manage, crate::user::Issued::Everyone).await),
        code(on.engine.bootstrap(&manage).await),
        code(on.engine.rotate_keys(&lacking(Permission::TenancyManage)).await),
    ];
    assert!(refused.iter().all(|code| code == "permission.denied"), "{refused:?}");
    // Of users that are not there nobody is told who may not know of those that are.
    let ctx = acting(&on, "ann").await;
    let answers = [
        code(users.user(&ctx, "nobody").await),
        code(users.export_user(&ctx, "nobody").await),
        code(users.sessions(&ctx, Some("nobody")).await),
    ];
    assert!(answers.iter().all(|code| code == "permission.denied"), "{answers:?}");
    assert_eq!(users.user(&ctx, "ann").await.unwrap().name, "ann");
}

/// What belongs to another tenant is absent, by every method.
pub async fn tenants_keep_their_users_apart(on: Deployment) {
    let ann = holder(&on, "ann", &["administrator"]).await;
    let (staff, tokens) = (group(&on, "staff").await, login(&on, "ann").await);
    let ctx = context(&on, &tokens.access).await.unwrap();
    let key =
        on.users.create_api_key(&ctx, NewApiKey { user: None, name: "k".into(), roles: None, days: 1 }).await.unwrap();
    let assignment = on.users.assignments(&on.own, None).await.unwrap().remove(0);
    for other in [&on.neighbour, &on.stranger] {
        let users = &on.users;
        let id = &*ann.id;
        let absent = [
            code(users.user(other, id).await),
            code(users.update_user(other, UserPatch { user: id.into(), ..UserPatch::default() }).await),
            code(users.delete_user(other, id).await),
            code(users.export_user(other, id).await),
            code(users.sessions(other, Some(id)).await),
            code(users.end_sessions(other, Some(id), Some(&tokens.session)).await),
            code(users.api_keys(other, Some(id)).await),
            code(users.revoke_api_key(other, Some(id), &key.info.id).await),
            code(
                users
                    .create_api_key(other, NewApiKey { user: Some(id.into()), name: "k".into(), roles: None, days: 1 })
                    .await,
            ),
            code(users.disable_totp(other, Some(id), None).await),
            code(
                users
                    .set_password(
                        other,
                        SetPassword { user: Some(id.into()), current: None, password: password_of("eve") },
                    )
                    .await,
            ),
        ];
        assert!(absent.iter().all(|code| code == "user.absent"), "{absent:?}");
        assert_eq!(code(users.delete_group(other, &staff.id).await), "user.group.absent");
        assert_eq!(code(users.members(other, &staff.id).await), "user.group.absent");
        assert_eq!(code(users.unassign(other, &assignment.id).await), "user.assignment.absent");
        for credential in [&tokens.access, &key.key] {
            assert_eq!(code(users.authenticate(other, credential).await), "auth.refused");
        }
        assert_eq!(code(users.refresh(other, &tokens.refresh).await), "auth.refused");
        assert_eq!(code(users.login(other, login_of("ann")).await), "auth.refused");
        assert!(users.users(other, ListUsers::default()).await.unwrap().users.is_empty());
        // The same name is another's there.
        let new = NewUser { name: "ann".into(), ..NewUser::default() };
        assert_ne!(users.create_user(other, new).await.unwrap().id, ann.id);
    }
    assert_eq!(on.users.user(&on.own, "ann").await.unwrap(), ann);
}

/// No secret is in the store, the log or what is printed.
pub async fn no_secret_is_kept_in_the_clear(on: Deployment) {
    let ann = holder(&on, "ann", &["helper"]).await;
    let tokens = login(&on, "ann").await;
    let ctx = context(&on, &tokens.access).await.unwrap();
    let key =
        on.users.create_api_key(&ctx, NewApiKey { user: None, name: "k".into(), roles: None, days: 1 }).await.unwrap();
    let totp = on.users.enrol_totp(&ctx).await.unwrap();
    let invitation = on.users.invite(&on.own, NewUser { name: "bob".into(), ..NewUser::default() }).await.unwrap();
    let secrets =
        [&password_of("ann"), &tokens.access, &tokens.refresh, &key.key, &totp.secret, &totp.uri, &invitation.secret];
    let shown = format!("{tokens:?}{key:?}{totp:?}{invitation:?}{:?}{:?}", login_of("ann"), on.users);
    let mut kept = shown;
    let directory = Context::new(directory_scope(on.own.scope().tenant), on.own.actor().clone(), on.own.request_id());
    let directory = directory.granted(Grants::all());
    for object_type in ["User", "Credential", "Session", "ApiKey", "Invitation"] {
        let page = on.kernel.query(&directory, Query::of(ObjectSet::of(object_type))).await.unwrap();
        kept += &serde_json::to_string(&page).unwrap();
    }
    kept += &serde_json::to_string(&on.feed.changes(&directory, ChangesSince::default()).await.unwrap()).unwrap();
    assert!(kept.contains(&ann.id) && kept.contains("$argon2id$"));
    for secret in secrets {
        let secret = secret.expose();
        assert!(!kept.contains(secret) && !kept.contains(&secret[secret.len() - 20..]), "{secret}");
    }
}

/// A suspended user is nobody, at once; reinstated, it logs in anew.
pub async fn a_suspended_user_is_nobody_until_reinstated(on: Deployment) {
    holder(&on, "ann", &["reader"]).await;
    let tokens = login(&on, "ann").await;
    let ctx = context(&on, &tokens.access).await.unwrap();
    let status = |status| UserPatch { user: "ann".into(), status: Some(status), ..UserPatch::default() };
    on.users.update_user(&on.own, status(UserStatus::Suspended)).await.unwrap();
    assert_eq!(
        code(on.ask(&ctx, super::super::Method::Query, json!({ "set": { "type": "Person" } })).await),
        "access.revoked"
    );
    assert_eq!(code(on.users.authenticate(&on.own, &tokens.access).await), "auth.refused");
    assert_eq!(code(on.users.refresh(&on.own, &tokens.refresh).await), "auth.refused");
    assert_eq!(code(on.users.login(&on.own, login_of("ann")).await), "auth.refused");
    on.users.update_user(&on.own, status(UserStatus::Active)).await.unwrap();
    // What was ended stays so.
    assert_eq!(code(on.users.authenticate(&on.own, &tokens.access).await), "auth.refused");
    assert_eq!(people(&on, &acting(&on, "ann").await).await.len(), 5);
}

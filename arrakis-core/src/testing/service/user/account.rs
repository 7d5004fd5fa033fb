//! What users prove with who they are.

use std::time::Duration;

use super::{
    AuthService, Deployment, Login, Secret, SetPassword, acting, code, context, login, login_of, password_of, person,
    service, told,
};
use crate::Context;
use crate::credential::totp::{TotpSecret, step_at};
use crate::user::{SESSIONS_MAX, SecondFactor};

/// A password is set by whoever knows the one there is, or holds as much, and keeps the rules.
pub async fn a_password_is_set_by_its_rules(on: Deployment) {
    person(&on, "ann.ames").await;
    let ctx = acting(&on, "ann.ames").await;
    let set = |current: Option<&str>, password: &str| SetPassword {
        user: None,
        current: current.map(Secret::from),
        password: password.into(),
    };
    let current = password_of("ann.ames");
    let current = current.expose();
    for (current, password, expected) in [
        (None, "a new password", ("auth.refused", "current")),
        (Some("another"), "a new password", ("auth.refused", "current")),
        (Some(current), "short", ("password.length", "password")),
        (Some(current), "password123", ("password.breached", "password")),
        (Some(current), "Ann.Ames", ("password.is_name", "password")),
    ] {
        let error = on.users.set_password(&ctx, set(current, password)).await.unwrap_err();
        assert_eq!(told(&error), expected, "{password}");
    }
    on.users.set_password(&ctx, set(Some(current), "a new password")).await.unwrap();
    // Whoever was logged in is not any more.
    assert!(on.users.sessions(&on.own, Some("ann.ames")).await.unwrap().is_empty());
    assert_eq!(code(on.users.login(&on.own, login_of("ann.ames")).await), "auth.refused");
    on.users.login(&on.own, Login { password: "a new password".into(), ..login_of("ann.ames") }).await.unwrap();
    let robot = service(&on, "robot").await;
    let robots = SetPassword { user: Some(robot.id), current: None, password: password_of("robot") };
    assert_eq!(code(on.users.set_password(&on.own, robots).await), "user.service");
    assert_eq!(code(on.users.set_password(&on.own, set(None, "a new password")).await), "user.unnamed");
}

/// Once a code has confirmed the secret, each login takes a code or recovery code, each of which is used once.
pub async fn one_time_codes_are_asked_for_once_confirmed(on: Deployment) {
    person(&on, "ann").await;
    let ctx = acting(&on, "ann").await;
    assert_eq!(code(on.users.confirm_totp(&ctx, &"000000".into()).await), "user.totp.pending");
    let enrolment = on.users.enrol_totp(&ctx).await.unwrap();
    // Until it is confirmed nothing is asked for.
    login(&on, "ann").await;
    let secret = TotpSecret::read(enrolment.secret.expose());
    let code_now = |on: &Deployment| Secret::from(secret.code(step_at(on.test.env().now())));
    assert_eq!(code(on.users.confirm_totp(&ctx, &"abcdef".into()).await), "auth.refused");
    let codes = on.users.confirm_totp(&ctx, &code_now(&on)).await.unwrap().codes;
    assert_eq!(code(on.users.enrol_totp(&ctx).await), "user.totp.enrolled");
    let with = |second| Login { second, ..login_of("ann") };
    assert_eq!(code(on.users.login(&on.own, with(None)).await), "auth.second_factor");
    // A wrong password is wrong, whatever code comes with it.
    let wrong = Login { password: "another".into(), ..with(None) };
    assert_eq!(code(on.users.login(&on.own, wrong).await), "auth.refused");
    // The code that confirmed is used; the next is used once.
    assert_eq!(code(on.users.login(&on.own, with(Some(SecondFactor::Totp(code_now(&on))))).await), "auth.refused");
    on.clock().advance(Duration::from_secs(60));
    let second = || Some(SecondFactor::Totp(code_now(&on)));
    on.users.login(&on.own, with(second())).await.unwrap();
    assert_eq!(code(on.users.login(&on.own, with(second())).await), "auth.refused");
    // Recovery codes are used once each.
    let recovery = |code: &Secret| Some(SecondFactor::Recovery(code.clone()));
    on.users.login(&on.own, with(recovery(&codes[3]))).await.unwrap();
    assert_eq!(code(on.users.login(&on.own, with(recovery(&codes[3]))).await), "auth.refused");
    on.users.login(&on.own, with(recovery(&codes[4]))).await.unwrap();
    // Guessing codes is slowed.
    let mut last = String::new();
    for _ in 0..7 {
        last = code(on.users.login(&on.own, with(Some(SecondFactor::Totp("000000".into())))).await);
    }
    assert_eq!(last, "throttle.wait");
    on.clock().advance(Duration::from_secs(3_600));
    login_without_a_code(&on, &ctx, &codes).await;
}

/// One's own codes are turned off with one of them; another's by whoever holds as much.
async fn login_without_a_code(on: &Deployment, before: &Context, codes: &[Secret]) {
    let recovery = |code: &Secret| Some(SecondFactor::Recovery(code.clone()));
    let tokens = on.users.login(&on.own, Login { second: recovery(&codes[5]), ..login_of("ann") }).await.unwrap();
    let ctx = context(on, &tokens.access).await.unwrap();
    assert_eq!(before.actor(), ctx.actor());
    assert_eq!(code(on.users.disable_totp(&ctx, None, None).await), "auth.second_factor");
    let forged = SecondFactor::Totp("000000".into());
    assert_eq!(code(on.users.disable_totp(&ctx, None, Some(&forged)).await), "auth.refused");
    assert_eq!(code(on.users.login(&on.own, login_of("ann")).await), "auth.second_factor");
    on.users.disable_totp(&ctx, None, recovery(&codes[6]).as_ref()).await.unwrap();
    login(on, "ann").await;
    on.users.disable_totp(&on.own, Some("ann"), None).await.unwrap();
}

/// A user has so many sessions: with one more, the one used least recently ends.
pub async fn sessions_have_their_number(on: Deployment) {
    person(&on, "ann").await;
    let first = login(&on, "ann").await;
    for _ in 0..SESSIONS_MAX {
        on.clock().advance(Duration::from_secs(1));
        login(&on, "ann").await;
    }
    assert_eq!(on.users.sessions(&on.own, Some("ann")).await.unwrap().len(), SESSIONS_MAX);
    assert_eq!(code(on.users.refresh(&on.own, &first.refresh).await), "auth.refused");
}

/// One code given several times at once lets in once.
pub async fn one_code_at_once_lets_in_once(on: Deployment) {
    person(&on, "ann").await;
    let ctx = acting(&on, "ann").await;
    let secret = TotpSecret::read(on.users.enrol_totp(&ctx).await.unwrap().secret.expose());
    let now = |on: &Deployment| Secret::from(secret.code(step_at(on.test.env().now())));
    on.users.confirm_totp(&ctx, &now(&on)).await.unwrap();
    on.clock().advance(Duration::from_secs(60));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (users, ctx) = (on.engine.clone(), on.own.clone());
        let login = Login { second: Some(SecondFactor::Totp(now(&on))), ..login_of("ann") };
        tasks.spawn(async move { users.login(&ctx, login).await });
    }
    assert_eq!(tasks.join_all().await.iter().filter(|begun| begun.is_ok()).count(), 1);
}

/// Sessions are listed, and ended one by one or together, one's own alone.
pub async fn sessions_are_listed_and_ended(on: Deployment) {
    person(&on, "ann").await;
    person(&on, "bob").await;
    let (one, other) = (login(&on, "ann").await, login(&on, "ann").await);
    let ctx = context(&on, &one.access).await.unwrap();
    let sessions = on.users.sessions(&ctx, None).await.unwrap();
    assert_eq!(
        (sessions.len(), sessions[0].device.as_deref(), &*sessions[0].client),
        (2, Some("a browser"), "console")
    );
    let begun = context(&on, &other.access).await.unwrap();
    on.users.end_sessions(&ctx, None, Some(&other.session)).await.unwrap();
    assert_eq!(code(on.users.authenticate(&on.own, &other.access).await), "auth.refused");
    // What was begun with it ends too, live sets among it; whoever has another session asks again.
    assert_eq!(code(begun.access().unwrap().check(on.test.env().now())), "access.revoked");
    let ctx = context(&on, &one.access).await.unwrap();
    assert_eq!(code(on.users.end_sessions(&ctx, None, Some(&other.session)).await), "user.session.absent");
    // Another's is none of one's own.
    let bob = login(&on, "bob").await;
    assert_eq!(code(on.users.end_sessions(&ctx, None, Some(&bob.session)).await), "user.session.absent");
    assert_eq!(code(on.users.end_sessions(&ctx, Some("bob"), Some(&bob.session)).await), "permission.denied");
    on.users.end_sessions(&ctx, None, None).await.unwrap();
    assert_eq!(code(on.users.authenticate(&on.own, &one.access).await), "auth.refused");
    assert!(on.users.authenticate(&on.own, &bob.access).await.is_ok());
}

//! Logging in, and what follows of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{
    AccountService, AuthService, Deployment, GroupMember, Login, NewAssignment, NewUser, Secret, SetPassword, Tokens,
    UserKind, acting, assigned, code, context, holder, list, login, login_of, member, name, password_of, people,
    person, policy, service,
};
use crate::credential::hasher::Hasher;
use crate::credential::key_set::KeySet;
use crate::credential::password::Cost;
use crate::credential::token::Verifier;
use crate::user::{FederatedIdentity, UserPatch, UserStatus};
use crate::{Error, Permission};

/// A login gives an access token that is known here and verified elsewhere, for its time.
pub async fn a_login_gives_tokens_that_are_known(on: Deployment) {
    let ann = holder(&on, "ann", &["reader"]).await;
    let tokens = login(&on, "ann").await;
    assert_eq!(tokens.expires_at.micros() - on.test.env().now().micros(), 300_000_000);
    let identity = on.users.authenticate(&on.own, &tokens.access).await.unwrap();
    assert_eq!((&identity.user, identity.session.as_deref()), (&ann.id, Some(&*tokens.session)));
    assert_eq!(identity.access.subject().actor.as_str(), "user:ann");
    assert_eq!(people(&on, &context(&on, &tokens.access).await.unwrap()).await.len(), 5);
    // A service with the published keys alone verifies the token, before it asks what was revoked.
    let verifier = Verifier::new(on.test.env(), "arrakis", "arrakis");
    verifier.set_keys(KeySet::from_jwks(&on.users.jwks().await.unwrap()).unwrap());
    let claims = verifier.verify(tokens.access.expose()).await.unwrap();
    assert_eq!((&claims.sub, claims.tid, &*claims.amr), (&ann.id, on.own.scope().tenant, &["pwd".to_owned()][..]));
    on.clock().advance(Duration::from_secs(316));
    assert_eq!(code(on.users.authenticate(&on.own, &tokens.access).await), "token.expired");
    for none in ["", "x", "a.b.c", "ark_live_usr_0000000000_0000000000000000000000000000000000000000000_000000"] {
        let code = code(on.users.authenticate(&on.own, &none.into()).await);
        assert!(matches!(&*code, "token.malformed" | "api_key.malformed"), "{code}: {none}");
    }
}

/// Whatever is not right, the answer is the same and takes as long.
pub async fn whoever_is_not_right_is_told_alike(on: Deployment) {
    person(&on, "ann").await;
    person(&on, "sue").await;
    let suspended = UserPatch { user: "sue".into(), status: Some(UserStatus::Suspended), ..UserPatch::default() };
    on.users.update_user(&on.own, suspended).await.unwrap();
    service(&on, "robot").await;
    on.users.create_user(&on.own, NewUser { name: "new".into(), ..NewUser::default() }).await.unwrap();
    let told = |error: &Error| {
        (error.to_string(), error.code().to_owned(), error.path().map(str::to_owned), error.params().count())
    };
    let wrong = Login { password: "not the password".into(), ..login_of("ann") };
    let expected = told(&on.users.login(&on.own, wrong.clone()).await.unwrap_err());
    assert_eq!(expected.1, "auth.refused");
    let long = Login { password: "x".repeat(5_000).into(), ..login_of("ann") };
    for login in [login_of("nobody"), login_of("sue"), login_of("robot"), login_of("new"), login_of(""), long] {
        let error = on.users.login(&on.own, login.clone()).await.unwrap_err();
        assert_eq!(told(&error), expected, "{login:?}");
    }
    // It takes a hash to tell, whoever is asked for: at a cost that shows, an unknown name takes as long as a known one.
    let dear = Hasher::new(crate::Env::system(), Cost { memory_kib: 16_384, passes: 2 }, 1);
    let slow = on.users_with(|options| options.hasher = Some(dear)).await;
    let set = SetPassword { user: Some("ann".into()), current: None, password: password_of("ann") };
    slow.set_password(&on.own, set).await.unwrap();
    let env = crate::Env::system();
    let mut took = [Vec::new(), Vec::new()];
    for round in 0..3 {
        for (index, name) in ["ann".to_owned(), format!("nobody{round}")].into_iter().enumerate() {
            let start = env.monotonic();
            assert!(slow.login(&on.own, Login { name, ..wrong.clone() }).await.is_err());
            took[index].push(env.monotonic().saturating_sub(start));
        }
        on.clock().advance(Duration::from_secs(3_600));
    }
    let [known, unknown] = took.map(|all| all.into_iter().min().unwrap());
    assert!(known < unknown * 3 && unknown < known * 3, "{known:?} {unknown:?}");
}

/// Guesses are slowed, by account and by network, and nobody is locked out for good.
pub async fn guesses_are_slowed(on: Deployment) {
    person(&on, "ann").await;
    person(&on, "bob").await;
    let wrong = |name: &str| Login { password: "a guess".into(), ..login_of(name) };
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(code(on.users.login(&on.own, wrong("ann")).await));
    }
    assert_eq!(codes.iter().filter(|code| *code == "auth.refused").count(), 5, "{codes:?}");
    let error = on.users.login(&on.own, login_of("ann")).await.unwrap_err();
    assert!(error.code() == "throttle.wait" && error.param("retry_after_s").is_some(), "{error:?}");
    // Names that are none are slowed alike; others are not.
    for _ in 0..6 {
        codes.push(code(on.users.login(&on.own, wrong("nobody")).await));
    }
    assert_eq!(codes.last().unwrap(), "throttle.wait");
    login(&on, "bob").await;
    assert_eq!(code(on.users.login(&on.neighbour, wrong("ann")).await), "auth.refused");
    // Who knows the password gets in after the wait, however often a stranger guessed.
    on.clock().advance(Duration::from_secs(3));
    login(&on, "ann").await;
    // One network that tries many names is slowed too.
    let from = |name: String| Login { network: Some("203.0.113.7".into()), ..wrong(&name) };
    let mut last = String::new();
    for index in 0..7 {
        last = code(on.users.login(&on.own, from(format!("guess{index}"))).await);
    }
    assert_eq!(last, "throttle.wait");
}

/// A refresh token is exchanged once, and again for a moment; one used later ends the session.
pub async fn a_refresh_token_is_exchanged_once(on: Deployment) {
    person(&on, "ann").await;
    let first = login(&on, "ann").await;
    let second = on.users.refresh(&on.own, &first.refresh).await.unwrap();
    assert_eq!(second.session, first.session);
    assert!(on.users.authenticate(&on.own, &second.access).await.is_ok());
    // Whoever did not hear of the next is told the same one again, for a moment.
    on.clock().advance(Duration::from_secs(9));
    let again = on.users.refresh(&on.own, &first.refresh).await.unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    let third = on.users.refresh(&on.own, &second.refresh).await.unwrap();
    // What is forged ends nothing.
    let parts: Vec<_> = third.refresh.expose().split('.').map(str::to_owned).collect();
    let forged = [
        format!("{}.0.{}", parts[0], parts[2]),
        format!("{}.99.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], "0".repeat(72)),
        format!("none.{}.{}", parts[1], parts[2]),
        format!("{}.-1.{}", parts[0], parts[2]),
        String::new(),
        "..".into(),
    ];
    for forged in forged {
        assert_eq!(code(on.users.refresh(&on.own, &forged.clone().into()).await), "auth.refused", "{forged}");
    }
    let fourth = on.users.refresh(&on.own, &third.refresh).await.unwrap();
    // One used long ago has been stolen: the session ends for both.
    on.clock().advance(Duration::from_secs(11));
    assert_eq!(code(on.users.refresh(&on.own, &third.refresh).await), "auth.refused");
    assert_eq!(code(on.users.refresh(&on.own, &fourth.refresh).await), "auth.refused");
    assert_eq!(code(on.users.authenticate(&on.own, &fourth.access).await), "auth.refused");
}

/// Of exchanges at once, in two processes, comes one successor; a session that was ended stays so.
pub async fn refreshing_at_once_has_one_successor(on: Deployment) {
    person(&on, "ann").await;
    let other = on.another_users().await;
    for round in 0..10 {
        let first = login(&on, "ann").await;
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..8 {
            let users = if index % 2 == 0 { on.engine.clone() } else { other.clone() };
            let (ctx, refresh) = (on.own.clone(), first.refresh.clone());
            tasks.spawn(async move { users.refresh(&ctx, &refresh).await });
        }
        if round % 2 == 1 {
            let (users, ctx, session) = (on.engine.clone(), on.own.clone(), first.session.clone());
            tasks.spawn(async move {
                users.end_sessions(&ctx, Some("ann"), Some(&session)).await.map(|()| unreachable_tokens(session))
            });
        }
        let results = tasks.join_all().await;
        let given: BTreeSet<_> = results
            .iter()
            .filter_map(|result| result.as_ref().ok())
            .filter(|tokens| !tokens.refresh.expose().is_empty())
            .map(|tokens| tokens.refresh.expose().to_owned())
            .collect();
        assert!(given.len() <= 1 && (round % 2 == 1 || given.len() == 1), "{given:?} {results:?}");
        if round % 2 == 1 {
            for token in given.iter().map(|token| Secret::from(token.clone())).chain([first.refresh]) {
                assert_eq!(code(on.users.refresh(&on.own, &token).await), "auth.refused");
            }
            assert_eq!(code(on.users.authenticate(&on.own, &first.access).await), "auth.refused");
        }
    }
}

/// What the one that ends the session answers in place of tokens.
fn unreachable_tokens(session: String) -> Tokens {
    Tokens {
        access: Secret::default(),
        expires_at: crate::Timestamp::from_micros_saturating(0),
        refresh: Secret::default(),
        session,
    }
}

/// A session ends when it is not used, and in the end however much it is used.
pub async fn sessions_end_in_time(on: Deployment) {
    person(&on, "ann").await;
    let day = Duration::from_secs(86_400);
    let idle = login(&on, "ann").await;
    let mut used = login(&on, "ann").await;
    for _ in 0..8 {
        on.clock().advance(10 * day);
        used = on.users.refresh(&on.own, &used.refresh).await.unwrap();
    }
    assert_eq!(code(on.users.refresh(&on.own, &idle.refresh).await), "auth.refused");
    on.clock().advance(10 * day);
    assert_eq!(code(on.users.refresh(&on.own, &used.refresh).await), "auth.refused");
    assert!(on.users.sessions(&on.own, Some("ann")).await.unwrap().is_empty());
}

/// Whoever has the secret of an invitation becomes its user, once and in time.
pub async fn an_invitation_is_accepted_once(on: Deployment) {
    let new = NewUser { name: "ann".into(), email: Some("ann@x.org".into()), ..NewUser::default() };
    let invitation = on.users.invite(&on.own, new).await.unwrap();
    assigned(&on, GroupMember::User("ann".into()), "reader").await;
    assert_eq!(code(on.users.login(&on.own, login_of("ann")).await), "auth.refused");
    for forged in ["", "x.y", &format!("{}x", invitation.secret.expose())] {
        assert_eq!(code(on.users.accept_invitation(&on.own, &forged.into(), password_of("ann")).await), "auth.refused");
    }
    assert_eq!(
        code(on.users.accept_invitation(&on.neighbour, &invitation.secret, password_of("ann")).await),
        "auth.refused"
    );
    let weak = on.users.accept_invitation(&on.own, &invitation.secret, "password1".into()).await;
    assert_eq!(code(weak), "password.breached");
    let ann = on.users.accept_invitation(&on.own, &invitation.secret, password_of("ann")).await.unwrap();
    assert!(ann.email_verified);
    assert_eq!(people(&on, &acting(&on, "ann").await).await.len(), 5);
    assert_eq!(code(on.users.accept_invitation(&on.own, &invitation.secret, password_of("eve")).await), "auth.refused");
    let late = on.users.invite(&on.own, NewUser { name: "bob".into(), ..NewUser::default() }).await.unwrap();
    on.clock().advance(Duration::from_secs(7 * 86_400));
    assert_eq!(code(on.users.accept_invitation(&on.own, &late.secret, password_of("bob")).await), "auth.refused");
    let robot = NewUser { name: "robot".into(), kind: UserKind::Service, ..NewUser::default() };
    assert_eq!(code(on.users.invite(&on.own, robot).await), "user.invitation.service");
}

/// An identity is linked by an address that a trusted provider has verified, and by nothing else.
pub async fn an_identity_of_another_provider_is_linked_by_a_verified_address(on: Deployment) {
    let new = NewUser { name: "ann".into(), email: Some("ann@x.org".into()), ..NewUser::default() };
    let ann = on.users.create_user(&on.own, new).await.unwrap();
    let identity = FederatedIdentity {
        issuer: "https://id.example".into(),
        subject: "42".into(),
        email: Some("Ann@X.org".into()),
        email_verified: true,
        is_trusted: true,
    };
    for stranger in [
        FederatedIdentity { email_verified: false, ..identity.clone() },
        FederatedIdentity { is_trusted: false, ..identity.clone() },
        FederatedIdentity { email: None, ..identity.clone() },
        FederatedIdentity { email: Some("eve@x.org".into()), ..identity.clone() },
    ] {
        assert_eq!(
            code(on.users.login_federated(&on.own, stranger.clone(), "console").await),
            "auth.unlinked",
            "{stranger:?}"
        );
    }
    let tokens = on.users.login_federated(&on.own, identity.clone(), "console").await.unwrap();
    assert_eq!(on.users.authenticate(&on.own, &tokens.access).await.unwrap().user, ann.id);
    assert!(on.users.user(&on.own, "ann").await.unwrap().email_verified);
    // From then on it is known by itself, whatever address it gives.
    let known = FederatedIdentity { email: None, email_verified: false, is_trusted: false, ..identity.clone() };
    on.users.login_federated(&on.own, known.clone(), "console").await.unwrap();
    let elsewhere = FederatedIdentity { issuer: "https://evil.example".into(), ..known.clone() };
    assert_eq!(code(on.users.login_federated(&on.own, elsewhere, "console").await), "auth.unlinked");
    let suspended = UserPatch { user: "ann".into(), status: Some(UserStatus::Suspended), ..UserPatch::default() };
    on.users.update_user(&on.own, suspended).await.unwrap();
    assert_eq!(code(on.users.login_federated(&on.own, known, "console").await), "auth.refused");
    let export = on.users.export_user(&on.own, "ann").await.unwrap();
    assert_eq!(export.identities, [("https://id.example".to_owned(), "42".to_owned())]);
}

/// Keys are announced before they sign, and kept until nothing they signed is in force.
pub async fn keys_are_turned_without_an_outage(on: Deployment) {
    person(&on, "ann").await;
    let verifier = Verifier::new(on.test.env(), "arrakis", "arrakis");
    assert_eq!(code(on.users.discovery().await), "auth.issuer", "a name is no address");
    let mut tokens = login(&on, "ann").await;
    let set = || async { KeySet::from_jwks(&on.users.jwks().await.unwrap()).unwrap() };
    verifier.set_keys(set().await);
    assert_eq!(code(on.engine.rotate_keys(&on.own).await), "user.signing_key.announced");
    for _ in 0..4 {
        on.clock().advance(Duration::from_secs(600));
        // A verifier that asks for the keys now and then knows the next one before it signs.
        verifier.set_keys(set().await);
        tokens = on.users.refresh(&on.own, &tokens.refresh).await.unwrap();
        on.engine.rotate_keys(&on.own).await.unwrap();
        let by_next = on.users.refresh(&on.own, &tokens.refresh).await.unwrap();
        for token in [&tokens.access, &by_next.access] {
            assert!(verifier.verify(token.expose()).await.is_ok());
            assert!(on.users.authenticate(&on.own, token).await.is_ok());
        }
        tokens = by_next;
    }
    // Next, active, and what retires; what has retired is out.
    let jwks: serde_json::Value = serde_json::from_str(&on.users.jwks().await.unwrap()).unwrap();
    let count = list(&member(&jwks, "keys")).len();
    assert!((3..=4).contains(&count), "{jwks}");
    // Old keys turn by themselves.
    let before = set().await;
    on.clock().advance(Duration::from_secs(31 * 86_400));
    login(&on, "ann").await;
    assert_ne!(set().await, before);
}

/// The first administrator is made once, whichever process asks, with a password nobody else has had.
pub async fn the_first_administrator_is_made_once(on: Deployment) {
    let other = on.another_users().await;
    let mut tasks = tokio::task::JoinSet::new();
    for users in [on.engine.clone(), other] {
        let ctx = on.neighbour.clone();
        tasks.spawn(async move { users.bootstrap(&ctx).await });
    }
    let made: Vec<_> = tasks
        .join_all()
        .await
        .into_iter()
        .filter_map(|made| made.unwrap_or_else(|e| panic!("{}", e.chain())))
        .collect();
    assert_eq!(made.len(), 1);
    assert!(on.engine.bootstrap(&on.neighbour).await.unwrap().is_none());
    let made = &made[0];
    assert!(made.password.expose().len() >= 24 && !format!("{made:?}").contains(made.password.expose()));
    let login = Login { name: made.name.clone(), password: made.password.clone(), ..login_of("admin") };
    let tokens = on.users.login(&on.neighbour, login).await.unwrap();
    let access = on.users.authenticate(&on.neighbour, &tokens.access).await.unwrap().access;
    let ctx = on.neighbour.clone().with_access(access);
    for permission in Permission::ALL {
        ctx.require(permission).unwrap();
    }
    // An administrator makes others, and changes the policy.
    on.users.create_user(&ctx, NewUser { name: "ann".into(), ..NewUser::default() }).await.unwrap();
    on.users.assign(&ctx, NewAssignment::of(GroupMember::User("ann".into()), name("administrator"))).await.unwrap();
    on.users.apply_policy(&ctx, policy(), None).await.unwrap();
    // Where there were users there is no first one.
    person(&on, "bob").await;
    assert!(on.engine.bootstrap(&on.own).await.unwrap().is_none());
}

//! What is logged and what is told never shows what proves who someone is.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use arrakis::credential::hasher::Hasher;
use arrakis::credential::password::Cost;
use arrakis::credential::totp::{TotpSecret, step_at};
use arrakis::credential::{Secret, Vault};
use arrakis::user::{Login, NewApiKey, NewUser, SecondFactor, SetPassword, UserOptions};
use arrakis::{Arrakis, Env, Error};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = self.0.lock().unwrap();
        text.push_str(span.metadata().name());
        span.record(&mut Text(&mut text));
        text.push('\n');
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Text(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        event.record(&mut Text(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

// On one thread, so that what the tasks log is caught too.
#[tokio::test]
async fn nothing_that_is_logged_or_told_shows_a_secret() {
    let log = Everything::default();
    let _caught = tracing::subscriber::set_default(log.clone());
    let root = Vault::new_root(&Env::system());
    let mut options = UserOptions::new(root.clone());
    options.hasher = Some(Hasher::new(Env::system(), Cost { memory_kib: 64, passes: 1 }, 1));
    let mut told = format!("{options:?}");
    let arrakis = Arrakis::builder().users(options).in_memory().await.unwrap();
    let (users, ctx) = (arrakis.users().unwrap(), arrakis.context());
    let password = Secret::from("canary of a password");
    let mut secrets = vec![root, password.clone()];
    users.create_user(&ctx, NewUser { name: "ann".into(), ..NewUser::default() }).await.unwrap();
    let set = SetPassword { user: Some("ann".into()), current: None, password: password.clone() };
    write!(told, "{set:?}").unwrap();
    users.set_password(&ctx, set).await.unwrap();
    let login =
        Login { name: "ann".into(), password, second: None, client: "test".into(), device: None, network: None };
    let tokens = users.login(&ctx, login.clone()).await.unwrap();
    let acting = arrakis.authenticate(&tokens.access).await.unwrap();
    let totp = users.enrol_totp(&acting).await.unwrap();
    let code =
        |after: i64| Secret::from(TotpSecret::read(totp.secret.expose()).code(step_at(Env::system().now()) + after));
    let recovery = users.confirm_totp(&acting, &code(0)).await.unwrap();
    let key =
        users.create_api_key(&acting, NewApiKey { user: None, name: "k".into(), roles: None, days: 1 }).await.unwrap();
    let invitation = users.invite(&ctx, NewUser { name: "bob".into(), ..NewUser::default() }).await.unwrap();
    let next = users.refresh(&ctx, &tokens.refresh).await.unwrap();
    let stolen = users.refresh(&ctx, &next.refresh).await.unwrap();
    write!(told, "{login:?}{tokens:?}{totp:?}{recovery:?}{key:?}{invitation:?}{users:?}{acting:?}").unwrap();
    // Everything that goes wrong, with what was given.
    let mut refusals: Vec<Error> = Vec::new();
    let wrong = Login { password: "canary of a guess".into(), ..login.clone() };
    let second = Login { second: Some(SecondFactor::Totp("canary".into())), ..login.clone() };
    refusals.extend(users.login(&ctx, wrong).await.err());
    refusals.extend(users.login(&ctx, second).await.err());
    refusals.extend(users.login(&ctx, login).await.err());
    refusals.extend(users.refresh(&ctx, &tokens.refresh).await.err());
    refusals.extend(users.authenticate(&ctx, &"canary.of.token".into()).await.err());
    refusals.extend(users.authenticate(&ctx, &format!("{}x", key.key.expose()).into()).await.err());
    refusals.extend(users.accept_invitation(&ctx, &invitation.secret, "canary1".into()).await.err());
    assert!(refusals.len() >= 6, "{refusals:?}");
    for refusal in &refusals {
        write!(told, "{refusal:?} {} {:?}", refusal.chain(), refusal.params().collect::<Vec<_>>()).unwrap();
    }
    secrets.extend([tokens.access, tokens.refresh, next.access, next.refresh, stolen.access, stolen.refresh]);
    secrets.extend([totp.secret, totp.uri, key.key, invitation.secret]);
    secrets.extend(recovery.codes);
    arrakis.close().await;
    let log = log.0.lock().unwrap();
    assert!(log.contains("a refresh token was used twice") || log.lines().count() > 10, "nothing was caught: {log}");
    for text in [&*log, &told] {
        assert!(!text.contains("canary"), "{text}");
        for secret in &secrets {
            let secret = secret.expose();
            let tail = secret.get(secret.len().saturating_sub(16)..).unwrap();
            assert!(!text.contains(secret) && !text.contains(tail), "{secret} in {text}");
        }
    }
}

//! What is done once, however often it is asked for.

use super::{Context, Deployment, Result, code};
use crate::user::{GroupService as _, NewApiKey, NewGroup, NewUser, User, UserServices, directory_scope};
use crate::{Error, Once};

fn under(ctx: &Context, key: &str, request: &str) -> Context {
    ctx.clone().under(Once::new(ctx, key, &[request.as_bytes()]).unwrap())
}

async fn create(users: &dyn UserServices, ctx: &Context, name: &str) -> Result<User> {
    users.create_user(ctx, NewUser { name: name.into(), ..NewUser::default() }).await
}

/// Asked for by several at once, through several processes, it is done once, and everyone is answered the same.
pub async fn asked_for_at_once_it_is_done_once(on: Deployment) {
    let others = [on.engine.clone(), on.another_users().await];
    for round in 0..5 {
        let (name, ctx) = (format!("u{round}"), under(&on.own, &format!("key{round}"), "create"));
        let mut asked = tokio::task::JoinSet::new();
        for users in others.iter().cycle().take(6) {
            let (name, ctx) = (name.clone(), ctx.clone());
            let users = users.clone();
            asked.spawn(async move { create(&users, &ctx, &name).await });
        }
        let answers: Vec<_> = asked.join_all().await.into_iter().map(|answer| answer.map_err(|e| e.chain())).collect();
        assert!(answers.iter().all(|answer| answer.is_ok() && *answer == answers[0]), "{answers:?}");
        assert_eq!(on.users.user(&on.own, &name).await.unwrap(), *answers[0].as_ref().unwrap());
    }
}

/// A key is of one request of whoever acts; what failed is not done, and may be asked for again.
pub async fn a_key_is_of_one_request(on: Deployment) {
    let ctx = under(&on.own, "key", "create");
    let ann = create(&*on.users, &ctx, "ann").await.unwrap();
    assert_eq!(create(&*on.users, &ctx, "ann").await.unwrap(), ann);
    let other = "request.idempotency.other_request";
    assert_eq!(code(create(&on.engine, &under(&on.own, "key", "another"), "bob").await), other);
    let group = NewGroup { name: "crew".into(), ..NewGroup::default() };
    assert_eq!(code(on.engine.create_group(&ctx, group).await), other);
    // Another's key is another key, and a UUID that another's commit is of opens nothing.
    let eve = on.own.clone().acting_as(crate::Actor::parse("eve").unwrap());
    assert_eq!(code(create(&on.engine, &under(&eve, "key", "create"), "ann").await), "user.name.taken");
    let id = on.test.env().uuid().to_string();
    let carl = create(&on.engine, &under(&on.own, &id, "create"), "carl").await.unwrap();
    assert_eq!(code(create(&on.engine, &under(&eve, &id, "create"), "carl").await), other);

    // A batch of actions and a write of users under one key are two commits, whoever has forgotten the first.
    let once = Once::new(&on.own, "key", &[]).unwrap();
    assert!(once.hidden_id() != once.id_of(0) && once.hidden_id() != once.id());

    let failing = under(&on.own, "again", "create");
    assert_eq!(code(create(&on.engine, &failing, "carl").await), "user.name.taken");
    on.users.delete_user(&on.own, &carl.id).await.unwrap();
    create(&on.engine, &failing, "carl").await.unwrap();
    for malformed in ["", "a b", "naïve", &"k".repeat(256)] {
        assert_eq!(code(Once::new(&on.own, malformed, &[]).map(drop)), "request.idempotency.key");
    }
}

/// A secret that is shown once is shown again to who asks under its key, and is nowhere in the log.
pub async fn a_secret_is_shown_again_under_its_key(on: Deployment) {
    create(&*on.users, &on.own, "ann").await.unwrap();
    let ctx = under(&on.own, "7d444840-9dc0-11d1-b245-5ffdce74fad2", "key");
    let request = NewApiKey { user: Some("ann".into()), name: "k".into(), roles: None, days: 1 };
    let shown = on.users.create_api_key(&ctx, request.clone()).await.unwrap();
    let again = on.users.create_api_key(&ctx, request).await.unwrap();
    assert_eq!((shown.key.expose(), &shown.info), (again.key.expose(), &again.info));
    let scope = directory_scope(on.own.scope().tenant);
    let log = on.store().entries(scope, crate::Seq(0), 1_000).await.unwrap();
    let made = log.entries.iter().find(|entry| &*entry.audit.method == "user.create_api_key").unwrap();
    let text = serde_json::to_string(&made.audit).map_err(|e| Error::internal("test", e.to_string())).unwrap();
    assert!(made.audit.answer.is_some() && made.audit.request.is_none(), "{text}");
    assert!(!text.contains(shown.key.expose()) && !text.contains("7d444840"), "{text}");
}

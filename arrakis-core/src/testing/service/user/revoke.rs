//! What is taken back.

use std::time::Duration;

use super::{AuthService, Deployment, Tokens, code, holder, login, person};
use crate::user::{Issued, UserPatch, UserStatus};

/// What is taken back in one process is gone in another within a second.
pub async fn what_is_taken_back_is_gone_elsewhere_within_a_second(on: Deployment) {
    let other = on.another_users().await;
    let env = crate::Env::system();
    for round in 0..10 {
        let name = format!("ann{round}");
        holder(&on, &name, &["reader"]).await;
        let tokens = login(&on, &name).await;
        // Elsewhere it is known at once, though it was made here.
        let there = other.authenticate(&on.own, &tokens.access).await.unwrap();
        match round % 3 {
            0 => {
                let patch = UserPatch { user: name, status: Some(UserStatus::Suspended), ..UserPatch::default() };
                on.users.update_user(&on.own, patch).await.map(drop).unwrap();
            }
            1 => on.users.end_sessions(&on.own, Some(&name), Some(&tokens.session)).await.unwrap(),
            _ => on.users.revoke_issued(&on.own, Issued::User(name)).await.unwrap(),
        }
        let start = env.monotonic();
        while other.authenticate(&on.own, &tokens.access).await.is_ok() {
            assert!(env.monotonic().saturating_sub(start) < Duration::from_secs(1), "known for longer than a second");
            tokio::task::yield_now().await;
        }
        if round % 3 == 0 {
            assert_eq!(code(there.access.check(on.test.env().now())), "access.revoked");
        }
    }
}

/// What was issued before is void, for a user, a client or everyone, and what is issued after is not.
pub async fn what_was_issued_is_void(on: Deployment) {
    for name in ["ann", "bob"] {
        person(&on, name).await;
    }
    let works = async |tokens: &Tokens| on.users.authenticate(&on.own, &tokens.access).await.is_ok();
    let (ann, bob) = (login(&on, "ann").await, login(&on, "bob").await);
    on.users.revoke_issued(&on.own, Issued::User("ann".into())).await.unwrap();
    assert_eq!((works(&ann).await, works(&bob).await), (false, true));
    // Whoever still has the session gets a token of today.
    let ann = on.users.refresh(&on.own, &ann.refresh).await.unwrap();
    assert!(works(&ann).await);
    on.users.revoke_issued(&on.own, Issued::Client("another".into())).await.unwrap();
    assert_eq!((works(&ann).await, works(&bob).await), (true, true));
    on.users.revoke_issued(&on.own, Issued::Client("console".into())).await.unwrap();
    assert_eq!((works(&ann).await, works(&bob).await), (false, false));
    let (ann, bob) = (login(&on, "ann").await, on.users.refresh(&on.own, &bob.refresh).await.unwrap());
    assert_eq!((works(&ann).await, works(&bob).await), (true, true));
    on.users.revoke_issued(&on.own, Issued::Everyone).await.unwrap();
    assert_eq!((works(&ann).await, works(&bob).await), (false, false));
}

/// A directory that is followed no more answers nothing.
pub async fn a_directory_that_is_not_followed_answers_nothing(on: Deployment) {
    holder(&on, "ann", &["reader"]).await;
    let tokens = login(&on, "ann").await;
    let directory = on.engine.directory(&on.own).await.unwrap();
    directory.fresh().await.unwrap();
    // Time that passes without news is no matter while the log has none.
    on.clock().advance(Duration::from_secs(60));
    assert!(on.users.authenticate(&on.own, &tokens.access).await.is_ok());
    let access = on.users.authenticate(&on.own, &tokens.access).await.unwrap().access;
    on.engine.close().await;
    assert_eq!(code(directory.fresh().await), "user.directory.stale");
    if on.is_remote {
        // Who asks over a network asks anew, of a directory that is followed again, and is told the same.
        let again = on.users.authenticate(&on.own, &tokens.access).await.unwrap().access;
        assert!(std::sync::Arc::ptr_eq(&access, &again));
        again.check(on.test.env().now()).unwrap();
    } else {
        assert_eq!(code(access.check(on.test.env().now())), "access.revoked");
    }
}

//! A store that hangs says nothing of what was taken back: nobody is believed then.

use std::path::Path;
use std::time::Duration;

use arrakis::credential::Vault;
use arrakis::credential::hasher::Hasher;
use arrakis::credential::password::Cost;
use arrakis::user::{Login, NewUser, SetPassword, UserOptions};
use arrakis::{Arrakis, Env};
use arrakis_core::testing::TestEnv;
use xtask::services::Postgres;

/// Far above what being refused takes, which is to wait 5 s for the store.
const WAIT_MAX: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_known_while_the_store_hangs() {
    let test = "nobody is known while the store hangs";
    let Some(server) = Postgres::start_or_skip(Path::new(env!("CARGO_TARGET_TMPDIR")), test) else { return };
    let env = TestEnv::default();
    let mut options = UserOptions::new(Vault::new_root(&Env::system()));
    options.hasher = Some(Hasher::new(env.env(), Cost { memory_kib: 64, passes: 1 }, 1));
    let arrakis = Arrakis::builder().env(env.env()).users(options).open_postgres(&server.url()).await.unwrap();
    let (ctx, users) = (arrakis.context(), arrakis.users().unwrap());
    let user = users.create_user(&ctx, NewUser { name: "ann".into(), ..NewUser::default() }).await.unwrap();
    let password = "the correct horse";
    let set = SetPassword { user: Some(user.id), current: None, password: password.into() };
    users.set_password(&ctx, set).await.unwrap();
    let login = Login {
        name: "ann".into(),
        password: password.into(),
        second: None,
        client: "test".into(),
        device: None,
        network: None,
    };
    let token = users.login(&ctx, login).await.unwrap().access;
    arrakis.authenticate(&token).await.unwrap();

    server.pause();
    env.clock().advance(Duration::from_secs(6));
    // The first waits for the store as long as it is let, which is longer than who follows it waits for news.
    for _ in 0..2 {
        let answered = tokio::time::timeout(WAIT_MAX, arrakis.authenticate(&token)).await.expect("it is answered");
        assert_eq!(answered.unwrap_err().code(), "user.directory.stale");
    }
    server.resume();
    let again = async { while arrakis.authenticate(&token).await.is_err() {} };
    tokio::time::timeout(WAIT_MAX, again).await.expect("it is known again");
    arrakis.close().await;
}

//! Who someone is: access tokens beside bare Ed25519, API keys, and logging in beside the bare hash.

use std::hint::black_box;

use arrakis::credential::api_key::ApiKey;
use arrakis::credential::key_set::{KeySet, SigningKey};
use arrakis::credential::token::{Claims, Verifier};
use arrakis::credential::{Secret, Vault};
use arrakis::user::{Login, NewApiKey, NewUser, SetPassword, UserOptions};
use arrakis::{Arrakis, Env, Seq, TenantId};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::{Bound, Measured, alternate};

fn claims(index: usize) -> Claims {
    let now = Env::system().now().micros() / 1_000_000;
    Claims {
        iss: "arrakis".into(),
        sub: "0190a5a0-0000-7000-8000-000000000000".into(),
        aud: "arrakis".into(),
        exp: now + 600,
        iat: now,
        nbf: now,
        jti: index.to_string(),
        tid: TenantId::DEFAULT,
        sid: "0190a5a0-0000-7000-8000-000000000001".into(),
        client_id: "console".into(),
        seq: Seq(7),
        auth_time: now,
        amr: vec!["pwd".into()],
    }
}

pub(crate) async fn measure(measured: &mut Vec<Measured>) {
    let root = Vault::new_root(&Env::system());
    let vault = Vault::new(Env::system(), &root, []).expect("a vault");
    let key = SigningKey::new(&vault).expect("a key");
    let handle = tokio::runtime::Handle::current();
    let block = |future: &mut dyn FnMut()| tokio::task::block_in_place(future);

    // A token that is not known yet, beside its signature alone.
    let tokens: Vec<Secret> = (0..20_000).map(|index| claims(index).sign(&key).expect("a token")).collect();
    let verifier = Verifier::new(Env::system(), "arrakis", "arrakis");
    verifier.set_keys(KeySet::of([key.public()]));
    let mut next = 0;
    let mut miss = || {
        // The set of keys is put in anew where the tokens come round again, so that none is known.
        if next % tokens.len() == 0 {
            verifier.set_keys(KeySet::default());
            verifier.set_keys(KeySet::of([key.public()]));
        }
        let token = &tokens[next % tokens.len()];
        next += 1;
        assert!(handle.block_on(verifier.verify(black_box(token.expose()))).is_ok());
    };
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let message = vec![b'x'; 420];
    let signature = pair.sign(&message);
    let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref().to_vec());
    let mut bare = || assert!(public.verify(black_box(&message), signature.as_ref()).is_ok());
    let mut times = [0.0; 2];
    block(&mut || times = alternate([&mut miss, &mut bare]));
    let [ours_ns, bare_ns] = times;
    let others = vec![("ring", bare_ns)];
    measured.push(Measured { what: "a token that is not known yet".into(), ours_ns, others, bound: Bound::Ratio(1.5) });

    // One that is known.
    let known = claims(0).sign(&key).expect("a token");
    let mut hit = || assert!(handle.block_on(verifier.verify(black_box(known.expose()))).is_ok());
    block(&mut || times = alternate([&mut hit, &mut bare]));
    let what = "a token that is known".to_owned();
    measured.push(Measured { what, ours_ns: times[0], others: vec![("ring", times[1])], bound: Bound::Time(1_000.0) });

    whole(root, measured).await;
}

/// The whole way: who a token or key is of, with what they may do, revocations looked at.
async fn whole(root: Secret, measured: &mut Vec<Measured>) {
    let arrakis = Arrakis::builder().users(UserOptions::new(root)).in_memory().await.expect("a store");
    let (users, ctx) = (arrakis.users().expect("users"), arrakis.context());
    let name = || "ann".to_owned();
    users.create_user(&ctx, NewUser { name: name(), ..NewUser::default() }).await.expect("a user");
    let password: Secret = "the correct horse".into();
    let set = SetPassword { user: Some(name()), current: None, password: password.clone() };
    users.set_password(&ctx, set).await.expect("a password");
    let login = Login { name: name(), password, second: None, client: "bench".into(), device: None, network: None };
    let tokens = users.login(&ctx, login).await.expect("tokens");
    let request = NewApiKey { user: Some(name()), name: "bench".into(), roles: None, days: 1 };
    let key = users.create_api_key(&ctx, request).await.expect("a key").key;
    let handle = tokio::runtime::Handle::current();
    for (what, credential) in [("a session, from a known token", &tokens.access), ("a session, from an API key", &key)]
    {
        let mut authenticate = || assert!(handle.block_on(users.authenticate(&ctx, black_box(credential))).is_ok());
        let mut parse = || {
            black_box(ApiKey::parse(black_box(key.expose())).is_ok());
        };
        let mut times = [0.0; 2];
        tokio::task::block_in_place(|| times = alternate([&mut authenticate, &mut parse]));
        measured.push(Measured {
            what: what.into(),
            ours_ns: times[0],
            others: Vec::new(),
            bound: Bound::Time(1_000.0),
        });
    }
    arrakis.close().await;
}

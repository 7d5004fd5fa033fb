//! Logging in with another provider, a real one.

use std::collections::BTreeMap;
use std::path::Path;

use arrakis::credential::{Secret, Vault};
use arrakis::oidc::{Answer, Oidc, OidcOptions, Pending};
use arrakis::user::{FederatedIdentity, NewUser, UserOptions};
use arrakis::{Arrakis, Env};
use xtask::services::{OIDC_CLIENT, OidcProvider};

const REDIRECT: &str = "http://127.0.0.1:9/back";

fn options(issuer: &str) -> OidcOptions {
    let (client_id, secret) = OIDC_CLIENT;
    OidcOptions {
        issuer: issuer.into(),
        client_id: client_id.into(),
        client_secret: Some(secret.into()),
        redirect_uri: REDIRECT.into(),
        is_trusted: true,
        is_private: false,
    }
}

/// What a browser does: goes where it is sent, with the cookies it was given, until it is sent back to us.
async fn browse(start: String) -> BTreeMap<String, String> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    let mut url = reqwest::Url::parse(&start).unwrap();
    for _ in 0..10 {
        if url.as_str().starts_with(REDIRECT) {
            return url.query_pairs().into_owned().collect();
        }
        let cookie = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let response = client.get(url.clone()).header("cookie", cookie).send().await.unwrap();
        for set in response.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.into(), value.into());
        }
        let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let location = location.unwrap_or_else(|| panic!("{url} is no redirect: {}", response.status()));
        url = url.join(&location).unwrap();
    }
    panic!("sent around in circles: {url}");
}

fn answer(query: &BTreeMap<String, String>) -> Answer {
    let get = |name: &str| query.get(name).cloned();
    Answer {
        code: get("code").map(Secret::from),
        state: get("state").map(Secret::from),
        iss: get("iss"),
        error: get("error"),
    }
}

async fn code(oidc: &Oidc, pending: Pending, answer: Answer) -> &'static str {
    match oidc.complete(pending, answer).await {
        Ok(identity) => panic!("{identity:?}"),
        Err(error) if error.code() == "oidc.refused" => "oidc.refused",
        Err(error) => panic!("{}", error.chain()),
    }
}

#[tokio::test]
async fn whom_a_provider_vouches_for_logs_in() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(provider) = OidcProvider::start_or_skip(folder, REDIRECT, "whom_a_provider_vouches_for_logs_in") else {
        return;
    };
    let oidc = Oidc::discover(options(&provider.issuer())).await.unwrap_or_else(|e| panic!("{}", e.chain()));
    let users = UserOptions::new(Vault::new_root(&Env::system()));
    let arrakis = Arrakis::builder().users(users).in_memory().await.unwrap();
    let (users, ctx) = (arrakis.users().unwrap(), arrakis.context());
    for name in ["ann", "bob"] {
        let email = Some(format!("{name}@example.org"));
        users.create_user(&ctx, NewUser { name: name.into(), email, ..NewUser::default() }).await.unwrap();
    }

    let (url, pending) = oidc.begin(Some("ann")).await.unwrap();
    assert!(url.contains("code_challenge_method=S256") && url.contains("nonce="), "{url}");
    let back = browse(url).await;
    let identity = oidc.complete(pending.clone(), answer(&back)).await.unwrap_or_else(|e| panic!("{}", e.chain()));
    let expected = FederatedIdentity {
        issuer: provider.issuer(),
        subject: "ann".into(),
        email: Some("ann@example.org".into()),
        email_verified: true,
        is_trusted: true,
    };
    assert_eq!(identity, expected);
    let tokens = users.login_federated(&ctx, identity, "browser").await.unwrap();
    let acting = arrakis.authenticate(&tokens.access).await.unwrap();
    assert_eq!(acting.actor().as_str(), "user:ann");

    // The code is good for once; an answer to another login, of another provider, or without a code is none.
    assert_eq!(code(&oidc, pending, answer(&back)).await, "oidc.refused");
    let (url, first) = oidc.begin(Some("ann")).await.unwrap();
    let (_, second) = oidc.begin(Some("ann")).await.unwrap();
    let back = browse(url).await;
    assert_eq!(code(&oidc, second, answer(&back)).await, "oidc.refused");
    for (name, value) in [
        ("iss", Some("https://evil.example")),
        ("iss", None),
        ("state", Some("another")),
        ("state", None),
        ("code", None),
        ("code", Some("forged")),
        ("error", Some("access_denied")),
    ] {
        let mut forged = back.clone();
        match value {
            Some(value) => forged.insert(name.into(), value.into()),
            None => forged.remove(name),
        };
        assert_eq!(code(&oidc, first.clone(), answer(&forged)).await, "oidc.refused", "{name} {value:?}");
    }

    what_is_not_ones_own_is_refused(&oidc).await;
    an_address_that_is_not_verified_is_nobodys(&oidc, &arrakis).await;
    a_wrong_secret_is_never_shown(&provider).await;
}

/// An answer with the proof or the nonce of another login: what was begun is not what is ended.
async fn what_is_not_ones_own_is_refused(oidc: &Oidc) {
    for part in ["verifier", "nonce"] {
        let (url, mine) = oidc.begin(Some("ann")).await.unwrap();
        let (_, other) = oidc.begin(Some("ann")).await.unwrap();
        let back = browse(url).await;
        let (mut mixed, other) = (serde_json::to_value(&mine).unwrap(), serde_json::to_value(&other).unwrap());
        mixed[part] = other[part].clone();
        assert_eq!(code(oidc, serde_json::from_value(mixed).unwrap(), answer(&back)).await, "oidc.refused", "{part}");
    }
}

/// Someone with bob's address, which the provider has not verified, is not bob.
async fn an_address_that_is_not_verified_is_nobodys(oidc: &Oidc, arrakis: &Arrakis) {
    let (url, pending) = oidc.begin(Some("eve")).await.unwrap();
    let identity = oidc.complete(pending, answer(&browse(url).await)).await.unwrap_or_else(|e| panic!("{}", e.chain()));
    assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("bob@example.org"), false));
    let refused = arrakis.users().unwrap().login_federated(&arrakis.context(), identity, "browser").await;
    assert_eq!(refused.unwrap_err().code(), "auth.unlinked");
}

async fn a_wrong_secret_is_never_shown(provider: &OidcProvider) {
    let wrong = OidcOptions { client_secret: Some("canary".into()), ..options(&provider.issuer()) };
    let wrong = Oidc::discover(wrong).await.unwrap();
    let (url, pending) = wrong.begin(Some("ann")).await.unwrap();
    let error = wrong.complete(pending, answer(&browse(url).await)).await.unwrap_err();
    assert!(error.code() == "oidc.refused" && !error.chain().contains("canary"), "{}", error.chain());
}

#[tokio::test]
async fn a_provider_is_named_by_a_safe_address() {
    for (issuer, expected) in [
        ("no address", "oidc.issuer"),
        ("http://id.example", "oidc.issuer"),
        ("ftp://127.0.0.1", "oidc.issuer"),
        ("http://127.0.0.1.evil.example", "oidc.issuer"),
        ("http://127.0.0.1:1", "oidc.unavailable"),
    ] {
        assert_eq!(Oidc::discover(options(issuer)).await.unwrap_err().code(), expected, "{issuer}");
    }
    // Nor is anything asked that is not of the internet, whatever name it goes by.
    for issuer in ["https://169.254.169.254", "https://10.1", "https://[fd00::1]"] {
        let error = Oidc::discover(options(issuer)).await.unwrap_err();
        let told = error.chain();
        assert!(error.code() == "oidc.unavailable" && told.contains("of the internet"), "{issuer}: {told}");
    }
}

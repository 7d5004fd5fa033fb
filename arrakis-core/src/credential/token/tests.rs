use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::*;
use crate::Env;
use crate::credential::Vault;

fn vault() -> Vault {
    Vault::new(Env::system(), &Vault::new_root(&Env::system()), []).unwrap()
}

fn claims() -> Claims {
    let now = Env::system().now().micros() / 1_000_000;
    Claims {
        iss: "https://id.example".into(),
        sub: "ann".into(),
        aud: "arrakis".into(),
        exp: now + 300,
        iat: now,
        nbf: now,
        jti: "1".into(),
        tid: TenantId::DEFAULT,
        sid: "s".into(),
        client_id: "console".into(),
        seq: Seq(7),
        auth_time: now,
        amr: vec!["pwd".into()],
    }
}

fn verifier(keys: &[&SigningKey]) -> Verifier {
    let verifier = Verifier::new(Env::system(), "https://id.example", "arrakis");
    verifier.set_keys(KeySet::of(keys.iter().map(|key| key.public())));
    verifier
}

/// A token of any header and claims, signed all the same.
fn token(key: &SigningKey, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())))
}

fn header(key: &SigningKey) -> Json {
    json!({ "alg": "EdDSA", "kid": key.kid(), "typ": "at+jwt" })
}

async fn code(verifier: &Verifier, token: &str) -> String {
    let error = verifier.verify(token).await.expect_err(token);
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    error.code().to_owned()
}

#[tokio::test]
async fn a_token_says_what_was_signed() {
    let key = SigningKey::new(&vault()).unwrap();
    let token = claims().sign(&key).unwrap();
    let verifier = verifier(&[&key]);
    for _ in 0..2 {
        assert_eq!(*verifier.verify(token.expose()).await.unwrap(), claims());
    }
    assert!(!format!("{token:?}").contains(&token.expose()[..20]));
}

#[tokio::test]
async fn the_headers_of_attacks_are_refused() {
    let (key, other) = (SigningKey::new(&vault()).unwrap(), SigningKey::new(&vault()).unwrap());
    let (verifier, claims) = (verifier(&[&key]), serde_json::to_string(&claims()).unwrap());
    let with = |name: &str, value: Json| {
        let mut header = header(&key);
        header[name] = value;
        header.to_string()
    };
    let kid = key.kid();
    let malformed = [
        with("alg", json!("none")),
        with("alg", json!("None")),
        with("alg", json!("HS256")),
        with("alg", json!("ES256")),
        with("alg", json!("RS256")),
        with("alg", json!("eddsa")),
        with("alg", json!("Ed25519")),
        with("alg", json!(["EdDSA"])),
        with("alg", Json::Null),
        with("typ", json!("JWT")),
        with("typ", json!("application/at+jwt")),
        with("typ", json!("at+JWT")),
        with("jku", json!("https://evil.example/keys")),
        with("jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": other.public().text() })),
        with("x5u", json!("https://evil.example/cert")),
        with("x5c", json!(["AAAA"])),
        with("x5t", json!("AAAA")),
        with("crit", json!(["exp"])),
        with("b64", json!(false)),
        with("cty", json!("JWT")),
        with("kid", json!(1)),
        with("kid", json!({})),
        format!(r#"{{"alg":"EdDSA","alg":"none","kid":"{kid}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"none","alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"kid":"{kid}","typ":"at+jwt"}}"#),
        format!(r#"["EdDSA","{kid}"]"#),
        String::new(),
        "null".into(),
        "{".into(),
        format!("{}{}", "[".repeat(1_000), "]".repeat(1_000)),
    ];
    for header in malformed {
        assert_eq!(code(&verifier, &token(&key, &header, &claims)).await, "token.malformed", "{header:.200}");
    }
    for kid in ["../../etc/passwd", "' OR 1=1 --", "https://evil.example/key", "", other.kid(), &"x".repeat(1_000)] {
        assert_eq!(
            code(&verifier, &token(&key, &with("kid", json!(kid)), &claims)).await,
            "token.key.unknown",
            "{kid}"
        );
    }
    // Signed by another key under this one's name; by HMAC with the public key, whatever the header says.
    assert_eq!(code(&verifier, &token(&other, &header(&key).to_string(), &claims)).await, "token.signature");
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header(&key).to_string()), URL_SAFE_NO_PAD.encode(&claims));
    let mac = ring::hmac::sign(
        &ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.public().text().as_bytes()),
        signed.as_bytes(),
    );
    assert_eq!(code(&verifier, &format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))).await, "token.signature");
}

#[tokio::test]
async fn a_token_has_one_spelling() {
    let key = SigningKey::new(&vault()).unwrap();
    let verifier = verifier(&[&key]);
    let sound = claims().sign(&key).unwrap();
    let sound = sound.expose();
    let parts: Vec<_> = sound.split('.').collect();
    for wrong in [
        String::new(),
        ".".into(),
        "..".into(),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{sound}.x"),
        format!("{sound}="),
        format!(" {sound}"),
        format!("{sound}\n"),
        sound.replacen('.', "..", 1),
        format!("{sound}{}", "A".repeat(TOKEN_LEN_MAX)),
    ] {
        let code = code(&verifier, &wrong).await;
        assert!(matches!(&*code, "token.malformed" | "token.signature"), "{code}: {wrong:.100}");
    }
    for at in 0..sound.len() {
        let mut wrong = sound.as_bytes().to_vec();
        wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
        assert!(verifier.verify(&String::from_utf8(wrong).unwrap()).await.is_err(), "{at}");
    }
    // A signature with the group's order added to its scalar is another spelling of the same one.
    let mut signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let order = [0xed_u8, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14];
    let mut carry = 0_u16;
    for (index, byte) in signature[32..].iter_mut().enumerate() {
        let sum =
            u16::from(*byte) + u16::from(*order.get(index).unwrap_or(if index == 31 { &0x10_u8 } else { &0 })) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    let malleable = format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode(signature));
    assert_eq!(code(&verifier, &malleable).await, "token.signature");
}

#[tokio::test]
async fn claims_are_all_there_and_of_their_types() {
    let key = SigningKey::new(&vault()).unwrap();
    let (verifier, sound) = (verifier(&[&key]), serde_json::to_value(claims()).unwrap());
    let header = header(&key).to_string();
    for name in ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "tid", "sid", "client_id", "seq", "auth_time", "amr"]
    {
        let mut lacking = sound.clone();
        lacking.as_object_mut().unwrap().remove(name);
        assert_eq!(code(&verifier, &token(&key, &header, &lacking.to_string())).await, "token.malformed", "{name}");
        let twice = sound.to_string().replacen('{', &format!(r#"{{"{name}":{},"#, sound[name]), 1);
        assert_eq!(code(&verifier, &token(&key, &header, &twice)).await, "token.malformed", "{twice}");
    }
    for (name, value, expected) in [
        ("exp", json!("1900000000"), "token.malformed"),
        ("nbf", json!("0"), "token.malformed"),
        ("exp", json!(1.9e9), "token.malformed"),
        ("exp", json!([1]), "token.malformed"),
        ("aud", json!(["arrakis"]), "token.malformed"),
        ("aud", json!("arrakis2"), "token.audience"),
        ("aud", json!(""), "token.audience"),
        ("iss", json!("https://id.example/"), "token.issuer"),
        ("iss", json!("https://evil.example"), "token.issuer"),
        ("sub", json!(""), "token.malformed"),
        ("jti", json!(""), "token.malformed"),
        ("tid", json!("acme"), "token.malformed"),
        ("seq", json!(-1), "token.malformed"),
        ("admin", json!(true), "token.malformed"),
        ("exp", json!(i64::MAX), "token.life"),
        ("exp", json!(sound["iat"].as_i64().unwrap() + TOKEN_LIFE_MAX_S + 1), "token.life"),
        ("exp", json!(sound["iat"].as_i64().unwrap()), "token.life"),
        ("iat", json!(i64::MIN), "token.life"),
        ("nbf", json!(i64::MAX), "token.life"),
        ("nbf", json!(sound["iat"].as_i64().unwrap() + 60), "token.early"),
    ] {
        let mut claims = sound.clone();
        claims[name] = value;
        assert_eq!(code(&verifier, &token(&key, &header, &claims.to_string())).await, expected, "{claims}");
    }
    for text in [r#"{"exp":1e400}"#, r#"{"exp":NaN}"#, "null", "[]", ""] {
        assert_eq!(code(&verifier, &token(&key, &header, text)).await, "token.malformed", "{text}");
    }
}

#[tokio::test]
async fn a_token_is_in_force_for_its_time_remembered_or_not() {
    let key = SigningKey::new(&vault()).unwrap();
    let verifier = verifier(&[&key]);
    for (shift, expected) in [(-400, Some("token.expired")), (-314, None), (14, None), (20, Some("token.early"))] {
        let sound = claims();
        let shifted = Claims { iat: sound.iat + shift, nbf: sound.nbf + shift, exp: sound.exp + shift, ..sound };
        let token = shifted.sign(&key).unwrap();
        for _ in 0..2 {
            let error = verifier.verify(token.expose()).await.err();
            assert_eq!(error.as_ref().map(Error::code), expected, "{shift}");
        }
    }
}

#[tokio::test]
async fn a_key_that_goes_takes_what_it_signed_along() {
    let (old, new) = (SigningKey::new(&vault()).unwrap(), SigningKey::new(&vault()).unwrap());
    let verifier = verifier(&[&old, &new]);
    let (by_old, by_new) = (claims().sign(&old).unwrap(), claims().sign(&new).unwrap());
    assert!(verifier.verify(by_old.expose()).await.is_ok() && verifier.verify(by_new.expose()).await.is_ok());
    verifier.set_keys(KeySet::of([new.public()]));
    assert_eq!(code(&verifier, by_old.expose()).await, "token.key.unknown");
    assert!(verifier.verify(by_new.expose()).await.is_ok());
}

#[derive(Debug)]
struct Source {
    asked: AtomicU32,
    keys: Mutex<KeySet>,
}

#[async_trait]
impl KeySource for Source {
    async fn keys(&self) -> Result<KeySet> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Ok(self.keys.lock().unwrap().clone())
    }
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_a_minute() {
    let (key, stray) = (SigningKey::new(&vault()).unwrap(), SigningKey::new(&vault()).unwrap());
    let source = Arc::new(Source { asked: AtomicU32::new(0), keys: Mutex::new(KeySet::of([key.public()])) });
    let verifier = Verifier::new(Env::system(), "https://id.example", "arrakis").with_source(Arc::clone(&source) as _);
    let verifier = Arc::new(verifier);
    let token: Arc<str> = claims().sign(&key).unwrap().expose().into();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (verifier, token) = (Arc::clone(&verifier), Arc::clone(&token));
        tasks.spawn(async move { verifier.verify(&token).await.is_ok() });
    }
    while let Some(passed) = tasks.join_next().await {
        assert!(passed.unwrap());
    }
    for index in 0..100_000 {
        let header = json!({ "alg": "EdDSA", "kid": index.to_string(), "typ": "at+jwt" }).to_string();
        let text = format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header));
        assert_eq!(code(&verifier, &text).await, "token.key.unknown");
    }
    assert_eq!(code(&verifier, claims().sign(&stray).unwrap().expose()).await, "token.key.unknown");
    assert_eq!(source.asked.load(Ordering::Relaxed), 1);
}

//! The keys tokens are signed with, from when they are announced until nothing they signed can be in force (Ed25519, RFC 8032; JWK, RFC 7517 and 8037).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Vault;
use crate::{Error, Result};

/// The bytes of a public key.
pub const PUBLIC_KEY_LEN: usize = 32;
/// The most keys of a set that is read: the next, the active and those that retire.
pub const KEYS_MAX: usize = 16;

/// How far a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Announced, so that every verifier knows it before it signs.
    Next,
    /// It signs.
    Active,
    /// It signs no more; what it signed may be in force.
    Retiring,
    /// Nothing it signed is in force.
    Retired,
}

impl KeyState {
    /// Whether what it signed is accepted.
    pub const fn verifies(self) -> bool {
        !matches!(self, Self::Retired)
    }
}

/// A key that signs.
pub struct SigningKey {
    kid: String,
    seed: Zeroizing<[u8; 32]>,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// A fresh key.
    ///
    /// # Errors
    /// None that randomness gives.
    pub fn new(vault: &Vault) -> Result<Self> {
        let mut seed = Zeroizing::new([0; 32]);
        vault.env().random(&mut *seed);
        Self::from_seed(seed)
    }

    fn from_seed(seed: Zeroizing<[u8; 32]>) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed)
            .map_err(|_| Error::corrupt("key.seed", "the stored signing key is none"))?;
        let kid = thumbprint(pair.public_key().as_ref());
        Ok(Self { kid, seed, pair })
    }

    /// A key as [`SigningKey::sealed`] gave it.
    ///
    /// # Errors
    /// `vault.sealed` when the vault has not the root it was sealed with; `key.seed`.
    pub fn open(vault: &Vault, kid: &str, sealed: &str) -> Result<Self> {
        let seed = vault.open(&purpose(kid), sealed)?;
        let seed = <[u8; 32]>::try_from(seed.as_slice()).map(Zeroizing::new);
        Self::from_seed(seed.map_err(|_| Error::corrupt("key.seed", "the stored signing key is none"))?)
    }

    /// The key as it is stored.
    ///
    /// # Errors
    /// None that a vault gives.
    pub fn sealed(&self, vault: &Vault) -> Result<String> {
        vault.seal(&purpose(&self.kid), &*self.seed)
    }

    /// Its name: the thumbprint of its public key (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.pair.public_key().as_ref().try_into().unwrap_or_default())
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

fn purpose(kid: &str) -> String {
    format!("signing key {kid}")
}

/// What verifies what a key signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_KEY_LEN]);

impl PublicKey {
    /// A key as [`PublicKey::text`] tells it.
    ///
    /// # Errors
    /// `key.public` for what is none.
    pub fn read(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| Error::invalid("key.public", "an Ed25519 key is 32 bytes in base64url"))
    }

    /// In base64url, as in a JWK.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Its name.
    pub fn kid(&self) -> String {
        thumbprint(&self.0)
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

fn thumbprint(public: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, members.as_bytes()))
}

/// Public keys by name: what a verifier knows. One algorithm: a key of another is not in it, whatever a token says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(BTreeMap<String, PublicKey>);

#[derive(Serialize, Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    kid: String,
    #[serde(default, rename = "use")]
    purpose: String,
    #[serde(default)]
    alg: String,
}

impl KeySet {
    /// A set of these keys.
    pub fn of(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self(keys.into_iter().map(|key| (key.kid(), key)).collect())
    }

    /// Reads a JSON Web Key Set. Keys of other algorithms or uses are left out.
    ///
    /// # Errors
    /// `key_set.malformed`; `key_set.too_many` for more than [`KEYS_MAX`].
    pub fn from_jwks(json: &str) -> Result<Self> {
        let jwks: Jwks = serde_json::from_str(json)
            .map_err(|e| Error::invalid("key_set.malformed", "this is no JSON Web Key Set").caused_by(e))?;
        if jwks.keys.len() > KEYS_MAX {
            return Err(Error::invalid("key_set.too_many", "the set has too many keys").with("length_max", KEYS_MAX));
        }
        let signs = |key: &&Jwk| {
            (&*key.kty, &*key.crv) == ("OKP", "Ed25519")
                && matches!(&*key.purpose, "" | "sig")
                && matches!(&*key.alg, "" | "EdDSA" | "Ed25519")
        };
        let named = |key: &Jwk| PublicKey::read(&key.x).map(|public| (key.kid.clone(), public));
        jwks.keys.iter().filter(signs).map(named).collect::<Result<_>>().map(Self)
    }

    /// The JSON Web Key Set.
    pub fn to_jwks(&self) -> String {
        let key = |(kid, public): (&String, &PublicKey)| Jwk {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            x: public.text(),
            kid: kid.clone(),
            purpose: "sig".into(),
            alg: "EdDSA".into(),
        };
        // A few texts are written, which cannot fail.
        serde_json::to_string(&Jwks { keys: self.0.iter().map(key).collect() }).unwrap_or_default()
    }

    /// A key by name.
    pub fn get(&self, kid: &str) -> Option<&PublicKey> {
        self.0.get(kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    #[test]
    fn a_key_is_opened_as_sealed() {
        let vault = Vault::new(Env::system(), &Vault::new_root(&Env::system()), []).unwrap();
        let key = SigningKey::new(&vault).unwrap();
        let opened = SigningKey::open(&vault, key.kid(), &key.sealed(&vault).unwrap()).unwrap();
        assert_eq!((opened.kid(), opened.public()), (key.kid(), key.public()));
        assert!(
            key.public().verifies(b"text", &opened.sign(b"text"))
                && !key.public().verifies(b"texs", &opened.sign(b"text"))
        );
        assert_eq!(
            SigningKey::open(&vault, "another", &key.sealed(&vault).unwrap()).unwrap_err().code(),
            "vault.sealed"
        );
    }

    #[test]
    fn a_thumbprint_is_that_of_the_standard() {
        // RFC 8037, appendix A.3.
        let public = PublicKey::read("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(public.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_set_is_read_as_written_without_foreign_keys() {
        let public = PublicKey::read("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let set = KeySet::of([public]);
        assert_eq!(KeySet::from_jwks(&set.to_jwks()).unwrap(), set);
        for foreign in [
            r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"a"}"#,
            r#"{"kty":"oct","k":"AQAB","kid":"a"}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","alg":"HS256","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}"#,
        ] {
            assert_eq!(
                KeySet::from_jwks(&format!(r#"{{"keys":[{foreign}]}}"#)).unwrap(),
                KeySet::default(),
                "{foreign}"
            );
        }
        let many = vec![r#"{"kty":"RSA"}"#; KEYS_MAX + 1].join(",");
        for (bad, code) in [
            ("", "key_set.malformed"),
            ("[]", "key_set.malformed"),
            (&*format!(r#"{{"keys":[{many}]}}"#), "key_set.too_many"),
        ] {
            assert_eq!(KeySet::from_jwks(bad).unwrap_err().code(), code);
        }
    }
}

//! Access tokens: JSON Web Tokens of one kind (RFC 9068, `at+jwt`), signed by one algorithm (`EdDSA`, RFC 8037), read more strictly than the
//! standard asks (RFC 8725).

mod verifier;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

pub use self::verifier::{KEYS_REFRESH_S, KeySource, TOKENS_CACHED_MAX, Verifier};
use super::Secret;
use super::key_set::{KeySet, SigningKey};
use crate::{Error, ErrorKind, Result, Seq, TenantId, Timestamp};

/// The longest token, bytes.
pub const TOKEN_LEN_MAX: usize = 4_096;
/// How far the clocks of who signs and who verifies may be apart, seconds.
pub const LEEWAY_S: i64 = 15;
/// The longest a token may be in force, seconds.
pub const TOKEN_LIFE_MAX_S: i64 = 600;
const ALGORITHM: &str = "EdDSA";
const KIND: &str = "at+jwt";

/// What the header of a token says, and nothing else: a header with a key, a certificate, an address or a list of extensions in it is refused.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is about: the identifier of a user.
    pub sub: String,
    /// Whom it is for.
    pub aud: String,
    /// Until when it is in force, seconds since 1970.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// From when it is in force.
    pub nbf: i64,
    /// Its own identifier.
    pub jti: String,
    /// The tenant.
    pub tid: TenantId,
    /// The session it is of.
    pub sid: String,
    /// The application it was issued to.
    pub client_id: String,
    /// The newest commit of the directory its issuer had seen: what was revoked after it is not in force.
    pub seq: Seq,
    /// When whoever it is about proved who they are.
    pub auth_time: i64,
    /// How: `pwd`, `otp`, `rec` or `fed` (RFC 8176, where it has a name).
    pub amr: Vec<String>,
}

impl Claims {
    /// Signs the claims.
    ///
    /// # Errors
    /// `token.too_long`.
    pub fn sign(&self, key: &SigningKey) -> Result<Secret> {
        let header = Header { alg: ALGORITHM.into(), kid: key.kid().into(), typ: KIND.into() };
        let mut token = encoded(&header)?;
        token.push('.');
        token.push_str(&encoded(self)?);
        let signature = URL_SAFE_NO_PAD.encode(key.sign(token.as_bytes()));
        token.push('.');
        token.push_str(&signature);
        if token.len() > TOKEN_LEN_MAX {
            return Err(Error::invalid("token.too_long", "the claims are too long").with("length_max", TOKEN_LEN_MAX));
        }
        Ok(token.into())
    }

    /// Passes while they are in force.
    ///
    /// # Errors
    /// `token.expired`; `token.early`.
    pub fn check_time(&self, now: Timestamp) -> Result<()> {
        let now = now.micros().div_euclid(1_000_000);
        if now >= self.exp.saturating_add(LEEWAY_S) {
            return Err(refused("token.expired", "the token has expired").retryable_is(false));
        }
        if self.nbf.saturating_sub(LEEWAY_S) > now || self.iat.saturating_sub(LEEWAY_S) > now {
            return Err(refused("token.early", "the token is not in force yet"));
        }
        Ok(())
    }
}

fn encoded(part: &impl Serialize) -> Result<String> {
    let json = serde_json::to_vec(part).map_err(|e| Error::internal("token.json", "claims are JSON").caused_by(e))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

pub(super) fn refused(code: &'static str, message: &'static str) -> Error {
    Error::new(ErrorKind::Unauthenticated, code, message)
}

fn malformed() -> Error {
    refused("token.malformed", "this is no access token")
}

/// Reads a token whose signature a key of the set made. Says nothing of who issued it, for whom and until when.
///
/// # Errors
/// `token.malformed` for what is no such token or no claims; `token.key.unknown`; `token.signature`.
fn read(token: &str, keys: &KeySet) -> Result<Claims> {
    if token.len() > TOKEN_LEN_MAX {
        return Err(malformed());
    }
    let (signed, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    // Alphabet and padding are the standard's own, and bits that are left over are zero, so a token has one spelling.
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
    let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| malformed())?;
    if header.alg != ALGORITHM || header.typ != KIND {
        return Err(malformed());
    }
    let key =
        keys.get(&header.kid).ok_or_else(|| refused("token.key.unknown", "no key of this name verifies tokens"))?;
    if !key.verifies(signed.as_bytes(), &bytes(signature)?) {
        return Err(refused("token.signature", "the signature of the token is not its key's"));
    }
    serde_json::from_slice(&bytes(claims)?).map_err(|_| malformed())
}

#[cfg(test)]
mod tests;

//! Whether a token is in force, checked once and remembered.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use ring::digest::{SHA256, digest};

use super::{Claims, TOKEN_LIFE_MAX_S, malformed, read, refused};
use crate::credential::key_set::KeySet;
use crate::{Env, Result};

/// The most tokens that are remembered as verified.
pub const TOKENS_CACHED_MAX: usize = 65_536;
/// How often at most the keys are asked for because a token names one that is not known, seconds.
pub const KEYS_REFRESH_S: u64 = 60;

/// Where the keys that verify tokens come from.
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The keys as they are now.
    async fn keys(&self) -> Result<KeySet>;
}

/// Verifies the tokens of one issuer, for one audience.
pub struct Verifier {
    env: Env,
    issuer: String,
    audience: String,
    keys: RwLock<Arc<KeySet>>,
    source: Option<Arc<dyn KeySource>>,
    /// When the source was last asked; held while it is, so that it is asked once at a time.
    asked: tokio::sync::Mutex<Option<Duration>>,
    verified: Mutex<Verified>,
}

/// Tokens that were verified, by their hash: those of the last while, and those of the while before.
#[derive(Default)]
struct Verified {
    /// Of the keys they were verified with.
    young: HashMap<[u8; 32], Arc<Claims>>,
    old: HashMap<[u8; 32], Arc<Claims>>,
}

impl Verified {
    fn get(&mut self, hash: &[u8; 32]) -> Option<Arc<Claims>> {
        if let Some(claims) = self.young.get(hash) {
            return Some(Arc::clone(claims));
        }
        let claims = self.old.remove(hash)?;
        self.insert(*hash, Arc::clone(&claims));
        Some(claims)
    }

    fn insert(&mut self, hash: [u8; 32], claims: Arc<Claims>) {
        if self.young.len() >= TOKENS_CACHED_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, claims);
    }
}

impl Verifier {
    /// Of an issuer's tokens, for an audience, with keys that [`Verifier::set_keys`] gives.
    pub fn new(env: Env, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            env,
            issuer: issuer.into(),
            audience: audience.into(),
            keys: RwLock::default(),
            source: None,
            asked: tokio::sync::Mutex::default(),
            verified: Mutex::default(),
        }
    }

    /// With a source that is asked for the keys when a token names one that is not known, at most once in [`KEYS_REFRESH_S`].
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn KeySource>) -> Self {
        self.source = Some(source);
        self
    }

    /// Verifies with these keys from now on. What was verified with a key that is not among them any more is verified no longer.
    pub fn set_keys(&self, keys: KeySet) {
        let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if **held != keys {
            *held = Arc::new(keys);
            *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = Verified::default();
        }
    }

    /// The keys tokens are verified with now.
    pub fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a token says, when it is in force. What was revoked since is for [`crate::user::Directory`] to say.
    ///
    /// # Errors
    /// `token.malformed`, `token.key.unknown`, `token.signature`, `token.issuer`, `token.audience`, `token.life`, `token.expired`, `token.early`: all
    /// [`crate::ErrorKind::Unauthenticated`].
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>> {
        // The quickest that processors have instructions for.
        let hash = digest(&SHA256, token.as_bytes()).as_ref().try_into().unwrap_or_default();
        let known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&hash);
        let claims = match known {
            Some(claims) => claims,
            None => self.verify_anew(token, hash).await?,
        };
        claims.check_time(self.env.now())?;
        Ok(claims)
    }

    async fn verify_anew(&self, token: &str, hash: [u8; 32]) -> Result<Arc<Claims>> {
        let mut keys = self.keys();
        let read_now = match read(token, &keys) {
            Err(error) if error.code() == "token.key.unknown" && self.refresh().await => {
                keys = self.keys();
                read(token, &keys)
            }
            other => other,
        };
        let claims = Arc::new(self.judged(read_now?)?);
        // Where the keys have changed meanwhile it is verified again the next time.
        let now = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&now, &keys) {
            self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, Arc::clone(&claims));
        }
        Ok(claims)
    }

    fn judged(&self, claims: Claims) -> Result<Claims> {
        if claims.iss != self.issuer {
            return Err(refused("token.issuer", "the token is another issuer's"));
        }
        if claims.aud != self.audience {
            return Err(refused("token.audience", "the token is for someone else"));
        }
        if claims.sub.is_empty() || claims.jti.is_empty() || claims.sid.is_empty() {
            return Err(malformed());
        }
        let life = claims.exp.checked_sub(claims.iat).filter(|life| (1..=TOKEN_LIFE_MAX_S).contains(life));
        if life.is_none() || claims.nbf > claims.exp {
            return Err(refused("token.life", "the token claims to be in force for longer than any is"));
        }
        Ok(claims)
    }

    /// Asks the source for the keys, unless it was asked just now.
    async fn refresh(&self) -> bool {
        let Some(source) = &self.source else { return false };
        let before = self.keys();
        let mut asked = self.asked.lock().await;
        // Whoever was asking meanwhile has asked for this one too.
        if !Arc::ptr_eq(&before, &self.keys()) {
            return true;
        }
        let now = self.env.monotonic();
        if asked.is_some_and(|at| now.saturating_sub(at) < Duration::from_secs(KEYS_REFRESH_S)) {
            return false;
        }
        *asked = Some(now);
        match source.keys().await {
            Ok(keys) => self.set_keys(keys),
            Err(error) => tracing::warn!(error = error.chain(), "the keys that verify tokens cannot be read"),
        }
        true
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

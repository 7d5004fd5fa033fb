//! Whose credentials are, as another process knows it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arrakis_core::access::{Access, Policy};
use arrakis_core::credential::Secret;
use arrakis_core::user::Identity;
use arrakis_core::{Context, Error, ErrorKind, Result, Scope};

use super::{Client, Inner};
use crate::api::user as api;

/// How many credentials are known at a time.
const KNOWN_MAX: usize = 100_000;
/// How many policies are kept.
const POLICIES_MAX: usize = 64;
/// How long it is believed whose a credential is when nobody can be asked: then nothing is.
const UNASKED_MAX: Duration = Duration::from_secs(5);
/// How long a credential is kept that nobody uses.
const UNUSED_MAX: Duration = Duration::from_secs(60);
/// How many are asked about at a time.
const ASKED_AT_ONCE: usize = 8;
/// How many locks keep the same credential from being asked about twice at a time.
const LOCKS: usize = 64;

/// A credential of a tenant, hashed.
type Key = [u8; 32];

/// What is known of credentials.
#[derive(Debug)]
pub(super) struct Identities {
    known: Mutex<HashMap<Key, Known>>,
    policies: Mutex<HashMap<String, Arc<Policy>>>,
    asking: [tokio::sync::Mutex<()>; LOCKS],
}

impl Default for Identities {
    fn default() -> Self {
        let asking = [(); LOCKS].map(|()| tokio::sync::Mutex::default());
        Self { known: Mutex::default(), policies: Mutex::default(), asking }
    }
}

#[derive(Clone, Debug)]
struct Known {
    identity: Identity,
    policy: String,
    credential: Secret,
    scope: Scope,
    /// When it was last said, and last used.
    said: Duration,
    used: Duration,
}

fn key_of(scope: Scope, credential: &Secret) -> Key {
    let mut hasher = blake3::Hasher::new_derive_key("arrakis 2026 known credential");
    *hasher.update(scope.tenant.uuid().as_bytes()).update(credential.expose().as_bytes()).finalize().as_bytes()
}

impl Client {
    /// Whose a credential is: as it was said a moment ago, or as it is said now.
    pub(super) async fn identify(&self, ctx: &Context, credential: &Secret) -> Result<Identity> {
        let key = key_of(ctx.scope(), credential);
        if let Some(identity) = self.known(&key) {
            return Ok(identity);
        }
        let lock = self.inner.identities.asking.get(usize::from(key[0]) % LOCKS);
        let _asking = match lock {
            Some(lock) => Some(lock.lock().await),
            None => None,
        };
        if let Some(identity) = self.known(&key) {
            return Ok(identity);
        }
        self.asked(ctx, key, credential, true).await
    }

    fn known(&self, key: &Key) -> Option<Identity> {
        let (now, ttl) = (self.inner.env.monotonic(), self.inner.options.identity_ttl);
        let mut known = self.inner.identities.known.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get_mut(key).filter(|entry| now.saturating_sub(entry.said) < ttl)?;
        entry.identity.access.check(self.inner.env.now()).ok()?;
        entry.used = now;
        Some(entry.identity.clone())
    }

    /// Asks whose a credential is. Where it is as before, the rights compiled for it stay; where it is not, they are taken back.
    async fn asked(&self, ctx: &Context, key: Key, credential: &Secret, is_used: bool) -> Result<Identity> {
        let asked = self.call(ctx, &api::IDENTIFY, &api::Identify { credential: credential.clone() }).await;
        let view = match asked {
            Ok(view) => view,
            Err(error) => {
                self.unknown(&key, &error);
                return Err(error);
            }
        };
        let policy = self.policy(ctx, &view.policy).await?;
        let now = self.inner.env.monotonic();
        let mut known = self.inner.identities.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(&key).cloned();
        let same = before.as_ref().filter(|before| {
            let access = &before.identity.access;
            before.policy == view.policy
                && *access.subject() == view.subject
                && access.check(self.inner.env.now()).is_ok()
        });
        let access = match (same, &before) {
            (Some(same), _) => Arc::clone(&same.identity.access),
            (None, before) => {
                if let Some(before) = before {
                    before.identity.access.revoke();
                }
                Arc::new(Access::new(policy, view.subject))
            }
        };
        let identity = Identity { user: view.user, session: view.session, access };
        let used = before.filter(|_| !is_used).map_or(now, |before| before.used);
        if known.len() >= KNOWN_MAX {
            known.retain(|_, entry| now.saturating_sub(entry.used) < self.inner.options.identity_ttl);
        }
        let (scope, credential, policy) = (ctx.scope(), credential.clone(), view.policy);
        known.insert(key, Known { identity: identity.clone(), policy, credential, scope, said: now, used });
        Ok(identity)
    }

    /// It was not said whose a credential is: what was said before holds no longer, or only for a while.
    fn unknown(&self, key: &Key, error: &Error) {
        let now = self.inner.env.monotonic();
        let mut known = self.inner.identities.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_transient = error.kind() == ErrorKind::Unavailable;
        let is_believed = |entry: &Known| is_transient && now.saturating_sub(entry.said) < UNASKED_MAX;
        if known.get(key).is_some_and(|entry| !is_believed(entry))
            && let Some(entry) = known.remove(key)
        {
            entry.identity.access.revoke();
        }
    }

    async fn policy(&self, ctx: &Context, hash: &str) -> Result<Arc<Policy>> {
        let kept = || self.inner.identities.policies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = kept().get(hash) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(self.call(ctx, &api::POLICY_OF, &api::OfPolicy { hash: hash.into() }).await?);
        let mut policies = kept();
        if policies.len() >= POLICIES_MAX {
            policies.clear();
        }
        policies.insert(hash.into(), Arc::clone(&policy));
        Ok(policy)
    }

    /// Asks anew about every credential in use.
    pub(super) async fn ask_anew(&self) {
        use futures_util::StreamExt as _;

        let now = self.inner.env.monotonic();
        let entries: Vec<_> = {
            let mut known = self.inner.identities.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, entry| {
                now.saturating_sub(entry.used) < UNUSED_MAX || Arc::strong_count(&entry.identity.access) > 1
            });
            known.iter().map(|(key, entry)| (*key, entry.clone())).collect()
        };
        futures_util::stream::iter(entries)
            .for_each_concurrent(ASKED_AT_ONCE, |(key, entry)| async move {
                let request = arrakis_core::RequestId::from_uuid(self.inner.env.uuid());
                let ctx = Context::new(entry.scope, arrakis_core::Actor::system(), request);
                // What it comes to is noted where it is asked.
                let _ = self.asked(&ctx, key, &entry.credential, false).await;
            })
            .await;
    }
}

/// Asks anew about every credential in use, twice within the time an answer is believed.
pub(super) async fn watch(client: Weak<Inner>) {
    loop {
        let Some(inner) = client.upgrade() else { return };
        let pause = (inner.options.identity_ttl / 2).max(Duration::from_millis(10));
        Client { inner }.ask_anew().await;
        tokio::time::sleep(pause).await;
    }
}

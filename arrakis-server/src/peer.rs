//! How processes of one deployment vouch for whom they ask.
//!
//! A process that has found out who asks it, or that acts for itself, asks another one in that name. What it says of whoever acts, the tenant, the
//! rights and until when it may be used, is written down with the method and path it is for, under a code that only who has the root secret of the
//! deployment can make: keyed BLAKE3 over a key derived for this.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arrakis_core::access::{Policy, Subject};
use arrakis_core::credential::{ROOT_LEN, Secret, derive_key};
use arrakis_core::{Actor, Context, Error, ErrorKind, Grants, Permission, Result, Scope, SpaceId, TenantId, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the header begins with.
pub const PEER_SCHEME: &str = "Ark-Peer ";
/// How long what is vouched for may be used, microseconds.
const LIFE: i64 = 60_000_000;
/// How far the clocks of two processes may differ, microseconds.
const SKEW: i64 = 15_000_000;
/// The most bytes of what is vouched for.
const LEN_MAX: usize = 65_536;

/// What processes of a deployment vouch with. Cheap to clone.
#[derive(Clone)]
pub struct PeerKey {
    key: Arc<Zeroizing<[u8; ROOT_LEN]>>,
    hashes: Arc<PolicyHashes>,
}

/// How many hashes of policies are kept.
const HASHES_MAX: usize = 64;

/// The hashes policies are known by, worked out once for each.
#[derive(Debug, Default)]
struct PolicyHashes(Mutex<Vec<(Weak<Policy>, Arc<str>)>>);

/// Who acts, and what they may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vouched {
    pub(crate) tenant: TenantId,
    pub(crate) space: SpaceId,
    pub(crate) actor: Actor,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) grants: Vec<Permission>,
    /// Who has rights by a policy, and the hash of that policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access: Option<(Subject, String)>,
    /// What is asked: method and path.
    asked: String,
    until: i64,
}

impl Vouched {
    /// The tenant and space.
    pub(crate) const fn scope(&self) -> Scope {
        Scope { tenant: self.tenant, space: self.space }
    }
}

impl PeerKey {
    /// The key of the deployment that has this root secret.
    ///
    /// # Errors
    /// `vault.root.malformed`.
    pub fn of(root: &Secret) -> Result<Self> {
        let key = derive_key(root, "arrakis 2026 peer")?;
        Ok(Self { key: Arc::new(key), hashes: Arc::default() })
    }

    /// The hash a policy is known by.
    ///
    /// # Errors
    /// None that a policy gives.
    pub(crate) fn policy_hash(&self, policy: &Arc<Policy>) -> Result<Arc<str>> {
        let mut hashes = self.hashes.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = hashes.iter().find(|(of, _)| of.as_ptr() == Arc::as_ptr(policy));
        if let Some((_, hash)) = known {
            return Ok(Arc::clone(hash));
        }
        let text =
            serde_json::to_vec(policy).map_err(|e| Error::internal("peer.policy", "not written").caused_by(e))?;
        let hash: Arc<str> = blake3::hash(&text).to_hex().as_str().into();
        hashes.retain(|(of, _)| of.strong_count() > 0);
        if hashes.len() < HASHES_MAX {
            hashes.push((Arc::downgrade(policy), Arc::clone(&hash)));
        }
        Ok(hash)
    }

    /// What is sent in the name of a context.
    ///
    /// # Errors
    /// `peer.too_large`.
    pub(crate) fn vouch(&self, ctx: &Context, asked: String, now: Timestamp) -> Result<Secret> {
        let access = match ctx.access() {
            Some(access) => Some((access.subject().clone(), self.policy_hash(access.policy())?.to_string())),
            None => None,
        };
        let granted = |permission: &Permission| ctx.require(*permission).is_ok();
        let grants = Permission::ALL.into_iter().filter(granted).collect();
        let Scope { tenant, space } = ctx.scope();
        let until = now.micros().saturating_add(LIFE);
        let vouched = Vouched { tenant, space, actor: ctx.actor().clone(), grants, access, asked, until };
        let text = serde_json::to_vec(&vouched).map_err(|e| Error::internal("peer", "not written").caused_by(e))?;
        if text.len() > LEN_MAX {
            let large = "whoever acts has more groups, roles and attributes than processes tell each other of";
            return Err(Error::invalid("peer.too_large", large).with("length_max", LEN_MAX));
        }
        let code = blake3::keyed_hash(&self.key, &text);
        let (text, code) = (URL_SAFE_NO_PAD.encode(text), URL_SAFE_NO_PAD.encode(code.as_bytes()));
        Ok(format!("{PEER_SCHEME}{text}.{code}").into())
    }

    /// Whoever is vouched for, when this deployment does.
    ///
    /// # Errors
    /// `peer.refused`, which does not say why.
    pub(crate) fn check(&self, header: &str, asked: &str, now: Timestamp) -> Result<Vouched> {
        let refused =
            || Error::new(ErrorKind::Unauthenticated, "peer.refused", "no process of this deployment says so");
        let (text, code) =
            header.strip_prefix(PEER_SCHEME).and_then(|rest| rest.split_once('.')).ok_or_else(refused)?;
        let text = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let code = URL_SAFE_NO_PAD.decode(code).map_err(|_| refused())?;
        let code = blake3::Hash::from_slice(&code).map_err(|_| refused())?;
        // Hashes are compared in constant time.
        if text.len() > LEN_MAX || blake3::keyed_hash(&self.key, &text) != code {
            return Err(refused());
        }
        let vouched: Vouched = serde_json::from_slice(&text).map_err(|_| refused())?;
        let is_now = now.micros() < vouched.until.saturating_add(SKEW)
            && vouched.until <= now.micros().saturating_add(LIFE + SKEW);
        if is_now && vouched.asked == asked { Ok(vouched) } else { Err(refused()) }
    }
}

/// The permissions vouched for.
pub(crate) fn grants_of(permissions: &[Permission]) -> Grants {
    permissions.iter().fold(Grants::NONE, |grants, permission| grants.with(*permission))
}

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use arrakis_core::credential::Vault;
    use arrakis_core::{Env, RequestId};

    use super::*;

    #[test]
    fn what_is_vouched_for_holds_for_one_question_and_a_while() {
        let env = Env::system();
        let (root, other) = (Vault::new_root(&env), Vault::new_root(&env));
        let key = PeerKey::of(&root).unwrap();
        let scope = Scope { tenant: TenantId::DEFAULT, space: SpaceId::DEFAULT };
        let ctx = Context::new(scope, Actor::system(), RequestId::from_uuid(env.uuid()));
        let ctx = ctx.granted(Grants::NONE.with(Permission::ObjectRead));
        let now = env.now();
        let asked = "POST /v1/objects/query";
        let said = key.vouch(&ctx, asked.into(), now).unwrap();
        let vouched = key.check(said.expose(), asked, now).unwrap();
        assert_eq!((vouched.scope(), &*vouched.grants), (scope, &[Permission::ObjectRead][..]));
        let later = Timestamp::from_micros_saturating(now.micros() + LIFE + SKEW);
        let earlier = Timestamp::from_micros_saturating(now.micros() - SKEW - 1);
        let cut = &said.expose()[..said.expose().len() - 1];
        let changed = said.expose().replace('.', "A.");
        for (header, asked, now) in [
            (said.expose(), "POST /v1/objects/write", now),
            (said.expose(), asked, later),
            (said.expose(), asked, earlier),
            (cut, asked, now),
            (&changed, asked, now),
            ("Bearer x", asked, now),
            ("", asked, now),
        ] {
            assert_eq!(key.check(header, asked, now).unwrap_err().code(), "peer.refused", "{header} {asked}");
        }
        let stranger = PeerKey::of(&other).unwrap();
        assert_eq!(stranger.check(said.expose(), asked, now).unwrap_err().code(), "peer.refused");
    }
}

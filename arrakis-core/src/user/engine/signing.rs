//! The keys access tokens are signed with: of the deployment, kept in a directory of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{RETRIES_MAX, Users, has_moved, is_over};
use crate::credential::key_set::{KeyState, SigningKey};
use crate::credential::token::{LEEWAY_S, TOKEN_LIFE_MAX_S};
use crate::kernel::{Edit, Expect};
use crate::user::Directory;
use crate::user::row::{GuardRow, Kept, Row, SigningKeyRow};
use crate::{Context, Error, Permission, Result, TenantId, Timestamp};

/// Whose directory has the keys: that of no tenant.
const DEPLOYMENT: TenantId = TenantId::from_uuid(uuid::Uuid::from_u128(0x0000_0000_0000_8000_8000_0000_0000_0004));
/// How long a key signs before the next takes its place.
const KEY_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// How long a key is announced before it signs: twice as long as verifiers may keep the keys they were told.
const KEY_ANNOUNCED: Duration = Duration::from_secs(600);
/// How long what a key has signed may be in force.
const KEY_RETIRING: Duration = Duration::from_secs((TOKEN_LIFE_MAX_S + LEEWAY_S).unsigned_abs());
const GUARD: &str = "signing keys";

/// The key that signs, opened.
#[derive(Debug, Default)]
pub(super) struct Signer(Mutex<Option<Arc<SigningKey>>>);

impl Users {
    /// The directory with the signing keys.
    pub(super) async fn deployment(&self, ctx: &Context) -> Result<Arc<Directory>> {
        self.directory_of(ctx, DEPLOYMENT, false).await
    }

    /// The key that signs now. Where there is none, or it has signed for long, another is made or takes its place.
    pub(super) async fn signing_key(&self, ctx: &Context) -> Result<Arc<SigningKey>> {
        let directory = self.deployment(ctx).await?;
        for _ in 0..RETRIES_MAX {
            if let Some(key) = self.active(&directory)? {
                return Ok(key);
            }
            match self.turn_keys(ctx, &directory).await {
                Err(error) if has_moved(&error) => {
                    self.caught_up(&directory).await?;
                }
                other => other?,
            }
        }
        Err(super::group::contended())
    }

    fn active(&self, directory: &Directory) -> Result<Option<Arc<SigningKey>>> {
        let state = directory.state();
        let active = state.signing_keys.values().find(|key| key.state == KeyState::Active);
        let Some(active) = active.filter(|key| !is_over(key.since, KEY_LIFE, self.now())) else { return Ok(None) };
        let mut opened = self.inner.signer.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = opened.as_ref().filter(|key| key.kid() == active.id) {
            return Ok(Some(Arc::clone(key)));
        }
        let key =
            Arc::new(SigningKey::open(&self.inner.vault, &active.id, active.sealed.as_deref().unwrap_or_default())?);
        *opened = Some(Arc::clone(&key));
        Ok(Some(key))
    }

    /// Lets the next key sign before its time, such as when the one that signs may be known to others. What that one signed is in force until it ends by
    /// itself: [`crate::user::ApiKeyService::revoke_issued`] ends it at once. Needs `tenancy.manage`.
    ///
    /// # Errors
    /// `permission.denied`; `user.signing_key.announced` while the next was announced less than ten minutes ago.
    pub async fn rotate_keys(&self, ctx: &Context) -> Result<()> {
        self.admit(ctx, Some(Permission::TenancyManage))?;
        self.signing_key(ctx).await?;
        let directory = self.deployment(ctx).await?;
        let now = self.now();
        let is_ready = |key: &SigningKeyRow| key.state == KeyState::Next && is_over(key.since, KEY_ANNOUNCED, now);
        if !directory.state().signing_keys.values().any(is_ready) {
            return Err(Error::conflict(
                "user.signing_key.announced",
                "the next key was announced less than ten minutes ago",
            )
            .retryable_is(true));
        }
        self.turn_keys(ctx, &directory).await
    }

    /// The next key signs, the one before retires, and another is announced; at first, one signs at once.
    async fn turn_keys(&self, ctx: &Context, directory: &Directory) -> Result<()> {
        let guard: Option<Kept<GuardRow>> = self.kept(directory, GUARD).await?;
        // What was written under the guard is seen.
        if let Some(guard) = &guard {
            directory.caught_up(guard.revision).await?;
        }
        let row = GuardRow::new(GUARD, &self.inner.env);
        let mut edits = vec![guard.map_or_else(|| row.put(Some(Expect::Absent)), |guard| guard.replace(&row))?];
        edits.extend(self.turned(&directory.state().signing_keys.values().cloned().collect::<Vec<_>>())?);
        self.commit(ctx, directory, "user.turn_keys", edits).await.map(drop)
    }

    fn turned(&self, keys: &[SigningKeyRow]) -> Result<Vec<Edit>> {
        let now = self.now();
        let fresh = |state| self.fresh_key(state, now);
        let mut edits = Vec::new();
        for key in keys {
            let to = match key.state {
                KeyState::Next => KeyState::Active,
                KeyState::Active => KeyState::Retiring,
                KeyState::Retiring if is_over(key.since, KEY_RETIRING, now) => KeyState::Retired,
                KeyState::Retiring | KeyState::Retired => continue,
            };
            let sealed = key.sealed.clone().filter(|_| to == KeyState::Active);
            edits.push(SigningKeyRow { state: to, since: now, sealed, ..key.clone() }.put(None)?);
        }
        if !keys.iter().any(|key| key.state == KeyState::Next) {
            edits.push(fresh(KeyState::Active)?.create()?);
        }
        edits.push(fresh(KeyState::Next)?.create()?);
        Ok(edits)
    }

    fn fresh_key(&self, state: KeyState, since: Timestamp) -> Result<SigningKeyRow> {
        let key = SigningKey::new(&self.inner.vault)?;
        let sealed = Some(key.sealed(&self.inner.vault)?);
        Ok(SigningKeyRow { id: key.kid().into(), state, public: key.public().text(), sealed, since })
    }
}

//! The directory of a tenant in this process: loaded once, then following its changes.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::watch;

use super::row::ApiKeyRow;
use super::state::{Overlay, State, TYPES, Touched};
use super::{User, UserStatus};
use crate::access::Access;
use crate::commit::CommitLog;
use crate::credential::api_key::ApiKey;
use crate::credential::token::Claims;
use crate::credential::{Vault, key_set};
use crate::kernel::{
    AsOf, ChangesSince, FeedService, Kernel, KernelService, ObjectSet, PAGE_SIZE_MAX, PageRequest, Query,
};
use crate::{Context, Env, Error, ErrorKind, Result, Seq, Timestamp};

/// How long a directory that cannot hear of changes is still believed, milliseconds. Then everything is refused.
pub const STALE_MAX_MS: u64 = 5_000;
/// How long one look for changes waits for them.
const LOOK: Duration = Duration::from_secs(1);
/// How long is waited for the directory to see a commit that is known to be there.
const CATCH_UP: Duration = Duration::from_secs(5);
/// How coarse it is kept when an API key was last used.
const USED_HOURLY: i64 = 3_600 * 1_000_000;

/// The directory of a tenant as this process knows it: at most a second behind, or it answers nothing.
pub struct Directory {
    env: Env,
    log: Arc<dyn CommitLog>,
    /// To read it with.
    ctx: Context,
    state: RwLock<State>,
    /// How far it has followed.
    seen: watch::Sender<Seq>,
    /// The newest commit of the store when it was last known to be up to date, and when that was, milliseconds.
    head: AtomicU64,
    heard_ms: AtomicU64,
    accesses: Mutex<HashMap<String, Vec<Cached>>>,
    /// API keys that were used in an hour they are not kept to be used in.
    used: Mutex<HashMap<String, Timestamp>>,
    is_closed: AtomicBool,
}

/// The rights of a user, or those of them that an API key has, and the groups they come through.
struct Cached {
    key: Option<String>,
    access: Arc<Access>,
    groups: HashSet<String>,
}

/// Who someone has proved to be.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The user.
    pub user: String,
    /// The session, for who has logged in; `None` for who has an API key.
    pub session: Option<String>,
    /// What they may do.
    pub access: Arc<Access>,
}

impl Directory {
    /// Reads the whole directory.
    ///
    /// # Errors
    /// What the kernel answers; `user.row`.
    pub(super) async fn load(env: Env, log: Arc<dyn CommitLog>, kernel: &Kernel, ctx: Context) -> Result<Self> {
        let (mut state, mut touched, at) = (State::default(), Touched::default(), log.head().await?);
        for object_type in TYPES {
            let mut cursor = None;
            loop {
                let mut query = Query::of(ObjectSet::of(object_type));
                query.page = PageRequest { size: Some(PAGE_SIZE_MAX), cursor };
                query.as_of = Some(AsOf::Seq(at));
                let page = kernel.query(&ctx, query).await?;
                for object in &page.objects {
                    state.apply(object_type, &object.key, Some(object), &mut touched)?;
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        state.settle();
        let heard_ms = AtomicU64::new(millis(env.monotonic()));
        Ok(Self {
            env,
            log,
            ctx,
            state: RwLock::new(state),
            seen: watch::Sender::new(at),
            head: AtomicU64::new(at.0),
            heard_ms,
            accesses: Mutex::default(),
            used: Mutex::default(),
            is_closed: AtomicBool::new(false),
        })
    }

    /// Takes the changes that are there, having waited for them.
    ///
    /// # Errors
    /// What the kernel answers; `user.row`.
    pub(super) async fn follow(&self, kernel: &Kernel) -> Result<()> {
        let after = *self.seen.borrow();
        // Most commits are none of the directory's, and cost no more than to see that.
        if let Some(until) = kernel.quiet_until(self.ctx.scope(), after, LOOK).await? {
            self.heard(until);
            self.seen.send_if_modified(|seen| until > std::mem::replace(seen, until.max(*seen)));
            return Ok(());
        }
        let changes = kernel.changes(&self.ctx, ChangesSince::after(after)).await?;
        let mut touched = Touched::default();
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let mut objects = changes.commits.iter().flat_map(|commit| &commit.objects);
            let applied = objects.try_for_each(|change| {
                state.apply(change.object_type.as_str(), &change.key, change.after.as_ref(), &mut touched)
            });
            state.settle();
            // Where one cannot be read, nobody has rights any more.
            touched.everyone |= applied.is_err();
            // Before anyone sees the new state, nobody has rights of the old one.
            self.forget(&touched);
            applied?;
        }
        if changes.next >= changes.seq {
            self.heard(changes.seq);
        }
        self.seen.send_if_modified(|seen| {
            let is_newer = changes.next > *seen;
            *seen = changes.next.max(*seen);
            is_newer
        });
        Ok(())
    }

    fn heard(&self, head: Seq) {
        self.head.fetch_max(head.0, Ordering::AcqRel);
        self.heard_ms.fetch_max(millis(self.env.monotonic()), Ordering::AcqRel);
    }

    fn forget(&self, touched: &Touched) {
        let mut accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
        accesses.retain(|user, all| {
            let is_user = touched.everyone || touched.holders.contains(user);
            all.retain(|cached| {
                let stays = !is_user && !cached.groups.iter().any(|group| touched.holders.contains(group));
                if !stays {
                    cached.access.revoke();
                }
                stays
            });
            !all.is_empty()
        });
    }

    /// Nobody follows it any more: it answers nothing from now on.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.forget(&Touched { everyone: true, ..Touched::default() });
    }

    /// What is known now.
    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it has followed.
    pub fn seq(&self) -> Seq {
        *self.seen.borrow()
    }

    /// Waits until it has seen a commit.
    ///
    /// # Errors
    /// `user.directory.stale` when that takes too long.
    pub async fn caught_up(&self, seq: Seq) -> Result<()> {
        if *self.seen.borrow() >= seq {
            return Ok(());
        }
        let mut seen = self.seen.subscribe();
        let reached = tokio::time::timeout(CATCH_UP, seen.wait_for(|seen| *seen >= seq)).await;
        if matches!(reached, Ok(Ok(_))) { Ok(()) } else { Err(stale()) }
    }

    /// Passes while it is known what has been revoked.
    ///
    /// # Errors
    /// `user.directory.stale`.
    pub async fn fresh(&self) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(stale());
        }
        let age = millis(self.env.monotonic()).saturating_sub(self.heard_ms.load(Ordering::Acquire));
        if age < STALE_MAX_MS {
            return Ok(());
        }
        // Nothing was heard for long: is there anything to hear of?
        let head = tokio::time::timeout(CATCH_UP, self.log.head())
            .await
            .map_err(|_| stale())?
            .map_err(|e| stale().caused_by(e))?;
        if head > Seq(self.head.load(Ordering::Acquire)) {
            self.caught_up(head).await?;
        }
        self.heard(head);
        Ok(())
    }

    /// The rights of a user, with only some of the roles where that is stated by an API key.
    ///
    /// # Errors
    /// `auth.refused` for one that is suspended.
    pub(super) fn access(&self, state: &State, user: &User, key: Option<&ApiKeyRow>) -> Result<Arc<Access>> {
        if user.status != UserStatus::Active {
            return Err(refused());
        }
        let now = self.env.now();
        let roles = key.and_then(|key| key.roles.as_deref());
        let key = roles.and(key).map(|key| &*key.id);
        let mut accesses = self.accesses.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = accesses.get(&user.id).and_then(|all| all.iter().find(|cached| cached.key.as_deref() == key));
        if let Some(cached) = cached
            && cached.access.check(now).is_ok()
        {
            return Ok(Arc::clone(&cached.access));
        }
        let (subject, groups) = state.subject(user, roles, (now, &Overlay::default()))?;
        let access = Arc::new(Access::new(Arc::clone(&state.policy), subject));
        let all = accesses.entry(user.id.clone()).or_default();
        all.retain(|cached| {
            let stays = cached.key.as_deref() != key;
            if !stays {
                cached.access.revoke();
            }
            stays
        });
        all.push(Cached { key: key.map(Into::into), access: Arc::clone(&access), groups });
        Ok(access)
    }

    /// Who a token is of, when nothing it stands on was revoked. Its signature and times were verified.
    ///
    /// # Errors
    /// `auth.refused`; `user.directory.stale`.
    pub async fn identify(&self, claims: &Claims) -> Result<Identity> {
        self.fresh().await?;
        // What issued it had seen more than we: its session may be new.
        self.caught_up(claims.seq).await?;
        let state = self.state();
        let user = state.users.get(&claims.sub).ok_or_else(refused)?;
        let session = state.sessions.get(&claims.sid).filter(|session| session.user == user.id).ok_or_else(refused)?;
        if session.client != claims.client_id || state.is_revoked(&user.id, &claims.client_id, claims.seq) {
            return Err(refused());
        }
        let access = self.access(&state, user, None)?;
        Ok(Identity { user: user.id.clone(), session: Some(claims.sid.clone()), access })
    }

    /// Who an API key is of.
    ///
    /// # Errors
    /// `auth.refused`; `user.directory.stale`.
    pub async fn identify_key(&self, vault: &Vault, key: ApiKey<'_>) -> Result<Identity> {
        self.fresh().await?;
        let now = self.env.now();
        let state = self.state();
        let row = state.api_keys.get(key.id()).filter(|row| key.is_of(vault, &row.digest) && row.expires_at > now);
        let row = row.ok_or_else(refused)?;
        let user = state.users.get(&row.user).ok_or_else(refused)?;
        let access = self.access(&state, user, Some(row))?;
        if row.used_at.is_none_or(|at| now.micros().saturating_sub(at.micros()) >= USED_HOURLY) {
            let hour = Timestamp::from_micros_saturating(now.micros().div_euclid(USED_HOURLY) * USED_HOURLY);
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(row.id.clone(), hour);
        }
        Ok(Identity { user: user.id.clone(), session: None, access })
    }

    /// The API keys whose use is to be written down.
    pub(super) fn take_used(&self) -> HashMap<String, Timestamp> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys that verify tokens.
    pub(super) fn verifying_keys(&self) -> key_set::KeySet {
        let state = self.state();
        let keys = state.signing_keys.values().filter(|key| key.state.verifies());
        key_set::KeySet::of(keys.filter_map(|key| key_set::PublicKey::read(&key.public).ok()))
    }

    /// To read and write it with.
    pub(super) const fn context(&self) -> &Context {
        &self.ctx
    }
}

fn millis(since: Duration) -> u64 {
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn stale() -> Error {
    Error::unavailable("user.directory.stale", "it is not known here what was revoked in the last seconds")
}

/// That someone has not proved who they are. It says nothing of why.
pub(super) fn refused() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "auth.refused",
        "name, password, code, token or key are not right, or not in force",
    )
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("seq", &self.seq()).finish_non_exhaustive()
    }
}

//! Settings other than the default.

use std::sync::Arc;
use std::time::Duration;

use arrakis_core::cache::CacheOptions;
use arrakis_core::kernel::{ActionLimits, HOOK_TIMEOUT_DEFAULT};
use arrakis_core::{Actor, Env, Result, Store, TENANCY_NAME_DEFAULT};
use arrakis_storage::MemoryStore;
#[cfg(feature = "postgres")]
use arrakis_storage::{PgOptions, PgStore};
#[cfg(feature = "sqlite")]
use arrakis_storage::{SqliteOptions, SqliteStore};

use crate::Arrakis;

/// The actor of [`Arrakis::context`], unless another is named.
pub(crate) const ACTOR_DEFAULT: &str = "application";

/// Opens an [`Arrakis`] with other settings than the default.
#[derive(Clone, Debug)]
pub struct ArrakisBuilder {
    env: Env,
    space: String,
    tenant: String,
    actor: Option<Actor>,
    pub(crate) action_limits: ActionLimits,
    pub(crate) hook_timeout: Duration,
    cache: Option<CacheOptions>,
    #[cfg(feature = "users")]
    pub(crate) users: Option<arrakis_core::user::UserOptions>,
    #[cfg(feature = "redis")]
    redis: Option<RedisUrl>,
    #[cfg(feature = "sqlite")]
    sqlite: SqliteOptions,
    #[cfg(feature = "postgres")]
    postgres: PgOptions,
}

/// An address that may hold a password.
#[cfg(feature = "redis")]
#[derive(Clone)]
struct RedisUrl(String);

#[cfg(feature = "redis")]
impl std::fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisUrl(…)")
    }
}

impl Default for ArrakisBuilder {
    fn default() -> Self {
        let name = || TENANCY_NAME_DEFAULT.to_owned();
        Self {
            env: Env::system(),
            space: name(),
            tenant: name(),
            actor: None,
            action_limits: ActionLimits::default(),
            hook_timeout: HOOK_TIMEOUT_DEFAULT,
            cache: None,
            #[cfg(feature = "users")]
            users: None,
            #[cfg(feature = "redis")]
            redis: None,
            #[cfg(feature = "sqlite")]
            sqlite: SqliteOptions::default(),
            #[cfg(feature = "postgres")]
            postgres: PgOptions::default(),
        }
    }
}

impl ArrakisBuilder {
    /// Takes time, ids and randomness from another environment than the system's.
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Names the space whose ontology [`Arrakis::context`] uses. It is created where it does not exist.
    #[must_use]
    pub fn space(mut self, name: impl Into<String>) -> Self {
        self.space = name.into();
        self
    }

    /// Names the tenant whose data [`Arrakis::context`] reads and writes. It is created in the space where it does not exist.
    #[must_use]
    pub fn tenant(mut self, name: impl Into<String>) -> Self {
        self.tenant = name.into();
        self
    }

    /// Names who acts in [`Arrakis::context`]: `application` unless stated otherwise.
    #[must_use]
    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Sets the most an action does, in place of the default.
    #[must_use]
    pub const fn action_limits(mut self, limits: ActionLimits) -> Self {
        self.action_limits = limits;
        self
    }

    /// Sets how long a handler or validator of the application may take, in place of the default.
    #[must_use]
    pub const fn hook_timeout(mut self, timeout: Duration) -> Self {
        self.hook_timeout = timeout;
        self
    }

    /// Answers reads of objects by key from a cache where it is known to be right; without it, each read goes to the store. What is
    /// answered is at most [`arrakis_core::cache::CACHE_STALE_MAX_MS`] old, and not at all older than what a read states as `at_least`
    /// and what was written through this store before.
    #[must_use]
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = Some(options);
        self
    }

    /// Keeps users, groups and roles beside the data, and says who someone is: [`Arrakis::users`].
    #[cfg(feature = "users")]
    #[must_use]
    pub fn users(mut self, options: arrakis_core::user::UserOptions) -> Self {
        self.users = Some(options);
        self
    }

    /// Shares what is cached with other processes through Redis, in place of the shared cache the options name. The URL is such as
    /// `redis://user:password@host:6379/0`; opening fails where it cannot be used, and names the setting `redis`.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.redis = Some(RedisUrl(url.into()));
        self
    }

    /// Opens files with other options than the default.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn sqlite(mut self, options: SqliteOptions) -> Self {
        self.sqlite = options;
        self
    }

    /// Opens a database file, which is created where there is none unless the options say otherwise.
    ///
    /// # Errors
    /// What the file is refused for, as [`SqliteStore::open`] tells it; `tenancy.name.malformed`; `tenancy.tenant.other_space`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "sqlite")]
    pub async fn open(self, path: impl AsRef<std::path::Path>) -> Result<Arrakis> {
        let (path, env, options) = (path.as_ref().to_owned(), self.env.clone(), self.sqlite.clone());
        // A file that another process holds is waited for.
        let opened = tokio::task::spawn_blocking(move || SqliteStore::open(path, env, &options)).await;
        let store =
            opened.map_err(|e| arrakis_core::Error::internal("store.open", "opening ended early").caused_by(e))??;
        self.over(Arc::new(store)).await
    }

    /// Opens PostgreSQL databases with other options than the default.
    #[cfg(feature = "postgres")]
    #[must_use]
    pub fn postgres(mut self, options: PgOptions) -> Self {
        self.postgres = options;
        self
    }

    /// Opens a store in a PostgreSQL database, `postgres://user:password@host:port/database`; it is made where there is none unless the
    /// options say otherwise.
    ///
    /// # Errors
    /// What [`PgStore::open`] answers; `tenancy.name.malformed`; `tenancy.tenant.other_space`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "postgres")]
    pub async fn open_postgres(self, url: &str) -> Result<Arrakis> {
        let store = Arc::new(PgStore::open(url, self.env.clone(), &self.postgres).await?);
        self.over(store).await
    }

    /// An empty store that lives as long as its last clone.
    ///
    /// # Errors
    /// `tenancy.name.malformed`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn in_memory(self) -> Result<Arrakis> {
        let store = Arc::new(MemoryStore::new(self.env.clone()));
        self.over(store).await
    }

    /// Over any store.
    ///
    /// # Errors
    /// `tenancy.name.malformed`; `tenancy.tenant.other_space`; what the store answers; what Redis is refused for, `redis.*`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn over(self, store: Arc<dyn Store>) -> Result<Arrakis> {
        Arrakis::start(self, store).await
    }

    /// How reads are cached, if they are.
    #[cfg_attr(not(feature = "redis"), expect(clippy::unused_async, reason = "only a server is waited for"))]
    pub(crate) async fn cache_options(&self) -> Result<Option<CacheOptions>> {
        #[cfg(feature = "redis")]
        if let Some(RedisUrl(url)) = &self.redis {
            let redis = arrakis_storage::RedisCache::connect(url, arrakis_storage::RedisOptions::default()).await?;
            let options = self.cache.clone().unwrap_or_default();
            return Ok(Some(CacheOptions { shared: Some(Arc::new(redis)), ..options }));
        }
        Ok(self.cache.clone())
    }

    pub(crate) fn into_parts(self) -> Result<(Env, Actor, (String, String))> {
        let actor = self.actor.map_or_else(|| Actor::parse(ACTOR_DEFAULT), Ok)?;
        Ok((self.env, actor, (self.space, self.tenant)))
    }
}

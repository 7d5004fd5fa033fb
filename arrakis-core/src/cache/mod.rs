//! Objects and ontologies kept near, and never taken for fresh on the word of where they are kept.
//!
//! A value that was read at a commit is right until its object changes. Each process follows the log of its store, so it knows what has
//! changed, up to where it has read and as of when that was the end. By that alone it judges what it keeps itself and what a cache it
//! shares with others answers: a shared cache may be slow, empty, restored from an old copy, or wrong. See ADR 0013.

mod filler;
mod flight;
mod follow;
mod key;
mod object;
mod port;
mod report;
mod row;
mod schema;
mod seal;
mod shared;
mod shelf;
mod window;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::filler::{FILLS_WAITING_MAX, Fill, Filler};
use self::flight::Flights;
pub use self::follow::CACHE_HISTORY_MAX;
use self::follow::{Follower, Interest};
pub use self::key::{CACHE_KEY_LEN_MAX, CacheKey, CacheKind, CacheOwner};
use self::object::{Address, Kept};
pub(crate) use self::object::{Found, Wanted};
pub use self::port::{
    CACHE_BATCH_MAX, CACHE_VALUE_LEN_MAX, Cache, CacheCapability, CacheEntry, check_batch, check_entries,
};
pub use self::report::CacheReport;
use self::report::Counters;
use self::shared::Shared;
pub use self::shared::{CACHE_PAUSE_MS, CACHE_TIMEOUT_MS};
pub use self::shelf::Shelf;
pub use self::window::CACHE_STALE_MAX_MS;
use self::window::Window;
use crate::relay::RelayStore;
use crate::{Committer, Env};

/// How many bytes of objects a process keeps, unless told otherwise.
pub const CACHE_BYTES_DEFAULT: usize = 64 * 1_048_576;

/// What a process keeps, and where it looks for what it does not.
#[derive(Clone, Debug)]
pub struct CacheOptions {
    /// About how many bytes of objects are kept in the memory of this process.
    pub bytes_max: usize,
    /// A cache other processes of the store use too.
    pub shared: Option<Arc<dyn Cache>>,
}

impl Default for CacheOptions {
    /// [`CACHE_BYTES_DEFAULT`] bytes and no shared cache.
    fn default() -> Self {
        Self { bytes_max: CACHE_BYTES_DEFAULT, shared: None }
    }
}

/// Objects of a store, kept by this process and a cache it may share with others.
///
/// An answer from it is the store's own as of a commit that was the newest at most [`CACHE_STALE_MAX_MS`] ago, and includes every commit
/// this process was acknowledged before.
#[derive(Debug)]
pub struct ReadCache {
    env: Env,
    window: Arc<Window>,
    interest: Arc<Interest>,
    objects: Shelf<Address, Arc<Kept>>,
    flights: Arc<Flights<Address>>,
    shared: Option<Arc<Shared>>,
    fills: Option<mpsc::Sender<Fill>>,
    counters: Arc<Counters>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl ReadCache {
    /// Starts to follow the log of the store that the committer writes to, on the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(env: Env, committer: &Committer, log: Arc<dyn RelayStore>, options: CacheOptions) -> Arc<Self> {
        let (cache, follower) = Self::new(env, committer, log, options);
        let task = tokio::runtime::Handle::current().spawn(follower.run());
        cache.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        cache
    }

    /// A cache whose log is followed only when [`Steps::step`] is called, for tests that decide when.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[cfg(feature = "testing")]
    pub fn stepped(
        env: Env,
        committer: &Committer,
        log: Arc<dyn RelayStore>,
        options: CacheOptions,
    ) -> (Arc<Self>, Steps) {
        let (cache, follower) = Self::new(env, committer, log, options);
        (cache, Steps(follower))
    }

    /// A cache, and who follows the log for it.
    fn new(env: Env, committer: &Committer, log: Arc<dyn RelayStore>, options: CacheOptions) -> (Arc<Self>, Follower) {
        let CacheOptions { bytes_max, shared } = options;
        let (window, interest) = (Arc::new(Window::new()), Arc::new(Interest::default()));
        let (counters, mut tasks, mut fills) = (Arc::new(Counters::default()), Vec::new(), None);
        committer.witnessed_by(Arc::clone(&window) as _);
        let secret = committer.log().cursor_key();
        let shared = shared.map(|cache| Arc::new(Shared::new(cache, env.clone(), secret, Arc::clone(&counters))));
        if let Some(shared) = &shared {
            let (sender, waiting) = mpsc::channel(FILLS_WAITING_MAX);
            let (window, shared, counters) = (Arc::clone(&window), Arc::clone(shared), Arc::clone(&counters));
            tasks.push(tokio::runtime::Handle::current().spawn(Filler { window, shared, counters }.run(waiting)));
            fills = Some(sender);
        }
        let follower = Follower {
            env: env.clone(),
            log,
            window: Arc::clone(&window),
            interest: Arc::clone(&interest),
            seen: committer.seen(),
            has_begun: false,
        };
        let (objects, flights, tasks) = (Shelf::new(bytes_max), Arc::default(), Mutex::new(tasks));
        (Arc::new(Self { env, window, interest, objects, flights, shared, fills, counters, tasks }), follower)
    }

    /// What it did so far.
    pub fn report(&self) -> CacheReport {
        self.counters.report(self.objects.bytes())
    }

    /// Ends its tasks, and waits until they have let go of the store. Reads go to the store from then on.
    pub async fn close(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            // It was told to end.
            let _ = task.await;
        }
    }
}

/// Follows the log by hand.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct Steps(Follower);

#[cfg(feature = "testing")]
impl Steps {
    /// Reads on in the log, a page at most. Answers whether there is more.
    ///
    /// # Errors
    /// What the log answers.
    pub async fn step(&mut self) -> crate::Result<bool> {
        self.0.look().await
    }
}

impl Drop for ReadCache {
    fn drop(&mut self) {
        self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner).iter().for_each(JoinHandle::abort);
    }
}

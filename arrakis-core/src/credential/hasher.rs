//! Where passwords are hashed: a bounded number at a time, tenants taking turns, so that no one tenant's logins take the machine.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::password::{Cost, Password, is_outdated};
use crate::{Env, Error, Result, TenantId};

/// The most passwords waiting to be hashed; whoever comes then is sent away.
pub const HASH_QUEUE_MAX: usize = 128;
/// What whoever is sent away is told to wait, seconds.
pub const HASH_RETRY_AFTER_S: u64 = 2;

/// Hashes and verifies passwords on threads for blocking work. Cheap to clone: clones share the queue.
#[derive(Clone)]
pub struct Hasher {
    env: Env,
    cost: Cost,
    turns: Arc<Turns>,
}

/// What is known of a password that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is another.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, and this hash, of today's cost, is to be kept of it.
    RightAndOutdated(String),
}

impl Hasher {
    /// Hashes at a cost, so many at a time.
    pub fn new(env: Env, cost: Cost, at_once: usize) -> Self {
        Self { env, cost, turns: Arc::new(Turns { at_once: at_once.max(1), state: Mutex::default() }) }
    }

    /// Hashes at the cost that suits this machine, on every core.
    pub async fn calibrated(env: Env) -> Self {
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let of = env.clone();
        let cost = tokio::task::spawn_blocking(move || Cost::calibrated(&of)).await.unwrap_or_default();
        Self::new(env, cost, at_once)
    }

    /// What a hash costs here.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// The hash of a password.
    ///
    /// # Errors
    /// `password.busy` when too many wait.
    pub async fn hash(&self, tenant: TenantId, password: Password) -> Result<String> {
        let (cost, env) = (self.cost, self.env.clone());
        self.run(tenant, move || cost.hash(&env, &password)).await
    }

    /// Whether a password has a hash. Without a hash it is wrong, and that takes as long, so that the time does not tell who has one.
    ///
    /// # Errors
    /// `password.busy` when too many wait; `password.hash` for what is no hash.
    pub async fn verify(&self, tenant: TenantId, password: Password, hash: Option<String>) -> Result<Verdict> {
        let (cost, env) = (self.cost, self.env.clone());
        self.run(tenant, move || {
            let Some(hash) = hash else { return cost.hash(&env, &password).map(|_| Verdict::Wrong) };
            Ok(match password.is_of(&hash)? {
                false => Verdict::Wrong,
                true if is_outdated(&hash, cost) => Verdict::RightAndOutdated(cost.hash(&env, &password)?),
                true => Verdict::Right,
            })
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        tenant: TenantId,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.turns.take(tenant).await?;
        let done = tokio::task::spawn_blocking(move || {
            let answer = work();
            drop(turn);
            answer
        });
        done.await.map_err(|e| Error::internal("password.hashing", "hashing a password ended early").caused_by(e))?
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("cost", &self.cost).finish_non_exhaustive()
    }
}

struct Turns {
    at_once: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: usize,
    /// Who waits, tenant by tenant.
    of: HashMap<TenantId, VecDeque<oneshot::Sender<Turn>>>,
    /// Whose turn is next.
    next: VecDeque<TenantId>,
}

/// Held while one password is hashed; handed on when it is dropped.
struct Turn(Option<Arc<Turns>>);

impl Turns {
    async fn take(self: &Arc<Self>, tenant: TenantId) -> Result<Turn> {
        let waiting = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.running < self.at_once {
                state.running += 1;
                return Ok(Turn(Some(Arc::clone(self))));
            }
            if state.waiting >= HASH_QUEUE_MAX {
                return Err(Error::unavailable("password.busy", "too many passwords are being checked now")
                    .with("retry_after_s", HASH_RETRY_AFTER_S));
            }
            state.waiting += 1;
            let (sender, waiting) = oneshot::channel();
            let of = state.of.entry(tenant).or_default();
            of.push_back(sender);
            if of.len() == 1 {
                state.next.push_back(tenant);
            }
            waiting
        };
        waiting.await.map_err(|_| Error::internal("password.turn", "a turn is given to whoever waits"))
    }

    /// The next in turn, tenant after tenant.
    fn pop(&self) -> Option<oneshot::Sender<Turn>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tenant) = state.next.pop_front() else {
            state.running -= 1;
            return None;
        };
        state.waiting -= 1;
        let of = state.of.get_mut(&tenant)?;
        let sender = of.pop_front();
        if of.is_empty() {
            state.of.remove(&tenant);
        } else {
            state.next.push_back(tenant);
        }
        sender
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        while let Some(waiting) = turns.pop() {
            match waiting.send(Turn(Some(Arc::clone(&turns)))) {
                Ok(()) => return,
                // Whoever waited has gone. The turn that came back is handed on here, and not by its own drop too.
                Err(mut turn) => turn.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::credential::Secret;

    fn hasher(at_once: usize) -> Hasher {
        Hasher::new(Env::system(), Cost { memory_kib: 64, passes: 1 }, at_once)
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::named(name).unwrap()
    }

    async fn waiting(hasher: &Hasher, count: usize) {
        while hasher.turns.state.lock().unwrap().waiting < count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn passwords_are_judged_and_brought_up_to_date() {
        let given = |text: &str| Password::given(&Secret::from(text)).unwrap();
        let (old, now) = (hasher(2), Hasher::new(Env::system(), Cost { memory_kib: 128, passes: 1 }, 2));
        let hash = old.hash(tenant("a"), given("right")).await.unwrap();
        assert_eq!(old.verify(tenant("a"), given("right"), Some(hash.clone())).await.unwrap(), Verdict::Right);
        assert_eq!(old.verify(tenant("a"), given("wrong"), Some(hash.clone())).await.unwrap(), Verdict::Wrong);
        assert_eq!(old.verify(tenant("a"), given("right"), None).await.unwrap(), Verdict::Wrong);
        let Verdict::RightAndOutdated(anew) = now.verify(tenant("a"), given("right"), Some(hash)).await.unwrap() else {
            panic!("the old hash costs less")
        };
        assert_eq!(now.verify(tenant("a"), given("right"), Some(anew)).await.unwrap(), Verdict::Right);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn tenants_take_turns_and_too_many_are_sent_away() {
        let hasher = hasher(1);
        let (release, held) = mpsc::sync_channel::<()>(1);
        let (told, order) = mpsc::sync_channel(HASH_QUEUE_MAX);
        let mut tasks = tokio::task::JoinSet::new();
        let first = hasher.clone();
        tasks.spawn(async move {
            first
                .run(tenant("loud"), move || {
                    let _ = held.recv();
                    Ok(())
                })
                .await
        });
        while hasher.turns.state.lock().unwrap().running == 0 {
            tokio::task::yield_now().await;
        }
        let names = std::iter::repeat_n("loud", HASH_QUEUE_MAX - 1).chain(["quiet"]);
        for (index, name) in names.enumerate() {
            let (one, told) = (hasher.clone(), told.clone());
            tasks.spawn(async move {
                one.run(tenant(name), move || {
                    let _ = told.send(name);
                    Ok(())
                })
                .await
            });
            waiting(&hasher, index + 1).await;
        }
        let refused = hasher.run(tenant("quiet"), || Ok(())).await.unwrap_err();
        assert_eq!((refused.code(), refused.param("retry_after_s")), ("password.busy", Some("2")));
        release.send(()).unwrap();
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        let order: Vec<_> = order.try_iter().collect();
        assert_eq!((order.len(), order.iter().position(|name| *name == "quiet")), (HASH_QUEUE_MAX, Some(1)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_goes_away_gives_up_their_turn() {
        let hasher = hasher(1);
        let turn = hasher.turns.take(tenant("a")).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let one = hasher.clone();
            tasks.spawn(async move { one.run(tenant("a"), || Ok(())).await });
        }
        waiting(&hasher, 20).await;
        tasks.shutdown().await;
        drop(turn);
        assert!(hasher.run(tenant("b"), || Ok(())).await.is_ok());
        let state = hasher.turns.state.lock().unwrap();
        assert_eq!((state.running, state.waiting, state.of.len(), state.next.len()), (0, 0, 0, 0));
    }
}

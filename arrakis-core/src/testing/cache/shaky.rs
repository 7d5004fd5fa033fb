//! A cache and a store that do what real ones do at their worst.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::cache::{Cache, CacheCapability, CacheEntry, CacheKey, CacheOwner, check_batch, check_entries};
use crate::kernel::plan::{AggregatePlan, HistoryPlan, LinksPlan, QueryPlan, RawGroup};
use crate::kernel::{Link, Object, ObjectStore, QueryRows, Snapshot, Version};
use crate::ontology::ObjectType;
use crate::{Error, Key, Result, Scope, Seq};

type Entries = HashMap<(CacheOwner, CacheKey), CacheEntry>;

/// The most other tasks get to run in the middle of a call.
const YIELDS_MAX: u8 = 6;

/// A shared cache that is slow, fails, forgets, comes back with what it had long ago, and mixes its entries up, when it is told to.
#[derive(Debug)]
pub struct ShakyCache(Mutex<Shaky>);

#[derive(Debug)]
struct Shaky {
    entries: Entries,
    saved: Entries,
    random: fastrand::Rng,
    fails: bool,
}

impl ShakyCache {
    /// An empty one, whose delays follow from a seed.
    pub fn new(seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self(Mutex::new(Shaky { entries: HashMap::new(), saved: HashMap::new(), random, fails: false }))
    }

    fn shaky(&self) -> MutexGuard<'_, Shaky> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on calls fail, or no longer.
    pub fn fail(&self, fails: bool) {
        self.shaky().fails = fails;
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.shaky().entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a copy of everything.
    pub fn save(&self) {
        let shaky = &mut *self.shaky();
        shaky.saved.clone_from(&shaky.entries);
    }

    /// Comes back with the last copy.
    pub fn restore(&self) {
        let shaky = &mut *self.shaky();
        shaky.entries.clone_from(&shaky.saved);
    }

    /// Forgets everything.
    pub fn flush(&self) {
        self.shaky().entries.clear();
    }

    /// Exchanges the values of two entries, or changes a byte of one.
    pub fn damage(&self) {
        let mut shaky = self.shaky();
        let mut keys: Vec<_> = shaky.entries.keys().cloned().collect();
        keys.sort();
        let (Some(one), Some(other)) = (shaky.random.choice(keys.clone()), shaky.random.choice(keys)) else { return };
        let (of_one, of_other) = (shaky.entries[&one].clone(), shaky.entries[&other].clone());
        if one == other {
            let mut bytes = of_one.bytes.to_vec();
            let at = shaky.random.usize(..bytes.len());
            bytes[at] ^= 1 << shaky.random.u8(..8);
            shaky.entries.insert(one, CacheEntry { bytes: bytes.into(), ..of_one });
        } else {
            // With the commit of the other, too: what a client answered with another's reply would see.
            shaky.entries.insert(one, of_other);
            shaky.entries.insert(other, of_one);
        }
    }

    /// Lets others run, and fails where it must.
    async fn begin(&self) -> Result<()> {
        let (yields, fails) = {
            let mut shaky = self.shaky();
            (shaky.random.u8(..=YIELDS_MAX), shaky.fails)
        };
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        if fails { Err(Error::unavailable("shaky.failed", "told to fail")) } else { Ok(()) }
    }
}

#[async_trait]
impl Cache for ShakyCache {
    async fn get(&self, owner: CacheOwner, keys: &[CacheKey]) -> Result<Vec<Option<CacheEntry>>> {
        check_batch(keys.len())?;
        self.begin().await?;
        let found = {
            let shaky = self.shaky();
            keys.iter().map(|key| shaky.entries.get(&(owner, key.clone())).cloned()).collect()
        };
        self.begin().await?;
        Ok(found)
    }

    async fn put(&self, owner: CacheOwner, entries: &[(CacheKey, CacheEntry)]) -> Result<()> {
        check_entries(entries)?;
        self.begin().await?;
        let mut shaky = self.shaky();
        for (key, entry) in entries {
            let kept = shaky.entries.entry((owner, key.clone())).or_insert_with(|| entry.clone());
            if kept.seq <= entry.seq {
                *kept = entry.clone();
            }
        }
        Ok(())
    }

    async fn remove(&self, owner: CacheOwner, keys: &[CacheKey]) -> Result<()> {
        check_batch(keys.len())?;
        self.begin().await?;
        let mut shaky = self.shaky();
        for key in keys {
            shaky.entries.remove(&(owner, key.clone()));
        }
        Ok(())
    }

    fn capability(&self) -> CacheCapability {
        CacheCapability { shared: true }
    }
}

/// A store whose answers take a while to arrive.
#[derive(Debug)]
pub struct SlowStore {
    store: Arc<dyn ObjectStore>,
    random: Mutex<fastrand::Rng>,
}

impl SlowStore {
    /// Over a store, with delays that follow from a seed.
    pub fn new(store: Arc<dyn ObjectStore>, seed: u64) -> Self {
        Self { store, random: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }
}

#[async_trait]
impl ObjectStore for SlowStore {
    async fn objects(
        &self,
        scope: Scope,
        object_type: &Arc<ObjectType>,
        keys: &[Key],
        at: Option<Seq>,
    ) -> Result<Snapshot<Vec<Option<Object>>>> {
        let found = self.store.objects(scope, object_type, keys, at).await;
        let yields = self.random.lock().unwrap_or_else(PoisonError::into_inner).u8(..=YIELDS_MAX);
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        found
    }

    async fn query(&self, scope: Scope, plan: &QueryPlan) -> Result<Snapshot<QueryRows>> {
        self.store.query(scope, plan).await
    }

    async fn aggregate(&self, scope: Scope, plan: &AggregatePlan) -> Result<Snapshot<Vec<RawGroup>>> {
        self.store.aggregate(scope, plan).await
    }

    async fn links(&self, scope: Scope, plan: &LinksPlan) -> Result<Snapshot<Vec<Link>>> {
        self.store.links(scope, plan).await
    }

    async fn history(&self, scope: Scope, plan: &HistoryPlan) -> Result<Snapshot<Vec<Version>>> {
        self.store.history(scope, plan).await
    }
}

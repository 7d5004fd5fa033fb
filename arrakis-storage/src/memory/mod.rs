//! The executable specification: every port, in memory, obviously right before it is fast.
//!
//! Every version of every row is kept, reads work through whole tables, and one lock orders all of it: a read holds it shared from
//! beginning to end, so its snapshot is the state itself.

mod aggregate;
mod archive;
mod commit_log;
mod history;
mod link;
mod object;
mod ontology;
mod query;
mod relay;
mod state;
mod txn;
mod view;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arrakis_core::kernel::{Budget, Snapshot};
use arrakis_core::{Capability, Env, Error, Outcome, Result, Scope, Seq, Store};
use tokio::sync::watch;

use self::relay::Cursors;
use self::state::State;
use self::view::View;

/// A store that lives as long as the process.
pub struct MemoryStore {
    env: Env,
    cursor_key: [u8; 32],
    state: RwLock<State>,
    /// The newest commit, for whoever waits for one.
    newest: watch::Sender<Seq>,
    cursors: Cursors,
}

impl MemoryStore {
    /// An empty store. The environment times budgets and makes the cursor key.
    pub fn new(env: Env) -> Self {
        let mut cursor_key = [0; 32];
        env.random(&mut cursor_key);
        let newest = watch::Sender::new(Seq(0));
        Self { env, cursor_key, state: RwLock::default(), newest, cursors: Cursors::default() }
    }

    fn read(&self) -> Result<RwLockReadGuard<'_, State>> {
        self.state.read().map_err(|e| poisoned(&e))
    }

    fn write(&self) -> Result<RwLockWriteGuard<'_, State>> {
        self.state.write().map_err(|e| poisoned(&e))
    }

    fn snapshot<T>(
        &self,
        scope: Scope,
        at: Option<Seq>,
        budget: Budget,
        read: impl FnOnce(&View<'_>) -> Result<T>,
    ) -> Result<Snapshot<T>> {
        let state = self.read()?;
        let view = View::new(&state, scope, at, budget, &self.env);
        Ok(Snapshot { seq: at.unwrap_or(state.head()), value: read(&view)? })
    }
}

impl Store for MemoryStore {
    fn capability(&self) -> Capability {
        Capability { durable: false, shared: false, as_of: true, budget: true }
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// After a panic under the lock the state may be half of two commits: nothing is answered from it.
fn poisoned<T>(_: &PoisonError<T>) -> Error {
    Error::internal("memory.poisoned", "an earlier write did not come to its end").outcome_is(Outcome::NotApplied)
}

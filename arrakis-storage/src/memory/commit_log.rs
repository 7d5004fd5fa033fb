//! The commit log.

use arrakis_core::commit::{apply_batch, rehearse};
use arrakis_core::{
    Atomicity, Commit, CommitId, CommitLog, Effect, LogPage, Receipt, Result, Scope, Seq, Tenant, TenantId, Timestamp,
};
use async_trait::async_trait;

use super::MemoryStore;
use super::txn::MemoryTxn;

#[async_trait]
impl CommitLog for MemoryStore {
    async fn commit_batch(&self, commits: Vec<Commit>, atomicity: Atomicity) -> Vec<Result<Receipt>> {
        let results = self.write().and_then(|mut state| {
            let (head, last_at) = (state.head(), state.last_at());
            apply_batch(&mut MemoryTxn::new(&mut state), &commits, atomicity, head, last_at)
        });
        match results {
            Ok(batch) => {
                self.newest.send_if_modified(|newest| std::mem::replace(newest, batch.head.max(*newest)) < batch.head);
                batch.results
            }
            Err(error) => commits.iter().map(|_| Err(error.duplicate())).collect(),
        }
    }

    async fn rehearse(&self, commit: Commit) -> Result<Vec<Effect>> {
        let mut state = self.write()?;
        let seq = state.head().next();
        rehearse(&mut MemoryTxn::new(&mut state), &commit, seq)
    }

    async fn head(&self) -> Result<Seq> {
        Ok(self.read()?.head())
    }

    async fn entries(&self, scope: Scope, after: Seq, limit: u32) -> Result<LogPage> {
        let state = self.read()?;
        let later = state.log.iter().filter(|entry| entry.seq > after && entry.tenant == scope.tenant);
        Ok(LogPage { entries: later.take(limit as usize).cloned().collect(), head: state.head() })
    }

    async fn receipt(&self, scope: Scope, commit: CommitId) -> Result<Option<Receipt>> {
        let state = self.read()?;
        let entry = state.commits.get(&commit).and_then(|seq| state.entry(*seq));
        let own = entry.filter(|entry| entry.tenant == scope.tenant);
        Ok(own.map(|entry| Receipt { commit, seq: entry.seq, replayed: false }))
    }

    async fn seq_at(&self, at: Timestamp) -> Result<Seq> {
        let state = self.read()?;
        let newest = state.log.iter().rev().find(|entry| entry.at <= at);
        Ok(newest.map_or(Seq(0), |entry| entry.seq))
    }

    async fn tenant(&self, tenant: TenantId) -> Result<Option<Tenant>> {
        Ok(self.read()?.tenants.get(&tenant).cloned())
    }

    fn cursor_key(&self) -> [u8; 32] {
        self.cursor_key
    }
}

//! The connections that read. One that was left in the middle of something is set right before it is used again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrakis_core::{Error, Result};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{Purpose, Settings};
use super::error::silent;

/// How long setting a connection right may take before it is closed instead.
const RINSE_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection that is not in use.
struct Idle {
    connection: PgConnection,
    /// The tenant its reads are kept to.
    tenant: Option<i64>,
    /// Whether it was put back in the middle of something: a future was dropped, a statement failed.
    dirty: bool,
}

/// Connections that read.
pub(super) struct Pool {
    settings: Arc<Settings>,
    permits: Arc<Semaphore>,
    idle: Mutex<State>,
}

#[derive(Default)]
struct State {
    connections: Vec<Idle>,
    /// How often connections were set right, which tells their answers apart.
    rinses: u64,
    closed: bool,
}

/// A connection in use. Dropped before [`Lease::done`] it is put back as it is, to be set right by whoever takes it next: no future that
/// is dropped, at whatever place, leaves a transaction open on a connection that others take for a fresh one.
pub(super) struct Lease {
    idle: Option<Idle>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(settings: Arc<Settings>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(settings.options.readers_max.max(1)));
        Arc::new(Self { settings, permits, idle: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that are not in use; those in use are closed when they are put back.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.connections.clear();
    }

    /// Closes the connections that are not in use: after one was found dead the others are too, most likely.
    pub(super) fn forget(&self) {
        self.state().connections.clear();
    }

    /// Takes a connection, best one whose reads are kept to this tenant already, and keeps them to it.
    pub(super) async fn lease(self: &Arc<Self>, tenant: Option<i64>) -> Result<Lease> {
        let permit = tokio::time::timeout(self.settings.connect_timeout(), Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await.map_err(|_| busy())?.map_err(|_| crate::sql::closed())?;
        let mut lease = Lease { idle: self.take(tenant), pool: Arc::clone(self), _permit: permit };
        if lease.idle.as_ref().is_some_and(|idle| idle.dirty) && !lease.rinse().await {
            lease.idle = None;
        }
        if lease.idle.is_none() {
            let connection = self.settings.connect(Purpose::Read).await?;
            lease.idle = Some(Idle { connection, tenant: None, dirty: false });
        }
        lease.keep_to(tenant).await?;
        Ok(lease)
    }

    fn take(&self, tenant: Option<i64>) -> Option<Idle> {
        let mut state = self.state();
        let best = state.connections.iter().rposition(|idle| !idle.dirty && idle.tenant == tenant);
        let clean = best.or_else(|| state.connections.iter().rposition(|idle| !idle.dirty));
        match clean {
            Some(index) => Some(state.connections.swap_remove(index)),
            None => state.connections.pop(),
        }
    }
}

impl Lease {
    /// The connection, from now on in the middle of something until [`Lease::done`].
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection> {
        let idle = self.idle.as_mut().ok_or_else(silent)?;
        idle.dirty = true;
        Ok(&mut idle.connection)
    }

    /// Says that the connection is as it was taken: no transaction is open and every answer was read.
    pub(super) fn done(mut self) {
        if let Some(idle) = &mut self.idle {
            idle.dirty = false;
        }
    }

    /// Closes the connection instead of putting it back.
    pub(super) fn discard(mut self) {
        self.idle = None;
    }

    /// Ends whatever is open and reads whatever is left, up to an answer only this question has.
    async fn rinse(&mut self) -> bool {
        let number = {
            let mut state = self.pool.state();
            state.rinses += 1;
            i64::try_from(state.rinses).unwrap_or_default()
        };
        let Some(idle) = &mut self.idle else { return false };
        let question = format!("ROLLBACK; SELECT {number}::bigint");
        let answer = tokio::time::timeout(RINSE_TIMEOUT, idle.connection.fetch_one(AssertSqlSafe(question))).await;
        let is_clean = answer.is_ok_and(|row| row.is_ok_and(|row| row.try_get(0).is_ok_and(|found: i64| found == number)));
        idle.dirty = !is_clean;
        is_clean
    }

    /// Keeps the reads of the connection to a tenant; to none for `None`, whose rows nobody sees.
    async fn keep_to(&mut self, tenant: Option<i64>) -> Result<()> {
        let Some(idle) = &self.idle else { return Ok(()) };
        if idle.tenant == tenant {
            return Ok(());
        }
        let value = tenant.map_or_else(String::new, |tenant| tenant.to_string());
        let settings = Arc::clone(&self.pool.settings);
        let query = sqlx::query(super::statement::TENANT_KEEP).bind(value);
        let kept = super::reading::answered(&settings, Purpose::Read, self.connection()?.execute(query)).await;
        let is_kept = kept.is_ok();
        if let Some(idle) = &mut self.idle {
            (idle.tenant, idle.dirty) = if is_kept { (tenant, false) } else { (None, true) };
        }
        if !is_kept {
            self.idle = None;
        }
        kept.map(drop)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(idle) = self.idle.take() else { return };
        let mut state = self.pool.state();
        if !state.closed {
            state.connections.push(idle);
        }
    }
}

fn busy() -> Error {
    Error::unavailable("store.busy", "no connection for reads became free in time").retryable_is(true)
}

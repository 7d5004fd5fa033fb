//! The connections that read. One that was left in the middle of something is set right at once, and used again only then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrakis_core::metric;
use arrakis_core::{Error, Result};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::connection::{Purpose, Settings};
use super::error::silent;

/// How long setting a connection right may take before it is closed instead.
const RINSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The number of no tenant.
const NOBODY: i64 = -1;

/// A connection that is not in use.
struct Idle {
    connection: PgConnection,
    /// The tenant its reads are kept to.
    tenant: Option<i64>,
}

/// Connections that read.
pub(super) struct Pool {
    settings: Arc<Settings>,
    purpose: Purpose,
    connections_max: usize,
    permits: Arc<Semaphore>,
    idle: Mutex<State>,
    /// Those who set connections right.
    rinsing: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct State {
    connections: Vec<Idle>,
    /// How often connections were set right, which tells their answers apart.
    rinses: u64,
    closed: bool,
}

/// A connection in use. Dropped before [`Lease::done`] it is set right before anyone else has it: no future that is dropped, at whatever place,
/// leaves a transaction open on a connection that others take for a fresh one, or its locks to whoever waits for them.
pub(super) struct Lease {
    idle: Option<Idle>,
    dirty: bool,
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    /// A pool of so many connections, at least one.
    pub(super) fn new(settings: Arc<Settings>, purpose: Purpose, connections_max: usize) -> Arc<Self> {
        let connections_max = connections_max.max(1);
        let permits = Arc::new(Semaphore::new(connections_max));
        Arc::new(Self {
            settings,
            purpose,
            connections_max,
            permits,
            idle: Mutex::default(),
            rinsing: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that are not in use; those in use are closed when they are put back.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.connections.clear();
        drop(state);
        self.rinsing.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }

    /// Closes the connections that are not in use: after one was found dead the others are too, most likely.
    pub(super) fn forget(&self) {
        self.state().connections.clear();
    }

    /// Takes a connection, best one whose reads are kept to this tenant already, and keeps them to it.
    pub(super) async fn lease(self: &Arc<Self>, tenant: Option<i64>) -> Result<Lease> {
        let permit = tokio::time::timeout(self.settings.connect_timeout(), Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await.map_err(|_| busy())?.map_err(|_| crate::sql::closed())?;
        self.tell(self.in_use());
        let idle = self.take(tenant);
        let mut lease = Lease { idle, dirty: false, pool: Arc::clone(self), permit: Some(permit) };
        if lease.idle.is_none() {
            let connection = self.settings.connect(self.purpose).await?;
            lease.idle = Some(Idle { connection, tenant: None });
        }
        lease.keep_to(tenant).await?;
        Ok(lease)
    }

    fn in_use(&self) -> usize {
        self.connections_max.saturating_sub(self.permits.available_permits())
    }

    fn tell(&self, in_use: usize) {
        let pool = self.purpose.name();
        metric!(gauge.ark_store_connections_in_use = in_use as u64, pool);
    }

    fn take(&self, tenant: Option<i64>) -> Option<Idle> {
        let mut state = self.state();
        match state.connections.iter().rposition(|idle| idle.tenant == tenant) {
            Some(index) => Some(state.connections.swap_remove(index)),
            None => state.connections.pop(),
        }
    }

    fn put(&self, idle: Idle) {
        let mut state = self.state();
        if !state.closed {
            state.connections.push(idle);
        }
    }

    /// Ends whatever is open on a connection and reads whatever is left, up to an answer only this question has; closes it where that fails.
    async fn rinse(self: Arc<Self>, mut idle: Idle, _permit: Option<OwnedSemaphorePermit>) {
        let number = {
            let mut state = self.state();
            state.rinses += 1;
            i64::try_from(state.rinses).unwrap_or_default()
        };
        let question = format!("ROLLBACK; SELECT {number}::bigint");
        let answer = tokio::time::timeout(RINSE_TIMEOUT, idle.connection.fetch_one(AssertSqlSafe(question))).await;
        if answer.is_ok_and(|row| row.is_ok_and(|row| row.try_get(0).is_ok_and(|found: i64| found == number))) {
            self.put(idle);
        }
    }
}

impl Lease {
    /// The connection, from now on in the middle of something until [`Lease::done`].
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection> {
        self.dirty = true;
        self.idle.as_mut().map(|idle| &mut idle.connection).ok_or_else(silent)
    }

    /// Says that the connection is as it was taken: no transaction is open and every answer was read.
    pub(super) fn done(mut self) {
        self.dirty = false;
    }

    /// Keeps the reads of the connection to a tenant; to none for `None`, whose rows nobody sees.
    async fn keep_to(&mut self, tenant: Option<i64>) -> Result<()> {
        if self.idle.as_ref().is_none_or(|idle| idle.tenant == tenant) {
            return Ok(());
        }
        let value = tenant.map_or_else(String::new, |tenant| tenant.to_string());
        let settings = Arc::clone(&self.pool.settings);
        let query = sqlx::query(super::statement::TENANT_KEEP).bind(value);
        if let Some(idle) = &mut self.idle {
            // Until the server says so it is nobody's.
            idle.tenant = Some(NOBODY);
        }
        super::reading::answered(&settings, Purpose::Read, self.connection()?.execute(query)).await?;
        if let Some(idle) = &mut self.idle {
            idle.tenant = tenant;
        }
        self.dirty = false;
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(idle) = self.idle.take() else { return };
        self.pool.tell(self.pool.in_use().saturating_sub(1));
        if !self.dirty {
            return self.pool.put(idle);
        }
        // Outside a runtime, as when it ends, the connection is closed.
        if let Ok(runtime) = Handle::try_current() {
            let mut rinsing = self.pool.rinsing.lock().unwrap_or_else(PoisonError::into_inner);
            while rinsing.try_join_next().is_some() {}
            rinsing.spawn_on(Arc::clone(&self.pool).rinse(idle, self.permit.take()), &runtime);
        }
    }
}

fn busy() -> Error {
    Error::unavailable("store.busy", "no connection for reads became free in time").retryable_is(true)
}

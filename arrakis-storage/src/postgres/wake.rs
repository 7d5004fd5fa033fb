//! Who waits for commits is woken: by this process at once, by others through `NOTIFY`, which never runs in the transaction of a commit, for
//! there it would make all of them wait for each other.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arrakis_core::Seq;
use sqlx::postgres::{PgConnection, PgListener, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::connection::{Purpose, Settings};
use super::reading::answered;

/// The least time between two notices of one process.
const NOTICE_INTERVAL: Duration = Duration::from_millis(10);
/// How long is waited before a notice or a listener whose connection broke is tried again. Who waits looks for itself meanwhile.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Wakes who waits for commits.
pub(super) struct Wake {
    settings: Arc<Settings>,
    /// Changes with each commit there may be.
    told: watch::Sender<()>,
    runtime: Handle,
    notifier: JoinHandle<()>,
    listener: OnceLock<JoinHandle<()>>,
}

impl Wake {
    /// Begins to tell other processes of the commits of this one, whose newest is watched.
    pub(super) fn start(settings: Arc<Settings>, newest: watch::Receiver<Seq>) -> Self {
        let (told, runtime) = (watch::Sender::new(()), Handle::current());
        let notifier = runtime.spawn(notify(Arc::clone(&settings), newest, told.clone()));
        Self { settings, told, runtime, notifier, listener: OnceLock::new() }
    }

    /// Changes whenever there may be a commit. Listens to other processes from the first call on.
    pub(super) fn listen(&self) -> watch::Receiver<()> {
        self.listener.get_or_init(|| self.runtime.spawn(listen(Arc::clone(&self.settings), self.told.clone())));
        self.told.subscribe()
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.notifier.abort();
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }
}

async fn notify(settings: Arc<Settings>, mut newest: watch::Receiver<Seq>, told: watch::Sender<()>) {
    let notice = format!("NOTIFY \"{}\"", settings.channel());
    let mut connection: Option<PgConnection> = None;
    while newest.changed().await.is_ok() {
        told.send_replace(());
        if connection.is_none() {
            connection = settings.connect(Purpose::Write).await.ok();
        }
        let Some(open) = &mut connection else {
            tokio::time::sleep(RETRY_INTERVAL).await;
            continue;
        };
        if answered(&settings, Purpose::Write, open.execute(AssertSqlSafe(notice.clone()))).await.is_err() {
            connection = None;
        }
        tokio::time::sleep(NOTICE_INTERVAL).await;
    }
}

async fn listen(settings: Arc<Settings>, told: watch::Sender<()>) {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(settings.listening());
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await
            && listener.listen(&settings.channel()).await.is_ok()
        {
            while listener.recv().await.is_ok() {
                told.send_replace(());
            }
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

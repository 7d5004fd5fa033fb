//! The connection to Redis: one for all calls, made anew beside them when it is lost.
//!
//! It is our own rather than the crate's connection manager, which waits for the network to say that a connection is gone. Of a server
//! that is cut off it never does; here a few calls in a row without an answer are enough.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrakis_core::{Error, ErrorKind, Result};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, ServerErrorKind};
use tokio::task::JoinHandle;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_millis(500);
/// How many calls in a row may end without an answer before the connection is taken for lost.
const UNANSWERED_MAX: u32 = 3;
/// The oldest server that is used, by the first part of its version.
const VERSION_MIN: u32 = 7;

pub(super) struct Connection {
    client: Client,
    link: Arc<Mutex<Link>>,
    unanswered: AtomicU32,
}

#[derive(Default)]
struct Link {
    /// What calls go over, with how often it was made.
    current: Option<(u64, MultiplexedConnection)>,
    made: u64,
    task: Option<JoinHandle<()>>,
}

/// A call under way. Dropped without an answer it counts as unanswered.
struct Call<'a> {
    on: &'a Connection,
    made: u64,
    is_answered: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if self.is_answered {
            self.on.unanswered.store(0, Ordering::Relaxed);
        } else if self.on.unanswered.fetch_add(1, Ordering::Relaxed) + 1 >= UNANSWERED_MAX {
            self.on.lose(self.made);
        }
    }
}

impl Connection {
    /// Connects, and sees that the server can be used.
    pub(super) async fn open(url: &str) -> Result<Self> {
        // What the crate says of a URL might repeat it, and with it the password.
        let client = Client::open(url).map_err(|_| {
            Error::invalid(
                "redis.url.malformed",
                "the Redis URL is not one: expected redis://[user[:password]@]host[:port][/db]",
            )
            .with("setting", "redis")
        })?;
        let mut connection = connect(&client).await.map_err(|error| refused(&client, error))?;
        let said: String = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await
            .map_err(|error| refused(&client, error))?;
        check_version(&said)?;
        let link = Link { current: Some((0, connection)), ..Link::default() };
        Ok(Self { client, link: Arc::new(Mutex::new(link)), unanswered: AtomicU32::new(0) })
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        lock(&self.link)
    }

    /// What a call goes over. Without a connection one is being made, and the call fails.
    fn take(&self) -> Result<(Call<'_>, MultiplexedConnection)> {
        let mut link = self.link();
        if let Some((made, connection)) = &link.current {
            return Ok((Call { on: self, made: *made, is_answered: false }, connection.clone()));
        }
        if link.task.as_ref().is_none_or(JoinHandle::is_finished) {
            let (client, shared) = (self.client.clone(), Arc::clone(&self.link));
            link.task = Some(tokio::runtime::Handle::current().spawn(async move {
                match connect(&client).await {
                    Ok(connection) => {
                        let mut link = lock(&shared);
                        link.made += 1;
                        link.current = Some((link.made, connection));
                    }
                    Err(error) => tracing::debug!(%error, "Redis cannot be reached"),
                }
            }));
        }
        Err(Error::unavailable("redis.disconnected", "there is no connection to Redis now"))
    }

    /// Gives a connection up, unless another was made since.
    fn lose(&self, made: u64) {
        let mut link = self.link();
        if link.current.as_ref().is_some_and(|(current, _)| *current == made) {
            link.current = None;
            self.unanswered.store(0, Ordering::Relaxed);
        }
    }

    fn failed(&self, made: u64, error: RedisError) -> Error {
        if error.is_connection_dropped() || error.is_unrecoverable_error() {
            self.lose(made);
        }
        Error::unavailable("redis.failed", "Redis did not answer as it should").caused_by(error)
    }

    /// Sends a command.
    pub(super) async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let (mut call, mut connection) = self.take()?;
        let answer = command.query_async(&mut connection).await;
        call.is_answered = answer.as_ref().err().is_none_or(|error: &RedisError| !error.is_io_error());
        answer.map_err(|error| self.failed(call.made, error))
    }

    /// Sends commands whose answers do not matter.
    pub(super) async fn pipeline(&self, pipeline: &Pipeline) -> Result<()> {
        let (mut call, mut connection) = self.take()?;
        let answer = pipeline.query_async::<()>(&mut connection).await;
        call.is_answered = answer.as_ref().err().is_none_or(|error| !error.is_io_error());
        answer.map_err(|error| self.failed(call.made, error))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(task) = self.link().task.take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own form may show the password.
        f.debug_struct("Connection").field("address", &address(&self.client)).finish_non_exhaustive()
    }
}

fn lock(link: &Mutex<Link>) -> MutexGuard<'_, Link> {
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address(client: &Client) -> String {
    client.get_connection_info().addr().to_string()
}

async fn connect(client: &Client) -> redis::RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(CALL_TIMEOUT));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Why a server cannot be used.
fn refused(client: &Client, error: RedisError) -> Error {
    let is_credentials = error.kind() == redis::ErrorKind::AuthenticationFailed
        || error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoPerm)
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
    let refusal = if is_credentials {
        Error::new(ErrorKind::Unauthenticated, "redis.refused", "Redis does not take the user and password of the URL")
    } else {
        Error::unavailable("redis.unreachable", "Redis cannot be reached")
    };
    refusal.with("setting", "redis").with("address", address(client)).caused_by(error)
}

fn check_version(said: &str) -> Result<()> {
    let version = said.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default().trim();
    let first = version.split('.').next().and_then(|first| first.parse::<u32>().ok());
    if first.is_some_and(|first| first >= VERSION_MIN) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unsupported, "redis.version", "this Redis is too old")
        .with("setting", "redis")
        .with("version", version)
        .with("version_min", format!("{VERSION_MIN}.0")))
}

/// An answer that is no answer to what was asked.
pub(super) fn unexpected() -> Error {
    Error::unavailable("redis.failed", "Redis did not answer as it should")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_how_old_it_is() {
        for good in ["# Server\r\nredis_version:7.0.15\r\nredis_git:0", "redis_version:10.2.0"] {
            assert!(check_version(good).is_ok(), "{good}");
        }
        for old in ["", "redis_version:6.2.14", "redis_version:x", "version:7.0.0"] {
            assert_eq!(check_version(old).unwrap_err().code(), "redis.version", "{old}");
        }
    }
}

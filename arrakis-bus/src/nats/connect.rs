//! Connecting, and making the streams.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrakis_core::event::subject;
use arrakis_core::{Env, Error, ErrorKind, Result};
use async_nats::jetstream::stream::{Config, StorageType, Stream};
use async_nats::{ConnectErrorKind, ConnectOptions, ServerAddr, jetstream};

use super::{DEDUP_WINDOW, Inner, NatsBus, NatsOptions, error};

/// How long a connection, and an answer other than an acknowledgement, is waited for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time between two tries to connect again.
const RECONNECT_AFTER_MAX: Duration = Duration::from_secs(1);
/// The first time between two tries to connect again; doubled from one to the next.
const RECONNECT_AFTER_MIN: Duration = Duration::from_millis(20);
/// The oldest server: major, minor, patch.
const SERVER_MIN: (i64, i64, i64) = (2, 9, 0);
/// The most messages of each stream's consumers and their acknowledgements waiting for the connection.
const QUEUE_MAX: usize = 4_096;

impl NatsBus {
    /// Connects. A server that cannot be reached now is no error: it is tried until it can be, and everything answers
    /// `bus.unreachable` meanwhile.
    ///
    /// # Errors
    /// `bus.url.malformed`; `bus.refused` when the server refuses who connects; `bus.tls`; `bus.server_too_old`;
    /// `bus.jetstream.disabled`; `event.subject.prefix`; `bus.stream.malformed`. None shows the URL.
    pub async fn connect(env: Env, options: NatsOptions) -> Result<Self> {
        subject::check_prefix(&options.prefix)?;
        subject::check_prefix(&options.stream).map_err(|e| {
            Error::invalid("bus.stream.malformed", "a stream is named in 1 to 32 letters, digits, - or _").caused_by(e)
        })?;
        let address: ServerAddr = options.url.parse().map_err(|_| {
            Error::invalid("bus.url.malformed", "the URL of NATS is not like nats://host:4222").at("url")
        })?;
        let client = match connect_options().connect(address.clone()).await {
            Ok(client) => client,
            Err(e) => match e.kind() {
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                    let refused = Error::new(ErrorKind::Forbidden, "bus.refused", "NATS refuses these credentials");
                    return Err(refused.at("url"));
                }
                ConnectErrorKind::Tls => {
                    return Err(Error::new(ErrorKind::Invalid, "bus.tls", "NATS cannot be reached by TLS").at("url"));
                }
                _ => {
                    let again = connect_options().retry_on_initial_connect().connect(address).await;
                    again.map_err(|e| error::unreachable().caused_by(e))?
                }
            },
        };
        let mut jetstream = jetstream::ContextBuilder::new()
            .timeout(REQUEST_TIMEOUT)
            .ack_timeout(options.ack_timeout)
            .max_ack_inflight(options.window.saturating_add(1))
            .build(client.clone());
        jetstream.set_timeout(REQUEST_TIMEOUT);
        let bus = Inner {
            env,
            options,
            client,
            jetstream,
            floor: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            marks: Mutex::new(HashMap::new()),
            groups: Mutex::new(HashMap::new()),
        };
        match bus.ensure_stream().await {
            Ok(_) => {}
            Err(e) if e.is_retryable() => {}
            Err(e) => return Err(e),
        }
        Ok(Self(Arc::new(bus)))
    }
}

fn connect_options() -> ConnectOptions {
    ConnectOptions::new()
        .name("arrakis")
        .connection_timeout(REQUEST_TIMEOUT)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .client_capacity(QUEUE_MAX)
        .subscription_capacity(QUEUE_MAX * 16)
        .reconnect_delay_callback(|attempts| {
            let doubled = u32::try_from(attempts.min(16)).map_or(u32::MAX, |attempts| 1_u32 << attempts);
            RECONNECT_AFTER_MIN.saturating_mul(doubled).min(RECONNECT_AFTER_MAX)
        })
}

impl Inner {
    /// The stream of events, with its state; makes it when it is not there.
    pub(super) async fn ensure_stream(&self) -> Result<Stream> {
        self.check_server()?;
        let prefix = &self.options.prefix;
        let subjects = ["", "-position", "-group"].map(|kind| format!("{prefix}{kind}.>"));
        let config = Config { subjects: subjects.to_vec(), duplicate_window: DEDUP_WINDOW, ..self.config() };
        self.jetstream.get_or_create_stream(config).await.map_err(error::stream)
    }

    /// The stream of dead letters; makes it when it is not there.
    pub(super) async fn ensure_dead(&self) -> Result<Stream> {
        let name = format!("{}_DEAD", self.options.stream);
        let subjects = vec![format!("{}-dead.>", self.options.prefix)];
        let config = Config { name, subjects, ..self.config() };
        self.jetstream.get_or_create_stream(config).await.map_err(error::stream)
    }

    fn config(&self) -> Config {
        Config {
            name: self.options.stream.clone(),
            max_age: self.options.age_max,
            max_bytes: self.options.bytes_max,
            num_replicas: self.options.replicas,
            storage: StorageType::File,
            allow_rollup: true,
            ..Config::default()
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    fn check_server(&self) -> Result<()> {
        if !self.is_connected() {
            return Err(error::unreachable());
        }
        let (major, minor, patch) = SERVER_MIN;
        if !self.client.is_server_compatible(major, minor, patch) {
            return Err(Error::new(ErrorKind::Unsupported, "bus.server_too_old", "NATS is older than it must be")
                .with("version", self.client.server_info().version)
                .with("version_min", format!("{major}.{minor}.{patch}")));
        }
        Ok(())
    }
}

//! Web sockets (RFC 6455) through the gateway: the handshake passes as a request does, and then bytes pass both ways until either side ends it, nothing
//! passes for long, or who asked may ask no longer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::{Env, Error, RequestId, Result};
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::head;
use crate::server::Door;

/// How long nothing may pass: both sides are expected to send a ping more often.
const IDLE: Duration = Duration::from_secs(300);
/// How often it is looked whether who asked still may.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How much is read at a time, bytes.
const CHUNK_LEN: usize = 16 * 1_024;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Whether a head asks, as it must, to go on as a WebSocket.
pub(super) fn is_asked(parts: &http::request::Parts) -> bool {
    let headers = &parts.headers;
    let is = |name: header::HeaderName, expected: &str| {
        let mut values = headers.get_all(name).iter();
        let only = values.next().filter(|_| values.next().is_none());
        only.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(expected.as_bytes()))
    };
    parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && !head::has_body(headers)
        && is(header::UPGRADE, "websocket")
        && is(header::SEC_WEBSOCKET_VERSION, "13")
        && headers.contains_key(header::SEC_WEBSOCKET_KEY)
        && names_upgrade(headers)
}

fn names_upgrade(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("upgrade"))
}

/// Puts back what says that a connection goes on as a WebSocket.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, WEBSOCKET);
}

/// Whether an answer agrees to it.
pub(super) fn is_agreed(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS
        && headers.get(header::UPGRADE).is_some_and(|of| of.as_bytes().eq_ignore_ascii_case(WEBSOCKET.as_bytes()))
}

/// Who asked, to be asked again: the head that said it, or nothing where nobody had to say.
pub(super) struct Asker {
    pub(super) door: Door,
    pub(super) headers: Option<HeaderMap>,
    pub(super) id: RequestId,
}

impl Asker {
    async fn may_still(&self) -> bool {
        match &self.headers {
            Some(headers) => self.door.identify(headers, self.id).await.is_ok(),
            None => true,
        }
    }
}

/// The web sockets there are.
#[derive(Debug)]
pub(super) struct WebSockets {
    env: Env,
    tasks: Mutex<JoinSet<()>>,
}

impl WebSockets {
    pub(super) fn new(env: Env) -> Self {
        Self { env, tasks: Mutex::default() }
    }

    /// Refuses one more than there may be.
    ///
    /// # Errors
    /// `gateway.busy`.
    pub(super) fn check(&self, most: usize) -> Result<()> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= most {
            let busy = Error::unavailable("gateway.busy", "there are as many web sockets as there may be");
            return Err(busy.with("retry_after_s", 1));
        }
        Ok(())
    }

    /// Carries one from when both sides have agreed.
    pub(super) fn carry(&self, ours: OnUpgrade, theirs: OnUpgrade, asker: Asker) {
        let passed = Arc::new(Passed { env: self.env.clone(), at_ms: AtomicU64::default() });
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(async move {
            let (Ok(ours), Ok(theirs)) = (ours.await, theirs.await) else { return };
            let ((from_ours, to_ours), (from_theirs, to_theirs)) =
                (tokio::io::split(TokioIo::new(ours)), tokio::io::split(TokioIo::new(theirs)));
            passed.note();
            let both = async { tokio::join!(pass(from_ours, to_theirs, &passed), pass(from_theirs, to_ours, &passed)) };
            tokio::select! {
                _ = both => {}
                () = over(&passed, &asker) => {}
            }
        });
    }

    /// Ends all of them.
    pub(super) async fn close(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}

/// When something passed last, milliseconds.
#[derive(Debug)]
struct Passed {
    env: Env,
    at_ms: AtomicU64,
}

impl Passed {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.env.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self) {
        self.at_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    fn is_idle(&self) -> bool {
        let since = self.now_ms().saturating_sub(self.at_ms.load(Ordering::Relaxed));
        u128::from(since) >= IDLE.as_millis()
    }
}

/// Passes one way, until that way is closed; what fails ends it as well.
async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, passed: &Passed) {
    let mut chunk = vec![0; CHUNK_LEN];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        passed.note();
        let Some(read) = chunk.get(..count) else { break };
        if to.write_all(read).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    // Who has gone hears nothing of it.
    let _ = to.shutdown().await;
}

/// Waits until it has to end.
async fn over(passed: &Passed, asker: &Asker) {
    while !passed.is_idle() && asker.may_still().await {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_is_whole_or_none() {
        let whole = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let parts = |but: Option<(usize, &'static str)>, method: Method| {
            let mut request = http::Request::builder().method(method);
            for (at, (name, value)) in whole.into_iter().enumerate() {
                let value = but.filter(|(index, _)| *index == at).map_or(value, |(_, other)| other);
                if !value.is_empty() {
                    request = request.header(name, value);
                }
            }
            request.body(()).unwrap().into_parts().0
        };
        assert!(is_asked(&parts(None, Method::GET)));
        assert!(!is_asked(&parts(None, Method::POST)));
        for but in [(0, "keep-alive"), (0, ""), (1, "h2c"), (1, "websocket, h2c"), (2, "8"), (2, ""), (3, "")] {
            assert!(!is_asked(&parts(Some(but), Method::GET)), "{but:?}");
        }
        let mut with_body = parts(None, Method::GET);
        with_body.headers.insert("content-length", HeaderValue::from_static("5"));
        assert!(!is_asked(&with_body));
    }
}

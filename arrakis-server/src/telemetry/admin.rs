//! The private port of a process: for those who run it, and for no one else.

use std::net::SocketAddr;
use std::sync::Arc;

use arrakis_core::{Error, RequestId, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};
use uuid::Uuid;

use super::Telemetry;
use crate::server::{ListenOptions, Listener, refusal};

/// What the text of metrics is.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers who runs this process: `GET /metrics`, `GET /livez`, `GET /log` and `PUT /log` with what is logged from now on, and whatever is added. Nobody
/// has to say who they are: only those who run it may reach the address.
#[derive(Debug)]
pub struct Admin {
    router: Router,
}

impl Admin {
    /// Answers of the telemetry of this process.
    pub fn new(telemetry: Arc<Telemetry>) -> Self {
        let (read, filtered) = (Arc::clone(&telemetry), Arc::clone(&telemetry));
        let metrics = move || {
            let told = read.metrics().map(|text| ([(header::CONTENT_TYPE, METRICS)], text).into_response());
            async move { answered(told) }
        };
        let log = move || {
            let filter = filtered.filter();
            async move { filter }
        };
        let set = move |body: Bytes| {
            let set = text(&body).and_then(|filter| telemetry.set_filter(filter));
            async move { answered(set.map(|()| StatusCode::NO_CONTENT.into_response())) }
        };
        let router = Router::new().route("/metrics", get(metrics)).route("/log", get(log).put(set));
        Self { router: router.route("/livez", get(|| async {})).fallback(absent) }
    }

    /// Answers `PUT path` with what is done by the body, and `DELETE path` with what undoes it.
    #[must_use]
    pub fn put(
        self,
        path: &str,
        put: impl Fn(&str) -> Result<()> + Clone + Send + Sync + 'static,
        delete: impl Fn() -> Result<()> + Clone + Send + Sync + 'static,
    ) -> Self {
        let done = |result: Result<()>| answered(result.map(|()| StatusCode::NO_CONTENT.into_response()));
        let put = move |body: Bytes| {
            let result = text(&body).and_then(&put);
            async move { done(result) }
        };
        let delete = move || {
            let result = delete();
            async move { done(result) }
        };
        Self { router: self.router.route(path, axum::routing::put(put).delete(delete)) }
    }

    /// Answers on an address from now on.
    ///
    /// # Errors
    /// `listen.address`.
    pub async fn start(self, address: SocketAddr) -> Result<Listener> {
        Listener::start(address, self.router, ListenOptions::default()).await
    }
}

fn text(body: &[u8]) -> Result<&str> {
    std::str::from_utf8(body).map_err(|_| Error::invalid("request.body", "text is expected"))
}

fn answered(result: Result<Response>) -> Response {
    result.unwrap_or_else(|error| refusal(&error, RequestId::from_uuid(Uuid::nil())))
}

async fn absent() -> Response<Body> {
    answered(Err(Error::not_found("request.path", "there is nothing under this path")))
}

//! The description of what is served, and a page to read it by that needs nothing else.

use std::fmt;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::Value as Json;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

/// Where the description is.
pub(crate) const DOCUMENT: &str = "/v1/openapi.json";
/// Where the page is.
pub(crate) const PAGE: &str = "/docs";

/// The description of some paths, made when it is first read: few who start a server do.
pub(crate) struct Reference {
    document: LazyLock<Bytes, Box<dyn FnOnce() -> Bytes + Send>>,
}

impl Reference {
    /// Of the paths that are served.
    pub(crate) fn of(is_served: impl Fn(&str) -> bool + Send + 'static) -> Self {
        let document = move || {
            let mut document = crate::api::openapi::document();
            if let Some(described) = document.get_mut("paths").and_then(Json::as_object_mut) {
                described.retain(|path, _| is_served(path));
            }
            Bytes::from(document.to_string())
        };
        Self { document: LazyLock::new(Box::new(document)) }
    }

    /// What is under a path, where that is one of its two.
    pub(crate) fn answer(&self, path: &str) -> Option<Response> {
        match path {
            DOCUMENT => {
                let headers = [(CONTENT_TYPE, crate::api::JSON), (CACHE_CONTROL, "no-cache")];
                Some((headers, Bytes::clone(&self.document)).into_response())
            }
            PAGE => {
                let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)];
                Some((headers, include_str!("reference.html")).into_response())
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").finish_non_exhaustive()
    }
}

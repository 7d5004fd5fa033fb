//! A request on its way to a service.

use arrakis_core::{Context, Error, Result};
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::api::{JSON, MSGPACK, Meta};

/// A request whose asker is known.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) ctx: Context,
    /// Where it comes from, as attempts to log in are counted by; `None` for one that another process of the deployment asks.
    pub(crate) network: Option<String>,
    /// The members of the path, by name.
    pub(crate) path: Vec<(String, String)>,
    /// What follows `?`.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the asker reads exact answers.
    pub(crate) fn wants(&self, media_type: &str) -> bool {
        self.header("accept").is_some_and(|accept| accept.starts_with(media_type))
    }

    /// Whether the body is of a media type; of JSON where it says nothing.
    pub(crate) fn is_of(&self, media_type: &str) -> bool {
        let stated = self.header("content-type").unwrap_or(JSON);
        stated.split(';').next().is_some_and(|of| of.trim().eq_ignore_ascii_case(media_type))
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.wants(MSGPACK)
    }

    /// What is asked, of the path and either the query or the body.
    pub(crate) fn read<Q: DeserializeOwned>(&self, meta: &Meta) -> Result<Q> {
        if meta.verb.has_body() { self.read_body() } else { self.read_query() }
    }

    fn read_query<Q: DeserializeOwned>(&self) -> Result<Q> {
        let malformed = |e: serde_urlencoded::de::Error| Error::invalid("request.query", e.to_string());
        let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(&self.query).map_err(malformed)?;
        if let Some((name, _)) = pairs.iter().find(|(name, _)| self.path.iter().any(|(of, _)| of == name)) {
            return Err(Error::invalid("request.query", "this is stated in the path").with("name", name));
        }
        pairs.extend(self.path.iter().cloned());
        let all = serde_urlencoded::to_string(pairs)
            .map_err(|e| Error::internal("request.query", "not written").caused_by(e))?;
        serde_urlencoded::from_str(&all).map_err(malformed)
    }

    fn read_body<Q: DeserializeOwned>(&self) -> Result<Q> {
        if !self.query.is_empty() {
            return Err(Error::invalid("request.query", "what is asked is in the body"));
        }
        if !self.is_of(JSON) {
            let media_type = self.header("content-type").unwrap_or_default();
            return Err(Error::invalid("request.media_type", "a body is JSON").with("media_type", media_type));
        }
        if self.path.is_empty() {
            // One that was lost on the way must not be taken for one that states nothing.
            if self.body.is_empty() {
                return Err(Error::invalid("request.body", "a body is expected, {} where nothing is to be stated"));
            }
            return parse(&mut serde_json::Deserializer::from_slice(&self.body));
        }
        let body: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        let mut whole: Json = parse(&mut serde_json::Deserializer::from_slice(body))?;
        let members = whole.as_object_mut().ok_or_else(|| Error::invalid("request.body", "a body is an object"))?;
        for (name, value) in &self.path {
            if members.insert(name.clone(), Json::String(value.clone())).is_some() {
                return Err(Error::invalid("request.body", "this is stated in the path").at(name));
            }
        }
        serde_path_to_error::deserialize(whole).map_err(|e| faulty(&e))
    }
}

fn parse<'de, Q: DeserializeOwned>(json: &mut serde_json::Deserializer<impl serde_json::de::Read<'de>>) -> Result<Q> {
    let read = serde_path_to_error::deserialize(&mut *json).map_err(|e| faulty(&e))?;
    json.end().map_err(|e| Error::invalid("request.body", e.to_string()))?;
    Ok(read)
}

fn faulty(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let told = Error::invalid("request.body", error.inner().to_string());
    let path = error.path().to_string();
    if path == "." { told } else { told.at(path) }
}

//! One thing that can be asked.

use std::fmt;
use std::marker::PhantomData;

use arrakis_core::Seq;

/// The methods of HTTP that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads; what is asked is in the path and the query.
    Get,
    /// Asks, creates or does something; what is asked is in the body.
    Post,
    /// Puts something in place of what there is.
    Put,
    /// Changes a part.
    Patch,
    /// Deletes; what is asked is in the path and the query.
    Delete,
}

impl Verb {
    /// Whether what is asked is in the body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }

    /// The method.
    pub const fn method(self) -> http::Method {
        match self {
            Self::Get => http::Method::GET,
            Self::Post => http::Method::POST,
            Self::Put => http::Method::PUT,
            Self::Patch => http::Method::PATCH,
            Self::Delete => http::Method::DELETE,
        }
    }
}

/// What is known of an endpoint, whatever it asks and answers.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// Its name, unique among all.
    pub id: &'static str,
    /// Its method.
    pub verb: Verb,
    /// Its path, with `{name}` where a member of what is asked stands.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Whether it changes something: then it takes an idempotency key, and is not repeated without one.
    pub is_write: bool,
    /// Whether it is answered to who has not proved who they are.
    pub is_open: bool,
    /// Whether only processes of this deployment may ask it.
    pub is_internal: bool,
}

/// One thing that can be asked, with what is asked and what is answered.
pub struct Endpoint<Q, A> {
    /// What is known of it.
    pub meta: Meta,
    pub(crate) seq: fn(&A) -> Option<Seq>,
    pub(crate) etag: fn(&A) -> Option<String>,
    asked: PhantomData<fn(Q) -> A>,
}

impl<Q, A> Endpoint<Q, A> {
    const fn new(verb: Verb, is_write: bool, (id, path, summary): (&'static str, &'static str, &'static str)) -> Self {
        let meta = Meta { id, verb, path, summary, is_write, is_open: false, is_internal: false };
        Self { meta, seq: |_| None, etag: |_| None, asked: PhantomData }
    }

    pub(crate) const fn get(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Get, false, (id, path, summary))
    }

    /// Something that is read, with more to ask than fits in a path.
    pub(crate) const fn ask(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Post, false, (id, path, summary))
    }

    pub(crate) const fn post(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Post, true, (id, path, summary))
    }

    pub(crate) const fn put(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Put, true, (id, path, summary))
    }

    pub(crate) const fn patch(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Patch, true, (id, path, summary))
    }

    pub(crate) const fn delete(id: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Delete, true, (id, path, summary))
    }

    /// With the commit an answer has seen.
    pub(crate) const fn seen(mut self, seq: fn(&A) -> Option<Seq>) -> Self {
        self.seq = seq;
        self
    }

    /// With what tells one state of the answer from another.
    pub(crate) const fn tagged(mut self, etag: fn(&A) -> Option<String>) -> Self {
        self.etag = etag;
        self
    }

    /// Answered to everyone.
    pub(crate) const fn open(mut self) -> Self {
        self.meta.is_open = true;
        self
    }

    /// Answered to processes of this deployment.
    pub(crate) const fn internal(mut self) -> Self {
        self.meta.is_internal = true;
        self
    }
}

impl<Q, A> fmt::Debug for Endpoint<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meta.fmt(f)
    }
}

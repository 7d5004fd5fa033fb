//! Writes that happen once, however often they are sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::{Actor, Context, Error, ErrorKind, Once, Result, TenantId};

use super::answer::Answer;

/// How many answers are kept, over all tenants.
const KEPT_MAX: usize = 10_000;
/// The longest answer that is kept, bytes.
const KEPT_LEN_MAX: usize = 65_536;
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(86_400);

/// A key, of whoever asked under it.
type Key = (TenantId, Actor, String);

/// What became of the writes that were lately sent to this process under keys: who asks the same again is answered without the store, and of two that
/// ask at once the second is told that the first is worked on. What is not kept here is known by the log, in which every commit bears the request it was made by.
#[derive(Debug, Default)]
pub(crate) struct Idempotency(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<Key, Entry>,
    /// In the order they were begun.
    oldest: VecDeque<(Duration, Key)>,
}

#[derive(Debug)]
struct Entry {
    request: Arc<str>,
    since: Duration,
    /// `None` while it is being worked on.
    answer: Option<Arc<Answer>>,
}

/// What is to be done about a write.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is done now, and how it ends is to be told.
    Do(Pending),
    /// It was done.
    Done(Arc<Answer>),
}

/// A write that is being done.
#[derive(Debug)]
pub(crate) struct Pending {
    table: Arc<Idempotency>,
    key: Key,
    is_over: bool,
}

impl Idempotency {
    /// Begins a write under a key.
    ///
    /// # Errors
    /// `request.idempotency.other_request`; `request.idempotency.in_progress`.
    pub(crate) fn claim(self: &Arc<Self>, ctx: &Context, once: &Once, now: Duration) -> Result<Claim> {
        let key = (ctx.scope().tenant, ctx.actor().clone(), once.key().to_owned());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(now);
        match kept.by_key.get(&key) {
            Some(entry) if entry.request != *once.request() => Err(Once::other()),
            Some(Entry { answer: Some(answer), .. }) => Ok(Claim::Done(Arc::clone(answer))),
            Some(_) => Err(Error::new(
                ErrorKind::Conflict,
                "request.idempotency.in_progress",
                "the same request is being worked on",
            )
            .retryable_is(true)),
            None => {
                let request = Arc::clone(once.request());
                kept.by_key.insert(key.clone(), Entry { request, since: now, answer: None });
                kept.oldest.push_back((now, key.clone()));
                Ok(Claim::Do(Pending { table: Arc::clone(self), key, is_over: false }))
            }
        }
    }
}

impl Kept {
    fn forget(&mut self, now: Duration) {
        while let Some((since, _)) = self.oldest.front() {
            if self.oldest.len() <= KEPT_MAX && now.saturating_sub(*since) < KEPT {
                break;
            }
            let Some((since, key)) = self.oldest.pop_front() else { break };
            // One that was begun anew under the same key stands further back.
            if self.by_key.get(&key).is_some_and(|entry| entry.since == since) {
                self.by_key.remove(&key);
            }
        }
    }
}

impl Pending {
    /// It was done: the same again gets the same answer.
    pub(crate) fn done(mut self, answer: &Answer) {
        self.is_over = true;
        let mut kept = self.table.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.body.len() > KEPT_LEN_MAX {
            kept.by_key.remove(&self.key);
        } else if let Some(entry) = kept.by_key.get_mut(&self.key) {
            entry.answer = Some(Arc::new(answer.clone()));
        }
    }
}

impl Drop for Pending {
    /// What failed may be sent again.
    fn drop(&mut self) {
        if !self.is_over {
            self.table.0.lock().unwrap_or_else(PoisonError::into_inner).by_key.remove(&self.key);
        }
    }
}

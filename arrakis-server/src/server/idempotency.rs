//! Writes that happen once, however often they are sent.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrakis_core::{CommitId, Context, Error, ErrorKind, Result};
use uuid::Uuid;

use super::answer::Answer;

/// The longest key, bytes.
pub(crate) const IDEMPOTENCY_KEY_LEN_MAX: usize = 255;
/// How many answers are kept, over all tenants.
const KEPT_MAX: usize = 10_000;
/// The longest answer that is kept, bytes: a longer one is given once, and what was done is still done once.
const KEPT_LEN_MAX: usize = 65_536;
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(86_400);

/// A key of one asker, hashed.
type Key = [u8; 32];

/// What became of the writes sent under keys, in this process.
///
/// A write of the kernel bears its key to the log as the id of its commit, and so happens once whatever process it is sent to; what is kept here is the
/// answer, and what was asked.
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
    request: [u8; 32],
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
    id: CommitId,
    is_over: bool,
}

impl Idempotency {
    /// Begins a write under a key.
    ///
    /// # Errors
    /// `request.idempotency.key`; `request.idempotency.other_request`; `request.idempotency.in_progress`.
    pub(crate) fn claim(
        self: &Arc<Self>,
        ctx: &Context,
        key: &str,
        (asked, body): (&str, &[u8]),
        now: Duration,
    ) -> Result<Claim> {
        if key.is_empty()
            || key.len() > IDEMPOTENCY_KEY_LEN_MAX
            || !key.bytes().all(|byte| (0x21..0x7f).contains(&byte))
        {
            let malformed = "an idempotency key is 1 to 255 visible characters";
            return Err(
                Error::invalid("request.idempotency.key", malformed).with("length_max", IDEMPOTENCY_KEY_LEN_MAX)
            );
        }
        let mut keys = blake3::Hasher::new_derive_key("arrakis 2026 idempotency key");
        for part in [ctx.scope().tenant.uuid().as_bytes(), ctx.actor().as_str().as_bytes(), key.as_bytes()] {
            keys.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        let hashed = *keys.finalize().as_bytes();
        let request = blake3::Hasher::new().update(asked.as_bytes()).update(&[0]).update(body).finalize();
        let request = *request.as_bytes();
        let id = Uuid::try_parse(key).unwrap_or_else(|_| {
            let mut bytes = [0; 16];
            bytes.iter_mut().zip(hashed).for_each(|(byte, hashed)| *byte = hashed);
            uuid::Builder::from_custom_bytes(bytes).into_uuid()
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(now);
        match kept.by_key.get(&hashed) {
            Some(entry) if entry.request != request => Err(Error::conflict(
                "request.idempotency.other_request",
                "another request was sent under this idempotency key",
            )),
            Some(Entry { answer: Some(answer), .. }) => Ok(Claim::Done(Arc::clone(answer))),
            Some(_) => Err(Error::new(
                ErrorKind::Conflict,
                "request.idempotency.in_progress",
                "the same request is being worked on",
            )
            .retryable_is(true)),
            None => {
                kept.by_key.insert(hashed, Entry { request, since: now, answer: None });
                kept.oldest.push_back((now, hashed));
                Ok(Claim::Do(Pending {
                    table: Arc::clone(self),
                    key: hashed,
                    id: CommitId::from_uuid(id),
                    is_over: false,
                }))
            }
        }
    }
}

impl Kept {
    fn forget(&mut self, now: Duration) {
        while let Some((since, key)) = self.oldest.front().copied() {
            if self.oldest.len() <= KEPT_MAX && now.saturating_sub(since) < KEPT {
                break;
            }
            self.oldest.pop_front();
            // One that was begun anew under the same key stands further back.
            if self.by_key.get(&key).is_some_and(|entry| entry.since == since) {
                self.by_key.remove(&key);
            }
        }
    }
}

impl Pending {
    /// The id of the commit it makes.
    pub(crate) const fn id(&self) -> CommitId {
        self.id
    }

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

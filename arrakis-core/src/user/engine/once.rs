//! What is answered as it was answered first.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Users, directory_of};
use crate::commit::AuditRecord;
use crate::credential::{Secret, Vault};
use crate::kernel::{Edit, Write};
use crate::user::Directory;
use crate::{Context, Error, Once, Result, Seq};

/// What answers are sealed for.
const PURPOSE: &str = "idempotent answer";

/// A request and its answer, as a commit bears them.
#[derive(Deserialize)]
struct Answered<A> {
    request: String,
    answer: A,
}

/// An [`Answered`] to be.
#[derive(Serialize)]
struct Answering<'a, A> {
    request: &'a str,
    answer: &'a A,
}

/// A method being called: what is done, who asks it, and of which directory.
#[derive(Clone, Copy)]
pub(super) struct Method<'m> {
    pub(super) users: &'m Users,
    pub(super) ctx: &'m Context,
    pub(super) directory: &'m Directory,
    pub(super) name: &'static str,
}

impl Method<'_> {
    /// Does what is asked, which ends in [`Method::commit`]; where that was done under the context's idempotency key, answers as it was answered.
    ///
    /// # Errors
    /// `request.idempotency.other_request`; those of what is asked.
    pub(super) async fn once<A: DeserializeOwned + Send>(
        self,
        work: impl Future<Output = Result<A>> + Send,
    ) -> Result<A> {
        self.once_at(work).await.map(|(answer, _)| answer)
    }

    /// As [`Method::once`]; with the commit of the answer where it is one of before.
    pub(super) async fn once_at<A: DeserializeOwned + Send>(
        self,
        work: impl Future<Output = Result<A>> + Send,
    ) -> Result<(A, Option<Seq>)> {
        let Some(once) = self.ctx.once() else { return Ok((work.await?, None)) };
        if let Some((answer, seq)) = self.answered(once).await? {
            return Ok((answer, Some(seq)));
        }
        match work.await {
            Ok(answer) => Ok((answer, None)),
            // It may have been done meanwhile, through another process.
            Err(error) => match self.answered(once).await? {
                Some((answer, seq)) => Ok((answer, Some(seq))),
                None => Err(error),
            },
        }
    }

    /// What was answered under a key, and by which commit.
    async fn answered<A: DeserializeOwned>(self, once: &Once) -> Result<Option<(A, Seq)>> {
        let (inner, own) = (&self.users.inner, self.directory.context());
        let Some(receipt) = inner.committer.before(own, once.hidden_id()).await? else { return Ok(None) };
        let entry = inner.committer.entry(own.scope(), receipt.seq).await?;
        if *entry.audit.method != *self.name {
            return Err(Once::other());
        }
        let sealed = inner.vault.open(PURPOSE, &entry.audit.answer.ok_or_else(unreadable)?)?;
        let sealed = std::str::from_utf8(&sealed).map_err(|_| unreadable())?;
        // Sealed under another key of the same id, it does not open.
        let text = self.vault_of(once)?.open(PURPOSE, sealed).map_err(|_| Once::other())?;
        let found: Answered<A> = serde_json::from_slice(&text).map_err(|_| unreadable())?;
        if found.request != **once.request() {
            return Err(Once::other());
        }
        self.directory.caught_up(receipt.seq).await?;
        Ok(Some((found.answer, receipt.seq)))
    }

    /// Commits what is done, with what it is answered.
    pub(super) async fn commit<A: Serialize>(self, edits: Vec<Edit>, answer: &A) -> Result<Seq> {
        let Self { users, ctx, directory, name } = self;
        let Some(once) = ctx.once() else { return users.commit(ctx, directory, name, edits).await };
        let own = directory_of(ctx, directory);
        let text = serde_json::to_vec(&Answering { request: once.request(), answer })
            .map_err(|e| Error::internal("user.answer", "an answer has a JSON form").caused_by(e))?;
        let sealed = self.vault_of(once)?.seal(PURPOSE, &text)?;
        let answer = users.inner.vault.seal(PURPOSE, sealed.as_bytes())?;
        let audit = AuditRecord { answer: Some(Arc::from(answer)), ..AuditRecord::of(&own, name) };
        let write = Write { edits, id: Some(once.hidden_id()), ..Write::default() };
        let receipt = users.inner.kernel.write_as(&own, &write, audit).await?.receipt;
        if receipt.replayed {
            let twice = "the same request was done meanwhile";
            return Err(Error::conflict("request.idempotency.in_progress", twice).retryable_is(true));
        }
        users.seen_here(directory, receipt.seq).await;
        Ok(receipt.seq)
    }

    /// What seals for whoever has a key: an answer may hold secrets that are shown once, and the log is kept for ever.
    fn vault_of(self, once: &Once) -> Result<Vault> {
        let root = blake3::derive_key("arrakis 2026 idempotent answer", once.key().as_bytes());
        Vault::new(self.users.inner.env.clone(), &Secret::from(URL_SAFE_NO_PAD.encode(root)), [])
    }
}

fn unreadable() -> Error {
    Error::corrupt("user.answer", "what was answered cannot be read")
}

//! Which state a read sees.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Kernel;
use crate::access::Compiled;
use crate::kernel::resolve::Sight;
use crate::kernel::{AsOf, Budget};
use crate::ontology::Schema;
use crate::{Context, Error, ErrorKind, Result, Seq, SpaceId};

/// A state to read, and the schema it is read under.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) schema: Arc<Schema>,
    /// The commit it is as of; `None` for now.
    pub(super) at: Option<Seq>,
    /// The commit the answer must have seen.
    least: Option<Seq>,
    /// What of it may be seen; `None` for everything.
    access: Option<Arc<Compiled>>,
}

/// Between which commits each schema version is known to have been in force, and the newest commit known to be there.
#[derive(Debug, Default)]
pub(super) struct InForce {
    versions: Mutex<HashMap<(SpaceId, u32), Span>>,
    newest: AtomicU64,
}

/// A schema version and the first and last commit it is known to have been in force at: it was between them, too.
#[derive(Clone, Debug)]
struct Span {
    schema: Arc<Schema>,
    first: Seq,
    last: Seq,
}

/// The most versions spans are kept of; beyond it they are learned anew.
const SPANS_MAX: usize = 256;

impl InForce {
    fn is_known(&self, space: SpaceId, version: u32, seq: Seq) -> bool {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.get(&(space, version)).is_some_and(|span| span.first <= seq && seq <= span.last)
    }

    /// The schema known to have been in force at a commit.
    fn at(&self, space: SpaceId, seq: Seq) -> Option<Arc<Schema>> {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |(key, span): &(&(SpaceId, u32), &Span)| key.0 == space && span.first <= seq && seq <= span.last;
        versions.iter().find(known).map(|(_, span)| Arc::clone(&span.schema))
    }

    fn note(&self, space: SpaceId, schema: &Arc<Schema>, seq: Seq) {
        self.newest.fetch_max(seq.0, Ordering::Relaxed);
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.len() >= SPANS_MAX && !versions.contains_key(&(space, schema.version)) {
            versions.clear();
        }
        let new = || Span { schema: Arc::clone(schema), first: seq, last: seq };
        let span = versions.entry((space, schema.version)).or_insert_with(new);
        span.first = span.first.min(seq);
        span.last = span.last.max(seq);
    }

    /// Whether the commit is known to be in the log.
    fn is_there(&self, seq: Seq) -> bool {
        seq.0 <= self.newest.load(Ordering::Relaxed)
    }
}

impl View {
    /// The commit the answer must have seen.
    pub(super) const fn least(&self) -> Option<Seq> {
        self.least
    }

    /// The schema, and what of it may be seen.
    pub(super) fn sight(&self) -> Sight<'_> {
        Sight { schema: &self.schema, access: self.access.as_deref() }
    }
}

fn seen(least: Seq, seq: Seq) -> Result<()> {
    if seq >= least {
        return Ok(());
    }
    Err(Error::unavailable("kernel.at_least.behind", "the commit asked for has not arrived here")
        .with("at_least", least)
        .with("seq", seq))
}

impl Kernel {
    /// Passes when an answer has seen the commit it must, and was read under the schema in force at it.
    ///
    /// A schema from memory may be behind: when the log has grown since it was last known to be the current one it is asked for
    /// again, after the read. Versions only ever follow each other, so the same one before and after was in force between.
    ///
    /// # Errors
    /// `kernel.at_least.behind`, retryable: whoever answers has not heard of the commit yet. `kernel.schema.moved`: to be tried again.
    pub(super) async fn check(&self, ctx: &Context, view: &View, seq: Seq) -> Result<()> {
        if view.at.is_some() {
            return Ok(());
        }
        if let Some(least) = view.least {
            seen(least, seq)?;
        }
        let (space, version) = (ctx.scope().space, view.schema.version);
        if self.in_force.is_known(space, version, seq) {
            return Ok(());
        }
        let current = self.schemas.refresh(space).await?.version;
        if current != version {
            return Err(Error::conflict("kernel.schema.moved", "the ontology was published anew meanwhile")
                .with("version", version)
                .with("current", current)
                .retryable_is(true));
        }
        self.in_force.note(space, &view.schema, seq);
        Ok(())
    }

    /// The state a request is about. A past one is the same whoever answers, so `at_least` asks there only that it has arrived.
    ///
    /// # Errors
    /// `kernel.as_of.future`, `kernel.at_least.behind`, what the schema source answers.
    pub(super) async fn view(&self, ctx: &Context, as_of: Option<AsOf>, at_least: Option<Seq>) -> Result<View> {
        let least = at_least.max(ctx.least_seq());
        let space = ctx.scope().space;
        let Some(as_of) = as_of else {
            return self.seen_by(ctx, self.schemas.current(space).await?, (None, least)).await;
        };
        if let AsOf::Seq(at) = as_of
            && least.is_none_or(|least| self.in_force.is_there(least))
            && self.in_force.is_there(at)
        {
            return self.seen_by(ctx, self.schema_at(space, at).await?, (Some(at), least)).await;
        }
        let log = self.committer.log();
        let head = log.head().await?;
        if let Some(least) = least {
            seen(least, head)?;
        }
        let at = match as_of {
            AsOf::Seq(seq) if seq <= head => seq,
            AsOf::Time(at) if at <= self.env.now() => log.seq_at(at).await?,
            AsOf::Seq(_) | AsOf::Time(_) => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    "kernel.as_of.future",
                    "the state asked for is yet to come",
                )
                .with("head", head)
                .at("as_of"));
            }
        };
        self.seen_by(ctx, self.schema_at(space, at).await?, (Some(at), least)).await
    }

    /// The schema in force right after a commit that is in the log.
    async fn schema_at(&self, space: SpaceId, at: Seq) -> Result<Arc<Schema>> {
        if let Some(schema) = self.in_force.at(space, at) {
            return Ok(schema);
        }
        let schema = self.schemas.at(space, at).await?;
        self.in_force.note(space, &schema, at);
        Ok(schema)
    }

    async fn seen_by(
        &self,
        ctx: &Context,
        schema: Arc<Schema>,
        (at, least): (Option<Seq>, Option<Seq>),
    ) -> Result<View> {
        let access = self.access_under(ctx, &schema).await?;
        Ok(View { schema, at, least, access })
    }

    /// What the actor may see and change under a schema; `None` for everything.
    pub(super) async fn access_under(&self, ctx: &Context, schema: &Arc<Schema>) -> Result<Option<Arc<Compiled>>> {
        let Some(access) = ctx.access() else { return Ok(None) };
        access.among(&*self.schemas, ctx.scope().space, schema).await.map(Some)
    }

    /// The state a later page is about: that of the first.
    pub(super) async fn view_at(&self, ctx: &Context, seq: Seq, schema_version: u32) -> Result<View> {
        let space = ctx.scope().space;
        let current = self.schemas.current(space).await?;
        if current.version == schema_version {
            return self.seen_by(ctx, current, (Some(seq), None)).await;
        }
        let schema = self.schema_at(space, seq).await?;
        if schema.version == schema_version {
            return self.seen_by(ctx, schema, (Some(seq), None)).await;
        }
        Err(Error::conflict(
            "cursor.schema_moved",
            "the ontology was published while the first page was read: start again",
        ))
    }

    /// The request's budget, and no more time than the deadline leaves.
    pub(super) fn budget(&self, ctx: &Context, budget: Budget) -> Budget {
        let left = ctx.deadline().map(|deadline| deadline.saturating_sub(self.env.monotonic()).as_millis());
        let left = left.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX));
        Budget { ms: budget.ms.into_iter().chain(left).min(), ..budget }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ontology::{NewOntology, Numbering};

    #[test]
    fn a_schema_is_known_to_be_in_force_between_where_it_was_seen() {
        let (in_force, space) = (InForce::default(), SpaceId::DEFAULT);
        let compile =
            |version| Arc::new(Schema::compile(NewOntology::default(), Numbering::default(), version).unwrap());
        let [first, second] = [compile(1), compile(2)];
        assert!(
            !in_force.is_known(space, 1, Seq(0)) && in_force.at(space, Seq(5)).is_none() && !in_force.is_there(Seq(1))
        );
        in_force.note(space, &first, Seq(5));
        in_force.note(space, &first, Seq(3));
        for (seq, known) in [(2, false), (3, true), (4, true), (5, true), (6, false)] {
            assert_eq!(in_force.is_known(space, 1, Seq(seq)), known, "{seq}");
            assert_eq!(in_force.at(space, Seq(seq)).is_some(), known, "{seq}");
        }
        in_force.note(space, &second, Seq(9));
        assert_eq!(in_force.at(space, Seq(9)).unwrap().version, 2);
        assert!(in_force.at(space, Seq(7)).is_none() && !in_force.is_known(space, 1, Seq(9)));
        assert!(in_force.is_there(Seq(9)) && !in_force.is_there(Seq(10)));
    }

    #[test]
    fn a_commit_not_yet_seen_is_worth_another_try() {
        assert!(seen(Seq(7), Seq(7)).is_ok());
        let behind = seen(Seq(8), Seq(7)).unwrap_err();
        assert_eq!((behind.code(), behind.is_retryable()), ("kernel.at_least.behind", true));
    }
}

//! Which state a read sees.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Kernel;
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
}

/// How far each space's schema is known to have been in force.
#[derive(Debug, Default)]
pub(super) struct InForce(Mutex<HashMap<SpaceId, (u32, Seq)>>);

impl InForce {
    fn is_known(&self, space: SpaceId, version: u32, seq: Seq) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&space).is_some_and(|(known, until)| *known == version && seq <= *until)
    }

    fn note(&self, space: SpaceId, version: u32, seq: Seq) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(space).or_insert((version, seq));
        *known = (*known).max((version, seq));
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
        self.in_force.note(space, version, seq);
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
            return Ok(View { schema: self.schemas.current(space).await?, at: None, least });
        };
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
        Ok(View { schema: self.schemas.at(space, at).await?, at: Some(at), least })
    }

    /// The state a later page is about: that of the first.
    pub(super) async fn view_at(&self, ctx: &Context, seq: Seq, schema_version: u32) -> Result<View> {
        let space = ctx.scope().space;
        let current = self.schemas.current(space).await?;
        if current.version == schema_version {
            return Ok(View { schema: current, at: Some(seq), least: None });
        }
        let schema = self.schemas.at(space, seq).await?;
        if schema.version == schema_version {
            return Ok(View { schema, at: Some(seq), least: None });
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

    #[test]
    fn a_schema_is_known_to_be_in_force_as_far_as_it_was_seen() {
        let (in_force, space) = (InForce::default(), SpaceId::DEFAULT);
        assert!(!in_force.is_known(space, 1, Seq(0)));
        in_force.note(space, 1, Seq(5));
        in_force.note(space, 1, Seq(4));
        assert!(in_force.is_known(space, 1, Seq(5)) && in_force.is_known(space, 1, Seq(3)));
        assert!(!in_force.is_known(space, 1, Seq(6)) && !in_force.is_known(space, 2, Seq(5)));
        in_force.note(space, 2, Seq(7));
        in_force.note(space, 1, Seq(9));
        assert!(in_force.is_known(space, 2, Seq(7)) && !in_force.is_known(space, 1, Seq(5)));
    }

    #[test]
    fn a_commit_not_yet_seen_is_worth_another_try() {
        assert!(seen(Seq(7), Seq(7)).is_ok());
        let behind = seen(Seq(8), Seq(7)).unwrap_err();
        assert_eq!((behind.code(), behind.is_retryable()), ("kernel.at_least.behind", true));
    }
}

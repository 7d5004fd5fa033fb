//! Which state a read sees.

use std::sync::Arc;

use super::Kernel;
use crate::kernel::{AsOf, Budget};
use crate::ontology::Schema;
use crate::{Context, Error, ErrorKind, Result, Seq};

/// A state to read, and the schema it is read under.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) schema: Arc<Schema>,
    /// The commit it is as of; `None` for now.
    pub(super) at: Option<Seq>,
    /// The commit the answer must have seen.
    least: Option<Seq>,
}

impl View {
    /// Passes when a current answer has seen the commit it must.
    ///
    /// # Errors
    /// `kernel.at_least.behind`, retryable: whoever answers has not heard of the commit yet.
    pub(super) fn check_fresh(&self, seq: Seq) -> Result<()> {
        match self.least {
            Some(least) if self.at.is_none() => seen(least, seq),
            _ => Ok(()),
        }
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

//! Bulk loads: judge every row, commit all of them at once, or tell which rows stand in the way.

use std::collections::BTreeMap;

use super::Kernel;
use super::write::{check_reason, split_path};
use crate::commit::{AuditRecord, COMMIT_CHANGES_MAX};
use crate::kernel::load::{Judged, LoadPlan};
use crate::kernel::{LOAD_ROWS_MAX, Load, LoadReport, REJECTIONS_MAX, Rejection};
use crate::{Change, Commit, CommitId, Context, Error, ErrorKind, Outcome, Receipt, Result};

/// How often a load is tried without the rows the store refused, where its `errors_max` lets it go on without them.
const LOAD_ROUNDS_MAX: u32 = 16;

/// The rows that cannot be loaded, by their position.
type Faults = BTreeMap<usize, Error>;

impl Kernel {
    pub(super) async fn try_load(&self, ctx: &Context, request: &Load, id: CommitId) -> Result<LoadReport> {
        check_reason(request.reason.as_deref())?;
        if request.rows.len() > LOAD_ROWS_MAX {
            return Err(Error::invalid("kernel.load.too_large", "the load has too many rows")
                .with("rows", request.rows.len())
                .with("rows_max", LOAD_ROWS_MAX)
                .at("rows"));
        }
        let schema = self.schemas.current(ctx.scope().space).await?;
        let plan = LoadPlan::new(&schema, request)?;
        self.permit_load(ctx, &schema, request).await?;
        let mut faults = Faults::new();
        for round in 0..LOAD_ROUNDS_MAX {
            let Judged { changes, faults: found } = plan.judge(&request.rows, &|index| faults.contains_key(&index));
            faults.extend(found);
            let rejected = u64::try_from(faults.len()).unwrap_or(u64::MAX);
            if request.id.is_some()
                && round == 0
                && let Some(receipt) = self.replayed(ctx, id, request.rows.len()).await?
            {
                return Ok(report(request, &faults, Some(receipt)));
            }
            if rejected > request.errors_max || changes.is_empty() {
                if round == 0 {
                    // Nothing will be loaded, but the report names what the store would refuse, too.
                    faults.extend(self.conflicts(ctx, &plan, &changes).await?);
                }
                return Ok(report(request, &faults, None));
            }
            let (rows, changes): (Vec<usize>, Vec<Change>) = changes.into_iter().unzip();
            let mut commits = Vec::new();
            for commit in self.chunks(ctx, request, (id, schema.version), changes) {
                commits.push(self.hooks.admit(ctx, commit, self.hook_timeout).await?);
            }
            match self.committer.commit_all(commits).await {
                Ok(receipts) => return Ok(report(request, &faults, receipts.last().copied())),
                Err((chunk, error)) => {
                    let (row, error) = locate(error, chunk, &rows)?;
                    faults.insert(row, plan.told_by_column(error));
                    if round == 0 {
                        // What else stands in the way, found at once rather than one refusal at a time.
                        let Judged { changes, .. } = plan.judge(&request.rows, &|index| faults.contains_key(&index));
                        faults.extend(self.conflicts(ctx, &plan, &changes).await?);
                    }
                }
            }
        }
        if u64::try_from(faults.len()).unwrap_or(u64::MAX) > request.errors_max {
            return Ok(report(request, &faults, None));
        }
        Err(Error::conflict("kernel.load.unsettled", "other writers kept getting in the way of the load")
            .with("rounds_max", LOAD_ROUNDS_MAX))
    }

    fn chunks(
        &self,
        ctx: &Context,
        request: &Load,
        (id, version): (CommitId, u32),
        mut changes: Vec<Change>,
    ) -> Vec<Commit> {
        let mut commits = Vec::with_capacity(changes.len().div_ceil(COMMIT_CHANGES_MAX));
        while !changes.is_empty() {
            let rest = changes.split_off(changes.len().min(COMMIT_CHANGES_MAX));
            let id = chunk_id(id, commits.len());
            let audit = AuditRecord::of(ctx, "kernel.load");
            let draft = self.draft(ctx, (id, version), audit, request.reason.as_deref());
            commits.push(Commit { changes: std::mem::replace(&mut changes, rest), ..draft });
        }
        commits
    }

    /// The receipt of the last commit of this load, if it was made before.
    async fn replayed(&self, ctx: &Context, id: CommitId, rows: usize) -> Result<Option<Receipt>> {
        if self.committer.before(ctx, id).await?.is_none() {
            return Ok(None);
        }
        for chunk in (0..rows.div_ceil(COMMIT_CHANGES_MAX)).rev() {
            if let Some(receipt) = self.committer.before(ctx, chunk_id(id, chunk)).await? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }
}

/// The id of one commit of a load: the load's own for the first, derived from it for the others (a `UUIDv8`, RFC 9562 section 5.8).
pub(super) fn chunk_id(load: CommitId, chunk: usize) -> CommitId {
    if chunk == 0 {
        return load;
    }
    let mut hasher = blake3::Hasher::new_derive_key("arrakis load chunk v1");
    hasher.update(load.uuid().as_bytes()).update(&u64::try_from(chunk).unwrap_or(u64::MAX).to_be_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    CommitId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// The row a refusal is about, and the refusal with the column as its path.
fn locate(error: Error, chunk: usize, rows: &[usize]) -> Result<(usize, Error)> {
    let about_a_row = matches!(
        error.kind(),
        ErrorKind::AlreadyExists
            | ErrorKind::Conflict
            | ErrorKind::NotFound
            | ErrorKind::Precondition
            | ErrorKind::Invalid
    );
    if !about_a_row || error.outcome() == Outcome::Unknown {
        return Err(error);
    }
    let Some(("changes", position, column)) = error.path().and_then(split_path) else { return Err(error) };
    let column = column.map(str::to_owned);
    let Some(row) = rows.get(chunk * COMMIT_CHANGES_MAX + position) else { return Err(error) };
    let error = error.without_path();
    Ok((
        *row,
        match column {
            Some(column) => error.at(column),
            None => error,
        },
    ))
}

fn report(request: &Load, faults: &Faults, receipt: Option<Receipt>) -> LoadReport {
    let line = |row: usize| request.rows.get(row).map_or(0, |row| row.line);
    let rejection = |(row, error): (&usize, &Error)| Rejection {
        line: line(*row),
        column: error.path().map(str::to_owned),
        code: error.code().to_owned(),
        reason: error.message().to_owned(),
    };
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    LoadReport {
        rows: count(request.rows.len()),
        loaded: if receipt.is_some() { count(request.rows.len() - faults.len()) } else { 0 },
        rejected: count(faults.len()),
        rejections: faults.iter().take(REJECTIONS_MAX).map(rejection).collect(),
        seq: receipt.map(|receipt| receipt.seq),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_store_name_the_row_they_are_about() {
        let rows: Vec<usize> = (0..25_000).map(|row| row + 3).collect();
        let refusal = |path: &str| Error::conflict("a.b", "refused").with("key", "x").at(path);
        let (row, error) = locate(refusal("changes[7].state"), 2, &rows).unwrap();
        assert_eq!((row, error.path(), error.param("key")), (20_010, Some("state"), Some("x")));
        let (row, error) = locate(refusal("changes[7]"), 0, &rows).unwrap();
        assert_eq!((row, error.path()), (10, None));
        for elsewhere in [refusal("changes[5000]"), refusal("preconditions[0]"), Error::conflict("a.b", "refused")] {
            assert!(locate(elsewhere, 2, &rows).is_err());
        }
        let unavailable = Error::unavailable("a.b", "gone").at("changes[0]");
        assert!(locate(unavailable, 0, &rows).is_err());
        let unknown = refusal("changes[0]").outcome_is(Outcome::Unknown);
        assert!(locate(unknown, 0, &rows).is_err());
    }

    #[test]
    fn the_commits_of_a_load_have_ids_of_their_own_that_never_change() {
        let load = CommitId::from_uuid(uuid::Uuid::from_u128(7));
        let ids: Vec<_> = (0..3).map(|chunk| chunk_id(load, chunk)).collect();
        assert_eq!(ids, (0..3).map(|chunk| chunk_id(load, chunk)).collect::<Vec<_>>());
        assert_eq!(ids[0], load);
        assert!(ids[1] != ids[0] && ids[2] != ids[1]);
        assert_eq!(ids[1].uuid().get_version_num(), 8);
    }
}
